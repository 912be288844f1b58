/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/ingest_int.h"
#include "collector/stream/gap.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

/* ---- replies ---- */

static void
reply_init(struct reply *rep)
{
	wire__reply__init(&rep->msg);
}

static void
reject(struct reply *rep, Wire__Reject__Code code, uint64_t seq, const char *text)
{
	wire__reject__init(&rep->reject);
	rep->reject.code = code;
	rep->reject.seq = seq;
	rep->reject.text = (char *) text;
	rep->msg.reject = &rep->reject;
}

/* Reject, and end the connection once the reply has had time to arrive. */
static void
refuse(struct ingest *i, struct conn *c, struct reply *rep, uint64_t now, Wire__Reject__Code code,
    const char *text)
{
	const char *node = c->id.node;

	reject(rep, code, 0, text);
	conn_drop_held(c);
	c->state = CONN_REFUSED;
	c->close_at = now + LINGER_NS;
	if (code == WIRE__REJECT__CODE__IDENTITY)
		i->refused_identity++;
	else if (code == WIRE__REJECT__CODE__BUSY)
		i->busy++;
	else
		i->refused_protocol++;
	conn_log(c, LOG_WARN, "refused%s%s: %s", node[0] == '\0' ? "" : " sensor ", node, text);
}

/* The time in which all sensors can reconnect, by their cost in CPU. */
static uint32_t
spread_ms(const struct ingest *i)
{
	uint64_t ms = i->connections * HANDSHAKE_MS / i->cpus;

	return ms > SPREAD_MS ? (uint32_t) ms : 0;
}

/* The time between two polls of an idle sensor; those of thousands would leave little CPU for
 * events and reconnects. */
static uint32_t
idle_ms(const struct ingest *i)
{
	uint64_t ms = i->connections * POLL_US * 100 / POLL_SHARE / i->cpus / 1000;

	return ms > IDLE_MS ? (uint32_t) MIN(ms, IDLE_MAX_MS) : 0;
}

static void
add_ack(struct ingest *i, struct conn *c, struct reply *rep)
{
	struct stream *st = c->stream;

	wire__ack__init(&rep->ack);
	rep->ack.durable_seq = rep->ack.state_seq = st->durable;
	if (i->cfg.checkpoint != NULL && st->state_seq < rep->ack.durable_seq)
		rep->ack.state_seq = st->state_seq;
	rep->ack.received_seq = st->received;
	rep->ack.credit = flow_credit(c);
	rep->ack.spread_ms = spread_ms(i);
	rep->ack.idle_ms = idle_ms(i);
	st->idle_ns = rep->ack.idle_ms * NS_PER_MS;
	rep->msg.ack = &rep->ack;
}

static void
fill_interest(struct reply *rep, const struct interest *wanted)
{
	wire__interest__init(&rep->interest);
	rep->interest.events = rep->events;
	rep->interest.lean = rep->lean;
	rep->interest.quiet = rep->quiet;
	rep->interest.calls = rep->calls;
	for (unsigned n = 0; n < EV_TYPE_MAX; n++) {
		if (event_set_has(&wanted->events, n))
			rep->events[rep->interest.n_events++] = n;
		if (wanted->lean[n / 64] >> (n % 64) & 1)
			rep->lean[rep->interest.n_lean++] = n;
		if (wanted->quiet[n / 64] >> (n % 64) & 1)
			rep->quiet[rep->interest.n_quiet++] = n;
	}
	for (unsigned n = 0; n <= SC_MAX; n++) {
		uint16_t id = n == SC_UNNAMED ? SYSCALL_ID_UNNAMED : syscalls[n].id;

		if (id != SYSCALL_ID_NONE && event_set_has_call(&wanted->events, n))
			rep->calls[rep->interest.n_calls++] = id;
	}
}

/* Add the wanted events and snapshot, unless confirmed; repeated at most every NEWS_NS. */
static void
add_news(struct ingest *i, struct conn *c, struct reply *rep, uint64_t now)
{
	if (!c->stream->ended) /* else nobody can make it any more */
		rep->msg.snapshot_wanted = c->stream->snapshot_id;
	if (c->interest == i->interest || (c->news_at != 0 && now < c->news_at + NEWS_NS))
		return;
	c->news_at = now;
	pthread_mutex_lock(&i->lock);
	fill_interest(rep, &i->wanted);
	rep->interest.version = i->interest;
	pthread_mutex_unlock(&i->lock);
	rep->msg.interest = &rep->interest;
}

