/* xload: the users of a scenario, and the measured phase. */
#ifndef XL_POOL_H
#define XL_POOL_H
#include "conn.h"
#include "histogram.h"
#include "proc.h"

extern struct conn *conns;
extern int nconns, n_ready;
extern struct hist login_lat;

void pool_alloc(int n);
/* log in conns[from..to), conc at a time; 1 when all are ready */
int pool_login(int from, int to, int conc);
int pool_live(void);
void pool_close(void);
/* conns[i] is logged in, and the stanza's from is its user */
int from_is(const char *s, size_t len, int i);
void run_for(double secs);
/* until *got reaches want, or nothing has come for the time of --drain */
void drain(uint64_t want, const uint64_t *got);

extern struct psample p0, p1; /* at the begin and the end of the measured phase */
extern uint64_t tm0, tm1;
void meas_start(void);
void meas_stop(void);
/* server's and generator's cost of the measured phase, per unit done in it */
void kv_meas(double units, const char *unit);
void kv_flows(uint64_t sent, uint64_t expected, uint64_t got);
#endif
