/* xload: client connections (TCP, TLS, XMPP login) on one epoll loop. */
#ifndef XL_CONN_H
#define XL_CONN_H
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include "tok.h"

enum cstate {
	C_FREE, C_TCP, C_TLS, C_STREAM, C_AUTH, C_BIND, C_SETUP, C_READY,
	C_RAW,     /* no protocol handling: bytes are only counted and kept */
	C_CLOSING, /* we sent the stream footer */
	C_DEAD
};
enum { TLS_PLAIN, TLS_START, TLS_DIRECT };

struct conn {
	int fd, user, ix;
	enum cstate st;
	uint8_t authed, tls_on, dirty, want_out, sm_on, sm_wanted;
	uint8_t need; /* replies still missing before C_READY */
	uint8_t pending_kill; /* the fd is closed once the current batch is over */
	SSL *ssl;
	struct tok tok;
	char *in, *out;
	size_t in_len, in_cap, out_len, out_off, out_cap;
	uint32_t sm_in, sm_out, sm_acked, sm_unreq;
	uint32_t ack_h;       /* the answer to the request of ack_t says at least so much */
	uint64_t ack_t;       /* when an acknowledgement was asked for; 0: no answer is awaited */
	char jid[96];
	struct scram *scram;
	int roster_n;         /* items in the roster result */
	uint64_t t0, t_ready, t_dead;
	uint64_t rx_bytes;
	char *raw; size_t raw_len; /* C_RAW: first bytes received */
};

struct config {
	const char *host, *domain, *user_pat, *pass_pat, *resource, *mech, *cafile, *scram_cache;
	struct sockaddr_storage addr; socklen_t addrlen;
	int port, tls, sm, sm_r, carbons, first, no_presence, no_roster, verbose;
	int share; /* connections of each user */
	int sources; /* IPv4 addresses of ours to connect from, in turn: 127.0.1.1, .2, ... */
};
extern struct config cfg;

/* what went by, over all connections */
struct counters {
	uint64_t stanzas_in, messages, presences, iqs, stream_errors, stanza_errors, tok_errors, conn_lost, login_failed, bytes_in, bytes_out;
	uint64_t connects, pbkdf2;
	char first_error[400];
};
extern struct counters ct;
extern char tls_desc[96];
extern char caps_el[200]; /* the <c/> of our presences */

/* scenario hook: every stanza that arrives at C_READY (and messages and
 * presences that arrive in C_SETUP) */
extern void (*on_stanza)(struct conn *c, const char *s, size_t len);
extern void (*on_roster)(struct conn *c, const char *s, size_t len);
extern void (*on_ready)(struct conn *c);
/* how long the answer to a request for acknowledgement took */
extern void (*on_ack)(struct conn *c, uint64_t ns);

void conn_global_init(void);
void conn_global_done(void);
struct conn *conn_open(struct conn *c, int ix, int user, int raw);
void conn_put(struct conn *c, const char *s, size_t n);
void conn_putf(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* account one stanza for stream management */
void conn_stanza_sent(struct conn *c);
void conn_close(struct conn *c);          /* graceful: stream footer */
void conn_kill(struct conn *c);           /* drop at once */
void loop_once(int timeout_ms);
void note_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pat_sub(char *out, size_t cap, const char *pat, int n);
#endif