/* ---- from Hello to Welcome ---- */

static void
set_id(struct conn *c, const Wire__Hello *h)
{
	(void) snprintf(c->id.cluster, sizeof(c->id.cluster), "%s", h->cluster);
	(void) snprintf(c->id.node, sizeof(c->id.node), "%s", h->node);
	(void) snprintf(c->id.boot_id, sizeof(c->id.boot_id), "%s", h->boot_id);
	c->id.sensor_start = h->sensor_start;
	(void) snprintf(c->info.version, sizeof(c->info.version), "%s", h->version);
	(void) snprintf(c->info.kernel, sizeof(c->info.kernel), "%s", h->kernel);
	(void) snprintf(c->info.arch, sizeof(c->info.arch), "%s", h->arch);
}

/* Replace an older connection for the node; it is told with its next message. After this it passes
 * nothing to the shard. */
static void
take_over(struct ingest *i, struct conn *c, uint64_t now)
{
	struct conn *old = conn_take_node(i, c);

	if (old == NULL)
		return;
	pthread_mutex_lock(&old->lock);
	conn_drop_held(old);
	if (old->stream != NULL)
		old->stream->connected = false;
	if (old->state != CONN_REFUSED)
		old->close_at = now + REPLACED_NS;
	pthread_mutex_unlock(&old->lock);
	conn_log(c, LOG_INFO, "sensor %s has connected again; the connection from %s ends",
	    c->id.node, old->peer);
	conn_unref(old);
}

static void
add_welcome(struct ingest *i, struct conn *c, struct reply *rep)
{
	wire__welcome__init(&rep->welcome);
	rep->welcome.collector = (char *) i->cfg.name;
	rep->welcome.version = (char *) MEWS_VERSION;
	rep->welcome.next_seq = c->stream->received + 1;
	rep->welcome.window = WIRE_WINDOW;
	rep->welcome.message_max = WIRE_MESSAGE_MAX;
	rep->welcome.credit = flow_credit(c);
	rep->msg.welcome = &rep->welcome;
}

static void
welcome(struct ingest *i, struct conn *c, struct reply *rep, uint64_t now)
{
	struct buf data = BUF_INIT;
	struct refusal why = { 0 };
	struct op *op;

	c->state = CONN_TAKING;
	pthread_mutex_unlock(&c->lock); /* two conns' locks are never held together */
	take_over(i, c, now);
	pthread_mutex_lock(&c->lock);
	if (c->state != CONN_TAKING || c->replaced) {
		refuse(i, c, rep, now, WIRE__REJECT__CODE__DUPLICATE,
		    "a newer connection speaks for this node");
		return;
	}
	op = calloc(1, sizeof(*op));
	if (op == NULL || hello_stream(i, c, &data, &why) < 0) {
		free(op);
		buf_fini(&data);
		refuse(i, c, rep, now, op == NULL ? WIRE__REJECT__CODE__BUSY : why.code,
		    op == NULL ? "the collector is out of memory: try again later" : why.text);
		rep->reject.stream = rep->reject.code == WIRE__REJECT__CODE__PROTOCOL;
		return;
	}
	*op = (struct op){
		.type = OP_HELLO, .stream = stream_ref(c->stream), .req = c->hello, .data = data
	};
	c->hello = NULL;
	c->first = op;
	c->state = CONN_WELCOME;
	c->close_at = 0;
	c->stream->idle_ns = 0;
	c->stream->cert_since = c->term.since;
	c->stream->cert_until = c->term.until;
	stream_info_set(i->cfg.streams, c->stream, &c->info);
	flow_pump(i, c, now);
	add_welcome(i, c, rep);
	add_news(i, c, rep, now);
	conn_log(c, LOG_INFO, "sensor %s connected; batches from %llu", c->id.node,
	    (unsigned long long) rep->welcome.next_seq);
}

