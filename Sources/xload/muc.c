/* muc: rooms: a join storm, then a few speak in each. */
#include "scenario.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct room { int created, unlocked, joined, next, subjects, failed; uint64_t presences, distinct; };
static uint8_t *seen_nick; /* one bit: [room][occupant m][nick] */
static struct room *rooms;
static uint32_t *rseq;     /* [room * senders + s] */
static int *rleft;         /* copies missing: [(room * senders + s) * window + slot] */
static struct flow *rflow; /* [(room * senders + s) * occ + m] */
static struct hist join_lat;
static uint64_t *join_t0;  /* [room * occ + m] */

static int occ_conn(int r, int m) { return (int)(((long)r * opt.occ + m) % nconns); }
static int conn_occ(int r, int ix) { return (int)((((long)ix - (long)r * opt.occ) % nconns + nconns) % nconns); }

static void muc_join(int r, int m)
{
	struct conn *c = &conns[occ_conn(r, m)];
	join_t0[(size_t)r * (size_t)opt.occ + (size_t)m] = now_ns();
	conn_putf(c, "<presence to='xl%08x-%d@%s/n%d'><x xmlns='http://jabber.org/protocol/muc'>"
	          "<history maxstanzas='0'/></x></presence>", run_id, r, opt.muc, m);
	conn_stanza_sent(c);
}

static void muc_send(int r, int s)
{
	struct conn *c = &conns[occ_conn(r, s)];
	char body[512];
	size_t k = (size_t)r * (size_t)opt.senders + (size_t)s;
	uint32_t seq = rseq[k]++;
	if (c->st != C_READY)
		return;
	rleft[k * (size_t)opt.window + seq % (uint32_t)opt.window] = opt.occ;
	body_put(body, sizeof body, (uint32_t)k, seq);
	conn_putf(c, "<message type='groupchat' to='xl%08x-%d@%s' id='xl%08x-%zu-%u'><body>%s</body>"
	          "<origin-id xmlns='urn:xmpp:sid:0' id='xl%08x-%zu-%u'/></message>",
	          run_id, r, opt.muc, run_id, k, seq, body, run_id, k, seq);
	conn_stanza_sent(c);
	total_sent++;
}

