/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.c - open and close, and the functions for any thread. */
#include "collector/outbox/outbox.h"
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include "common/cond.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

static void
init_locks(struct outbox *o)
{
	pthread_mutex_init(&o->lock, NULL);
	pthread_mutex_init(&o->moving, NULL);
	cond_init(&o->news);
	cond_init(&o->chores);
}

static int
start_threads(struct outbox *o, struct diag *d)
{
	sigset_t all, old;
	int r;

	(void) sqlite3_wal_hook(o->db, outbox_wal_hook, o);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&o->committer, NULL, outbox_commit_main, o);
	o->committing = r == 0;
	if (r == 0)
		r = pthread_create(&o->checkpointer, NULL, outbox_checkpoint_main, o);
	o->checkpointing = o->committing && r == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		diag_set(d, 0, 0, "cannot start the outbox's threads: %s", strerrordesc_np(r));
	return -r;
}

int
outbox_open(const struct outbox_cfg *cfg, struct outbox **ret, struct diag *d)
{
	struct outbox *o;
	int r = -ENOMEM;

	if (cfg->noutputs > OUTBOX_OUTPUTS)
		return diag_fail(d, 0, 0, "more than %d outputs", OUTBOX_OUTPUTS);
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		goto nomem;
	init_locks(o);
	o->lock_fd = o->high_fd = -1;
	o->max_bytes = cfg->max_bytes;
	o->max_age_ms = cfg->max_age_ms;
	o->min_free_bytes = cfg->min_free_bytes;
	o->read_only = cfg->read_only;
	o->dirty_at = 1;
	o->quiet_ms = OUTBOX_QUIET_MS;
	o->wal_again = OUTBOX_WAL_RESTART;
	o->path = malloc(strlen(cfg->path) + 1);
	if (o->path == NULL || queue_new(OUTBOX_QUEUE, &o->queue) < 0)
		goto nomem;
	memcpy(o->path, cfg->path, strlen(cfg->path) + 1);
	r = outbox_start(o, cfg, d);
	if (r == 0)
		r = outbox_load(o, cfg, d);
	if (r == 0 && !o->read_only)
		r = start_threads(o, d);
	if (r < 0)
		goto fail;
	*ret = o;
	return 0;
nomem:
	diag_set(d, 0, 0, "not enough memory for the outbox");
fail:
	outbox_close(o);
	return r;
}

void
outbox_close(struct outbox *o)
{
	struct outbox_aside *a;

	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->closing = true; /* before the queue: the commit thread's last look must see it */
	pthread_cond_broadcast(&o->news);
	pthread_cond_broadcast(&o->chores);
	pthread_mutex_unlock(&o->lock);
	if (o->queue != NULL)
		queue_close(o->queue);
	if (o->committing)
		(void) pthread_join(o->committer, NULL);
	if (o->checkpointing)
		(void) pthread_join(o->checkpointer, NULL);
	outbox_readers_free(o);
	outbox_db_close(o);
	outbox_progress_free(o, true);
	while ((a = o->asides) != NULL || (a = o->asides_writing) != NULL) {
		if (a == o->asides)
			o->asides = a->next;
		else
			o->asides_writing = a->next;
		free(a);
	}
	outbox_nodes_written(o);
	o->nodes_writing = o->nodes;
	outbox_nodes_written(o);
	queue_free(o->queue);
	pthread_cond_destroy(&o->news);
	pthread_cond_destroy(&o->chores);
	pthread_mutex_destroy(&o->lock);
	pthread_mutex_destroy(&o->moving);
	free(o->path);
	free(o);
}

int
outbox_put(struct outbox *o, struct outbox_txn *t)
{
	int r = 0;

	t->bytes = 0;
	for (const struct alert *a = t->alerts; a != NULL; a = a->next)
		t->bytes += sizeof(*a) + a->json_len;
	pthread_mutex_lock(&o->lock);
	if (o->queued_bytes > 0 && o->queued_bytes + t->bytes > OUTBOX_QUEUE_MAX) {
		r = -EAGAIN;
	} else {
		o->queued_bytes += t->bytes;
		o->stats.queued++;
	}
	pthread_mutex_unlock(&o->lock);
	if (r < 0)
		return r;
	r = queue_put(o->queue, t);
	if (r < 0) {
		pthread_mutex_lock(&o->lock);
		o->queued_bytes -= t->bytes;
		o->stats.queued--;
		pthread_mutex_unlock(&o->lock);
	}
	return r;
}

