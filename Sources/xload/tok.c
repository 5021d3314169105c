#include "tok.h"
#include <stdlib.h>
#include <string.h>

enum { S_TEXT, S_LT, S_TAG, S_ATTR, S_PI, S_BANG, S_CDATA };

void tok_reset(struct tok *t) { memset(t, 0, sizeof *t); }

static int is_ws(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/* A stanza that ends with a closing tag must end with its own name. */
static int names_match(const char *s, size_t len)
{
	struct str nm = el_name(s, len);
	size_t e = len - 1; /* s[e] is '>' */
	while (e > 0 && is_ws(s[e - 1]))
		e--;
	if (e < nm.n + 2)
		return 0;
	return memcmp(s + e - nm.n, nm.p, nm.n) == 0 && s[e - nm.n - 1] == '/' && s[e - nm.n - 2] == '<';
}

static size_t fail(struct tok *t, tok_cb cb, void *arg, const char *b, size_t i, size_t len)
{
	size_t n = len - i < 40 ? len - i : 40;
	t->dead = 1;
	return cb(arg, TOK_ERROR, b + i, n) ? (size_t)-1 : len;
}

size_t tok_feed(struct tok *t, const char *b, size_t len, tok_cb cb, void *arg)
{
	size_t i = t->pos;
	static const char cd[] = "[CDATA[";

	if (t->dead)
		return len;
	while (i < len) {
		char c;
		const char *p;
		switch (t->st) {
		case S_TEXT:
			if (t->depth >= 2) {
				p = memchr(b + i, '<', len - i);
				if (!p) {
					i = len;
					break;
				}
				i = (size_t)(p - b) + 1;
				t->st = S_LT;
			} else if (b[i] == '<') {
				t->start = i++;
				t->st = S_LT;
			} else if (is_ws(b[i])) {
				i++;
			} else {
				return fail(t, cb, arg, b, i, len);
			}
			break;
		case S_LT:
			c = b[i++];
			t->slash = 0;
			t->closing = (c == '/');
			t->n = 0;
			if (c == '?') {
				if (t->depth != 0)
					return fail(t, cb, arg, b, i, len);
				t->st = S_PI;
			} else if (c == '!') {
				t->st = S_BANG;
			} else if (is_ws(c) || c == '>' || c == '<') {
				return fail(t, cb, arg, b, i, len);
			} else {
				t->st = S_TAG;
			}
			break;
		case S_TAG:
			c = b[i];
			if (c == '\'' || c == '"') {
				t->quote = (uint8_t)c;
				t->st = S_ATTR;
				t->slash = 0;
				i++;
				break;
			}
			if (c == '<')
				return fail(t, cb, arg, b, i, len);
			if (c != '>') {
				t->slash = (c == '/');
				i++;
				break;
			}
			i++;
			t->st = S_TEXT;
			if (t->closing) {
				t->depth--;
				if (t->depth < 0)
					return fail(t, cb, arg, b, i, len);
				if (t->depth == 1) {
					if (!names_match(b + t->start, i - t->start))
						return fail(t, cb, arg, b, t->start, len);
					t->pos = i;
					if (cb(arg, TOK_STANZA, b + t->start, i - t->start))
						return (size_t)-1;
				} else if (t->depth == 0) {
					t->dead = 1;
					return cb(arg, TOK_CLOSE, b + t->start, i - t->start) ? (size_t)-1 : len;
				}
			} else if (t->slash) {
				if (t->depth == 0)
					return fail(t, cb, arg, b, i, len);
				if (t->depth == 1) {
					t->pos = i;
					if (cb(arg, TOK_STANZA, b + t->start, i - t->start))
						return (size_t)-1;
				}
			} else {
				t->depth++;
				if (t->depth == 1) {
					t->pos = i;
					if (cb(arg, TOK_OPEN, b + t->start, i - t->start))
						return (size_t)-1;
				}
			}
			break;
		case S_ATTR:
			p = memchr(b + i, t->quote, len - i);
			if (!p) {
				i = len;
				break;
			}
			i = (size_t)(p - b) + 1;
			t->st = S_TAG;
			break;
		case S_PI:
			c = b[i++];
			if (c == '>' && t->n)
				t->st = S_TEXT;
			t->n = (c == '?');
			break;
		case S_BANG:
			/* only CDATA sections are legal in a stream, and only in a stanza */
			c = b[i++];
			if (t->depth < 2 || c != cd[t->n])
				return fail(t, cb, arg, b, i, len);
			if (++t->n == sizeof cd - 1) {
				t->st = S_CDATA;
				t->n = 0;
			}
			break;
		case S_CDATA:
			c = b[i++];
			if (c == ']')
				t->n = t->n < 2 ? t->n + 1 : 2;
			else {
				if (c == '>' && t->n == 2)
					t->st = S_TEXT;
				t->n = 0;
			}
			break;
		}
	}
	/* what is pending starts at t->start, unless we are between elements */
	size_t keep = (t->st == S_TEXT && t->depth <= 1) ? i : t->start;
	t->pos = i - keep;
	t->start = 0;
	return keep;
}

int str_eq(struct str s, const char *z)
{
	size_t n = strlen(z);
	return s.p && s.n == n && memcmp(s.p, z, n) == 0;
}

struct str el_name(const char *s, size_t len)
{
	size_t i = 1;
	if (len > 1 && s[1] == '/')
		i = 2;
	size_t st = i;
	while (i < len && !is_ws(s[i]) && s[i] != '>' && s[i] != '/')
		i++;
	return (struct str){ s + st, i - st };
}

struct str el_attr(const char *s, size_t len, const char *name)
{
	struct str nm = el_name(s, len);
	size_t i = (size_t)(nm.p - s) + nm.n, nl = strlen(name);
	while (i < len) {
		while (i < len && is_ws(s[i]))
			i++;
		if (i >= len || s[i] == '>' || s[i] == '/')
			break;
		size_t a = i;
		while (i < len && s[i] != '=' && !is_ws(s[i]) && s[i] != '>')
			i++;
		size_t an = i - a;
		while (i < len && s[i] != '\'' && s[i] != '"' && s[i] != '>')
			i++;
		if (i >= len || s[i] == '>')
			break;
		char q = s[i++];
		const char *e = memchr(s + i, q, len - i);
		if (!e)
			break;
		if (an == nl && memcmp(s + a, name, nl) == 0)
			return (struct str){ s + i, (size_t)(e - (s + i)) };
		i = (size_t)(e - s) + 1;
	}
	return (struct str){ NULL, 0 };
}

struct str el_text(const char *s, size_t len, const char *name)
{
	size_t nl = strlen(name);
	const char *end = s + len, *p = s;
	while ((p = memchr(p, '<', (size_t)(end - p)))) {
		p++;
		if ((size_t)(end - p) > nl && memcmp(p, name, nl) == 0 &&
		    (p[nl] == '>' || is_ws(p[nl]) || p[nl] == '/')) {
			const char *g = memchr(p, '>', (size_t)(end - p));
			if (!g)
				break;
			if (g[-1] == '/')
				return (struct str){ g, 0 };
			g++;
			const char *e = memchr(g, '<', (size_t)(end - g));
			if (!e)
				break;
			return (struct str){ g, (size_t)(e - g) };
		}
	}
	return (struct str){ NULL, 0 };
}

int has(const char *s, size_t len, const char *needle)
{
	return memmem(s, len, needle, strlen(needle)) != NULL;
}

size_t xml_unescape(struct str in, char *out, size_t cap)
{
	static const struct { const char *e; char c; } ent[] = {
		{ "amp;", '&' }, { "lt;", '<' }, { "gt;", '>' }, { "apos;", '\'' }, { "quot;", '"' }
	};
	size_t o = 0;
	for (size_t i = 0; i < in.n;) {
		if (o >= cap)
			return (size_t)-1;
		if (in.p[i] != '&') {
			out[o++] = in.p[i++];
			continue;
		}
		i++;
		size_t k;
		for (k = 0; k < sizeof ent / sizeof *ent; k++) {
			size_t n = strlen(ent[k].e);
			if (in.n - i >= n && memcmp(in.p + i, ent[k].e, n) == 0) {
				out[o++] = ent[k].c;
				i += n;
				break;
			}
		}
		if (k == sizeof ent / sizeof *ent) {
			if (i >= in.n || in.p[i] != '#')
				return (size_t)-1;
			int hex = (i + 1 < in.n && in.p[i + 1] == 'x');
			unsigned long v = strtoul(in.p + i + 1 + hex, NULL, hex ? 16 : 10);
			const char *e = memchr(in.p + i, ';', in.n - i);
			if (!e || v == 0 || v > 127)
				return (size_t)-1;
			out[o++] = (char)v;
			i = (size_t)(e - in.p) + 1;
		}
	}
	return o;
}
