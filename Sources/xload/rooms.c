/* rooms: persistent rooms are made and left, one after the other by each user. */
#include "scenario.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int started, made;

static void room_next(struct conn *c)
{
	if (started >= opt.rooms || c->st != C_READY)
		return;
	snd[c->ix].seq = (uint32_t)started++;
	conn_putf(c, "<presence to='xl%08x-%u@%s/n'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
	          run_id, snd[c->ix].seq, opt.muc);
	conn_stanza_sent(c);
}

static void room_stanza(struct conn *c, const char *s, size_t len)
{
	char room[300];
	int n = snprintf(room, sizeof room, "xl%08x-%u@%s", run_id, snd[c->ix].seq, opt.muc);
	struct str from = el_attr(s, len, "from"), ty = el_attr(s, len, "type");
	if (!from.p || from.n < (size_t)n || memcmp(from.p, room, (size_t)n))
		return;
	if (str_eq(ty, "error")) {
		fs.errors++;
		note_error("room: %.*s", (int)(len > 300 ? 300 : len), s);
	} else if (s[1] == 'p' && str_eq(ty, "unavailable")) {
		made++;
		room_next(c);
	} else if (s[1] == 'p' && (has(s, len, "'110'") || has(s, len, "\"110\""))) {
		conn_putf(c, "<iq type='set' id='c' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"
		          "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
		          "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
		          "<field var='muc#roomconfig_persistentroom'><value>1</value></field></x></query></iq>", room);
		conn_stanza_sent(c);
	} else if (s[1] == 'i' && str_eq(ty, "result")) {
		conn_putf(c, "<presence type='unavailable' to='%s/n'/>", room);
		conn_stanza_sent(c);
	}
}

int sc_rooms(void)
{
	pool_alloc(opt.n);
	snd = calloc((size_t)opt.n, sizeof *snd);
	on_stanza = room_stanza;
	if (!pool_login(0, opt.n, opt.conc))
		return 1;
	run_for(opt.settle);
	meas_start();
	for (int i = 0; i < opt.n; i++)
		room_next(&conns[i]);
	int last = -1;
	for (uint64_t t = now_ns(); made < opt.rooms && !fs.errors && !interrupted;) {
		loop_once(100);
		if (made != last) {
			last = made;
			t = now_ns();
		} else if ((double)(now_ns() - t) > opt.drain * 1e9) {
			break;
		}
	}
	meas_stop();
	kv_meas(made, "room");
	kv_int("rooms", (uint64_t)made);
	kv_int("error_stanzas", fs.errors);
	if (made < opt.rooms)
		note_error("only %d of %d rooms could be made", made, opt.rooms);
	pool_close();
	return made < opt.rooms;
}
