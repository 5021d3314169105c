/* presence: a ring of users with K contacts each; each broadcasts when all copies of its last one have arrived. */
#include "scenario.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *have;      /* [i * K + slot]: 0 none, 1 asked, 2 both */
static uint32_t *pflow;    /* last sequence number seen: [i * K + slot] */
static int *pleft;
static uint32_t *pseq;
static uint64_t echo_got, pairs_done;
static int presence_phase;

/* ring: contact slot k of user i is i+1.., i-1.. */
int presence_contact(int i, int k)
{
	int d = k / 2 + 1;
	return ((k & 1 ? i - d : i + d) % opt.n + opt.n) % opt.n;
}

static int slot_of(int i, int j)
{
	int d = ((j - i) % opt.n + opt.n) % opt.n;
	if (d >= 1 && d <= opt.contacts / 2)
		return (d - 1) * 2;
	d = opt.n - d;
	if (d >= 1 && d <= opt.contacts / 2)
		return (d - 1) * 2 + 1;
	return -1;
}

/* user index of a JID, -1 when it is not one of ours */
static int jid_ix(struct str j)
{
	char b[96];
	const char *pat = cfg.user_pat, *p = strstr(pat, "%d");
	size_t pl = p ? (size_t)(p - pat) : 0;
	if (!p || !j.p || j.n <= pl || memcmp(j.p, pat, pl) || j.n - pl >= sizeof b)
		return -1;
	memcpy(b, j.p + pl, j.n - pl);
	b[j.n - pl] = 0;
	int v = atoi(b) - cfg.first;
	return v >= 0 && v < opt.n ? v : -1;
}

static void roster_items(struct conn *c, const char *s, size_t len)
{
	const char *p = s, *end = s + len;
	while ((p = memmem(p, (size_t)(end - p), "<item", 5))) {
		const char *e = memchr(p, '>', (size_t)(end - p));
		if (!e)
			break;
		size_t n = (size_t)(e - p) + 1;
		int j = jid_ix(el_attr(p, n, "jid"));
		int k = j >= 0 ? slot_of(c->ix, j) : -1;
		if (k >= 0 && str_eq(el_attr(p, n, "subscription"), "both")) {
			uint8_t *h = &have[(size_t)c->ix * (size_t)opt.contacts + (size_t)k];
			if (*h != 2) {
				*h = 2;
				pairs_done++;
			}
		}
		p = e;
	}
}

static void presence_send(int i)
{
	struct conn *c = &conns[i];
	if (c->st != C_READY)
		return;
	uint32_t seq = ++pseq[i];
	pleft[i] = opt.contacts;
	conn_putf(c, "<presence><show>%s</show><status>XP %08x %d %u %llu</status>%s</presence>",
	          seq & 1 ? "away" : "dnd", run_id, i, seq, (unsigned long long)now_ns(), caps_el);
	conn_stanza_sent(c);
	total_sent++;
}

static void presence_stanza(struct conn *c, const char *s, size_t len)
{
	struct str nm = el_name(s, len), ty = el_attr(s, len, "type"), f = el_attr(s, len, "from");
	if (nm.p[0] == 'i') {
		if (str_eq(ty, "set") && has(s, len, "jabber:iq:roster"))
			roster_items(c, s, len);
		return;
	}
	if (nm.p[0] != 'p')
		return;
	if (str_eq(ty, "subscribe")) {
		size_t n = f.n;
		const char *sl = memchr(f.p, '/', f.n);
		if (sl)
			n = (size_t)(sl - f.p);
		conn_putf(c, "<presence type='subscribed' to='%.*s'/>", (int)n, f.p);
		conn_stanza_sent(c);
		return;
	}
	if (ty.p) {
		if (str_eq(ty, "error"))
			fs.errors++;
		return;
	}
	unsigned run, from, seq;
	unsigned long long ts;
	struct str t = el_text(s, len, "status");
	char b[120];
	if (!presence_phase || !t.p || t.n >= sizeof b)
		return;
	memcpy(b, t.p, t.n);
	b[t.n] = 0;
	if (sscanf(b, "XP %x %u %u %llu", &run, &from, &seq, &ts) != 4 || run != run_id) {
		fs.stale++;
		return;
	}
	if ((int)from == c->ix) {
		echo_got++;
		return;
	}
	int k = slot_of(c->ix, (int)from);
	if (k < 0 || !from_is(s, len, (int)from)) {
		fs.misrouted++;
		return;
	}
	uint32_t *last = &pflow[(size_t)c->ix * (size_t)opt.contacts + (size_t)k];
	if (seq == *last) {
		fs.dup++;
		return;
	}
	if (seq != *last + 1)
		fs.reordered++;
	*last = seq;
	hist_add(&fs.lat, now_ns() - ts);
	total_got++;
	if (--pleft[from] == 0 && !stopping)
		presence_send((int)from);
}

