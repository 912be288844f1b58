/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/test_ingest_kit.h"
#include "collector/ctl/pki.h"
#include "common/nng/tls.h"
#include <errno.h>
#include <nng/protocol/reqrep0/req.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANSWER_MS = 20000 }; /* only a failing test waits so long */

/* ---- stubs ---- */

static struct {
	uint64_t durable;
	int r;
} outbox;

void
kit_outbox(uint64_t durable, int r)
{
	outbox.durable = durable;
	outbox.r = r;
}

int
outbox_stream_seq(struct outbox *o, const struct stream_id *s, uint64_t *ret)
{
	(void) o;
	(void) s;
	*ret = outbox.durable;
	return outbox.r;
}

struct shard *
shards_of(struct shards *s, const struct stream *st)
{
	(void) st;
	return (struct shard *) s;
}

void
op_free(struct op *op)
{
	if (op->req != NULL)
		wire__request__free_unpacked(op->req, NULL);
	stream_unref(op->stream);
	free(op);
}

void
kit_shard_init(struct shard *s)
{
	*s = (struct shard){ .room = 1000000 };
	pthread_mutex_init(&s->lock, NULL);
}

void
kit_shard_room(struct shard *s, unsigned room)
{
	pthread_mutex_lock(&s->lock);
	s->room = room;
	pthread_mutex_unlock(&s->lock);
}

void
kit_shard_log(struct shard *s, char out[4096])
{
	pthread_mutex_lock(&s->lock);
	memcpy(out, s->log, sizeof(s->log));
	pthread_mutex_unlock(&s->lock);
}

static void
write_down(struct shard *s, const struct op *op)
{
	size_t at = strlen(s->log), n = sizeof(s->log) - at;
	char *to = s->log + at;

	if (at > 0 && n > 1) {
		*to++ = ' ';
		n--;
	}
	switch (op->type) {
	case OP_HELLO:
		(void) snprintf(to, n, "H");
		break;
	case OP_BATCH:
		(void) snprintf(to, n, "B%llu", (unsigned long long) op->req->batch->seq);
		break;
	case OP_BYE:
		(void) snprintf(to, n, "Y");
		break;
	case OP_PS:
	case OP_WAKE:
		break;
	}
}

static void
check_order(struct shard *s, const struct op *op)
{
	size_t k = 0;

	if (op->type != OP_BATCH)
		return;
	while (k + 1 < ARRAY_SIZE(s->seen) && s->seen[k].stream != NULL &&
	       s->seen[k].stream != op->stream)
		k++;
	s->seen[k].stream = op->stream;
	s->out_of_order += op->req->batch->seq != s->seen[k].last + 1;
	s->seen[k].last = op->req->batch->seq;
}

int
shard_put(struct shard *s, struct op *op)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	if (s->room == 0) {
		r = -EAGAIN;
	} else {
		s->room--;
		check_order(s, op);
		write_down(s, op);
	}
	pthread_mutex_unlock(&s->lock);
	if (r == 0)
		op_free(op);
	return r;
}

/* ---- requests ---- */

void
kit_pack(const Wire__Request *q, struct buf *out)
{
	size_t n = wire__request__get_packed_size(q);

	buf_clear(out);
	assert_int_equal(0, buf_reserve(out, n));
	out->n = wire__request__pack(q, (uint8_t *) out->p);
}

#define REQUEST(q, CASE, field, body)             \
	Wire__Request q;                          \
	wire__request__init(&q);                  \
	q.body_case = WIRE__REQUEST__BODY_##CASE; \
	q.field = (body)

static uint64_t
room_now(const struct room *w)
{
	return w->now == 0 ? clock_mono() : w->now;
}

void
room_connect(struct room *w, const char *peer)
{
	conn_unref(w->c);
	assert_int_equal(0, conn_add(w->i, ++w->pipe, peer, room_now(w)));
	w->c = conn_find(w->i, w->pipe);
	assert_non_null(w->c);
}

void
room_say(struct room *w)
{
	talk(w->i, w->c, (const uint8_t *) w->out.p, w->out.n, room_now(w), &w->rep);
}

void
room_init(struct room *w, uint64_t now, uint64_t durable)
{
	struct ingest_cfg cfg = { .cluster = "", .name = "c1" };

	*w = (struct room){ .now = now };
	kit_shard_init(&w->shard);
	kit_outbox(durable, 0);
	assert_int_equal(0, streams_new(&w->streams));
	cfg.streams = w->streams;
	cfg.shards = (struct shards *) &w->shard;
	assert_int_equal(0, ingest_new(&cfg, &w->i));
}

void
room_fini(struct room *w)
{
	conn_unref(w->c);
	ingest_free(w->i);
	streams_free(w->streams);
	buf_fini(&w->out);
	pthread_mutex_destroy(&w->shard.lock);
}