static void
on_hello(struct ingest *i, struct conn *c, Wire__Request *q, struct reply *rep, uint64_t now)
{
	const Wire__Hello *h = q->hello;
	bool admitted;

	pthread_mutex_lock(&i->lock);
	admitted = bucket_take(&i->admit, now);
	pthread_mutex_unlock(&i->lock);
	if (!admitted) {
		i->busy++;
		reject(rep, WIRE__REJECT__CODE__BUSY, 0,
		    "too many sensors connect at a time: try again later");
		wire__request__free_unpacked(q, NULL);
		return;
	}
	set_id(c, h);
	c->hello = q;
	if (i->cfg.cluster[0] != '\0' && strcmp(i->cfg.cluster, h->cluster) != 0) {
		refuse(i, c, rep, now, WIRE__REJECT__CODE__CLUSTER,
		    "this collector is of another cluster: set the sensor's 'cluster' to the "
		    "collector's");
		return;
	}
	if (!i->identity) {
		welcome(i, c, rep, now);
		return;
	}
	if (RAND_bytes(c->nonce, sizeof(c->nonce)) != 1) {
		refuse(i, c, rep, now, WIRE__REJECT__CODE__BUSY,
		    "the collector has no random numbers: try again later");
		return;
	}
	c->state = CONN_CHALLENGED;
	memcpy(rep->nonce, c->nonce, sizeof(rep->nonce));
	wire__challenge__init(&rep->challenge);
	rep->challenge.nonce = (ProtobufCBinaryData){ sizeof(rep->nonce), rep->nonce };
	rep->challenge.collector = (char *) i->cfg.name;
	rep->msg.challenge = &rep->challenge;
}

static struct slice
bytes(const ProtobufCBinaryData *b)
{
	return (struct slice){ (const char *) b->data, b->len };
}

static int
check_proof(struct ingest *i, struct conn *c, const Wire__Proof *p, const char **why)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct slice nonce = { (const char *) c->nonce, sizeof(c->nonce) };
	struct trust *t;
	X509 *cert;
	int r;

	*why = "the collector is out of memory: try again later";
	r = wire_proof_text(
	    nonce, slice_str(c->id.node), slice_str(c->id.cluster), slice_str(i->cfg.name), &text);
	OPENSSL_cleanse(c->nonce, sizeof(c->nonce)); /* valid for one Proof only */
	if (r < 0)
		return r;
	pthread_mutex_lock(&i->lock);
	t = trust_ref(i->trust);
	pthread_mutex_unlock(&i->lock);
	cert = shown_take(&i->shown, bytes(&p->certificate));
	r = trust_check_proof(
	    t, cert, c->id.node, buf_get(&text), bytes(&p->signature), &c->term, why);
	X509_free(cert);
	trust_unref(t);
	if (r == 0) {
		buf_slice(&c->cert, bytes(&p->certificate));
		r = buf_ok(&c->cert);
	}
	return r;
}

static void
on_proof(struct ingest *i, struct conn *c, const Wire__Proof *p, struct reply *rep, uint64_t now)
{
	const char *why = NULL;
	int r = check_proof(i, c, p, &why);

	if (r == 0)
		welcome(i, c, rep, now);
	else
		refuse(i, c, rep, now,
		    r == -ENOMEM ? WIRE__REJECT__CODE__BUSY : WIRE__REJECT__CODE__IDENTITY, why);
}

/* Before Welcome accept only Hello, then, if challenged, Proof. */
static void
converse(struct ingest *i, struct conn *c, Wire__Request *q, struct reply *rep, uint64_t now)
{
	if (c->state == CONN_FRESH && q->body_case == WIRE__REQUEST__BODY_HELLO) {
		on_hello(i, c, q, rep, now);
		return;
	}
	if (c->state == CONN_CHALLENGED && q->body_case == WIRE__REQUEST__BODY_PROOF)
		on_proof(i, c, q->proof, rep, now);
	else
		refuse(i, c, rep, now, WIRE__REJECT__CODE__NOT_WELCOME,
		    "a connection begins with Hello, and Proof when challenged");
	wire__request__free_unpacked(q, NULL);
}

/* ---- after Welcome ---- */

