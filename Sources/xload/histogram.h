/* xload: latency histogram, nanoseconds, about 1.5 % resolution. */
#ifndef XL_HISTOGRAM_H
#define XL_HISTOGRAM_H
#include <stdint.h>

#define H_SUB 64
struct hist { uint64_t n, max; double sum; uint64_t b[64 * H_SUB]; };
void hist_add(struct hist *h, uint64_t ns);
double hist_q(const struct hist *h, double q); /* in ms */
#endif
