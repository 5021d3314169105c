/* xload: what happens inside a stream, from its features to the initial presence. */
#ifndef XL_SESSION_H
#define XL_SESSION_H
#include "conn.h"

/* tokenizer callback of a connection that follows the protocol */
int session_on_tok(void *conn, enum tok_event ev, const char *s, size_t len);
void session_init(void);

/* SASL; each ends the connection when something is wrong */
void sasl_start(struct conn *c, const char *features, size_t len);
void sasl_challenge(struct conn *c, const char *s, size_t len);
/* the server must prove that it knows the password too */
int sasl_success_ok(struct conn *c, const char *s, size_t len);
void sasl_fail(struct conn *c, const char *why);
/* the salted passwords kept between runs */
void sasl_cache_load(void);
void sasl_cache_save(void);
size_t b64_encode(char *out, const void *in, size_t n);

/* steps of the connection that the session asks for */
void conn_send_header(struct conn *c);
int conn_start_tls(struct conn *c);
void conn_tls_step(struct conn *c);
void conn_lost(struct conn *c, const char *why);
#endif
