/* Latency histogram: 64 linear steps in every power of two. */
#include "histogram.h"

static unsigned hist_ix(uint64_t v)
{
	if (v < H_SUB)
		return (unsigned)v;
	unsigned e = 63u - (unsigned)__builtin_clzll(v); /* 6..63 */
	return (e - 5) * H_SUB + (unsigned)((v >> (e - 6)) & (H_SUB - 1));
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->b[hist_ix(ns)]++;
	h->n++;
	h->sum += (double)ns;
	if (ns > h->max)
		h->max = ns;
}

double hist_q(const struct hist *h, double q)
{
	if (!h->n)
		return 0;
	uint64_t want = (uint64_t)(q * (double)h->n), seen = 0;
	if (want >= h->n)
		want = h->n - 1;
	for (unsigned i = 0; i < 64 * H_SUB; i++) {
		seen += h->b[i];
		if (seen > want) {
			if (i < H_SUB)
				return i / 1e6;
			unsigned e = i / H_SUB + 5;
			uint64_t v = (1ull << e) + ((uint64_t)(i % H_SUB) << (e - 6)) + (1ull << (e - 6)) / 2;
			if (v > h->max)
				v = h->max;
			return (double)v / 1e6;
		}
	}
	return (double)h->max / 1e6;
}
