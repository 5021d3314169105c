/* Feeds a sample stream cut at every position (and byte by byte) and checks
 * that the tokenizer reports the same events; then malformed samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../Sources/xload/tok.h"

static char log_[4096];
static size_t ln;

static int cb(void *arg, enum tok_event ev, const char *s, size_t len)
{
	(void)arg;
	ln += (size_t)snprintf(log_ + ln, sizeof log_ - ln, "%d:%.*s|", ev, ev == TOK_ERROR ? 0 : (int)len, s);
	return 0;
}

/* feed in chunks that end at cut1 and cut2; step: byte by byte */
static void feed(const char *doc, size_t n, size_t cut1, size_t cut2, int step)
{
	struct tok t;
	static char buf[8192];
	size_t have = 0;
	tok_reset(&t);
	ln = 0;
	log_[0] = 0;
	for (size_t at = 0; at < n;) {
		size_t to = step ? at + 1 : at < cut1 ? cut1 : at < cut2 ? cut2 : n;
		memcpy(buf + have, doc + at, to - at);
		have += to - at;
		at = to;
		/* the buffer moves between calls, as it does in the program */
		char *b = malloc(have + 1);
		memcpy(b, buf, have);
		size_t used = tok_feed(&t, b, have, cb, NULL);
		free(b);
		memmove(buf, buf + used, have - used);
		have -= used;
	}
}

int main(void)
{
	static const char doc[] = "<?xml version='1.0'?>\n<stream:stream a=\"x>y'\" b='/>'>\n "
		"<a/><message to='a&gt;b' x=\"'>\"><body>hi <![CDATA[ </body> ]]] ]]> there</body><e a='/'/></message>  "
		"<iq  id='1' /><p><p><p/></p></p><q></q ><presence\n type='x'\n/></stream:stream>";
	static const char *bad[] = { "<s><a></b></s>", "<s>text</s>", "<s><!-- c --></s>", "<s><a><!-- c --></a></s>",
		"<s><?pi ?></s>", "</s>", "<s><a b=<></a></s>", "<s>< a></a></s>", "<!DOCTYPE x><s>" };
	char ref[4096];
	size_t n = sizeof doc - 1, cases = 0, failed = 0;
	feed(doc, n, n, n, 0);
	memcpy(ref, log_, sizeof ref);
	size_t ev = 0;
	for (char *p = ref; *p; p++)
		ev += *p == '|';
	if (ev != 8 || strstr(ref, "3:")) {
		printf("unexpected events (%zu): %s\n", ev, ref);
		failed++;
	}
	for (size_t i = 0; i <= n; i++)
		for (size_t j = i; j <= n; j++, cases++) {
			feed(doc, n, i, j, 0);
			failed += strcmp(ref, log_) != 0;
		}
	feed(doc, n, 0, 0, 1);
	failed += strcmp(ref, log_) != 0;
	cases++;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, cases++) {
		feed(bad[i], strlen(bad[i]), 0, 0, 1);
		if (!strstr(log_, "3:")) {
			printf("accepted: %s\n", bad[i]);
			failed++;
		}
	}
	printf("%zu passed, %zu failed\n", cases - failed, failed);
	return failed != 0;
}
