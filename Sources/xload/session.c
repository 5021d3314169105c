/* What happens inside a stream, from its features to the initial presence (RFC 6120, RFC 6121). */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "proc.h"
#include "session.h"

/* XEP-0115: the same capabilities for all, as with clients of one make */
static const char *const feats[] = { "http://jabber.org/protocol/caps", "http://jabber.org/protocol/chatstates",
	"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/muc", "urn:xmpp:chat-markers:0", "urn:xmpp:ping" };
#define NFEATS (sizeof feats / sizeof *feats)
char caps_el[200];
static char disco_el[900];

void session_init(void)
{
	char v[600], b[40];
	unsigned char h[20];
	int n = snprintf(v, sizeof v, "client/pc//xload<");
	int d = snprintf(disco_el, sizeof disco_el, "<identity category='client' type='pc' name='xload'/>");
	for (size_t i = 0; i < NFEATS; i++) {
		n += snprintf(v + n, sizeof v - (size_t)n, "%s<", feats[i]);
		d += snprintf(disco_el + d, sizeof disco_el - (size_t)d, "<feature var='%s'/>", feats[i]);
	}
	EVP_Digest(v, (size_t)n, h, NULL, EVP_sha1(), NULL);
	b[b64_encode(b, h, sizeof h)] = 0;
	snprintf(caps_el, sizeof caps_el, "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:xload' ver='%s'/>", b);
}

/* what any client does with the requests of others */
static void answer_iq(struct conn *c, const char *s, size_t len, int set)
{
	struct str id = el_attr(s, len, "id"), f = el_attr(s, len, "from");
	char to[300] = "", head[700];
	if (!id.p || id.n > 300 || f.n > 250)
		return;
	if (f.p)
		snprintf(to, sizeof to, " to='%.*s'", (int)f.n, f.p);
	snprintf(head, sizeof head, " id='%.*s'%s", (int)id.n, id.p, to);
	if (!set && has(s, len, "http://jabber.org/protocol/disco#info")) {
		const char *q = memmem(s, len, "<query", 6);
		struct str node = q ? el_attr(q, len - (size_t)(q - s), "node") : (struct str){ NULL, 0 };
		if (node.n > 200)
			node.n = 200;
		conn_putf(c, "<iq type='result'%s><query xmlns='http://jabber.org/protocol/disco#info'%s%.*s%s>%s</query></iq>", head,
		          node.p ? " node='" : "", (int)node.n, node.p ? node.p : "", node.p ? "'" : "", disco_el);
	} else if (set || has(s, len, "urn:xmpp:ping")) {
		conn_putf(c, "<iq type='result'%s/>", head);
	} else {
		conn_putf(c, "<iq type='error'%s><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", head);
	}
	conn_stanza_sent(c);
}

static void ready(struct conn *c)
{
	if (!cfg.no_presence) {
		conn_putf(c, "<presence>%s</presence>", caps_el);
		conn_stanza_sent(c);
	}
	c->st = C_READY;
	c->t_ready = now_ns();
	free(c->scram);
	c->scram = NULL;
	if (on_ready)
		on_ready(c);
}

static void setup_done(struct conn *c)
{
	if (c->need == 0 && c->st == C_SETUP)
		ready(c);
}