void
kit_hello(struct buf *out, const char *node, const char *cluster, uint64_t start)
{
	kit_hello_in(out, WIRE_PROTOCOL, node, cluster, start);
}

void
kit_hello_in(
    struct buf *out, uint32_t protocol, const char *node, const char *cluster, uint64_t start)
{
	Wire__Hello h;

	wire__hello__init(&h);
	h.protocol = protocol;
	h.node = (char *) node;
	h.cluster = (char *) cluster;
	h.boot_id = (char *) KIT_BOOT;
	h.sensor_start = start;
	h.version = (char *) "0";
	REQUEST(q, HELLO, hello, &h);
	kit_pack(&q, out);
}

void
kit_hello_unfit(struct buf *out, const char *node)
{
	Wire__EventSchema one = WIRE__EVENT_SCHEMA__INIT, *schema[] = { &one };
	Wire__Hello h = WIRE__HELLO__INIT;

	one.num = UINT32_MAX;
	h.protocol = WIRE_PROTOCOL;
	h.node = (char *) node;
	h.boot_id = (char *) KIT_BOOT;
	h.sensor_start = 7;
	h.schema = schema;
	h.n_schema = 1;
	REQUEST(q, HELLO, hello, &h);
	kit_pack(&q, out);
}

void
kit_batch(struct buf *out, uint64_t seq, uint32_t interest)
{
	Wire__Body body;
	Wire__Batch b;

	wire__body__init(&body);
	wire__batch__init(&b);
	b.seq = seq;
	b.interest = interest;
	b.body = &body;
	REQUEST(q, BATCH, batch, &b);
	kit_pack(&q, out);
}

void
kit_poll(struct buf *out, uint32_t interest, uint64_t skip_to)
{
	Wire__Poll p;

	wire__poll__init(&p);
	p.interest = interest;
	p.skip_to = skip_to;
	REQUEST(q, POLL, poll, &p);
	kit_pack(&q, out);
}

void
kit_bye(struct buf *out, uint64_t last_seq)
{
	Wire__Bye b;

	wire__bye__init(&b);
	b.last_seq = last_seq;
	REQUEST(q, BYE, bye, &b);
	kit_pack(&q, out);
}

/* ---- the fleet ---- */

const char *
kit_file(const struct kit_pki *p, const char *name)
{
	static char path[8][128];
	static unsigned next;
	char *to = path[next++ % ARRAY_SIZE(path)];

	(void) snprintf(to, sizeof(path[0]), "%s/%s", p->dir, name);
	return to;
}

void
kit_pki_init(struct kit_pki *p)
{
	struct diag d = { 0 };

	assert_int_equal(0, tmpdir_make(p->dir));
	assert_int_equal(0, pki_init(p->dir, "Test", PKI_FLEET, 30, false, &d));
}

void
kit_pki_fini(struct kit_pki *p)
{
	assert_int_equal(0, tmpdir_remove(p->dir));
}

void
kit_issue(struct kit_pki *p, int kind, const char *name, int days)
{
	struct pki_request rq = { .kind = (enum pki_kind) kind, .name = name, .days = days };
	const char *ip = "127.0.0.1";
	struct diag d = { 0 };

	if (kind == PKI_COLLECTOR) {
		rq.ip = &ip;
		rq.nip = 1;
	}
	assert_int_equal(0, pki_issue(p->dir, &rq, true, &d));
}

/* ---- a sensor ---- */

static nng_tls_config *
client_tls(const char *ca, const char *cert, const char *key, const char *server)
{
	const struct tls_setup setup = {
		.mode = NNG_TLS_MODE_CLIENT,
		.ctx = tls_ctx_new(NNG_TLS_MODE_CLIENT),
		.server_name = server,
	};
	nng_tls_config *c = NULL;

	assert_non_null(setup.ctx);
	assert_int_equal(1, SSL_CTX_load_verify_file(setup.ctx, ca));
	if (cert != NULL) {
		assert_int_equal(1, SSL_CTX_use_certificate_chain_file(setup.ctx, cert));
		assert_int_equal(1, SSL_CTX_use_PrivateKey_file(setup.ctx, key, SSL_FILETYPE_PEM));
	}
	assert_int_equal(0, tls_config_new(&setup, &c));
	SSL_CTX_free(setup.ctx);
	return c;
}

int
kit_dial(struct kit_sensor *s, const char *url, const char *ca, const char *cert, const char *key,
    const char *server)
{
	nng_dialer d;
	int rv;

	assert_int_equal(0, nng_req0_open(&s->sock));
	assert_int_equal(
	    0, nng_socket_set_ms(s->sock, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE));
	assert_int_equal(0, nng_socket_set_ms(s->sock, NNG_OPT_RECVTIMEO, ANSWER_MS));
	assert_int_equal(0, nng_socket_set_ms(s->sock, NNG_OPT_SENDTIMEO, ANSWER_MS));
	/* one connection per sensor: never reconnect on its own */
	assert_int_equal(0, nng_socket_set_ms(s->sock, NNG_OPT_RECONNMINT, 3600 * 1000));
	assert_int_equal(0, nng_dialer_create(&d, s->sock, url));
	if (ca != NULL) {
		nng_tls_config *c = client_tls(ca, cert, key, server);

		assert_int_equal(0, nng_dialer_set_ptr(d, NNG_OPT_TLS_CONFIG, c));
		nng_tls_config_free(c);
	}
	rv = nng_dialer_start(d, 0);
	return rv;
}

