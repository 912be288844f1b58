/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_commit.c - the commit thread: groups of transactions, each one SQLite transaction. */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include <errno.h>
#include <stdatomic.h>
#include <sys/statvfs.h>

#define GATHER_NS (2 * NS_PER_MS)

void
outbox_trouble(struct outbox *o, int r, const char *what)
{
	pthread_mutex_lock(&o->lock);
	o->stats.errors++;
	o->stats.full = r == -ENOSPC;
	o->stats.corrupt = o->stats.corrupt || r == -EBADMSG;
	if (r == -EBADMSG)
		what = "it is damaged; restart the collector, which keeps what can be read";
	(void) snprintf(o->stats.error, sizeof(o->stats.error), "outbox '%s': %s", o->path,
	    what != NULL ? what : strerrordesc_np(-r));
	pthread_mutex_unlock(&o->lock);
}

static bool
room_on_disk(const struct outbox *o)
{
	struct statvfs v;

	if (o->min_free_bytes == 0 || statvfs(o->path, &v) < 0)
		return true; /* if the call failed, the write will report it */
	return (uint64_t) v.f_bavail * v.f_frsize >= o->min_free_bytes;
}

static int
insert(struct outbox *o, const struct alert *a, uint64_t now)
{
	struct outbox_record rec;
	int r;

	/* only this thread writes 'last_rowid' */
	outbox_record_of(&rec, a, MAX(o->tx.last_rowid, o->stats.last_rowid) + 1, now);
	outbox_record_bind(o->st[ST_INSERT], &rec);
	r = outbox_run(o, ST_INSERT);
	if (r < 0)
		return r;
	if (sqlite3_changes(o->db) == 0) {
		o->tx.duplicates++;
		return 0;
	}
	o->times[o->tx.inserted++] = a->time;
	o->tx.last_rowid = rec.n;
	return 0;
}

/* The contents of one transaction: 'whole' of v[], then the first 'part' alerts of the next. */
struct piece {
	struct outbox_txn *const *v;
	int whole;
	unsigned part;
};

static struct piece
cut(struct outbox_txn *const *v, int n)
{
	struct piece p = { .v = v };
	uint64_t bytes = 0;
	unsigned rows = 0;

	for (p.whole = 0; p.whole < n; p.whole++) {
		p.part = 0;
		for (const struct alert *a = v[p.whole]->alerts; a != NULL; a = a->next) {
			bytes += a->json_len;
			if (rows > 0 && (rows == OUTBOX_TX_ROWS || bytes > OUTBOX_TX_BYTES))
				return p;
			rows++;
			p.part++;
		}
	}
	p.part = 0;
	return p;
}

static int
insert_all(struct outbox *o, const struct piece *p)
{
	struct clock_stamp at = clock_stamp();
	uint64_t now = at.real_ns / NS_PER_MS;
	const struct alert *a;
	int r = outbox_clock_note(o, &at, o->stats.last_rowid + 1);

	for (int i = 0; r == 0 && i < p->whole; i++) {
		for (a = p->v[i]->alerts; r == 0 && a != NULL; a = a->next)
			r = insert(o, a, now);
	}
	a = p->part > 0 ? p->v[p->whole]->alerts : NULL;
	for (unsigned i = 0; r == 0 && i < p->part; i++, a = a->next)
		r = insert(o, a, now);
	return r;
}

struct latency {
	uint64_t n[OUTBOX_LATENCY_BUCKETS], ns;
};

/* Measure the time from the events to the commit of their alerts. If a node's clock is ahead, it is
 * 0. */
static void
measure(const struct outbox *o, struct latency *l)
{
	static const double bounds[] = OUTBOX_LATENCY_BOUNDS;
	uint64_t now = clock_real();

	_Static_assert(ARRAY_SIZE(bounds) + 1 == OUTBOX_LATENCY_BUCKETS, "one more for the rest");
	for (uint64_t i = 0; i < o->tx.inserted; i++) {
		uint64_t took = now > o->times[i] ? now - o->times[i] : 0;
		size_t b = 0;

		while (b < ARRAY_SIZE(bounds) && (double) took > bounds[b] * (double) NS_PER_S)
			b++;
		l->n[b]++;
		l->ns += took;
	}
}

