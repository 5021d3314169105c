/* xload: what the command line asked of the scenario. */
#ifndef XL_OPTIONS_H
#define XL_OPTIONS_H
#include <signal.h>
#include <stdint.h>

struct options {
	int n, conc, window, rooms, occ, senders, contacts, pages, page, warm, cycle, to_full, mb, depth, messages;
	double secs, settle, hold, rate, drain, keepalive, timeout;
	const char *label, *json, *muc, *kind, *pids, *disk;
	int tree, cut;
};
extern struct options opt;

extern uint32_t run_id;                  /* marks the messages of this run */
extern volatile sig_atomic_t interrupted;
#endif
