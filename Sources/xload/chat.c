/* chat: pairs of users write to each other; each delivery causes the next message. */
#include "disk.h"
#include "scenario.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void chat_send(int i)
{
	struct conn *c = &conns[i], *d = &conns[i ^ 1];
	char body[512], to[96], b[1400];
	if (c->st != C_READY || (opt.messages && total_sent >= (uint64_t)opt.messages))
		return;
	uint32_t seq = snd[i].seq++;
	body_put(body, sizeof body, (uint32_t)i, seq);
	if (opt.to_full) {
		snprintf(to, sizeof to, "%s", d->jid);
	} else {
		snprintf(to, sizeof to, "%s", d->jid);
		to[strcspn(to, "/")] = 0;
	}
	int n = snprintf(b, sizeof b,
		"<message type='chat' to='%s' id='xl%08x-%d-%u'><body>%s</body>"
		"<active xmlns='http://jabber.org/protocol/chatstates'/>"
		"<markable xmlns='urn:xmpp:chat-markers:0'/>"
		"<origin-id xmlns='urn:xmpp:sid:0' id='xl%08x-%d-%u'/></message>",
		to, run_id, i, seq, body, run_id, i, seq);
	conn_put(c, b, (size_t)n);
	conn_stanza_sent(c);
	snd[i].out++;
	total_sent++;
}

void chat_stanza(struct conn *c, const char *s, size_t len)
{
	struct body b;
	if (s[1] != 'm' || msg_error(s, len))
		return;
	int r = body_get(el_text(s, len, "body"), &b);
	if (r <= 0) {
		if (r < 0)
			fs.corrupt++;
		else
			fs.stale++;
		return;
	}
	if ((int)b.flow != (c->ix ^ 1) || !from_is(s, len, (int)b.flow)) {
		fs.misrouted++;
		return;
	}
	if (!flow_take(&flows[b.flow], b.seq)) {
		fs.dup++;
		return;
	}
	hist_add(&fs.lat, now_ns() - b.ts);
	total_got++;
	snd[b.flow].out--;
	if (!stopping && opt.rate <= 0)
		chat_send((int)b.flow);
}

static struct hist ack_lat;

static void chat_ack(struct conn *c, uint64_t ns)
{
	(void)c;
	hist_add(&ack_lat, ns);
}

int sc_chat(void)
{
	opt.n &= ~1;
	pool_alloc(opt.n);
	snd = calloc((size_t)opt.n, sizeof *snd);
	flows = calloc((size_t)opt.n, sizeof *flows);
	on_stanza = chat_stanza;
	on_ack = chat_ack;
	if (!pool_login(0, opt.n, opt.conc))
		return 1;
	run_for(opt.settle);
	/* one unmeasured second of the same traffic, unless the messages are counted out */
	for (int phase = opt.messages > 0; phase < 2; phase++) {
		uint64_t s0 = total_sent;
		double secs = opt.messages ? opt.timeout : phase ? opt.secs : 1;
		stopping = 0;
		if (phase) {
			memset(&fs.lat, 0, sizeof fs.lat);
			memset(&ack_lat, 0, sizeof ack_lat);
			meas_start();
		}
		uint64_t g0 = total_got, t = now_ns(), end = t + (uint64_t)(secs * 1e9);
		if (opt.rate <= 0)
			for (int i = 0; i < opt.n; i++)
				for (int w = 0; w < opt.window; w++)
					chat_send(i);
		int rr = 0;
		uint64_t stalled = 0, now;
		while ((now = now_ns()) < end && !interrupted && !(opt.messages && total_sent >= (uint64_t)opt.messages)) {
			if (opt.rate > 0) {
				uint64_t due = (uint64_t)(opt.rate * (double)(now - t) / 1e9);
				int tries = 0;
				while (total_sent - s0 < due && tries < opt.n) {
					if (snd[rr].out < 48) {
						chat_send(rr);
						tries = 0;
					} else {
						stalled++;
						tries++;
					}
					rr = (rr + 1) % opt.n;
				}
				loop_once(1);
			} else {
				loop_once(100);
			}
		}
		stopping = 1;
		drain(total_sent, &total_got);
		if (phase) {
			meas_stop();
			kv_meas((double)(total_got - g0), "msg");
			kv_int("stalled", stalled);
		}
	}
	uint64_t got = 0;
	for (int i = 0; i < opt.n; i++)
		got += flow_got(&flows[i]);
	kv_flows(total_sent, total_sent, got);
	kv_lat("lat", &fs.lat);
	if (cfg.sm)
		kv_lat("ack", &ack_lat);
	if (opt.disk) {
		double ms = fsync_p50_ms(opt.disk);
		kv_num("fsync_p50_ms", ms);
		if (cfg.sm && ms > 0)
			kv_num("ack_per_fsync", hist_q(&ack_lat, .5) / ms);
	}
	int bad = got != total_sent || fs.dup || fs.corrupt || fs.misrouted || fs.reordered || fs.errors;
	pool_close();
	return bad;
}
