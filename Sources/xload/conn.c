/* Connections: TCP, TLS, buffers, one epoll loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "proc.h"
#include "session.h"

struct config cfg;
struct counters ct;
char tls_desc[96];
void (*on_stanza)(struct conn *c, const char *s, size_t len);
void (*on_roster)(struct conn *c, const char *s, size_t len);
void (*on_ready)(struct conn *c);
void (*on_ack)(struct conn *c, uint64_t ns);

static int ep = -1;
static SSL_CTX *sctx;
#define RBUF (256 * 1024)
static char rbuf[RBUF];

static struct conn **dirty;
static size_t ndirty, cdirty;
static struct conn **doomed;
static size_t ndoomed, cdoomed;

void note_error(const char *fmt, ...)
{
	char b[sizeof ct.first_error];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	if (!ct.first_error[0])
		memcpy(ct.first_error, b, sizeof b);
	if (cfg.verbose)
		fprintf(stderr, "xload: %s\n", b);
}

/* the first "%d" of a pattern becomes n */
void pat_sub(char *out, size_t cap, const char *pat, int n)
{
	const char *p = strstr(pat, "%d");
	if (p)
		snprintf(out, cap, "%.*s%d%s", (int)(p - pat), pat, n, p + 2);
	else
		snprintf(out, cap, "%s", pat);
}

/* ---- output ---------------------------------------------------------- */

static void mark_dirty(struct conn *c)
{
	if (c->dirty)
		return;
	if (ndirty == cdirty) {
		cdirty = cdirty ? cdirty * 2 : 1024;
		dirty = realloc(dirty, cdirty * sizeof *dirty);
		if (!dirty)
			abort();
	}
	c->dirty = 1;
	dirty[ndirty++] = c;
}

void conn_put(struct conn *c, const char *s, size_t n)
{
	if (c->st == C_DEAD || c->st == C_FREE)
		return;
	if (c->out_len + n > c->out_cap) {
		size_t cap = c->out_cap ? c->out_cap : 512;
		while (cap < c->out_len + n)
			cap *= 2;
		c->out = realloc(c->out, cap);
		if (!c->out)
			abort();
		c->out_cap = cap;
	}
	memcpy(c->out + c->out_len, s, n);
	c->out_len += n;
	mark_dirty(c);
}

void conn_putf(struct conn *c, const char *fmt, ...)
{
	char b[4096];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof b)
		abort();
	conn_put(c, b, (size_t)n);
}

void conn_stanza_sent(struct conn *c)
{
	if (!c->sm_on)
		return;
	c->sm_out++;
	if (cfg.sm_r && ++c->sm_unreq >= (uint32_t)cfg.sm_r) {
		c->sm_unreq = 0;
		conn_put(c, "<r xmlns='urn:xmpp:sm:3'/>", 26);
		if (!c->ack_t) {
			c->ack_t = now_ns();
			c->ack_h = c->sm_out;
		}
	}
}

