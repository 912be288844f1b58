/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/enroll_serve.h"
#include "collector/ctl/enroll.h"
#include "common/bucket.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/log_peer.h"
#include "common/notify.h"
#include "common/rights.h"
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netdb.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECTIONS = 256,
	PER_ADDRESS = 32, /* many nodes can be behind one */
	TIMEOUT_S = 10,
	PER_S = 50, /* requests, all together: a signature and three files that are synced */
	BURST = 200,
	BACKLOG = 128,
	WARN_S = 30 * 86400, /* before the server's own certificate ends */
};

struct server {
	const char *dir;
	struct enroll_options opt;
	struct bucket pace;
};

struct request {
	struct buf body;
	char peer[INET6_ADDRSTRLEN];
};

/* ---- answers ---- */

static enum MHD_Result
reply(struct MHD_Connection *c, unsigned status, struct buf *b)
{
	struct MHD_Response *r;
	enum MHD_Result done = MHD_NO;

	if (buf_ok(b) < 0)
		return MHD_NO;
	r = MHD_create_response_from_buffer(b->n, b->p, MHD_RESPMEM_MUST_COPY);
	if (r == NULL)
		return MHD_NO;
	(void) MHD_add_response_header(r, "Content-Type", "application/json");
	(void) MHD_add_response_header(r, "Connection", "close");
	if (status == MHD_HTTP_TOO_MANY_REQUESTS)
		(void) MHD_add_response_header(r, "Retry-After", "10");
	done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result
reply_error(struct MHD_Connection *c, unsigned status, const char *why)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	buf_str(&b, "{\"error\":");
	buf_json(&b, slice_str(why));
	buf_str(&b, "}\n");
	return reply(c, status, &b);
}

/* Append "name": and a file's text. */
static int
add_file(struct buf *b, const char *dir, const char *stem, const char *name)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	char path[4096];
	struct diag d = { 0 };
	int r;

	pki_path(dir, stem, ".pem", path);
	r = file_read(path, "file", false, &text, &d);
	if (r < 0) {
		log_error("%s", d.msg);
		return r;
	}
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, buf_get(&text));
	return 0;
}

static enum MHD_Result
reply_trust(const struct server *s, struct MHD_Connection *c, X509 *cert)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	BIO *bio = cert == NULL ? NULL : BIO_new(BIO_s_mem());
	char *p = NULL;

	buf_str(&b, "{\"collector\":");
	buf_json(&b, slice_str(s->opt.collector));
	if (bio != NULL && PEM_write_bio_X509(bio, cert) == 1) {
		long n = BIO_get_mem_data(bio, &p);

		buf_str(&b, ",\"certificate\":");
		buf_json(&b, (struct slice){ p, n < 0 ? 0 : (size_t) n });
	}
	BIO_free(bio);
	if (add_file(&b, s->dir, "trust", "ca") < 0 || add_file(&b, s->dir, "trust-crl", "crl") < 0)
		return reply_error(c, 500, "the server cannot read its files: see its log");
	buf_str(&b, "}\n");
	return reply(c, MHD_HTTP_OK, &b);
}

/* Log who has got what, or not; then answer. Frees the certificate. */
static enum MHD_Result
conclude(const struct server *s, struct MHD_Connection *c, const struct request *rq,
    const char *what, const char *node, struct enroll_answer *a)
{
	enum MHD_Result done;
	char until[32];

	if (a->status != MHD_HTTP_OK) {
		if (a->status == 500)
			log_error("%s", a->why);
		log_peer(LOG_WARN, "enrolment", "refused to %s node '%.64s' at %s%s%s: %s", what,
		    node, rq->peer, a->token[0] == '\0' ? "" : ", token ", a->token, a->why);
		return reply_error(
		    c, a->status, a->status == 500 ? "the server has failed: see its log" : a->why);
	}
	pki_time(X509_get0_notAfter(a->cert), until);
	log_line(LOG_AUDIT, "%sed node '%s' at %s%s%s until %s%s", what, node, rq->peer,
	    a->token[0] == '\0' ? "" : ", token ", a->token, until,
	    a->again ? ": the same certificate once more" : "");
	done = reply_trust(s, c, a->cert);
	X509_free(a->cert);
	return done;
}

/* ---- requests ---- */

/* The certificate that the client has shown; its key was checked by TLS. NULL: none. */
static X509 *
peer_cert(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned n = 0;
	const gnutls_datum_t *v =
	    i == NULL ? NULL : gnutls_certificate_get_peers(i->tls_session, &n);
	const unsigned char *p = v == NULL || n == 0 ? NULL : v[0].data;
	X509 *x = p == NULL ? NULL : d2i_X509(NULL, &p, (long) v[0].size);

	ERR_clear_error();
	return x;
}

