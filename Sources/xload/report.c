/* The result: one JSON object, put together key by key. */
#include "report.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char res[16384];
static size_t resn;

void kv(const char *k, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	resn += (size_t)snprintf(res + resn, sizeof res - resn, "%s\"%s\":", resn ? "," : "", k);
	resn += (size_t)vsnprintf(res + resn, sizeof res - resn, fmt, ap);
	va_end(ap);
	if (resn >= sizeof res)
		abort();
}

void kv_str(const char *k, const char *v)
{
	char b[1024];
	size_t n = 0;
	for (; *v && n < sizeof b - 8; v++) {
		unsigned char ch = (unsigned char)*v;
		if (ch == '"' || ch == '\\')
			b[n++] = '\\';
		if (ch < 32)
			n += (size_t)snprintf(b + n, 8, "\\u%04x", ch);
		else
			b[n++] = (char)ch;
	}
	b[n] = 0;
	kv(k, "\"%s\"", b);
}

void kv_num(const char *k, double v) { kv(k, "%.6g", v); }
void kv_int(const char *k, uint64_t v) { kv(k, "%llu", (unsigned long long)v); }

void kv_lat(const char *prefix, const struct hist *h)
{
	static const struct { const char *s; double q; } qs[] = { { "p50", .5 }, { "p95", .95 }, { "p99", .99 } };
	char k[64];
	for (size_t i = 0; i < 3; i++) {
		snprintf(k, sizeof k, "%s_%s_ms", prefix, qs[i].s);
		kv_num(k, hist_q(h, qs[i].q));
	}
	snprintf(k, sizeof k, "%s_max_ms", prefix);
	kv_num(k, (double)h->max / 1e6);
}

const char *report_text(void) { return res; }
