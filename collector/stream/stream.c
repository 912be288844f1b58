/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/stream/stream.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define BUCKETS  4096 /* by node; chains stay short up to some ten thousand nodes */
#define GONE_MAX (STREAMS_GONE / BUCKETS) /* disconnected streams of a bucket */
#define HELD_MAX 32

struct streams {
	pthread_mutex_t lock;
	struct stream *bucket[BUCKETS];
	struct stream *crowded_out; /* held */
};

int
streams_new(struct streams **ret)
{
	struct streams *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	*ret = s;
	return 0;
}

void
streams_free(struct streams *s)
{
	struct stream *st;

	if (s == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (s->bucket[i] != NULL) {
			st = s->bucket[i];
			s->bucket[i] = st->next;
			stream_unref(st);
		}
	}
	while ((st = streams_crowded_out(s)) != NULL)
		stream_unref(st);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

uint64_t
stream_node_hash(const struct stream_id *id)
{
	return XXH3_64bits_withSeed(
	    id->node, strlen(id->node), XXH3_64bits(id->cluster, strlen(id->cluster)));
}

static bool
same_node(const struct stream *st, uint64_t hash, const struct stream_id *id)
{
	return st->hash == hash && strcmp(st->id.node, id->node) == 0 &&
	       strcmp(st->id.cluster, id->cluster) == 0;
}

static bool
same_process(const struct stream_id *a, const struct stream_id *b)
{
	return a->sensor_start == b->sensor_start && strcmp(a->boot_id, b->boot_id) == 0;
}

static struct stream *
stream_make(const struct stream_id *id, uint64_t durable)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->id = *id;
	st->hash = stream_node_hash(id);
	atomic_store(&st->received, durable);
	atomic_store(&st->evaluated, durable);
	atomic_store(&st->durable, durable);
	st->put = st->began = durable;
	st->counted = durable == 0;
	accounts_init(&st->accounts);
	atomic_store(&st->refs, 1);
	stream_want_snapshot(st);
	return st;
}

/* The node has a new stream: carry its losses over, and if the sensor was restarted without a boot,
 * count that as one more. */
static void
follow(struct stream *st, const struct stream *old)
{
	uint64_t now = clock_real();

	for (size_t i = 0; i < LOSS_MAX; i++) {
		st->loss.opened[i] = old->loss.opened[i];
		st->loss.since[i] = old->loss.since[i];
		st->loss.until[i] = MIN(old->loss.until[i], now);
		st->loss.told[i] = old->loss.told[i];
		st->loss.told_at[i] = old->loss.told_at[i];
	}
	st->skew.ns = (int64_t) old->skew.ns; /* until its first Poll */
	st->skew.known = (bool) old->skew.known;
	st->told.lost = old->told.lost;
	st->told.since = old->told.since;
	st->told.owed = old->told.owed;
	st->told.alerted = old->told.alerted;
	st->told.losses = old->told.losses;
	for (size_t i = 0; i < HARM_MAX; i++)
		st->told.harm_alerted[i] = old->told.harm_alerted[i];
	if (strcmp(st->id.boot_id, old->id.boot_id) != 0 ||
	    st->id.sensor_start == old->id.sensor_start)
		return;
	st->restarted = true;
	st->before = old->said_bye ? LOSS_sensor_stopped : LOSS_sensor_died;
	st->before_seen = old->last_seen;
}

/* Take the stream out of its bucket; the registry's reference passes to the caller. */
static struct stream *
take_out(struct stream **at)
{
	struct stream *st = *at;

	*at = st->next;
	st->next = NULL;
	st->forgotten = true;
	return st;
}

/* Drop the node's earlier streams: they are not needed any more. */
static void
sweep(struct stream **at, const struct stream *made)
{
	while (*at != NULL) {
		struct stream *st = *at;

		if (st != made && same_node(st, made->hash, &made->id))
			stream_unref(take_out(at));
		else
			at = &st->next;
	}
}

/* Bound memory when nodes come and go under ever new names: drop the one disconnected longest. */
static void
bound(struct streams *s, struct stream **at)
{
	struct stream **first = NULL;
	unsigned gone = 0;

	for (; *at != NULL; at = &(*at)->next) {
		if ((*at)->connected)
			continue;
		gone++;
		if (first == NULL || (*at)->last_seen < (*first)->last_seen)
			first = at;
	}
	if (gone > GONE_MAX) {
		struct stream *st = take_out(first);

		st->next = s->crowded_out;
		s->crowded_out = st;
	}
}