static enum MHD_Result
on_enroll(
    struct server *s, struct MHD_Connection *c, struct request *rq, const struct enroll_ask *ask)
{
	struct enroll_answer a;

	if (ask->token == NULL || ask->node == NULL)
		return reply_error(c, 400, "the request holds no token, or no node's name");
	enroll_node(s->dir, slice_str(ask->token), ask->node, ask->key, time(NULL), &a);
	return conclude(s, c, rq, "enroll", ask->node, &a);
}

static enum MHD_Result
on_renew(
    struct server *s, struct MHD_Connection *c, struct request *rq, const struct enroll_ask *ask)
{
	X509 *old = peer_cert(c);
	struct enroll_answer a;
	char node[256];

	enroll_renew(s->dir, old, ask->key, node, &a);
	X509_free(old);
	return conclude(s, c, rq, "renew", node, &a);
}

static enum MHD_Result
answer(struct server *s, struct MHD_Connection *c, struct request *rq, const char *url,
    const char *method)
{
	static const struct {
		const char *url;
		enum MHD_Result (*answer)(struct server *s, struct MHD_Connection *c,
		    struct request *rq, const struct enroll_ask *ask);
	} routes[] = { { "/v1/enroll", on_enroll }, { "/v1/renew", on_renew } };
	struct enroll_ask ask;
	struct diag d = { 0 };
	enum MHD_Result done;
	int r;

	if (!bucket_take(&s->pace, clock_mono()))
		return reply_error(
		    c, MHD_HTTP_TOO_MANY_REQUESTS, "too many nodes at once: try again in a moment");
	if (strcmp(url, "/v1/trust") == 0 && strcmp(method, "GET") == 0)
		return reply_trust(s, c, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(url, routes[i].url) != 0 || strcmp(method, "POST") != 0)
			continue;
		r = enroll_ask_parse(buf_get(&rq->body), &ask, &d);
		done = r < 0 ? reply_error(c, 400, d.msg) : routes[i].answer(s, c, rq, &ask);
		enroll_ask_fini(&ask);
		return done;
	}
	return reply_error(c, 404, "this is a Mews enrolment server: use 'mews-sensor enroll'");
}

static void
take_peer(struct MHD_Connection *c, char ret[INET6_ADDRSTRLEN])
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = i == NULL ? NULL : i->client_addr;

	if (a == NULL ||
	    getnameinfo(a,
		a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
		ret, INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) != 0)
		(void) snprintf(ret, INET6_ADDRSTRLEN, "?");
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *n, void **ctx)
{
	struct request *rq = *ctx;

	(void) version;
	if (rq == NULL) {
		rq = *ctx = calloc(1, sizeof(*rq));
		if (rq == NULL)
			return MHD_NO;
		take_peer(c, rq->peer);
		return MHD_YES;
	}
	if (*n == 0)
		return answer(cls, c, rq, url, method);
	if (rq->body.n + *n > ENROLL_BODY_MAX)
		return MHD_NO; /* ends the connection */
	buf_add(&rq->body, data, *n);
	*n = 0;
	return buf_ok(&rq->body) == 0 ? MHD_YES : MHD_NO;
}

static void
on_completed(void *cls, struct MHD_Connection *c, void **ctx, enum MHD_RequestTerminationCode why)
{
	struct request *rq = *ctx;

	(void) cls;
	(void) c;
	(void) why;
	if (rq == NULL)
		return;
	if (rq->body.p != NULL)
		OPENSSL_cleanse(rq->body.p, rq->body.n);
	buf_fini(&rq->body);
	free(rq);
	*ctx = NULL;
}

/* ---- start and stop ---- */

static int
listen_at(const char *text, struct diag *d)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct enroll_address at;
	const int on = 1;
	int fd = -1, r = enroll_address_parse(slice_str(text), &at, d);

	if (r < 0)
		return r;
	r = getaddrinfo(at.host, at.port, &hints, &list);
	if (r != 0)
		return diag_fail(
		    d, 0, 0, "listen: '%s' is not an address: %s", text, gai_strerror(r));
	fd = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		(void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		diag_set(d, 0, 0, "cannot listen on %s: %s", text, strerrordesc_np(-r));
		if (fd >= 0)
			(void) close(fd);
		fd = r;
	}
	freeaddrinfo(list);
	return fd;
}

