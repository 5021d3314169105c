/* The users of a scenario, and the measured phase. */
#include "pool.h"
#include "flow.h"
#include "options.h"
#include "report.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conn *conns;
int nconns, n_ready;
struct hist login_lat;

static void pool_ready(struct conn *c)
{
	n_ready++;
	hist_add(&login_lat, c->t_ready - c->t0);
}

void pool_alloc(int n)
{
	conns = calloc((size_t)n, sizeof *conns);
	if (!conns)
		abort();
	nconns = n;
	for (int i = 0; i < n; i++)
		conns[i].fd = -1;
}

int pool_login(int from, int to, int conc)
{
	int next = from;
	uint64_t limit = now_ns() + (uint64_t)(opt.timeout * 1e9);
	uint64_t f0 = ct.login_failed;
	int r0 = n_ready;
	on_ready = pool_ready;
	for (;;) {
		int fin = (n_ready - r0) + (int)(ct.login_failed - f0);
		while (next < to && (next - from) - fin < conc) {
			conn_open(&conns[next], next, cfg.first + next / cfg.share, 0);
			next++;
		}
		if (fin >= to - from)
			break;
		if (now_ns() > limit || interrupted) {
			note_error("log-in timed out: %d of %d are ready", n_ready - r0, to - from);
			break;
		}
		loop_once(100);
	}
	return n_ready - r0 == to - from;
}

void run_for(double secs)
{
	uint64_t end = now_ns() + (uint64_t)(secs * 1e9);
	while (!interrupted) {
		uint64_t t = now_ns();
		if (t >= end)
			break;
		loop_once((int)((end - t) / 1000000) + 1);
	}
}

int pool_live(void)
{
	int k = 0;
	for (int i = 0; i < nconns; i++)
		k += conns[i].st != C_DEAD && conns[i].st != C_FREE;
	return k;
}

void pool_close(void)
{
	uint64_t end = now_ns() + 10000000000ull;
	for (int i = 0; i < nconns; i++)
		conn_close(&conns[i]);
	while (pool_live() && now_ns() < end && !interrupted)
		loop_once(50);
	for (int i = 0; i < nconns; i++)
		conn_kill(&conns[i]);
	loop_once(0);
}

int from_is(const char *s, size_t len, int i)
{
	struct str f = el_attr(s, len, "from");
	const char *j = conns[i].jid;
	size_t n = strcspn(j, "/");
	return f.p && f.n >= n && !memcmp(f.p, j, n) && (f.n == n || f.p[n] == '/');
}

void drain(uint64_t want, const uint64_t *got)
{
	uint64_t last = *got, t = now_ns();
	while (*got < want && !interrupted) {
		loop_once(20);
		if (*got != last) {
			last = *got;
			t = now_ns();
		} else if ((double)(now_ns() - t) > opt.drain * 1e9) {
			break;
		}
	}
}

struct psample p0, p1;
uint64_t tm0, tm1;
static double self0, self1;

void meas_start(void) { proc_sample(&p0); self0 = self_cpu(); tm0 = now_ns(); }
void meas_stop(void) { tm1 = now_ns(); self1 = self_cpu(); proc_sample(&p1); }

void kv_meas(double units, const char *unit)
{
	char k[64];
	double w = (double)(tm1 - tm0) / 1e9, cpu = p1.cpu - p0.cpu;
	kv_num("wall_s", w);
	if (units > 0) {
		snprintf(k, sizeof k, "%s_per_s", unit);
		kv_num(k, units / w);
	}
	if (proc_enabled()) {
		kv_num("server_cpu_s", cpu);
		kv_num("server_cpu_pct", cpu / w * 100);
		if (units > 0) {
			snprintf(k, sizeof k, "server_cpu_us_per_%s", unit);
			kv_num(k, cpu * 1e6 / units);
		}
		kv_int("rss_before_kib", (uint64_t)p0.rss);
		kv_int("rss_after_kib", (uint64_t)p1.rss);
		kv_int("pss_after_kib", (uint64_t)p1.pss);
	}
	kv_num("client_cpu_s", self1 - self0);
}

void kv_flows(uint64_t sent, uint64_t expected, uint64_t got)
{
	kv_int("sent", sent);
	kv_int("expected", expected);
	kv_int("delivered", got);
	kv("lost", "%lld", (long long)expected - (long long)got);
	kv_int("duplicated", fs.dup);
	kv_int("reordered", fs.reordered);
	kv_int("corrupt", fs.corrupt);
	kv_int("misrouted", fs.misrouted);
	kv_int("stale", fs.stale);
	kv_int("error_stanzas", fs.errors);
}
