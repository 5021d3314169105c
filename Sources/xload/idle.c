/* idle: memory at 0 connections and at N, and what idling costs. */
#include "scenario.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sc_idle(void)
{
	struct psample b, full, end;
	on_stanza = quiet_stanza;
	pool_alloc(opt.n);
	if (opt.warm > opt.n)
		opt.warm = opt.n;
	if (opt.warm) {
		pool_login(0, opt.warm, opt.conc);
		pool_close();
	}
	run_for(opt.settle);
	proc_sample(&b);
	int before = n_ready;
	pool_login(0, opt.n, opt.conc);
	int got = n_ready - before;
	run_for(opt.settle);
	proc_sample(&full);
	meas_start();
	uint64_t t = now_ns(), ka = t;
	uint64_t rx0 = ct.bytes_in;
	while ((double)(now_ns() - t) < opt.hold * 1e9 && !interrupted) {
		loop_once(200);
		if (opt.keepalive > 0 && (double)(now_ns() - ka) > opt.keepalive * 1e9) {
			ka = now_ns();
			for (int i = 0; i < nconns; i++)
				if (conns[i].st == C_READY)
					conn_put(&conns[i], " ", 1);
		}
	}
	meas_stop();
	int live = pool_live();
	kv_int("connections", (uint64_t)got);
	kv_int("live_at_end", (uint64_t)live);
	kv_int("rss_0_kib", (uint64_t)b.rss);
	kv_int("pss_0_kib", (uint64_t)b.pss);
	kv_int("rss_n_kib", (uint64_t)full.rss);
	kv_int("pss_n_kib", (uint64_t)full.pss);
	if (got) {
		kv_num("rss_kib_per_conn", (double)(full.rss - b.rss) / got);
		kv_num("pss_kib_per_conn", (double)(full.pss - b.pss) / got);
		kv_num("priv_kib_per_conn", (double)(full.priv - b.priv) / got);
		kv_num("pss_total_kib_per_conn", (double)full.pss / got);
	}
	kv_int("idle_rx_bytes", ct.bytes_in - rx0);
	kv_num("idle_cpu_pct", (p1.cpu - p0.cpu) / ((double)(tm1 - tm0) / 1e9) * 100);
	kv_num("idle_cpu_us_per_conn_s", (p1.cpu - p0.cpu) * 1e6 / ((double)(tm1 - tm0) / 1e9) / (got ? got : 1));
	kv_lat("login", &login_lat);
	if (opt.cut) { /* the sessions wait for being resumed */
		struct psample cut;
		for (int i = 0; i < nconns; i++)
			conn_kill(&conns[i]);
		run_for(opt.settle);
		proc_sample(&cut);
		kv_int("rss_cut_kib", (uint64_t)cut.rss);
		kv_num("rss_kib_per_waiting", (double)(cut.rss - b.rss) / (got ? got : 1));
	}
	pool_close();
	run_for(opt.settle);
	proc_sample(&end);
	kv_int("rss_after_close_kib", (uint64_t)end.rss);
	kv_int("pss_after_close_kib", (uint64_t)end.pss);
	return got != opt.n || live != got;
}
