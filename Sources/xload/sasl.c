/* SASL: PLAIN and SCRAM (RFC 5802, RFC 7677), with the server's signature checked. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "session.h"

struct scram {
	const EVP_MD *md;
	int mdlen;
	char nonce[40];
	char first_bare[160];
	unsigned char server_sig[EVP_MAX_MD_SIZE];
	int plain;
};

/* salted passwords, kept so that the generator does not pay PBKDF2 again for a
 * user it has seen (a real client keeps them too) */
struct sent { struct sent *next; char key[200]; unsigned char salted[32]; };
#define SHASH 4096
static struct sent *scache[SHASH];
static int scache_new;

static unsigned shash(const char *s)
{
	unsigned h = 2166136261u;
	while (*s)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h % SHASH;
}

static struct sent *scache_get(const char *key)
{
	for (struct sent *e = scache[shash(key)]; e; e = e->next)
		if (!strcmp(e->key, key))
			return e;
	return NULL;
}

static struct sent *scache_add(const char *key)
{
	struct sent *e = calloc(1, sizeof *e);
	if (!e)
		abort();
	snprintf(e->key, sizeof e->key, "%s", key);
	unsigned h = shash(key);
	e->next = scache[h];
	scache[h] = e;
	return e;
}

void sasl_cache_load(void)
{
	FILE *f = cfg.scram_cache ? fopen(cfg.scram_cache, "re") : NULL;
	char key[200], hex[65];
	if (!f)
		return;
	while (fscanf(f, "%199s %64s", key, hex) == 2) {
		struct sent *e = scache_add(key);
		for (int i = 0; i < 32; i++) {
			unsigned v = 0;
			sscanf(hex + 2 * i, "%2x", &v);
			e->salted[i] = (unsigned char)v;
		}
	}
	fclose(f);
}

void sasl_cache_save(void)
{
	if (!cfg.scram_cache || !scache_new)
		return;
	FILE *f = fopen(cfg.scram_cache, "we");
	if (!f)
		return;
	for (int h = 0; h < SHASH; h++)
		for (struct sent *e = scache[h]; e; e = e->next) {
			fprintf(f, "%s ", e->key);
			for (int i = 0; i < 32; i++)
				fprintf(f, "%02x", e->salted[i]);
			fputc('\n', f);
		}
	fclose(f);
}

size_t b64_encode(char *out, const void *in, size_t n)
{
	return (size_t)EVP_EncodeBlock((unsigned char *)out, in, (int)n);
}

static int b64dec(unsigned char *out, size_t cap, const char *in, size_t n)
{
	if (n % 4 || n / 4 * 3 > cap)
		return -1;
	int r = EVP_DecodeBlock(out, (const unsigned char *)in, (int)n);
	if (r < 0)
		return -1;
	for (size_t i = n; i > 0 && in[i - 1] == '='; i--)
		r--;
	return r;
}

static void hmac(const EVP_MD *md, const void *k, int kl, const void *d, size_t dl, unsigned char *out)
{
	unsigned int ol;
	HMAC(md, k, kl, d, dl, out, &ol);
}

void sasl_fail(struct conn *c, const char *why)
{
	note_error("user %d: %s", c->user, why);
	conn_kill(c);
}

