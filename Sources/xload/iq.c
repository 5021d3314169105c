/* iq: requests, so many outstanding per user. */
#include "scenario.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t *iq_ts; /* [ix * 64 + seq % 64] */

static void iq_send(int i)
{
	struct conn *c = &conns[i];
	if (c->st != C_READY)
		return;
	uint32_t q = snd[i].seq++;
	iq_ts[(size_t)i * 64 + q % 64] = now_ns();
	if (!strcmp(opt.kind, "disco"))
		conn_putf(c, "<iq type='get' id='q%u' to='%s'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", q, cfg.domain);
	else if (!strcmp(opt.kind, "items"))
		conn_putf(c, "<iq type='get' id='q%u' to='%s'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>", q, cfg.domain);
	else if (!strcmp(opt.kind, "roster"))
		conn_putf(c, "<iq type='get' id='q%u'><query xmlns='jabber:iq:roster'/></iq>", q);
	else if (!strcmp(opt.kind, "peer"))
		conn_putf(c, "<iq type='get' id='q%u' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", q, conns[i ^ 1].jid);
	else if (!strcmp(opt.kind, "unknown"))
		conn_putf(c, "<iq type='get' id='q%u' to='%s'><query xmlns='urn:xload:unknown'/></iq>", q, cfg.domain);
	else
		conn_putf(c, "<iq type='get' id='q%u' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", q, cfg.domain);
	conn_stanza_sent(c);
	snd[i].out++;
	total_sent++;
}

static void iq_stanza(struct conn *c, const char *s, size_t len)
{
	if (s[1] != 'i')
		return;
	struct str ty = el_attr(s, len, "type"), id = el_attr(s, len, "id");
	if (str_eq(ty, "get") || str_eq(ty, "set"))
		return; /* answered below us */
	if (id.n < 2 || id.p[0] != 'q')
		return;
	uint32_t q = (uint32_t)strtoul(id.p + 1, NULL, 10);
	int want_error = !strcmp(opt.kind, "unknown");
	if (str_eq(ty, "error") != want_error) {
		fs.errors++;
		note_error("iq: %.*s", (int)(len > 300 ? 300 : len), s);
	}
	if (!strcmp(opt.kind, "disco") && !has(s, len, "<feature"))
		fs.corrupt++;
	if (q >= snd[c->ix].seq || !flow_take(&flows[c->ix], q)) {
		fs.dup++;
		return;
	}
	hist_add(&fs.lat, now_ns() - iq_ts[(size_t)c->ix * 64 + q % 64]);
	total_got++;
	snd[c->ix].out--;
	if (!stopping)
		iq_send(c->ix);
}

int sc_iq(void)
{
	if (!*opt.kind)
		opt.kind = "ping";
	opt.n &= ~1;
	if (opt.window > 32)
		opt.window = 32;
	pool_alloc(opt.n);
	snd = calloc((size_t)opt.n, sizeof *snd);
	flows = calloc((size_t)opt.n, sizeof *flows);
	iq_ts = calloc((size_t)opt.n * 64, sizeof *iq_ts);
	on_stanza = iq_stanza;
	if (!pool_login(0, opt.n, opt.conc))
		return 1;
	run_for(opt.settle);
	for (int phase = 0; phase < 2; phase++) {
		stopping = 0;
		if (phase) {
			memset(&fs.lat, 0, sizeof fs.lat);
			meas_start();
		}
		uint64_t g0 = total_got, e = now_ns() + (uint64_t)((phase ? opt.secs : 1) * 1e9);
		for (int i = 0; i < opt.n; i++)
			for (int w = 0; w < opt.window; w++)
				iq_send(i);
		while (now_ns() < e && !interrupted)
			loop_once(100);
		stopping = 1;
		drain(total_sent, &total_got);
		if (phase) {
			meas_stop();
			kv_meas((double)(total_got - g0), "iq");
		}
	}
	kv_str("kind", opt.kind);
	kv_flows(total_sent, total_sent, total_got);
	kv_lat("lat", &fs.lat);
	int bad = total_got != total_sent || fs.dup || fs.errors || fs.corrupt;
	pool_close();
	return bad;
}
