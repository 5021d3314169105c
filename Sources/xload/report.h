/* xload: the result, one JSON object. */
#ifndef XL_REPORT_H
#define XL_REPORT_H
#include <stdint.h>
#include "histogram.h"

void kv(const char *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void kv_str(const char *k, const char *v);
void kv_num(const char *k, double v);
void kv_int(const char *k, uint64_t v);
/* PREFIX_p50_ms, _p95_ms, _p99_ms, _max_ms */
void kv_lat(const char *prefix, const struct hist *h);
/* the members put so far, without the braces */
const char *report_text(void);
#endif
