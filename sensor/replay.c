/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/replay.h"
#include "common/array.h"
#include "common/clock.h"
#include "proto/recording.h"
#include "sensor/message.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD 64 /* batches of a recording in a spool, at most */

struct replay {
	Wire__Request *hello;
	Wire__Request **batch; /* owned */
	size_t nbatches, cap;
	uint64_t events;
};

void
replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	if (r->hello != NULL)
		wire__request__free_unpacked(r->hello, NULL);
	for (size_t i = 0; i < r->nbatches; i++)
		wire__request__free_unpacked(r->batch[i], NULL);
	free(r->batch);
	free(r);
}

static int
push(struct replay *r, Wire__Request *rq)
{
	if (ARRAY_RESERVE(r->batch, r->nbatches, 1, r->cap) < 0)
		return -ENOMEM;
	r->batch[r->nbatches++] = rq;
	return 0;
}

/* Take a request of the file; free it if it is not kept. */
static int
take(struct replay *r, Wire__Request *rq)
{
	int e = 0;

	if (rq->body_case == WIRE__REQUEST__BODY_HELLO && r->hello == NULL) {
		r->hello = rq;
		return 0;
	}
	if (rq->body_case == WIRE__REQUEST__BODY_BATCH && rq->batch->body != NULL) {
		e = push(r, rq);
		if (e == 0) {
			r->events += rq->batch->events;
			return 0;
		}
	}
	wire__request__free_unpacked(rq, NULL);
	return e;
}

static int
take_all(struct replay *r, struct recording *f, const char *path, struct diag *d)
{
	Wire__Request *rq = NULL;
	const char *why = "";
	int e;

	while ((e = recording_next(f, &rq, &why)) == 1) {
		e = take(r, rq);
		if (e < 0)
			return e;
	}
	if (e == -EBADMSG)
		diag_set(d, 0, 0, "the recording %s is damaged at byte %llu: %s", path,
		    (unsigned long long) recording_offset(f), why);
	else if (e < 0)
		diag_set(d, 0, 0, "cannot read the recording %s: %s", path, strerrordesc_np(-e));
	else if (r->hello == NULL)
		return diag_fail(d, 0, 0, "the recording %s is empty", path);
	return e;
}

int
replay_load(const char *path, struct replay **ret, struct diag *d)
{
	struct replay *r = calloc(1, sizeof(*r));
	struct recording *f = NULL;
	int e;

	if (r == NULL)
		return -ENOMEM;
	e = recording_open(path, &f);
	if (e == -EBADMSG)
		diag_set(d, 0, 0, "%s is not a recording (mews-sensor --record makes one)", path);
	else if (e < 0)
		diag_set(d, 0, 0, "cannot read the recording %s: %s", path, strerrordesc_np(-e));
	else
		e = take_all(r, f, path, d);
	recording_close(f);
	if (e < 0) {
		replay_free(r);
		return e;
	}
	*ret = r;
	return 0;
}

const Wire__Hello *
replay_hello(const struct replay *r)
{
	return r->hello->hello;
}

uint64_t
replay_events(const struct replay *r)
{
	return r->events;
}

bool
replay_fed(const struct replay *r, const struct replay_cursor *c)
{
	return c->next == r->nbatches;
}

/* The recording's start. */
static uint64_t
boot_zero(const struct replay *r)
{
	return r->nbatches > 0 ? r->batch[0]->batch->boot_ns : 0;
}

static void
start(struct replay_cursor *c, uint64_t now)
{
	if (c->started != 0)
		return;
	c->started = now;
	c->real0 = clock_real();
}

/* Convert a time of the recording to realtime of this pass. */
static uint64_t
real_at(const struct replay *r, const struct replay_cursor *c, uint64_t boot, int64_t skew_ns)
{
	return c->real0 + (boot - boot_zero(r)) + (uint64_t) skew_ns;
}

uint64_t
replay_feed(const struct replay *r, struct replay_cursor *c, struct node *n, uint64_t now)
{
	start(c, now);
	for (; c->next < r->nbatches; c->next++) {
		Wire__Batch b = *r->batch[c->next]->batch;
		Wire__Snapshot snap;
		uint64_t due = c->started + (b.boot_ns - MIN(b.boot_ns, boot_zero(r)));

		if (n->spool.n >= AHEAD || n->spool.bytes + WIRE_MESSAGE_MAX > n->spool.max_bytes)
			return n->spool.n == 0 ? now : UINT64_MAX;
		if (!c->fast && due > now)
			return due;
		/* At full speed, events are compressed in time: stamp each batch with the current
		 * time. */
		b.real_ns = c->fast ? clock_real() + (uint64_t) n->cfg.skew_ns
				    : real_at(r, c, b.boot_ns, n->cfg.skew_ns);
		b.n_accounts = 0;         /* they are of the recorded stream */
		if (b.snapshot != NULL) { /* it answers this collector's request */
			snap = *b.snapshot;
			snap.id = n->link.snap_id;
			b.snapshot = &snap;
		}
		if (node_put_batch(n, &b) < 0)
			return now + 10 * NS_PER_MS;
	}
	return UINT64_MAX;
}
