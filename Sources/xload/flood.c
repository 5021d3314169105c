/* flood: one abuse, while a logged-in witness pings every 50 ms; afterwards a fresh log-in. */
#include "scenario.h"
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* conns[0] is the witness. conns[1] logs in for the abuses after
 * authentication, else for the log-in at the end; conns[2..] are the attackers
 * that do not log in. */
enum { WITNESS, LATER, FIRST_RAW };

static uint32_t ping_sent, ping_answered;
static uint64_t ping_at;
static struct hist ping_lat;
static long rss_peak;

static void flood_stanza(struct conn *c, const char *s, size_t len)
{
	struct str id = el_attr(s, len, "id");
	if (c->ix != WITNESS || s[1] != 'i' || id.n < 2 || id.p[0] != 'w')
		return;
	if (ping_answered != ping_sent && (uint32_t)atoi(id.p + 1) == ping_sent) {
		ping_answered = ping_sent;
		hist_add(&ping_lat, now_ns() - ping_at);
	}
}

/* one turn of the loop; a ping and a look at the memory when they are due */
static void watch(int timeout_ms)
{
	static uint64_t next_ping, next_rss;
	uint64_t t = now_ns();
	if (t >= next_ping && ping_answered == ping_sent && conns[WITNESS].st == C_READY) {
		ping_sent++;
		ping_at = t;
		next_ping = t + 50000000;
		conn_putf(&conns[WITNESS], "<iq type='get' id='w%u' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", ping_sent, cfg.domain);
	}
	loop_once(timeout_ms);
	if (t >= next_rss) {
		long r = proc_rss();
		if (r > rss_peak)
			rss_peak = r;
		next_rss = t + 20000000;
	}
}

static void watch_for(double secs)
{
	uint64_t end = now_ns() + (uint64_t)(secs * 1e9);
	while (now_ns() < end && !interrupted)
		watch(20);
}

/* ---- the abuses ------------------------------------------------------ */

#define NAMESPACES "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

static void put_times(struct conn *c, const char *s, size_t times)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < times; i++)
		conn_put(c, s, n);
}

static void put_megabytes(struct conn *c)
{
	char kilobyte[1025];
	memset(kilobyte, 'A', 1024);
	kilobyte[1024] = 0;
	put_times(c, kilobyte, (size_t)opt.mb * 1024);
}

static void header(struct conn *c) { conn_putf(c, "<?xml version='1.0'?><stream:stream to='%s' " NAMESPACES, cfg.domain); }
static void nothing(struct conn *c) { (void)c; }

static void giant(struct conn *c)
{
	conn_putf(c, "<message to='%s'><body>", cfg.domain);
	put_megabytes(c);
}

static void giant_attribute(struct conn *c)
{
	conn_putf(c, "<message to='");
	put_megabytes(c);
}

static void giant_header(struct conn *c)
{
	conn_putf(c, "<?xml version='1.0'?><stream:stream to='");
	put_megabytes(c);
}

static void deep(struct conn *c)
{
	conn_putf(c, "<iq type='get' id='d' to='%s'>", cfg.domain);
	put_times(c, "<a>", (size_t)opt.depth);
	put_times(c, "</a>", (size_t)opt.depth);
	conn_putf(c, "</iq>");
}

static void attributes(struct conn *c)
{
	conn_putf(c, "<iq type='get' id='d' to='%s'><q xmlns='x'", cfg.domain);
	for (int i = 0; i < opt.depth; i++)
		conn_putf(c, " a%d='1'", i);
	conn_putf(c, "/></iq>");
}

static void siblings(struct conn *c)
{
	conn_putf(c, "<iq type='get' id='d' to='%s'><q xmlns='x'>", cfg.domain);
	put_times(c, "<a/>", (size_t)opt.depth);
	conn_putf(c, "</q></iq>");
}

/* no name twice, in many stanzas of modest size: what a parser interns for
 * ever grows for ever */
static void unique(struct conn *c, const char *fmt)
{
	for (int i = 0; i < opt.depth;) {
		conn_putf(c, "<iq type='get' id='n%d' to='%s'><q xmlns='x'>", i, cfg.domain);
		for (int end = i + 250; i < end && i < opt.depth; i++) {
			char element[64];
			snprintf(element, sizeof element, fmt, i);
			conn_put(c, element, strlen(element));
		}
		conn_putf(c, "</q></iq>");
	}
}

