/* login: N log-ins, so many at a time; all stay. */
#include "scenario.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sc_login(void)
{
	on_stanza = quiet_stanza;
	/* first a few users that are not part of the measurement: code, caches */
	if (opt.warm > 0) {
		pool_alloc(opt.warm);
		int f = cfg.first;
		cfg.first += opt.n;
		pool_login(0, opt.warm, opt.conc);
		pool_close();
		cfg.first = f;
		free(conns);
	}
	memset(&login_lat, 0, sizeof login_lat);
	ct.login_failed = 0;
	n_ready = 0;
	pool_alloc(opt.n);
	/* fill the SCRAM cache in an unmeasured round, so that the generator's
	 * PBKDF2 work does not compete with the server for the cores */
	run_for(1);
	uint64_t done = 0;
	int rounds = opt.cycle > 1 ? opt.cycle : 1;
	if (opt.cycle) { /* round 0 is the unmeasured one */
		pool_login(0, opt.n, opt.conc);
		pool_close();
		run_for(1);
		memset(&login_lat, 0, sizeof login_lat);
	}
	meas_start();
	for (int r = 0; r < rounds; r++) {
		int before = n_ready;
		pool_login(0, opt.n, opt.conc);
		done += (uint64_t)(n_ready - before);
		if (r + 1 < rounds)
			pool_close();
	}
	uint64_t w1 = now_ns();
	run_for(0.5); /* what the last presences cause belongs to the log-ins */
	meas_stop();
	tm1 = w1;
	kv_int("logins", done);
	kv_int("failed", ct.login_failed);
	kv_meas((double)done, "login");
	if (proc_enabled())
		kv_num("server_cpu_ms_per_login", (p1.cpu - p0.cpu) * 1e3 / (double)(done ? done : 1));
	kv_lat("login", &login_lat);
	pool_close();
	return ct.login_failed != 0;
}
