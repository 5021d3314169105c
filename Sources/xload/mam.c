/* mam: archives are filled, then paged through. */
#include "scenario.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Users 2k+1 send opt.pages * opt.page messages to users 2k, who then page
 * through their own archives. */
struct mamq { uint32_t q; uint32_t in_page, expect; int busy; char last[80]; uint64_t ts, passes; };
static struct mamq *mq;
static int mam_querying;
static uint64_t mam_msgs, mam_pages, mam_gaps;

static void mam_query(int i)
{
	struct conn *c = &conns[i];
	struct mamq *m = &mq[i];
	if (c->st != C_READY)
		return;
	m->q++;
	m->in_page = 0;
	m->busy = 1;
	m->ts = now_ns();
	conn_putf(c, "<iq type='set' id='m%u'><query xmlns='urn:xmpp:mam:2' queryid='f%u'>"
	          "<set xmlns='http://jabber.org/protocol/rsm'><max>%d</max>%s%s%s</set></query></iq>",
	          m->q, m->q, opt.page, *m->last ? "<after>" : "", m->last, *m->last ? "</after>" : "");
	conn_stanza_sent(c);
}

static void mam_stanza(struct conn *c, const char *s, size_t len)
{
	struct mamq *m = &mq[c->ix];
	struct body b;
	if (s[1] == 'm' && !mam_querying) {
		chat_stanza(c, s, len);
		return;
	}
	if (s[1] == 'm') {
		if (msg_error(s, len))
			return;
		const char *r = memmem(s, len, "<result", 7);
		if (!r)
			return;
		size_t rl = len - (size_t)(r - s);
		struct str qid = el_attr(r, rl, "queryid");
		char want[16];
		snprintf(want, sizeof want, "f%u", m->q);
		if (!str_eq(qid, want) || !m->busy) {
			fs.misrouted++;
			return;
		}
		m->in_page++;
		mam_msgs++;
		if (!has(s, len, "urn:xmpp:delay"))
			fs.corrupt++;
		int g = body_get(el_text(s, len, "body"), &b);
		if (g < 0) {
			fs.corrupt++;
		} else if (g > 0) {
			if (b.seq != m->expect)
				mam_gaps++;
			m->expect = b.seq + 1;
		} else {
			fs.stale++;
		}
		return;
	}
	if (s[1] != 'i')
		return;
	struct str id = el_attr(s, len, "id");
	if (id.n < 2 || id.p[0] != 'm' || strtoul(id.p + 1, NULL, 10) != m->q)
		return;
	const char *fin = memmem(s, len, "<fin", 4);
	if (!fin || !str_eq(el_attr(s, len, "type"), "result")) {
		fs.errors++;
		note_error("mam: %.*s", (int)(len > 300 ? 300 : len), s);
		m->busy = 0;
		return;
	}
	size_t fl = len - (size_t)(fin - s);
	struct str last = el_text(fin, fl, "last"), comp = el_attr(fin, fl, "complete");
	if (m->in_page > (uint32_t)opt.page)
		fs.dup++;
	hist_add(&fs.lat, now_ns() - m->ts);
	mam_pages++;
	m->busy = 0;
	if (str_eq(comp, "true") || str_eq(comp, "1") || !last.p || !last.n || last.n >= sizeof m->last) {
		m->last[0] = 0;
		if (m->expect != snd[c->ix ^ 1].seq)
			mam_gaps++;
		m->expect = 0;
		m->passes++;
	} else {
		memcpy(m->last, last.p, last.n);
		m->last[last.n] = 0;
	}
	if (!stopping)
		mam_query(c->ix);
}

int sc_mam(void)
{
	opt.n &= ~1;
	uint32_t per = (uint32_t)((opt.pages ? opt.pages : 20) * opt.page);
	pool_alloc(opt.n);
	snd = calloc((size_t)opt.n, sizeof *snd);
	flows = calloc((size_t)opt.n, sizeof *flows);
	mq = calloc((size_t)opt.n, sizeof *mq);
	on_stanza = mam_stanza;
	if (!pool_login(0, opt.n, opt.conc))
		return 1;
	run_for(opt.settle);
	stopping = 1; /* chat_stanza must not send by itself */
	struct psample s0, s1;
	proc_cpu(&s0);
	uint64_t want = (uint64_t)per * (uint64_t)(opt.n / 2), idle = now_ns(), last = 0;
	while (total_got < want && !interrupted) {
		for (int i = 1; i < opt.n; i += 2)
			while (snd[i].out < opt.window && snd[i].seq < per)
				chat_send(i);
		loop_once(20);
		if (total_got != last) {
			last = total_got;
			idle = now_ns();
		} else if ((double)(now_ns() - idle) > opt.drain * 1e9) {
			note_error("filling the archive stalled");
			return 1;
		}
	}
	proc_cpu(&s1);
	kv_int("archived", total_got);
	kv_num("archive_cpu_us_per_msg", (s1.cpu - s0.cpu) * 1e6 / (double)(total_got ? total_got : 1));
	run_for(2);
	mam_querying = 1;
	stopping = 0;
	memset(&fs.lat, 0, sizeof fs.lat);
	meas_start();
	for (int i = 0; i < opt.n; i += 2)
		mam_query(i);
	uint64_t e = now_ns() + (uint64_t)(opt.secs * 1e9);
	while (now_ns() < e && !interrupted)
		loop_once(100);
	stopping = 1;
	uint64_t dl = now_ns() + (uint64_t)(opt.drain * 1e9);
	for (;;) {
		int busy = 0;
		for (int i = 0; i < opt.n; i += 2)
			busy += mq[i].busy;
		if (!busy || now_ns() > dl || interrupted)
			break;
		loop_once(20);
	}
	meas_stop();
	kv_meas((double)mam_msgs, "mam_msg");
	kv_int("pages", mam_pages);
	kv_num("pages_per_s", (double)mam_pages / ((double)(tm1 - tm0) / 1e9));
	uint64_t passes = 0;
	for (int i = 0; i < opt.n; i += 2)
		passes += mq[i].passes;
	kv_int("full_passes", passes);
	kv_int("gaps", mam_gaps);
	kv_int("corrupt", fs.corrupt);
	kv_int("misrouted", fs.misrouted);
	kv_int("error_stanzas", fs.errors);
	kv_lat("page", &fs.lat);
	int bad = mam_gaps || fs.corrupt || fs.misrouted || fs.errors || !mam_pages;
	pool_close();
	return bad;
}