static void element_names(struct conn *c) { unique(c, "<n%d/>"); }
static void namespace_names(struct conn *c) { unique(c, "<n xmlns='u:%d'/>"); }

static void stanzas(struct conn *c)
{
	for (int i = 0; i < opt.depth; i++)
		conn_putf(c, "<iq type='get' id='f%d' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", i, cfg.domain);
}

static void wrong_passwords(struct conn *c)
{
	put_times(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHVzZXIxAHdyb25n</auth>", (size_t)opt.depth);
}

static void entity_bomb(struct conn *c)
{
	conn_putf(c, "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY l0 'lollollollollollol'>");
	for (int i = 1; i < 10; i++) {
		conn_putf(c, "<!ENTITY l%d '", i);
		for (int k = 0; k < 10; k++)
			conn_putf(c, "&l%d;", i - 1);
		conn_putf(c, "'>");
	}
	conn_putf(c, "]><stream:stream to='%s' " NAMESPACES "<message><body>&l9;</body></message>", cfg.domain);
}

static void undeclared_entity(struct conn *c) { conn_putf(c, "<message to='%s'><body>&lol;</body></message>", cfg.domain); }
static void comment(struct conn *c) { conn_putf(c, "<!-- not allowed in a stream --><message/>"); }
static void processing_instruction(struct conn *c) { conn_putf(c, "<?php not allowed ?><message/>"); }
static void bad_utf8(struct conn *c) { put_times(c, "<message><body>\xff\xfe\xc0\xaf</body></message>", 1); }

static void garbage(struct conn *c)
{
	for (unsigned i = 0; i < 4096; i++) {
		char ch = (char)(i * 2654435761u >> 13);
		conn_put(c, &ch, 1);
	}
}

static const struct abuse {
	const char *name;
	void (*send)(struct conn *c);
	int crowd;  /* all of -n attack, else one */
	int bare;   /* sent without a stream header, so never after authentication */
	int slow;   /* the stream header a byte a second, instead of send */
} abuses[] = {
	{ "halfopen", nothing, 1, 1, 0 }, { "halfstream", nothing, 1, 0, 0 }, { "slowloris", nothing, 1, 1, 1 },
	{ "giant", giant, 0, 0, 0 }, { "giantattr", giant_attribute, 0, 0, 0 }, { "giantheader", giant_header, 0, 1, 0 },
	{ "deep", deep, 0, 0, 0 }, { "attrs", attributes, 0, 0, 0 }, { "siblings", siblings, 0, 0, 0 },
	{ "names", element_names, 0, 0, 0 }, { "namespaces", namespace_names, 0, 0, 0 },
	{ "stanzas", stanzas, 1, 0, 0 }, { "passwords", wrong_passwords, 1, 0, 0 },
	{ "lol", entity_bomb, 0, 1, 0 }, { "entity", undeclared_entity, 0, 0, 0 },
	{ "comment", comment, 0, 0, 0 }, { "pi", processing_instruction, 0, 0, 0 },
	{ "badutf8", bad_utf8, 0, 0, 0 }, { "garbage", garbage, 0, 1, 0 },
};
#define NABUSES (sizeof abuses / sizeof *abuses)

static const struct abuse *find_abuse(const char *name, int post)
{
	for (size_t i = 0; i < NABUSES; i++)
		if (!strcmp(name, abuses[i].name) && !(post && abuses[i].bare))
			return &abuses[i];
	fputs("xload: flood kinds, * also after authentication as post-KIND:", stderr);
	for (size_t i = 0; i < NABUSES; i++)
		fprintf(stderr, " %s%s", abuses[i].name, abuses[i].bare ? "" : "*");
	fputc('\n', stderr);
	return NULL;
}

static void slow_headers(int n)
{
	char h[400];
	snprintf(h, sizeof h, "<?xml version='1.0'?><stream:stream to='%s' " NAMESPACES, cfg.domain);
	uint64_t end = now_ns() + (uint64_t)(opt.secs * 1e9);
	for (const char *p = h; *p && now_ns() < end && !interrupted; p++) {
		for (int i = 0; i < n; i++)
			conn_put(&conns[FIRST_RAW + i], p, 1);
		watch_for(1);
	}
}

/* ---- the run --------------------------------------------------------- */

static int is_open(const struct conn *c)
{
	struct tcp_info info;
	socklen_t n = sizeof info;
	if (c->st == C_DEAD || c->st == C_FREE || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n))
		return 0;
	return info.tcpi_state == TCP_ESTABLISHED;
}