/* Publish the numbers of the commit; 'trouble' remains if a piece still waits. */
static void
committed(struct outbox *o, bool trouble)
{
	struct latency l = { 0 };

	measure(o, &l); /* before the lock: it visits every alert */
	outbox_progress_written(o);
	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < ARRAY_SIZE(l.n); i++)
		o->stats.latency[i] += l.n[i];
	o->stats.latency_ns += l.ns;
	o->stats.commits++;
	o->stats.committed += o->tx.inserted;
	o->stats.duplicates += o->tx.duplicates;
	o->stats.pruned += o->tx.pruned;
	o->stats.rows += o->tx.inserted;
	o->stats.rows -= o->tx.pruned;
	outbox_clock_noted(o);
	if (o->tx.last_rowid > 0) {
		o->stats.last_rowid = o->tx.last_rowid;
		pthread_cond_broadcast(&o->news);
	}
	if (!o->stats.corrupt && !trouble) {
		o->stats.full = false;
		o->stats.error[0] = '\0';
	}
	pthread_mutex_unlock(&o->lock);
}

/* Run one SQLite transaction with a piece, or NULL, and what waits in memory. 1: it made room for
 * the piece, but not enough yet. */
static int
transact(struct outbox *o, const struct piece *p)
{
	int r = outbox_wal_room(o), room = 0;

	if (r < 0)
		return r;
	memset(&o->tx, 0, sizeof(o->tx));
	r = outbox_run(o, ST_BEGIN);
	if (r == 0)
		r = room = outbox_prune(o);
	if (r == -ENOSPC && p == NULL)
		r = 0; /* cursors let pruning make room */
	if (r == 0 && p != NULL)
		r = insert_all(o, p);
	if (r >= 0)
		r = outbox_progress_write(o, p != NULL && room == 0);
	if (r == 0)
		r = outbox_run(o, ST_COMMIT);
	if (r < 0 && sqlite3_get_autocommit(o->db) == 0)
		(void) sqlite3_exec(o->db, "ROLLBACK", NULL, NULL, NULL);
	if (r < 0)
		return r;
	committed(o, o->waiting && p == NULL);
	outbox_high_write(o);
	return p != NULL ? room : 0;
}

/* Set the numbers that the streams will have once the piece is committed. */
static int
stage_progress(struct outbox *o, const struct piece *in)
{
	struct outbox_progress *p;
	int r = 0;

	for (int i = 0; r == 0 && i < in->whole; i++)
		r = outbox_progress_make(o, in->v[i]->stream);
	if (r < 0)
		return r;
	o->hand++;
	pthread_mutex_lock(&o->lock);
	for (int i = 0; i < in->whole; i++) {
		p = outbox_progress_get(o, in->v[i]->stream);
		p->seq = MAX(p->seq, in->v[i]->seq);
		p->hand = o->hand;
	}
	if (o->quiet_at == 0)
		o->quiet_at = clock_mono();
	pthread_mutex_unlock(&o->lock);
	return 0;
}

/* Free the first n alerts of 't'. */
static void
drop_alerts(struct outbox_txn *t, unsigned n)
{
	struct alert *a;

	while (n-- > 0 && (a = t->alerts) != NULL) {
		t->alerts = a->next;
		alert_free(a);
	}
}

static void
finish(struct outbox *o, struct outbox_txn *const *v, int n, int result)
{
	struct outbox_progress *p;

	pthread_mutex_lock(&o->lock);
	for (int i = 0; i < n; i++) {
		p = outbox_progress_get(o, v[i]->stream);
		if (result == 0 && p != NULL && v[i]->seq > p->durable)
			p->durable = v[i]->seq;
		o->queued_bytes -= v[i]->bytes;
		o->stats.queued--;
	}
	pthread_mutex_unlock(&o->lock);
	for (int i = 0; i < n; i++) {
		drop_alerts(v[i], UINT32_MAX);
		v[i]->done(v[i], result); /* the caller owns 'v[i]' again */
	}
}

static void
note_failure(struct outbox *o, int r)
{
	if (r == -ENOSPC && o->max_bytes > 0 && o->used > o->max_bytes)
		outbox_trouble(o, r, "full of alerts that an output does not accept");
	else if (r == -ENOSPC)
		outbox_trouble(o, r, "no room on the disk");
	else if (r == -EBUSY)
		outbox_trouble(o, r, "another program reads or writes it for too long");
	else
		outbox_trouble(o, r, sqlite3_errmsg(o->db));
}