static void muc_stanza(struct conn *c, const char *s, size_t len)
{
	struct str f = el_attr(s, len, "from");
	char pre[16];
	int pl = snprintf(pre, sizeof pre, "xl%08x-", run_id);
	if (!f.p || f.n < (size_t)pl || memcmp(f.p, pre, (size_t)pl)) {
		fs.other++;
		return;
	}
	int r = (int)strtol(f.p + pl, NULL, 10);
	if (r < 0 || r >= opt.rooms) {
		fs.misrouted++;
		return;
	}
	struct room *rm = &rooms[r];
	int m = conn_occ(r, c->ix);
	if (m >= opt.occ) {
		fs.misrouted++;
		return;
	}
	struct str nm = el_name(s, len);
	if (nm.p[0] == 'i') {
		struct str ty = el_attr(s, len, "type");
		if (str_eq(ty, "get") || str_eq(ty, "set"))
			return;
		if (m == 0 && str_eq(ty, "result"))
			rm->unlocked = 1;
		else {
			fs.errors++;
			note_error("room iq: %.*s", (int)(len > 300 ? 300 : len), s);
		}
		return;
	}
	if (nm.p[0] == 'p') {
		if (str_eq(el_attr(s, len, "type"), "error")) {
			rm->failed++;
			fs.errors++;
			note_error("join: %.*s", (int)(len > 300 ? 300 : len), s);
			return;
		}
		if (str_eq(el_attr(s, len, "type"), "unavailable"))
			return;
		if (!memchr(f.p, '/', f.n)) {
			fs.other++; /* of the room itself (its avatar hash, say) */
			return;
		}
		rm->presences++;
		const char *sl = memchr(f.p, '/', f.n);
		long nick = sl && sl[1] == 'n' ? strtol(sl + 2, NULL, 10) : -1;
		if (nick < 0 || nick >= opt.occ) {
			fs.misrouted++;
			return;
		}
		size_t bit = ((size_t)r * (size_t)opt.occ + (size_t)m) * (size_t)opt.occ + (size_t)nick;
		if (!(seen_nick[bit / 8] >> bit % 8 & 1)) {
			seen_nick[bit / 8] |= (uint8_t)(1u << bit % 8);
			rm->distinct++;
		}
		if (has(s, len, "'110'") || has(s, len, "\"110\"")) {
			hist_add(&join_lat, now_ns() - join_t0[(size_t)r * (size_t)opt.occ + (size_t)m]);
			if (m == 0 && !rm->created) {
				rm->created = 1;
				conn_putf(c, "<iq type='set' id='cfg%d' to='xl%08x-%d@%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"
				          "<x xmlns='jabber:x:data' type='submit'/></query></iq>", r, run_id, r, opt.muc);
				conn_stanza_sent(c);
			}
			rm->joined++;
		}
		return;
	}
	if (nm.p[0] != 'm' || msg_error(s, len))
		return;
	struct str t = el_text(s, len, "body");
	if (!t.p) {
		if (has(s, len, "<subject"))
			rm->subjects++;
		return;
	}
	struct body b;
	int g = body_get(t, &b);
	if (g <= 0) {
		if (g < 0)
			fs.corrupt++;
		else
			fs.stale++;
		return;
	}
	int sr = (int)b.flow / opt.senders, ss = (int)b.flow % opt.senders;
	char nick[16];
	int nl = snprintf(nick, sizeof nick, "/n%d", ss);
	if (sr != r || f.n < (size_t)nl || memcmp(f.p + f.n - nl, nick, (size_t)nl)) {
		fs.misrouted++;
		return;
	}
	if (!flow_take(&rflow[(size_t)b.flow * (size_t)opt.occ + (size_t)m], b.seq)) {
		fs.dup++;
		return;
	}
	hist_add(&fs.lat, now_ns() - b.ts);
	total_got++;
	int *left = &rleft[(size_t)b.flow * (size_t)opt.window + b.seq % (uint32_t)opt.window];
	if (--*left == 0 && !stopping && opt.rate <= 0)
		muc_send(r, ss);
}

static void muc_more_joins(void)
{
	for (int r = 0; r < opt.rooms; r++) {
		struct room *rm = &rooms[r];
		if (!rm->unlocked)
			continue;
		while (rm->next < opt.occ && rm->next - rm->joined - rm->failed < opt.conc)
			muc_join(r, rm->next++);
	}
}