static void
on_poll(struct ingest *i, struct conn *c, const Wire__Poll *p)
{
	c->interest = p->interest;
	c->stream->interest = p->interest;
	if (p->interest == i->interest)
		coverage_confirm(c->stream, p->interest, clock_real());
	coverage_mark(c->stream, MAX(p->last_seq, c->stream->received), clock_real());
	c->skip_to = MAX(c->skip_to, p->skip_to);
	skew_note(&c->stream->skew, p->real_ns, clock_real());
	if (p->n_drops > 0)
		(void) stream_set_drops(c->stream, p->drops, p->n_drops);
	if (p->stats == NULL)
		return;
	c->info.spool_bytes = p->stats->spool_bytes;
	c->info.spool_batches = p->stats->spool_batches;
	c->info.spool_disk_bytes = p->stats->spool_disk_bytes;
	c->info.spool_oldest_ms = p->stats->spool_oldest_ms;
	c->info.spool_errors = p->stats->spool_errors;
	c->info.excluded = p->stats->excluded;
	c->info.containers = p->stats->containers;
	c->info.containers_late = p->stats->containers_late;
	c->info.containers_refused = p->stats->containers_refused;
	c->stream->rereads = p->stats->reread;
	c->stream->unreadable = p->stats->snapshot_unreadable;
	c->stream->unstashed = p->stats->unstashed;
	c->stream->blind = p->stats->blind;
	c->stream->silences = p->stats->silences;
	c->stream->redacted = p->stats->redacted;
	stream_set_harm(c->stream, p->stats->harm);
	c->info.cpu_ns = p->stats->cpu_ns;
	c->info.rss_bytes = p->stats->rss_bytes;
	c->info.reconnects = p->stats->reconnects;
	stream_info_set(i->cfg.streams, c->stream, &c->info);
}

static void
serve(struct ingest *i, struct conn *c, Wire__Request *q, size_t n, struct reply *rep, uint64_t now)
{
	struct refusal why = { WIRE__REJECT__CODE__NOT_WELCOME, 0,
		"this connection has been welcomed already" };
	uint64_t captured = 0;
	int r = 0;

	switch (q->body_case) {
	case WIRE__REQUEST__BODY_BATCH:
		captured = q->batch->real_ns;
		r = flow_batch(i, c, q, n, now, &why);
		break;
	case WIRE__REQUEST__BODY_BYE:
		flow_bye(c, q);
		break;
	case WIRE__REQUEST__BODY_POLL:
		on_poll(i, c, q->poll);
		wire__request__free_unpacked(q, NULL);
		break;
	default:
		i->refused_protocol++;
		wire__request__free_unpacked(q, NULL);
		r = -EBADMSG;
		break;
	}
	if (r < 0)
		reject(rep, why.code, why.seq, why.text);
	stream_heard(c->stream, now, captured);
	flow_pump(i, c, now);
	add_ack(i, c, rep);
	add_news(i, c, rep, now);
}

static void
unreadable(
    struct ingest *i, struct conn *c, const struct refusal *why, struct reply *rep, uint64_t now)
{
	i->malformed++;
	if (c->state != CONN_WELCOME) {
		refuse(i, c, rep, now, why->code, why->text);
		return;
	}
	reject(rep, why->code, why->seq, why->text);
	add_ack(i, c, rep);
	conn_log(c, LOG_WARN, "sensor %s: %s", c->id.node, why->text);
}

/* Why this connection, whose certificate was valid, has to end; NULL: it stays. */
static const char *
unfit(const struct conn *c)
{
	if (c->unfit != NULL)
		return c->unfit;
	return c->term.until != 0 && clock_real() >= c->term.until
		   ? "the certificate has expired: issue a new one"
		   : NULL;
}

/* Answer the last message of a connection that was welcomed. */
static void
expel(struct ingest *i, struct conn *c, struct reply *rep, uint64_t now)
{
	if (c->stream != NULL)
		c->stream->connected = false;
	refuse(i, c, rep, now, WIRE__REJECT__CODE__IDENTITY, unfit(c));
}

void
talk(struct ingest *i, struct conn *c, const uint8_t *p, size_t n, uint64_t now, struct reply *rep)
{
	struct refusal why = { WIRE__REJECT__CODE__TOO_LARGE, 0,
		"a message before Welcome is at most 256 KiB" };
	Wire__Request *q = NULL;

	reply_init(rep);
	i->requests++;
	c->heard = now;
	pthread_mutex_lock(&c->lock);
	if (c->state == CONN_REFUSED || c->state == CONN_TAKING)
		reject(rep, WIRE__REJECT__CODE__NOT_WELCOME, 0,
		    "this connection is over: connect again");
	else if (c->replaced)
		refuse(i, c, rep, now, WIRE__REJECT__CODE__DUPLICATE,
		    "another sensor with this node's name has connected");
	else if (unfit(c) != NULL)
		expel(i, c, rep, now);
	else if ((c->state != CONN_WELCOME && n > TALK_MAX) || request_read(p, n, &q, &why) < 0)
		unreadable(i, c, &why, rep, now);
	else if (c->state == CONN_WELCOME)
		serve(i, c, q, n, rep, now);
	else
		converse(i, c, q, rep, now);
	pthread_mutex_unlock(&c->lock);
}