static int
attempt(struct outbox *o, const struct piece *p)
{
	bool alerts = p->part > 0;
	int r = stage_progress(o, p);

	for (int i = 0; i < p->whole; i++)
		alerts = alerts || p->v[i]->alerts != NULL;
	if (r < 0 || !alerts) {
		if (r < 0)
			outbox_trouble(o, r, NULL);
		return r;
	}
	if (o->stats.corrupt) /* only this thread writes it */
		return -EBADMSG;
	if (!room_on_disk(o)) {
		outbox_trouble(o, -ENOSPC, "less free space on the disk than outbox.min_free");
		return -ENOSPC;
	}
	do
		r = transact(o, p);
	while (r > 0);
	if (r < 0)
		note_failure(o, r);
	return r;
}

/* Wait before the next try; false: shutting down, this was the last. */
static bool
try_later(struct outbox *o)
{
	uint64_t since = clock_mono();
	bool last;

	pthread_mutex_lock(&o->lock);
	outbox_pause(o, OUTBOX_RETRY_MS);
	o->stats.stalled_ms += (clock_mono() - since) / NS_PER_MS;
	last = o->closing;
	pthread_mutex_unlock(&o->lock);
	if (outbox_progress_due(o) && !o->stats.corrupt)
		(void) transact(o, NULL); /* best effort: may make room */
	return !last;
}

/* Retry until everything is committed; at shutdown, try once more. */
static void
commit_group(struct outbox *o, struct outbox_txn *const *v, int n)
{
	struct piece p;
	bool last = false;
	int r;

	while (n > 0) {
		p = cut(v, n);
		while ((r = attempt(o, &p)) < 0 && !last) {
			o->waiting = true;
			last = !try_later(o);
		}
		o->waiting = false;
		if (r < 0) {
			finish(o, v, n, r);
			return;
		}
		finish(o, v, p.whole, 0);
		v += p.whole;
		n -= p.whole;
		if (n > 0)
			drop_alerts(v[0], p.part);
	}
}

/* Progress alone needs no fsync: it matters only together with the alerts before it, and those are
 * synced. It survives a crash of the program, not of the machine. */
static void
write_progress(struct outbox *o)
{
	int r;

	if (o->stats.corrupt)
		return;
	r = outbox_exec(o->db, "PRAGMA synchronous=NORMAL");
	if (r == 0)
		r = transact(o, NULL);
	if (r < 0)
		note_failure(o, r);
	/* Without it a later commit would not be durable: end commits. */
	if (outbox_exec(o->db, "PRAGMA synchronous=FULL") < 0)
		outbox_trouble(o, -EBADMSG, NULL);
}

/* Whether several of v[] have alerts: the others need no fsync that could be shared. */
static bool
crowded(void *const *v, int n)
{
	int alerting = 0;

	for (int i = 0; i < n && alerting < 2; i++)
		alerting += ((const struct outbox_txn *) v[i])->alerts != NULL;
	return alerting > 1;
}

/* Take transactions into 'v' and return their number: 0 after a while without any, -ESHUTDOWN at
 * the end. */
static int
gather(struct outbox *o, void **v)
{
	int n = queue_take(o->queue, v, OUTBOX_GROUP, OUTBOX_TICK_MS), more = 0;
	uint64_t until = clock_mono() + GATHER_NS;

	/* A single batch with alerts does not wait for others; among many, sharing the fsync pays.
	 */
	while (n > 0 && o->busy && more >= 0 && n < OUTBOX_GROUP && clock_mono() < until) {
		more = queue_take(o->queue, v + n, OUTBOX_GROUP - n, 1);
		n += more > 0 ? more : 0;
	}
	o->busy = crowded(v, n);
	return n;
}

void *
outbox_commit_main(void *arg)
{
	struct outbox *o = arg;
	void *v[OUTBOX_GROUP];
	int n;

	while ((n = gather(o, v)) >= 0) {
		if (n > 0)
			commit_group(o, (struct outbox_txn *const *) v, n);
		if (outbox_progress_due(o) || outbox_prune_due(o))
			write_progress(o);
	}
	if (outbox_progress_due(o)) /* when closing: whatever is left */
		write_progress(o);
	return NULL;
}