static int
stream_from_file(struct outbox *o, const struct stream_id *s, uint64_t *ret)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(o->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db, 2000);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db,
		    "SELECT seq FROM stream WHERE cluster = ?1 AND node = ?2 AND boot = ?3"
		    " AND sensor_start = ?4",
		    -1, &st, NULL);
	if (rc == SQLITE_OK) {
		(void) sqlite3_bind_text(st, 1, s->cluster, -1, SQLITE_STATIC);
		(void) sqlite3_bind_text(st, 2, s->node, -1, SQLITE_STATIC);
		(void) sqlite3_bind_text(st, 3, s->boot_id, -1, SQLITE_STATIC);
		(void) sqlite3_bind_int64(st, 4, (sqlite3_int64) s->sensor_start);
		rc = sqlite3_step(st);
	}
	if (outbox_err(rc) == 0)
		*ret = rc == SQLITE_ROW ? (uint64_t) sqlite3_column_int64(st, 0) : 0;
	(void) sqlite3_finalize(st);
	(void) sqlite3_close(db);
	return outbox_err(rc);
}

int
outbox_stream_seq(struct outbox *o, const struct stream_id *s, uint64_t *ret)
{
	struct outbox_progress *p;
	uint64_t durable = 0;

	/* Memory first: progress leaves it only once it is in the file. */
	pthread_mutex_lock(&o->lock);
	p = outbox_progress_get(o, s);
	if (p != NULL)
		durable = p->durable;
	pthread_mutex_unlock(&o->lock);
	if (durable == 0)
		return stream_from_file(o, s, ret);
	*ret = durable;
	return 0;
}

int
outbox_cursor(struct outbox *o, const char *output, uint64_t *ret, uint64_t *skipped)
{
	struct outbox_place *p;
	int r = -ENOENT;

	pthread_mutex_lock(&o->lock);
	p = outbox_place_of(o, output);
	if (p != NULL && !p->off) {
		*ret = p->rowid;
		if (skipped != NULL)
			*skipped = p->skipped;
		r = 0;
	}
	pthread_mutex_unlock(&o->lock);
	return r;
}

void
outbox_delivered(struct outbox *o, const char *output, uint64_t rowid)
{
	struct outbox_place *p;

	pthread_mutex_lock(&o->lock);
	p = outbox_place_of(o, output);
	if (p != NULL && rowid > p->rowid) {
		p->rowid = rowid;
		if (o->dirty_at == 0)
			o->dirty_at = clock_mono();
	}
	pthread_mutex_unlock(&o->lock);
}

static int
put_aside(struct outbox *o, const char *output, uint64_t rowid, const char *why, bool drop)
{
	struct outbox_aside *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	(void) snprintf(a->output, sizeof(a->output), "%s", output);
	(void) snprintf(a->why, sizeof(a->why), "%s", why);
	a->rowid = rowid;
	a->drop = drop;
	pthread_mutex_lock(&o->lock);
	a->next = o->asides;
	o->asides = a;
	o->dirty_at = 1;
	o->stats.set_aside += drop ? -1 : 1;
	pthread_mutex_unlock(&o->lock);
	return 0;
}

int
outbox_set_aside(struct outbox *o, const char *output, uint64_t rowid, const char *why)
{
	return put_aside(o, output, rowid, why, false);
}

int
outbox_not_aside(struct outbox *o, const char *output, uint64_t rowid)
{
	return put_aside(o, output, rowid, "", true);
}

bool
outbox_wait(struct outbox *o, uint64_t after, int timeout_ms)
{
	uint64_t until = cond_until(timeout_ms);
	bool there;

	pthread_mutex_lock(&o->lock);
	while (o->stats.last_rowid <= after && !o->closing && cond_wait(&o->news, &o->lock, until))
		;
	there = o->stats.last_rowid > after;
	pthread_mutex_unlock(&o->lock);
	return there;
}

/* The size of all files. */
static uint64_t
bytes_on_disk(const struct outbox *o)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-high" };
	char path[PATH_MAX];
	struct stat sb;
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		outbox_path(o, suffixes[i], path);
		n += stat(path, &sb) == 0 ? (uint64_t) sb.st_size : 0;
	}
	return n;
}

void
outbox_stats(struct outbox *o, struct outbox_stats *ret)
{
	uint64_t bytes = bytes_on_disk(o);

	pthread_mutex_lock(&o->lock);
	*ret = o->stats;
	pthread_mutex_unlock(&o->lock);
	ret->bytes = bytes + o->damaged_bytes;
	ret->damaged = o->damaged_rows;
}
