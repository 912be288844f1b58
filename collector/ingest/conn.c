/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/ingest_int.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

static struct conn **
pipe_bucket(struct ingest *i, uint32_t pipe)
{
	return &i->by_pipe[pipe % CONN_BUCKETS];
}

static struct conn **
node_bucket(struct ingest *i, const struct stream_id *id)
{
	return &i->by_node[stream_node_hash(id) % CONN_BUCKETS];
}

int
conn_add(struct ingest *i, uint32_t pipe, const char *peer, uint64_t now)
{
	struct conn *c = calloc(1, sizeof(*c)), **at;
	const char *colon;

	if (c == NULL)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->pipe = pipe;
	c->refs = 1;
	c->heard = now;
	c->close_at = now + WELCOME_NS;
	(void) snprintf(c->peer, sizeof(c->peer), "%s", peer);
	colon = strrchr(peer, ':');
	(void) snprintf(c->host, sizeof(c->host), "%.*s",
	    (int) (colon == NULL ? strlen(peer) : (size_t) (colon - peer)), peer);
	window_init(&c->batches, BATCHES_HELD);
	pthread_mutex_lock(&i->lock);
	at = pipe_bucket(i, pipe);
	c->next_pipe = *at;
	*at = c;
	pthread_mutex_unlock(&i->lock);
	i->connections++;
	return 0;
}

static void
op_drop(struct op **op)
{
	if (*op != NULL)
		op_free(*op);
	*op = NULL;
}

void
conn_drop_held(struct conn *c)
{
	struct op *op;

	op_drop(&c->first);
	op_drop(&c->last);
	while ((op = window_pop(&c->batches)) != NULL)
		op_free(op);
}

void
conn_unref(struct conn *c)
{
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	conn_drop_held(c);
	if (c->hello != NULL)
		wire__request__free_unpacked(c->hello, NULL);
	buf_fini(&c->cert);
	stream_unref(c->stream);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Caller holds i->lock. */
static void
leave_node(struct ingest *i, struct conn *c)
{
	struct conn **at = node_bucket(i, &c->id);

	if (!c->speaks)
		return;
	while (*at != c)
		at = &(*at)->next_node;
	*at = c->next_node;
	c->next_node = NULL;
	c->speaks = false;
	i->speaking--;
}

static void
conn_over(struct ingest *i, struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->stream != NULL && !c->replaced) { /* else the newer connection decides this */
		c->stream->connected = false;
		if (c->state == CONN_WELCOME && !i->stopping)
			conn_log(c, LOG_INFO, "sensor %s %s", c->id.node,
			    c->stream->said_bye ? "was stopped"
						: "is gone: the connection has ended");
	}
	c->state = CONN_REFUSED;
	conn_drop_held(c);
	pthread_mutex_unlock(&c->lock);
}

void
conn_remove(struct ingest *i, uint32_t pipe)
{
	struct conn **at, *c;

	pthread_mutex_lock(&i->lock);
	at = pipe_bucket(i, pipe);
	while (*at != NULL && (*at)->pipe != pipe)
		at = &(*at)->next_pipe;
	c = *at;
	if (c != NULL) {
		*at = c->next_pipe;
		leave_node(i, c);
		c->gone = true;
	}
	pthread_mutex_unlock(&i->lock);
	if (c == NULL)
		return;
	conn_over(i, c);
	i->connections--;
	if (c->ended)
		i->ending--;
	conn_unref(c);
}

struct conn *
conn_find(struct ingest *i, uint32_t pipe)
{
	struct conn *c;

	pthread_mutex_lock(&i->lock);
	c = *pipe_bucket(i, pipe);
	while (c != NULL && c->pipe != pipe)
		c = c->next_pipe;
	if (c != NULL)
		c->refs++;
	pthread_mutex_unlock(&i->lock);
	return c;
}

struct conn *
conn_take_node(struct ingest *i, struct conn *c)
{
	struct conn **head, *old;

	pthread_mutex_lock(&i->lock);
	head = node_bucket(i, &c->id);
	for (old = *head; old != NULL; old = old->next_node) {
		if (strcmp(old->id.node, c->id.node) == 0 &&
		    strcmp(old->id.cluster, c->id.cluster) == 0)
			break;
	}
	if (old != NULL) {
		old->replaced = true;
		old->refs++;
		leave_node(i, old);
	}
	if (!c->gone) {
		c->next_node = *head;
		*head = c;
		c->speaks = true;
		i->speaking++;
	}
	pthread_mutex_unlock(&i->lock);
	return old;
}

unsigned
conns_overdue(struct ingest *i, uint64_t now, struct conn **v, unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&i->lock);
	for (size_t b = 0; b < CONN_BUCKETS; b++) {
		for (struct conn *c = i->by_pipe[b]; c != NULL && n < max; c = c->next_pipe) {
			uint64_t close_at = c->close_at, heard = c->heard;

			if (!c->ended && ((close_at != 0 && now >= close_at) ||
					     (now > heard && now - heard > SILENCE_NS))) {
				c->refs++;
				v[n++] = c;
			}
		}
	}
	pthread_mutex_unlock(&i->lock);
	return n;
}

/* Caller holds no lock; true: the connection has to end. */
static bool
recheck(struct conn *c, struct trust *t, uint64_t now)
{
	const char *why = NULL;
	bool bad;

	pthread_mutex_lock(&c->lock);
	bad = c->state == CONN_WELCOME && c->cert.n > 0 && c->unfit == NULL &&
	      trust_check_cert(t, buf_get(&c->cert), c->id.node, &c->term, &why) < 0;
	if (bad) { /* ignore it from now on; talk() reports the reason */
		c->unfit = why;
		c->close_at = now + REPLACED_NS;
		c->stream->connected = false;
		conn_drop_held(c);
	}
	pthread_mutex_unlock(&c->lock);
	if (bad)
		conn_log(c, LOG_WARN, "sensor %s is disconnected: %s", c->id.node, why);
	return bad;
}

unsigned
conns_recheck(struct ingest *i, struct trust *t, uint64_t now)
{
	struct conn **v, *c;
	unsigned n = 0, out = 0;

	pthread_mutex_lock(&i->lock);
	for (size_t b = 0; b < CONN_BUCKETS; b++) {
		for (c = i->by_pipe[b]; c != NULL; c = c->next_pipe)
			n++;
	}
	v = calloc(n + 1, sizeof(struct conn *)); /* NOLINT(bugprone-sizeof-expression) */
	n = 0;
	for (size_t b = 0; v != NULL && b < CONN_BUCKETS; b++) {
		for (c = i->by_pipe[b]; c != NULL; c = c->next_pipe) {
			c->refs++;
			v[n++] = c;
		}
	}
	pthread_mutex_unlock(&i->lock);
	for (unsigned k = 0; v != NULL && k < n; k++) {
		out += recheck(v[k], t, now);
		conn_unref(v[k]);
	}
	free(v);
	return out;
}

void
conn_log(const struct conn *c, enum log_level level, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_peer(level, c->cert.n > 0 ? c->id.node : c->host, "%s: %s", c->peer, text);
}