static void features(struct conn *c, const char *s, size_t len)
{
	if (!c->tls_on && cfg.tls == TLS_START) {
		if (!has(s, len, "urn:ietf:params:xml:ns:xmpp-tls")) {
			note_error("STARTTLS is not offered");
			conn_kill(c);
			return;
		}
		conn_putf(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		return;
	}
	if (!c->authed) {
		c->st = C_AUTH;
		sasl_start(c, s, len);
		return;
	}
	c->sm_wanted = cfg.sm && has(s, len, "urn:xmpp:sm:3");
	if (cfg.sm && !c->sm_wanted)
		note_error("stream management is not offered");
	/* RFC 3921 session: only where it is offered and not optional */
	struct str se = { memmem(s, len, "<session", 8), 0 };
	int want_session = se.p && !has(se.p, len - (size_t)(se.p - s), "<optional");
	c->st = C_BIND;
	char resource[64];
	snprintf(resource, sizeof resource, cfg.share > 1 ? "%.50s%d" : "%.50s", cfg.resource, c->ix % cfg.share);
	conn_putf(c, "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	          "<resource>%s</resource></bind></iq>", resource);
	if (want_session)
		c->need |= 1;
}

static void bound(struct conn *c, const char *s, size_t len)
{
	struct str j = el_text(s, len, "jid");
	if (!j.p || j.n >= sizeof c->jid || !str_eq(el_attr(s, len, "type"), "result")) {
		note_error("bind failed: %.*s", (int)(len > 200 ? 200 : len), s);
		conn_kill(c);
		return;
	}
	memcpy(c->jid, j.p, j.n);
	c->jid[j.n] = 0;
	c->st = C_SETUP;
	if (c->need & 1)
		conn_putf(c, "<iq type='set' id='b2'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
	if (c->sm_wanted) {
		conn_putf(c, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
		c->need |= 2;
	}
	if (!cfg.no_roster) {
		conn_putf(c, "<iq type='get' id='b3'><query xmlns='jabber:iq:roster'/></iq>");
		c->need |= 4;
	}
	if (cfg.carbons) {
		conn_putf(c, "<iq type='set' id='b4'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
		c->need |= 8;
	}
	if (c->sm_wanted) /* the server counts what follows <enable/> */
		c->sm_out = !cfg.no_roster + (cfg.carbons != 0);
	setup_done(c);
}

int session_on_tok(void *arg, enum tok_event ev, const char *s, size_t len)
{
	struct conn *c = arg;
	if (c->st == C_DEAD)
		return 1;
	if (ev == TOK_OPEN)
		return 0;
	if (ev == TOK_CLOSE) {
		if (c->st != C_CLOSING)
			conn_lost(c, "the server closed the stream");
		else
			conn_kill(c);
		return 1;
	}
	if (ev == TOK_ERROR) {
		ct.tok_errors++;
		note_error("not a well-formed stream at: %.*s", (int)len, s);
		conn_lost(c, "malformed stream");
		return 1;
	}
	ct.stanzas_in++;
	struct str nm = el_name(s, len);
	char k = nm.n ? nm.p[0] : 0;
	int is_iq = str_eq(nm, "iq"), is_msg = !is_iq && k == 'm' && str_eq(nm, "message");
	int is_pres = !is_iq && !is_msg && k == 'p' && str_eq(nm, "presence");
	if (is_iq || is_msg || is_pres) {
		if (c->sm_on)
			c->sm_in++;
		ct.iqs += (unsigned)is_iq;
		ct.messages += (unsigned)is_msg;
		ct.presences += (unsigned)is_pres;
		struct str id;
		if (c->st == C_BIND && is_iq) {
			bound(c, s, len);
			return c->st == C_DEAD;
		}
		if (c->st == C_SETUP && is_iq && (id = el_attr(s, len, "id")).n == 2 && id.p[0] == 'b') {
			if (!str_eq(el_attr(s, len, "type"), "result")) {
				ct.stanza_errors++;
				note_error("set-up iq failed: %.*s", (int)(len > 200 ? 200 : len), s);
			}
			if (id.p[1] == '3') {
				const char *p = s;
				c->roster_n = 0;
				while ((p = memmem(p, len - (size_t)(p - s), "<item", 5))) {
					c->roster_n++;
					p += 5;
				}
				if (on_roster)
					on_roster(c, s, len);
			}
			c->need &= (uint8_t)~(id.p[1] == '2' ? 1 : id.p[1] == '3' ? 4 : id.p[1] == '4' ? 8 : 0);
			setup_done(c);
			return 0;
		}
		if (is_iq && c->st == C_READY) {
			struct str ty = el_attr(s, len, "type");
			int set = str_eq(ty, "set");
			if (set || str_eq(ty, "get"))
				answer_iq(c, s, len, set);
		}
		if (on_stanza && (c->st == C_READY || c->st == C_SETUP))
			on_stanza(c, s, len);
		return c->st == C_DEAD;
	}
	if (k == 'r' && str_eq(nm, "r")) {
		if (c->sm_on)
			conn_putf(c, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", c->sm_in);
		return 0;
	}
	if (k == 'a' && str_eq(nm, "a")) {
		struct str h = el_attr(s, len, "h");
		uint32_t v = h.p ? (uint32_t)strtoul(h.p, NULL, 10) : 0;
		if (v > c->sm_out || v < c->sm_acked) {
			ct.stanza_errors++;
			note_error("user %d: SM ack h=%u is out of range %u..%u", c->user, v, c->sm_acked, c->sm_out);
		} else {
			c->sm_acked = v;
			if (c->ack_t && v >= c->ack_h) {
				if (on_ack)
					on_ack(c, now_ns() - c->ack_t);
				c->ack_t = 0;
			}
		}
		return 0;
	}
	if (k == 'e' && str_eq(nm, "enabled")) {
		c->sm_on = 1;
		c->sm_in = 0;
		c->need &= (uint8_t)~2;
		setup_done(c);
		return 0;
	}
	if (str_eq(nm, "stream:features")) {
		features(c, s, len);
		return c->st == C_DEAD;
	}
	if (str_eq(nm, "stream:error")) {
		ct.stream_errors++;
		note_error("user %d: stream error: %.*s", c->user, (int)(len > 250 ? 250 : len), s);
		conn_kill(c);
		return 1;
	}
	if (k == 'p' && str_eq(nm, "proceed")) {
		if (!conn_start_tls(c)) {
			conn_lost(c, "SSL_new");
			return 1;
		}
		conn_tls_step(c);
		return 1;
	}
	if (str_eq(nm, "challenge")) {
		sasl_challenge(c, s, len);
		return c->st == C_DEAD;
	}
	if (str_eq(nm, "success")) {
		if (!sasl_success_ok(c, s, len)) {
			sasl_fail(c, "the server's SCRAM signature is wrong");
			return 1;
		}
		c->authed = 1;
		conn_send_header(c);
		return 1;
	}
	if (str_eq(nm, "failure") || str_eq(nm, "failed")) {
		if (k == 'f' && c->st == C_SETUP) { /* SM refused */
			note_error("stream management refused");
			c->need &= (uint8_t)~2;
			setup_done(c);
			return 0;
		}
		note_error("user %d: %.*s", c->user, (int)(len > 200 ? 200 : len), s);
		conn_kill(c);
		return 1;
	}
	return 0;
}