static void ep_set(struct conn *c, int out)
{
	if (c->want_out == out)
		return;
	c->want_out = (uint8_t)out;
	struct epoll_event ev = { .events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
}

void conn_lost(struct conn *c, const char *why)
{
	if (c->st == C_DEAD)
		return;
	if (c->st != C_CLOSING && c->st != C_RAW) {
		if (c->st == C_READY)
			ct.conn_lost++;
		note_error("user %d: connection lost (%s) in state %d", c->user, why, c->st);
	}
	conn_kill(c);
}

static void flush(struct conn *c)
{
	while (c->out_off < c->out_len) {
		ssize_t n;
		if (c->ssl) {
			n = SSL_write(c->ssl, c->out + c->out_off, (int)(c->out_len - c->out_off));
			if (n <= 0) {
				int e = SSL_get_error(c->ssl, (int)n);
				ERR_clear_error();
				if (e == SSL_ERROR_WANT_WRITE) {
					ep_set(c, 1);
					return;
				}
				if (e == SSL_ERROR_WANT_READ)
					return;
				conn_lost(c, "TLS write");
				return;
			}
		} else {
			n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
			if (n < 0) {
				if (errno == EAGAIN || errno == EINTR) {
					ep_set(c, 1);
					return;
				}
				conn_lost(c, strerror(errno));
				return;
			}
		}
		ct.bytes_out += (uint64_t)n;
		c->out_off += (size_t)n;
	}
	c->out_off = c->out_len = 0;
	if (c->out_cap > 16384) {
		free(c->out);
		c->out = NULL;
		c->out_cap = 0;
	}
	if (c->st != C_TCP)
		ep_set(c, 0);
}

/* ---- life cycle ------------------------------------------------------ */

void conn_kill(struct conn *c)
{
	if (c->st == C_DEAD || c->st == C_FREE)
		return;
	if (c->st != C_CLOSING && c->st != C_READY && c->st != C_RAW)
		ct.login_failed++;
	c->st = C_DEAD;
	c->t_dead = now_ns();
	epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
	if (!c->pending_kill) {
		c->pending_kill = 1;
		if (ndoomed == cdoomed) {
			cdoomed = cdoomed ? cdoomed * 2 : 256;
			doomed = realloc(doomed, cdoomed * sizeof *doomed);
			if (!doomed)
				abort();
		}
		doomed[ndoomed++] = c;
	}
}

static void bury(void)
{
	for (size_t i = 0; i < ndoomed; i++) {
		struct conn *c = doomed[i];
		if (c->ssl)
			SSL_free(c->ssl);
		c->ssl = NULL;
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
		free(c->in);
		free(c->out);
		free(c->scram);
		c->in = c->out = NULL;
		c->in_len = c->in_cap = c->out_len = c->out_off = c->out_cap = 0;
		c->scram = NULL;
		c->pending_kill = 0;
	}
	ndoomed = 0;
}

void conn_close(struct conn *c)
{
	if (c->st == C_DEAD || c->st == C_FREE || c->st == C_CLOSING)
		return;
	conn_put(c, "</stream:stream>", 16);
	c->st = C_CLOSING;
}

void conn_send_header(struct conn *c)
{
	tok_reset(&c->tok);
	c->in_len = 0;
	c->st = C_STREAM;
	conn_putf(c, "<?xml version='1.0'?><stream:stream to='%s' xmlns='jabber:client' "
	          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xml:lang='en'>", cfg.domain);
}

int conn_start_tls(struct conn *c)
{
	c->ssl = SSL_new(sctx);
	if (!c->ssl)
		return 0;
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_tlsext_host_name(c->ssl, cfg.domain);
	if (cfg.cafile)
		SSL_set1_host(c->ssl, cfg.domain);
	SSL_set_connect_state(c->ssl);
	c->st = C_TLS;
	return 1;
}

void conn_tls_step(struct conn *c)
{
	int r = SSL_do_handshake(c->ssl);
	if (r == 1) {
		c->tls_on = 1;
		if (!tls_desc[0])
			snprintf(tls_desc, sizeof tls_desc, "%s %s", SSL_get_version(c->ssl), SSL_get_cipher(c->ssl));
		ep_set(c, 0);
		conn_send_header(c);
		return;
	}
	int e = SSL_get_error(c->ssl, r);
	if (e == SSL_ERROR_WANT_READ)
		ep_set(c, 0);
	else if (e == SSL_ERROR_WANT_WRITE)
		ep_set(c, 1);
	else {
		char b[200];
		ERR_error_string_n(ERR_get_error(), b, sizeof b);
		conn_lost(c, b);
	}
	ERR_clear_error();
}

/* so that one address's limits and ports do not end the crowd early */
static int bind_source(int fd, int ix)
{
	int one = 1;
	struct sockaddr_in from = { .sin_family = AF_INET };
	from.sin_addr.s_addr = htonl(0x7f000101u + (uint32_t)(ix % cfg.sources));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	return bind(fd, (struct sockaddr *)&from, sizeof from) == 0;
}

struct conn *conn_open(struct conn *c, int ix, int user, int raw)
{
	memset(c, 0, sizeof *c);
	c->ix = ix;
	c->user = user;
	c->t0 = now_ns();
	c->fd = socket(cfg.addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	c->st = C_TCP;
	ct.connects++;
	if (c->fd < 0) {
		note_error("socket: %s", strerror(errno));
		c->st = C_DEAD;
		ct.login_failed++;
		return NULL;
	}
	int one = 1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->want_out = 1;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
	if (cfg.sources > 1 && !bind_source(c->fd, ix))
		note_error("bind: %s", strerror(errno));
	if (connect(c->fd, (struct sockaddr *)&cfg.addr, cfg.addrlen) < 0 && errno != EINPROGRESS) {
		conn_lost(c, strerror(errno));
		return NULL;
	}
	if (raw) {
		c->st = C_RAW;
		c->raw = calloc(1, 2048);
	}
	return c;
}

static void consume(struct conn *c, char *buf, size_t n)
{
	ct.bytes_in += n;
	c->rx_bytes += n;
	if (c->st == C_RAW) {
		size_t k = 2047 - c->raw_len < n ? 2047 - c->raw_len : n;
		memcpy(c->raw + c->raw_len, buf, k);
		c->raw_len += k;
		return;
	}
	char *b = buf;
	size_t l = n;
	if (c->in_len) {
		if (c->in_len + n > c->in_cap) {
			size_t cap = c->in_cap ? c->in_cap : 4096;
			while (cap < c->in_len + n)
				cap *= 2;
			c->in = realloc(c->in, cap);
			if (!c->in)
				abort();
			c->in_cap = cap;
		}
		memcpy(c->in + c->in_len, buf, n);
		b = c->in;
		l = c->in_len + n;
	}
	size_t used = tok_feed(&c->tok, b, l, session_on_tok, c);
	if (used == (size_t)-1) { /* stream restart, or dead */
		if (c->st != C_DEAD)
			c->in_len = 0;
		return;
	}
	size_t left = l - used;
	if (!left) {
		c->in_len = 0;
		if (c->in_cap) {
			free(c->in);
			c->in = NULL;
			c->in_cap = 0;
		}
		return;
	}
	if (b == c->in) {
		memmove(c->in, c->in + used, left);
	} else {
		if (left > c->in_cap) {
			size_t cap = 1024;
			while (cap < left)
				cap *= 2;
			c->in = realloc(c->in, cap);
			if (!c->in)
				abort();
			c->in_cap = cap;
		}
		memcpy(c->in, b + used, left);
	}
	c->in_len = left;
}

static void readable(struct conn *c)
{
	for (;;) {
		ssize_t n;
		SSL *ssl = c->ssl;
		if (c->st == C_DEAD)
			return;
		if (ssl && c->st == C_TLS) {
			conn_tls_step(c);
			if (c->st == C_TLS || c->st == C_DEAD)
				return;
			continue;
		}
		if (ssl) {
			n = SSL_read(ssl, rbuf, RBUF);
			if (n <= 0) {
				int e = SSL_get_error(ssl, (int)n);
				ERR_clear_error();
				if (e == SSL_ERROR_WANT_READ)
					return;
				if (e == SSL_ERROR_WANT_WRITE) {
					ep_set(c, 1);
					return;
				}
				conn_lost(c, e == SSL_ERROR_ZERO_RETURN ? "TLS close" : "TLS read");
				return;
			}
			consume(c, rbuf, (size_t)n);
			/* read ahead: nothing is left in OpenSSL, and epoll tells of what is left in the socket */
			if (c->st != C_DEAD && c->ssl == ssl && !SSL_has_pending(ssl))
				return;
			continue;
		}
		n = recv(c->fd, rbuf, RBUF, 0);
		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			conn_lost(c, strerror(errno));
			return;
		}
		if (n == 0) {
			conn_lost(c, "end of file");
			return;
		}
		consume(c, rbuf, (size_t)n);
		if (n < RBUF)
			return;
	}
}

void loop_once(int timeout_ms)
{
	static struct epoll_event ev[1024];
	/* what the scenario queued since the last turn goes out first */
	for (size_t i = 0; i < ndirty; i++) {
		struct conn *c = dirty[i];
		c->dirty = 0;
		if (c->st != C_DEAD && c->st != C_FREE && c->st != C_TCP && c->st != C_TLS && c->fd >= 0)
			flush(c);
	}
	ndirty = 0;
	bury();
	int n = epoll_wait(ep, ev, 1024, timeout_ms);
	for (int i = 0; i < n; i++) {
		struct conn *c = ev[i].data.ptr;
		if (c->st == C_DEAD || c->st == C_FREE)
			continue;
		if (c->st == C_TCP && (ev[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
			int err = 0;
			socklen_t l = sizeof err;
			getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
			if (err) {
				conn_lost(c, strerror(err));
				continue;
			}
			if (cfg.tls == TLS_DIRECT) {
				if (conn_start_tls(c))
					conn_tls_step(c);
			} else {
				ep_set(c, 0);
				conn_send_header(c);
			}
			continue;
		}
		if ((ev[i].events & EPOLLOUT)) {
			if (c->st == C_TLS)
				conn_tls_step(c);
			else
				flush(c);
		}
		if (c->st != C_DEAD && (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
			readable(c);
	}
	bury();
}

void conn_global_init(void)
{
	ep = epoll_create1(EPOLL_CLOEXEC);
	sctx = SSL_CTX_new(TLS_client_method());
	if (ep < 0 || !sctx)
		abort();
	SSL_CTX_set_min_proto_version(sctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(sctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(sctx, 1);
	SSL_CTX_set_session_cache_mode(sctx, SSL_SESS_CACHE_OFF);
	if (cfg.cafile) {
		if (SSL_CTX_load_verify_locations(sctx, cfg.cafile, NULL) != 1) {
			fprintf(stderr, "xload: cannot load the CA file\n");
			exit(2);
		}
		SSL_CTX_set_verify(sctx, SSL_VERIFY_PEER, NULL);
	}
	sasl_cache_load();
	session_init();
}

void conn_global_done(void)
{
	sasl_cache_save();
	SSL_CTX_free(sctx);
	close(ep);
}


