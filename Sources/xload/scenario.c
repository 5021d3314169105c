/* What the scenarios share. */
#include "scenario.h"

struct sender *snd;
struct flow *flows;
uint64_t total_sent, total_got;
int stopping;

void quiet_stanza(struct conn *c, const char *s, size_t len)
{
	(void)c;
	if (s[1] == 'm' && str_eq(el_attr(s, len, "type"), "error"))
		fs.errors++;
}

int msg_error(const char *s, size_t len)
{
	if (!str_eq(el_attr(s, len, "type"), "error"))
		return 0;
	fs.errors++;
	note_error("error stanza: %.*s", (int)(len > 300 ? 300 : len), s);
	return 1;
}