void
kit_hang_up(struct kit_sensor *s)
{
	(void) nng_close(s->sock);
}

Wire__Reply *
kit_ask(struct kit_sensor *s, const struct buf *request)
{
	Wire__Reply *rep;
	nng_msg *m = NULL;

	assert_int_equal(0, nng_msg_alloc(&m, request->n));
	if (request->n > 0)
		memcpy(nng_msg_body(m), request->p, request->n);
	if (nng_sendmsg(s->sock, m, 0) != 0) {
		nng_msg_free(m);
		return NULL;
	}
	if (nng_recvmsg(s->sock, &m, 0) != 0)
		return NULL;
	rep = wire__reply__unpack(NULL, nng_msg_len(m), nng_msg_body(m));
	nng_msg_free(m);
	assert_non_null(rep);
	return rep;
}

Wire__Reply *
kit_ask_ctx(struct kit_sensor *s, const struct buf *request)
{
	Wire__Reply *rep = NULL;
	nng_aio *aio = NULL;
	nng_msg *m = NULL;
	nng_ctx ctx;

	if (nng_ctx_open(&ctx, s->sock) != 0)
		return NULL;
	if (nng_aio_alloc(&aio, NULL, NULL) == 0 && nng_msg_alloc(&m, 0) == 0 &&
	    nng_msg_append(m, request->p, request->n) == 0) {
		nng_aio_set_timeout(aio, ANSWER_MS);
		nng_aio_set_msg(aio, m);
		nng_ctx_send(ctx, aio);
		nng_aio_wait(aio);
		if (nng_aio_result(aio) == 0) {
			m = NULL;
			nng_ctx_recv(ctx, aio);
			nng_aio_wait(aio);
			if (nng_aio_result(aio) == 0)
				m = nng_aio_get_msg(aio);
			if (m != NULL)
				rep = wire__reply__unpack(NULL, nng_msg_len(m), nng_msg_body(m));
		}
	}
	if (m != NULL)
		nng_msg_free(m);
	nng_aio_free(aio);
	(void) nng_ctx_close(ctx);
	return rep;
}

static void
sign(const char *key_path, const struct buf *text, unsigned char *sig, size_t *n)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	FILE *f = fopen(key_path, "re");
	EVP_PKEY *key;

	assert_non_null(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void) fclose(f);
	assert_non_null(key);
	assert_int_equal(1, EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key));
	assert_int_equal(1, EVP_DigestSign(md, sig, n, (unsigned char *) text->p, text->n));
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

void
kit_proof(struct buf *out, const Wire__Challenge *c, const char *node, const char *cluster,
    const char *cert, const char *key)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct slice nonce = { (const char *) c->nonce.data, c->nonce.len };
	unsigned char sig[512], *der = NULL;
	struct diag d = { 0 };
	X509 *x = NULL;
	Wire__Proof p;
	size_t n = sizeof(sig);
	int len;

	assert_int_equal(0, wire_proof_text(nonce, slice_str(node), slice_str(cluster),
				slice_str(c->collector), &text));
	sign(key, &text, sig, &n);
	assert_int_equal(0, pki_read_cert(cert, &x, &d));
	len = i2d_X509(x, &der);
	assert_true(len > 0);
	wire__proof__init(&p);
	p.certificate = (ProtobufCBinaryData){ (size_t) len, der };
	p.signature = (ProtobufCBinaryData){ n, sig };
	REQUEST(q, PROOF, proof, &p);
	kit_pack(&q, out);
	OPENSSL_free(der);
	X509_free(x);
}

bool
kit_join(struct kit_sensor *s, const struct kit_who *w, struct buf *out, uint64_t start)
{
	Wire__Reply *rep;
	bool in = false;

	if (kit_dial(s, w->url, w->ca, w->cert, w->key, w->server) != 0)
		return false;
	kit_hello(out, w->node, w->cluster, start);
	rep = kit_ask(s, out);
	if (rep != NULL && rep->challenge != NULL) {
		kit_proof(out, rep->challenge, w->node, w->cluster, w->cert, w->key);
		wire__reply__free_unpacked(rep, NULL);
		rep = kit_ask(s, out);
		in = rep != NULL && rep->welcome != NULL;
	}
	if (rep != NULL)
		wire__reply__free_unpacked(rep, NULL);
	return in;
}
