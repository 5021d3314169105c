/* Message texts that follow from flow and number, so that the receiver can check them. */
#include "text.h"
#include "options.h"
#include "proc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NTEXT 64
static struct { char raw[256], esc[400]; size_t rawn, escn; } text[NTEXT];

void text_init(void)
{
	static const char *w[] = { "the", "meeting", "moved", "to", "half", "past", "nine", "so", "please", "bring",
		"your", "notes", "about", "R&D", "budget", "and", "<draft>", "don't", "forget", "caf\xc3\xa9",
		"coffee", "for", "everyone", "who", "is", "coming", "\xf0\x9f\x99\x82", "ok?", "thanks", "see", "you",
		"there", "\"later\"", "today" };
	uint32_t s = 12345;
	for (int i = 0; i < NTEXT; i++) {
		size_t want = 40 + (size_t)(i * 110 / (NTEXT - 1)), n = 0;
		while (n < want) {
			s = s * 1664525u + 1013904223u;
			const char *x = w[(s >> 16) % (sizeof w / sizeof *w)];
			n += (size_t)snprintf(text[i].raw + n, sizeof text[i].raw - n, "%s%s", n ? " " : "", x);
		}
		text[i].rawn = n;
		size_t e = 0;
		for (size_t k = 0; k < n; k++) {
			const char *r = NULL;
			switch (text[i].raw[k]) {
			case '&': r = "&amp;"; break;
			case '<': r = "&lt;"; break;
			case '>': r = "&gt;"; break;
			}
			if (r)
				e += (size_t)snprintf(text[i].esc + e, sizeof text[i].esc - e, "%s", r);
			else
				text[i].esc[e++] = text[i].raw[k];
		}
		text[i].esc[e] = 0;
		text[i].escn = e;
	}
}

static unsigned text_ix(uint32_t flow, uint32_t seq) { return (flow * 2654435761u ^ seq * 40503u) >> 7 & (NTEXT - 1); }

int body_put(char *b, size_t cap, uint32_t flow, uint32_t seq)
{
	return snprintf(b, cap, "XL %08x %u %u %llu %s", run_id, flow, seq, (unsigned long long)now_ns(),
	                text[text_ix(flow, seq)].esc);
}

int body_get(struct str t, struct body *b)
{
	uint64_t v[4] = { 0 };
	size_t i = 3;
	if (t.n < 3 || memcmp(t.p, "XL ", 3))
		return 0;
	for (int k = 0; k < 4; k++) {
		size_t st = i;
		for (; i < t.n && t.p[i] != ' '; i++) {
			char ch = t.p[i];
			unsigned d = ch >= '0' && ch <= '9' ? (unsigned)(ch - '0') : ch >= 'a' && ch <= 'f' && k == 0 ? (unsigned)(ch - 'a' + 10) : 99;
			if (d == 99)
				return -1;
			v[k] = v[k] * (k == 0 ? 16 : 10) + d;
		}
		if (i == st || i >= t.n)
			return -1;
		i++;
	}
	if (v[0] != run_id)
		return 0;
	b->flow = (uint32_t)v[1];
	b->seq = (uint32_t)v[2];
	b->ts = v[3];
	char un[512];
	size_t n = xml_unescape((struct str){ t.p + i, t.n - i }, un, sizeof un);
	unsigned x = text_ix(b->flow, b->seq);
	return n == text[x].rawn && !memcmp(un, text[x].raw, n) ? 1 : -1;
}
