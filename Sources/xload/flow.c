/* Loss, duplication and order of numbered messages. */
#include "flow.h"

struct flow_sums fs;

uint32_t flow_got(const struct flow *f) { return f->next - f->missing + (uint32_t)__builtin_popcountll(f->seen); }

static void flow_step(struct flow *f)
{
	f->next++;
	while (f->seen & 1) {
		f->seen >>= 1;
		f->next++;
	}
	f->seen >>= 1;
}

/* 1: new, 0: duplicate */
int flow_take(struct flow *f, uint32_t seq)
{
	if (seq < f->next)
		return 0;
	while (seq - f->next > 64) {
		f->missing++;
		flow_step(f);
	}
	if (seq == f->next) {
		flow_step(f);
	} else if (seq > f->next) {
		uint64_t bit = 1ull << (seq - f->next - 1);
		if (f->seen & bit)
			return 0;
		f->seen |= bit;
	} else {
		return 0;
	}
	if (seq + 1 < f->end)
		fs.reordered++; /* a later one came before it */
	else
		f->end = seq + 1;
	return 1;
}