struct stream *
streams_crowded_out(struct streams *s)
{
	struct stream *st;

	pthread_mutex_lock(&s->lock);
	st = s->crowded_out;
	if (st != NULL) {
		s->crowded_out = st->next;
		st->next = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return st;
}

int
streams_remember(struct streams *s, const struct outbox_node *n)
{
	struct stream *st = stream_make(&n->id, 0), **head;

	if (st == NULL)
		return -ENOMEM;
	st->last_seen = n->seen;
	st->said_bye = n->stopped;
	st->kept = true;
	st->kept_stopped = n->stopped;
	head = &s->bucket[st->hash % BUCKETS];
	pthread_mutex_lock(&s->lock);
	st->next = *head;
	*head = st;
	bound(s, head);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int
streams_forget(struct streams *s, const char *cluster, const char *node)
{
	struct stream_id id = { 0 };
	struct stream **head, **at;
	int r = -ENOENT;
	uint64_t hash;

	(void) snprintf(id.cluster, sizeof(id.cluster), "%s", cluster);
	(void) snprintf(id.node, sizeof(id.node), "%s", node);
	hash = stream_node_hash(&id);
	head = &s->bucket[hash % BUCKETS];
	pthread_mutex_lock(&s->lock);
	for (const struct stream *st = *head; st != NULL; st = st->next) {
		if (same_node(st, hash, &id) && r != -EBUSY)
			r = st->connected ? -EBUSY : 0;
	}
	for (at = head; r == 0 && *at != NULL;) {
		if (same_node(*at, hash, &id))
			stream_unref(take_out(at));
		else
			at = &(*at)->next;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

struct stream *
streams_find(struct streams *s, const char *cluster, const char *node)
{
	struct stream_id id = { 0 };
	struct stream *st;
	uint64_t hash;

	(void) snprintf(id.cluster, sizeof(id.cluster), "%s", cluster);
	(void) snprintf(id.node, sizeof(id.node), "%s", node);
	hash = stream_node_hash(&id);
	pthread_mutex_lock(&s->lock);
	st = s->bucket[hash % BUCKETS]; /* newest of each node first */
	while (st != NULL && !same_node(st, hash, &id))
		st = st->next;
	if (st != NULL)
		(void) stream_ref(st);
	pthread_mutex_unlock(&s->lock);
	return st;
}

/* Counters by type; NULL: no memory, only the sum is kept. */
static struct type_drops *
type_drops_of(struct stream *st)
{
	struct type_drops *made, *there = st->type_drops;

	if (there != NULL)
		return there;
	made = calloc(1, sizeof(*made));
	if (made != NULL && !atomic_compare_exchange_strong(&st->type_drops, &there, made)) {
		free(made); /* another thread was first */
		return there;
	}
	return made;
}

uint64_t
stream_set_drops(struct stream *st, Wire__Drop *const *v, size_t n)
{
	uint64_t of[EV_TYPE_MAX] = { 0 }, sum = 0;
	struct type_drops *types;

	if (n == 0 && st->drops == 0)
		return 0;
	types = type_drops_of(st);
	for (size_t i = 0; i < n; i++) {
		if (v[i]->cause == DROP_LATE)
			continue;
		of[v[i]->event < EV_TYPE_MAX ? v[i]->event : 0] += v[i]->count;
		sum += v[i]->count;
	}
	for (size_t i = 0; types != NULL && i < EV_TYPE_MAX; i++)
		types->n[i] = of[i];
	st->drops = sum;
	return sum;
}

bool
streams_know(struct streams *s, const struct stream_id *id)
{
	uint64_t hash = stream_node_hash(id);
	const struct stream *st;

	pthread_mutex_lock(&s->lock);
	st = s->bucket[hash % BUCKETS];
	while (
	    st != NULL && !(same_node(st, hash, id) && same_process(&st->id, id) && st->heard != 0))
		st = st->next;
	pthread_mutex_unlock(&s->lock);
	return st != NULL;
}

void
stream_resume(struct stream *st, uint64_t seq)
{
	st->received = st->evaluated = st->state_seq = seq;
	st->snapshot_id = 0;
}

static struct type_seen *
seen_of(struct stream *st)
{
	if (st->type_seen == NULL)
		st->type_seen = calloc(1, sizeof(struct type_seen));
	return st->type_seen;
}

void
stream_recount(struct stream *st, bool counted, const uint64_t delivered[EV_TYPE_MAX],
    const uint64_t seen_at[EV_TYPE_MAX])
{
	struct type_seen *seen = seen_of(st);

	if (seen == NULL)
		return;
	memcpy(seen->n, delivered, sizeof(seen->n));
	for (size_t i = 0; i < EV_TYPE_MAX; i++)
		seen->at[i] = seen_at[i];
	st->counted = counted;
}

void
stream_note_seen(struct stream *st, const struct batch *b, uint64_t offset)
{
	struct type_seen *seen = seen_of(st);

	for (size_t i = 0; seen != NULL && i < b->nev; i++) {
		atomic_store_explicit(
		    &seen->at[b->ev[i].schema->num], b->ev[i].ts + offset, memory_order_relaxed);
		seen->n[b->ev[i].schema->num]++;
	}
}

bool
stream_account(struct stream *st, const Wire__Batch *batch, struct account_row *sum)
{
	struct type_seen *seen = st->type_seen;

	if (batch->n_accounts == 0 || seen == NULL)
		return false;
	/* an earlier collector had the events before: this one counts from here */
	for (size_t i = 0; !st->counted && i < batch->n_accounts; i++) {
		if (batch->accounts[i]->event < EV_TYPE_MAX)
			seen->n[batch->accounts[i]->event] = batch->accounts[i]->emitted;
	}
	st->counted = true;
	*sum = accounts_set(&st->accounts, batch, seen->n);
	return true;
}

int
stream_get(struct streams *s, const struct stream_id *id, uint64_t durable, bool ended,
    struct peer_schema *schema, struct stream **ret)
{
	uint64_t hash = stream_node_hash(id);
	struct stream **head = &s->bucket[hash % BUCKETS];
	struct stream *st, *old = NULL;

	pthread_mutex_lock(&s->lock);
	for (st = *head; st != NULL; st = st->next) {
		if (!same_node(st, hash, id))
			continue;
		if (same_process(&st->id, id) && st->heard != 0)
			break;
		if (old == NULL) /* the newest */
			old = st;
	}
	if (st != NULL) {
		peer_schema_free(schema);
	} else {
		st = stream_make(id, durable);
		if (st == NULL) {
			pthread_mutex_unlock(&s->lock);
			return -ENOMEM;
		}
		st->schema = schema;
		if (old != NULL)
			follow(st, old);
		st->next = *head;
		*head = st;
		sweep(&st->next, st);
		bound(s, head);
	}
	/* under the lock, so that streams_forget() sees it */
	st->connected = true;
	st->said_bye = false;
	st->ended = ended;
	stream_heard(st, clock_mono(), 0);
	*ret = stream_ref(st);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

void
stream_heard(struct stream *st, uint64_t now, uint64_t captured)
{
	st->heard = now;
	if (!st->ended)
		st->last_seen = clock_real();
	else if (captured > st->last_seen)
		st->last_seen = captured;
}

struct stream *
stream_ref(struct stream *st)
{
	atomic_fetch_add(&st->refs, 1);
	return st;
}

void
stream_unref(struct stream *st)
{
	if (st == NULL || atomic_fetch_sub(&st->refs, 1) > 1)
		return;
	peer_schema_free(st->schema);
	free(st->type_drops);
	free(st->type_seen);
	accounts_fini(&st->accounts);
	free(st);
}

void
stream_want_snapshot(struct stream *st)
{
	uint64_t id = clock_real(), old = atomic_load(&st->snapshot_id);

	while (!atomic_compare_exchange_weak(&st->snapshot_id, &old, id > old ? id : old + 1))
		;
}

/* Hold up to HELD_MAX streams of a bucket, from the skip-th on. Returns their number. */
static size_t
hold_some(struct streams *s, size_t bucket, size_t skip, struct stream *held[HELD_MAX])
{
	struct stream *st;
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	st = s->bucket[bucket];
	for (; st != NULL && skip > 0; skip--)
		st = st->next;
	for (; st != NULL && n < HELD_MAX; st = st->next)
		held[n++] = stream_ref(st);
	pthread_mutex_unlock(&s->lock);
	return n;
}

void
streams_each(struct streams *s, void (*fn)(void *arg, struct stream *st), void *arg)
{
	struct stream *held[HELD_MAX];

	for (size_t b = 0; b < BUCKETS; b++) {
		size_t n = HELD_MAX;

		for (size_t skip = 0; n == HELD_MAX; skip += n) {
			n = hold_some(s, b, skip, held);
			for (size_t i = 0; i < n; i++) {
				fn(arg, held[i]);
				stream_unref(held[i]);
			}
		}
	}
}

void
stream_info_set(struct streams *s, struct stream *st, const struct stream_info *info)
{
	pthread_mutex_lock(&s->lock);
	st->info = *info;
	pthread_mutex_unlock(&s->lock);
}

void
stream_info_get(struct streams *s, const struct stream *st, struct stream_info *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = st->info;
	pthread_mutex_unlock(&s->lock);
}
