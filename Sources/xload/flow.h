/* xload: loss, duplication and order of numbered messages. */
#ifndef XL_FLOW_H
#define XL_FLOW_H
#include <stdint.h>
#include "histogram.h"

/* next: the lowest number not received; bit k of seen stands for next + 1 + k;
 * missing: numbers given up because the flow went on by more than 64 */
struct flow { uint32_t next, end, missing; uint64_t seen; };

/* over all flows */
struct flow_sums {
	uint64_t dup, reordered, corrupt, stale, misrouted, errors, other;
	struct hist lat;
};
extern struct flow_sums fs;

/* takes note of an arrival; 1: new, 0: duplicate */
int flow_take(struct flow *f, uint32_t seq);
uint32_t flow_got(const struct flow *f);
#endif