static void report_attackers(int from)
{
	int open = 0, attackers = nconns - from;
	double first_closed = -1;
	struct psample held;
	proc_sample(&held);
	for (int i = from; i < nconns; i++) {
		open += is_open(&conns[i]);
		if (conns[i].st != C_DEAD)
			continue;
		double at = (double)(conns[i].t_dead - tm0) / 1e9;
		if (first_closed < 0 || at < first_closed)
			first_closed = at;
	}
	const char *answer = ct.first_error;
	if (conns[from].raw) {
		size_t n = conns[from].raw_len;
		const char *error = strstr(conns[from].raw, "<stream:error");
		answer = error ? error : conns[from].raw + (n > 160 ? n - 160 : 0);
	}
	kv_int("attackers", (uint64_t)attackers);
	kv_int("still_open", (uint64_t)open);
	kv_num("first_closed_after_s", first_closed);
	kv_str("answer", answer);
	kv_int("rss_held_kib", (uint64_t)held.rss);
	kv_num("held_kib_per_attacker", (double)(held.rss - p0.rss) / attackers);
}

int sc_flood(void)
{
	int post = !strncmp(opt.kind, "post-", 5);
	const struct abuse *abuse = find_abuse(opt.kind + (post ? 5 : 0), post);
	if (!abuse)
		return 2;
	int nraw = post ? 0 : abuse->crowd ? opt.n : 1, from = post ? LATER : FIRST_RAW;
	pool_alloc(FIRST_RAW + nraw);
	on_stanza = flood_stanza;
	if (!pool_login(WITNESS, post ? FIRST_RAW : LATER, 1))
		return 1;
	watch_for(2);
	double p99_before = hist_q(&ping_lat, .99);
	memset(&ping_lat, 0, sizeof ping_lat);
	rss_peak = 0;
	meas_start();
	for (int i = 0; i < nraw; i++) {
		conn_open(&conns[FIRST_RAW + i], FIRST_RAW + i, 0, 1);
		if (i % 32 == 31)
			watch(1);
	}
	for (int i = from; i < FIRST_RAW + nraw; i++) {
		if (!post && !abuse->bare)
			header(&conns[i]);
		abuse->send(&conns[i]);
	}
	if (abuse->slow)
		slow_headers(nraw);
	else
		watch_for(opt.secs);
	kv_str("kind", opt.kind);
	report_attackers(from);
	int witness_ok = conns[WITNESS].st == C_READY;
	if (witness_ok && ping_answered != ping_sent) /* a ping still unanswered counts as it stands */
		hist_add(&ping_lat, now_ns() - ping_at);
	struct hist during = ping_lat;
	for (int i = LATER; i < nconns; i++)
		conn_kill(&conns[i]);
	loop_once(0);
	watch_for(opt.settle);
	meas_stop();
	kv_int("witness_ok", (uint64_t)witness_ok);
	kv_num("ping_p99_before_ms", p99_before);
	kv_num("ping_p50_during_ms", hist_q(&during, .5));
	kv_num("ping_p99_during_ms", hist_q(&during, .99));
	kv_num("ping_max_during_ms", (double)during.max / 1e6);
	kv_num("server_cpu_s", p1.cpu - p0.cpu);
	kv_int("rss_before_kib", (uint64_t)p0.rss);
	kv_int("rss_peak_kib", (uint64_t)rss_peak);
	kv_int("rss_after_kib", (uint64_t)p1.rss);
	/* can a new user still log in? */
	uint64_t t = now_ns();
	int alive = proc_enabled() ? proc_alive() : 1;
	ct.login_failed = 0;
	opt.timeout = 10;
	int again = pool_login(LATER, FIRST_RAW, 1);
	kv_int("process_alive", (uint64_t)alive);
	kv_int("login_after_ok", (uint64_t)again);
	kv_num("login_after_ms", (double)(now_ns() - t) / 1e6);
	pool_close();
	return !(alive && again && witness_ok);
}