int sc_muc(void)
{
	if (opt.n < opt.occ)
		opt.n = opt.occ;
	if (opt.senders > opt.occ)
		opt.senders = opt.occ;
	pool_alloc(opt.n);
	size_t R = (size_t)opt.rooms, S = (size_t)opt.senders, M = (size_t)opt.occ;
	rooms = calloc(R, sizeof *rooms);
	rseq = calloc(R * S, sizeof *rseq);
	rleft = calloc(R * S * (size_t)opt.window, sizeof *rleft);
	rflow = calloc(R * S * M, sizeof *rflow);
	join_t0 = calloc(R * M, sizeof *join_t0);
	seen_nick = calloc(R * M * M / 8 + 1, 1);
	if (!rooms || !rseq || !rleft || !rflow || !join_t0 || !seen_nick)
		abort();
	on_stanza = muc_stanza;
	if (!pool_login(0, opt.n, opt.conc))
		return 1;
	run_for(opt.settle);
	for (int r = 0; r < opt.rooms; r++) {
		rooms[r].next = 1;
		muc_join(r, 0);
	}
	uint64_t end = now_ns() + 15000000000ull;
	for (;;) {
		int ok = 0;
		for (int r = 0; r < opt.rooms; r++)
			ok += rooms[r].unlocked;
		if (ok == opt.rooms)
			break;
		if (now_ns() > end || interrupted) {
			note_error("only %d of %d rooms could be created", ok, opt.rooms);
			return 1;
		}
		loop_once(20);
	}
	run_for(0.3);
	memset(&join_lat, 0, sizeof join_lat);
	meas_start();
	uint64_t want = (uint64_t)opt.rooms * M * M, got = 0, all_pres = 0, last = 0, tl = now_ns();
	while (!interrupted) {
		muc_more_joins();
		loop_once(20);
		got = 0;
		int all = 1;
		for (int r = 0; r < opt.rooms; r++) {
			got += rooms[r].distinct;
			all &= rooms[r].joined >= opt.occ;
		}
		if (all && got >= want)
			break;
		if (got != last) {
			last = got;
			tl = now_ns();
		} else if ((double)(now_ns() - tl) > opt.drain * 1e9) {
			note_error("join storm stalled: %llu of %llu presences", (unsigned long long)got, (unsigned long long)want);
			break;
		}
	}
	meas_stop();
	double jw = (double)(tm1 - tm0) / 1e9, jcpu = p1.cpu - p0.cpu;
	double joins = (double)opt.rooms * (opt.occ - 1);
	for (int r = 0; r < opt.rooms; r++)
		all_pres += rooms[r].presences;
	kv_int("join_presences", all_pres);
	kv_int("join_presences_distinct", got);
	kv_int("join_presences_expected", want);
	kv_num("join_wall_s", jw);
	kv_num("join_cpu_s", jcpu);
	kv_num("join_cpu_ms_per_room", jcpu * 1e3 / opt.rooms);
	if (joins > 0)
		kv_num("join_cpu_ms_per_join", jcpu * 1e3 / joins);
	kv_num("join_cpu_us_per_presence", jcpu * 1e6 / (double)(all_pres ? all_pres : 1));
	kv_num("join_per_s", joins / jw);
	kv_lat("join", &join_lat);
	run_for(1);
	int subj = 0;
	for (int r = 0; r < opt.rooms; r++)
		subj += rooms[r].subjects;
	kv_int("subjects", (uint64_t)subj);
	for (int phase = 0; phase < 2 && opt.secs > 0; phase++) {
		uint64_t s0 = total_sent;
		double secs = phase ? opt.secs : 1;
		stopping = 0;
		if (phase) {
			memset(&fs.lat, 0, sizeof fs.lat);
			meas_start();
		}
		uint64_t g0 = total_got, t = now_ns(), e = t + (uint64_t)(secs * 1e9), now;
		if (opt.rate <= 0)
			for (int r = 0; r < opt.rooms; r++)
				for (int s = 0; s < opt.senders; s++)
					for (int w = 0; w < opt.window; w++)
						muc_send(r, s);
		int rr = 0;
		while ((now = now_ns()) < e && !interrupted) {
			if (opt.rate > 0) { /* rate: messages sent per second over all rooms */
				uint64_t due = (uint64_t)(opt.rate * (double)(now - t) / 1e9);
				while (total_sent - s0 < due) {
					muc_send(rr % opt.rooms, rr / opt.rooms % opt.senders);
					rr++;
				}
				loop_once(1);
			} else {
				loop_once(100);
			}
		}
		stopping = 1;
		drain(total_sent * M, &total_got);
		if (phase) {
			meas_stop();
			kv_meas((double)(total_got - g0), "copy");
			kv_num("sent_msgs_per_s", (double)(total_sent - s0) / ((double)(tm1 - tm0) / 1e9));
		}
	}
	uint64_t fg = 0;
	for (size_t i = 0; i < R * S * M; i++)
		fg += flow_got(&rflow[i]);
	kv_flows(total_sent, total_sent * M, fg);
	kv_lat("lat", &fs.lat);
	int bad = fg != total_sent * M || got != want || fs.dup || fs.corrupt || fs.misrouted || fs.errors || fs.reordered;
	pool_close();
	return bad;
}