/* Everywhere, at the port by which nodes reach the server. */
static int
listen_default(const char *address, struct diag *d)
{
	struct enroll_address at;
	char text[16];
	int r = enroll_address_parse(slice_str(address), &at, d);

	(void) snprintf(text, sizeof(text), "[::]:%s", at.port);
	if (r == 0)
		r = listen_at(text, d);
	if (r >= 0 || r == -EADDRINUSE)
		return r;
	(void) snprintf(text, sizeof(text), "0.0.0.0:%s", at.port); /* no IPv6 here */
	return listen_at(text, d);
}

struct pems {
	struct buf cert, key, ca;
};

static int
pems_read(struct pems *p, const char *dir, struct diag *d)
{
	char path[4096];
	int r;

	pki_path(dir, "server", ".pem", path);
	r = file_read(path, "server's certificate", false, &p->cert, d);
	pki_path(dir, "server", ".key", path);
	if (r == 0)
		r = file_read(path, "server's key", true, &p->key, d);
	pki_path(dir, "ca", ".pem", path);
	if (r == 0)
		r = file_read(path, "authority's certificate", false, &p->ca, d);
	return r;
}

static void
pems_fini(struct pems *p)
{
	if (p->key.p != NULL)
		OPENSSL_cleanse(p->key.p, p->key.n);
	buf_fini(&p->cert);
	buf_fini(&p->key);
	buf_fini(&p->ca);
}

/* Warn when the server's own certificate nears its end. */
static void
warn_of_end(const struct pems *p)
{
	BIO *b = BIO_new_mem_buf(p->cert.p, (int) p->cert.n);
	X509 *x = b == NULL ? NULL : PEM_read_bio_X509(b, NULL, NULL, NULL);
	time_t soon = time(NULL) + WARN_S;
	char until[32];

	if (x != NULL && X509_cmp_time(X509_get0_notAfter(x), &soon) < 0) {
		pki_time(X509_get0_notAfter(x), until);
		log_warn(
		    "the certificate of this server ends at %s: renew it with 'mewsctl pki "
		    "enroller FLEET DIR', and start the server again",
		    until);
	}
	X509_free(x);
	BIO_free(b);
	ERR_clear_error();
}

static void
wait_for_end(struct notify *n)
{
	const struct timespec second = { .tv_sec = 1 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	notify_ready(n);
	while (sigtimedwait(&set, NULL, &second) < 0) {
		notify_alive(n, clock_mono());
		log_peer_tick();
	}
	notify_stopping(n);
}

static int
serve(struct server *s, const struct pems *p, int fd, struct notify *n, struct diag *d)
{
	struct MHD_Daemon *m = MHD_start_daemon(
	    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_TLS, 0, NULL, NULL,
	    on_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT, p->cert.p,
	    MHD_OPTION_HTTPS_MEM_KEY, p->key.p, MHD_OPTION_HTTPS_MEM_TRUST, p->ca.p,
	    MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    (unsigned) PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) TIMEOUT_S,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);

	if (m == NULL) {
		(void) close(fd);
		return diag_fail(d, 0, 0,
		    "cannot serve with the certificate and key in %s: make them again with "
		    "'mewsctl pki enroller'",
		    s->dir);
	}
	log_info("enrolling nodes at %s, for the collector %s", s->opt.address, s->opt.collector);
	wait_for_end(n);
	MHD_stop_daemon(m); /* closes the socket */
	return 0;
}

int
enroll_serve(const char *dir, struct diag *d)
{
	struct server s = { .dir = dir, .pace = { .per_s = PER_S, .burst = BURST } };
	struct pems p = { .cert = BUF_INIT };
	struct notify n = NOTIFY_NONE;
	struct cfg *cfg = NULL;
	sigset_t set;
	int r, fd;

	log_init("mews-enroll", LOG_INFO);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void) pthread_sigmask(SIG_BLOCK, &set, NULL); /* before libmicrohttpd's thread exists */
	(void) signal(SIGPIPE, SIG_IGN);
	r = notify_open(&n);
	if (r < 0)
		log_warn("NOTIFY_SOCKET cannot be used: %s", strerrordesc_np(-r));
	r = enroll_options_read(dir, &s.opt, &cfg, d);
	if (r == 0)
		r = pems_read(&p, dir, d);
	if (r == 0) {
		warn_of_end(&p);
		fd = s.opt.listen != NULL ? listen_at(s.opt.listen, d)
					  : listen_default(s.opt.address, d);
		r = fd < 0 ? fd : 0;
	}
	if (r == 0 && geteuid() != 0)
		r = rights_keep(NULL, 0);
	if (r == 0)
		r = serve(&s, &p, fd, &n, d);
	pems_fini(&p);
	notify_close(&n);
	cfg_free(cfg);
	return r;
}