void sasl_start(struct conn *c, const char *s, size_t len)
{
	char user[64], pass[64], mech[32];
	char pick[24] = "";
	if (!strcmp(cfg.mech, "auto")) {
		snprintf(pick, sizeof pick, "%s", has(s, len, ">SCRAM-SHA-256<") ? "SCRAM-SHA-256" :
		         has(s, len, ">SCRAM-SHA-1<") ? "SCRAM-SHA-1" : "PLAIN");
	} else {
		snprintf(pick, sizeof pick, "%s", cfg.mech);
	}
	snprintf(mech, sizeof mech, ">%s<", pick);
	if (!has(s, len, mech)) {
		char b[80];
		snprintf(b, sizeof b, "%s is not offered", pick);
		sasl_fail(c, b);
		return;
	}
	struct scram *sc = c->scram = calloc(1, sizeof *sc);
	if (!sc)
		abort();
	pat_sub(user, sizeof user, cfg.user_pat, c->user);
	pat_sub(pass, sizeof pass, cfg.pass_pat, c->user);
	char raw[256], b64[400];
	int n;
	if (!strcmp(pick, "PLAIN")) {
		sc->plain = 1;
		n = snprintf(raw, sizeof raw, "%c%s%c%s", 0, user, 0, pass);
	} else {
		unsigned char rnd[18];
		sc->md = !strcmp(pick, "SCRAM-SHA-256") ? EVP_sha256() : EVP_sha1();
		sc->mdlen = EVP_MD_get_size(sc->md);
		RAND_bytes(rnd, sizeof rnd);
		sc->nonce[b64_encode(sc->nonce, rnd, sizeof rnd)] = 0;
		snprintf(sc->first_bare, sizeof sc->first_bare, "n=%s,r=%s", user, sc->nonce);
		n = snprintf(raw, sizeof raw, "n,,%s", sc->first_bare);
	}
	b64[b64_encode(b64, raw, (size_t)n)] = 0;
	conn_putf(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>%s</auth>", pick, b64);
}

void sasl_challenge(struct conn *c, const char *s, size_t len)
{
	struct scram *sc = c->scram;
	struct str t = el_text(s, len, "challenge");
	unsigned char ch[512];
	int n = t.p ? b64dec(ch, sizeof ch - 1, t.p, t.n) : -1;
	if (n < 0 || !sc || sc->plain) {
		sasl_fail(c, "bad challenge");
		return;
	}
	ch[n] = 0;
	char nonce[200], salt64[120];
	int iter = 0;
	if (sscanf((char *)ch, "r=%199[^,],s=%119[^,],i=%d", nonce, salt64, &iter) != 3 ||
	    strncmp(nonce, sc->nonce, strlen(sc->nonce)) || iter < 1 || iter > 1000000) {
		sasl_fail(c, "bad server-first message");
		return;
	}
	char key[200];
	snprintf(key, sizeof key, "%d:%d:%d:%s", c->user, sc->mdlen, iter, salt64);
	struct sent *e = scache_get(key);
	if (!e) {
		unsigned char salt[128];
		char pass[64];
		int sl = b64dec(salt, sizeof salt, salt64, strlen(salt64));
		if (sl < 0) {
			sasl_fail(c, "bad salt");
			return;
		}
		pat_sub(pass, sizeof pass, cfg.pass_pat, c->user);
		e = scache_add(key);
		PKCS5_PBKDF2_HMAC(pass, (int)strlen(pass), salt, sl, iter, sc->md, sc->mdlen, e->salted);
		scache_new = 1;
		ct.pbkdf2++;
	}
	unsigned char ck[EVP_MAX_MD_SIZE], sk[EVP_MAX_MD_SIZE], stored[EVP_MAX_MD_SIZE], sig[EVP_MAX_MD_SIZE];
	char am[1200], proof[100], fin[400], b64[600];
	hmac(sc->md, e->salted, sc->mdlen, "Client Key", 10, ck);
	EVP_Digest(ck, (size_t)sc->mdlen, stored, NULL, sc->md, NULL);
	int an = snprintf(am, sizeof am, "%s,%s,c=biws,r=%s", sc->first_bare, (char *)ch, nonce);
	hmac(sc->md, stored, sc->mdlen, am, (size_t)an, sig);
	for (int i = 0; i < sc->mdlen; i++)
		ck[i] ^= sig[i];
	proof[b64_encode(proof, ck, (size_t)sc->mdlen)] = 0;
	hmac(sc->md, e->salted, sc->mdlen, "Server Key", 10, sk);
	hmac(sc->md, sk, sc->mdlen, am, (size_t)an, sc->server_sig);
	int fn = snprintf(fin, sizeof fin, "c=biws,r=%s,p=%s", nonce, proof);
	b64[b64_encode(b64, fin, (size_t)fn)] = 0;
	conn_putf(c, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</response>", b64);
}

int sasl_success_ok(struct conn *c, const char *s, size_t len)
{
	struct scram *sc = c->scram;
	if (!sc || sc->plain)
		return sc != NULL;
	struct str t = el_text(s, len, "success");
	unsigned char b[256], v[EVP_MAX_MD_SIZE];
	int n = t.p ? b64dec(b, sizeof b - 1, t.p, t.n) : -1;
	if (n < 3 || memcmp(b, "v=", 2))
		return 0;
	b[n] = 0;
	char *sp = (char *)b + 2;
	size_t sl = strcspn(sp, ",");
	return b64dec(v, sizeof v, sp, sl) == sc->mdlen && !memcmp(v, sc->server_sig, (size_t)sc->mdlen);
}