int sc_presence(void)
{
	opt.contacts &= ~1;
	if (opt.contacts >= opt.n)
		opt.contacts = (opt.n - 1) & ~1;
	size_t N = (size_t)opt.n, K = (size_t)opt.contacts;
	pool_alloc(opt.n);
	have = calloc(N * K, 1);
	pflow = calloc(N * K, sizeof *pflow);
	pleft = calloc(N, sizeof *pleft);
	pseq = calloc(N, sizeof *pseq);
	if (!have || !pflow || !pleft || !pseq)
		abort();
	on_stanza = presence_stanza;
	on_roster = roster_items;
	cfg.no_roster = 0;
	if (!pool_login(0, opt.n, opt.conc))
		return 1;
	/* subscriptions, a bounded number at a time */
	uint64_t want = N * K, t = now_ns(), last = 0;
	struct psample s0, s1;
	proc_cpu(&s0);
	uint64_t made0 = pairs_done;
	size_t cur = 0, asked = 0;
	int tries = 0;
	while (pairs_done < want && !interrupted) {
		/* cur runs over the edges i -> i + d; both sides ask at once */
		while (cur < N * K / 2 && asked < (pairs_done - made0) + 64) {
			int i = (int)(cur / (K / 2)), k = (int)(cur % (K / 2)) * 2, j = presence_contact(i, k);
			for (int dir = 0; dir < 2; dir++) {
				int x = dir ? j : i, y = dir ? i : j;
				if (have[(size_t)x * K + (size_t)slot_of(x, y)] == 2)
					continue;
				char b[96];
				snprintf(b, sizeof b, "%s", conns[y].jid);
				b[strcspn(b, "/")] = 0;
				conn_putf(&conns[x], "<presence type='subscribe' to='%s'/>", b);
				conn_stanza_sent(&conns[x]);
				asked++;
			}
			cur++;
		}
		loop_once(20);
		if (pairs_done != last) {
			last = pairs_done;
			t = now_ns();
		} else if ((double)(now_ns() - t) > 5e9) {
			/* a lost race between the two directions: go round again */
			if (++tries > 3)
				break;
			made0 = pairs_done;
			asked = cur = 0;
			t = now_ns();
		}
	}
	kv_int("subscribe_retries", (uint64_t)tries);
	proc_cpu(&s1);
	kv_int("subscriptions_both", pairs_done);
	kv_int("subscriptions_wanted", want);
	kv_num("subscribe_cpu_s", s1.cpu - s0.cpu);
	if (pairs_done < want) {
		note_error("only %llu of %llu subscriptions", (unsigned long long)pairs_done, (unsigned long long)want);
		return 1;
	}
	run_for(opt.settle);
	presence_phase = 1;
	for (int phase = 0; phase < 2; phase++) {
		stopping = 0;
		if (phase) {
			memset(&fs.lat, 0, sizeof fs.lat);
			meas_start();
		}
		uint64_t g0 = total_got, e0 = echo_got, e = now_ns() + (uint64_t)((phase ? opt.secs : 1) * 1e9);
		for (int i = 0; i < opt.n; i++)
			presence_send(i);
		while (now_ns() < e && !interrupted)
			loop_once(100);
		stopping = 1;
		drain(total_sent * K, &total_got);
		if (phase) {
			run_for(0.2);
			meas_stop();
			kv_meas((double)(total_got - g0), "presence");
			kv_int("echoes", echo_got - e0);
			kv_num("server_cpu_us_per_presence_incl_echo", (p1.cpu - p0.cpu) * 1e6 / (double)(total_got - g0 + echo_got - e0 + 1));
		}
	}
	kv_flows(total_sent, total_sent * K, total_got);
	kv_lat("lat", &fs.lat);
	int bad = total_got != total_sent * K || fs.dup || fs.reordered || fs.misrouted;
	pool_close();
	return bad;
}
