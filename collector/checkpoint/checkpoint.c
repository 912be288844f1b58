/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/checkpoint/checkpoint.h"
#include "collector/checkpoint/checkpoint_file.h"
#include "common/cond.h"
#include "common/file.h"
#include "common/log.h"
#include "common/log_peer.h"
#include "common/probe.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WAITING_BYTES = 64 << 20,
	LOOK_MS = 50,           /* how often to look whether an image's batches are durable */
	KEEP_S = 7 * 24 * 3600, /* an unused file is removed after that long */
	GROUP = 64,             /* files written before the first of them is waited for */
};

struct item {
	struct item *next;
	struct stream *stream; /* held */
	uint64_t seq;
	struct buf data;
	uint64_t bytes; /* of its file */
	int fd;         /* of its file; -errno: that is not written */
};

struct checkpoint {
	int dir;
	char *path;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct item *head, **tail; /* guarded by 'lock', as are the next three */
	size_t bytes;
	uint64_t waiting;
	bool closed;
	struct buf file; /* this thread only */
	bool failing;    /* this thread only: the last write failed */
	_Atomic uint64_t written, written_bytes, failed, loaded, damaged;
};

/* ---- the thread ---- */

static void
item_free(struct item *i)
{
	stream_unref(i->stream);
	buf_fini(&i->data);
	free(i);
}

/* Take an item out of the list. */
static struct item *
take(struct checkpoint *c, struct item **at)
{
	struct item *i = *at;

	*at = i->next;
	if (c->tail == &i->next)
		c->tail = at;
	c->bytes -= i->data.n;
	c->waiting--;
	return i;
}

static bool
has_node(const struct item *group, const struct stream *st)
{
	while (group != NULL && group->stream->hash != st->hash)
		group = group->next;
	return group != NULL;
}

/* The first image of which every batch is durable, and whose node is not in the group; NULL: none.
 * Those of streams that are gone are dropped. */
static struct item *
next_ready(struct checkpoint *c, const struct item *group)
{
	struct item **at = &c->head;

	while (*at != NULL) {
		if ((*at)->stream->forgotten)
			item_free(take(c, at));
		else if ((*at)->stream->durable >= (*at)->seq && !has_node(group, (*at)->stream))
			return take(c, at);
		else
			at = &(*at)->next;
	}
	return NULL;
}

static void
write_aside(struct checkpoint *c, struct item *i)
{
	i->fd = checkpoint_pack(&i->stream->id, buf_get(&i->data), &c->file);
	if (i->fd == 0)
		i->fd = checkpoint_aside(c->dir, i->stream->hash, buf_get(&c->file));
	i->bytes = c->file.n;
	buf_fini(&i->data);
}

/* 'r': is it written? */
static void
tell(struct checkpoint *c, struct item *i, int r)
{
	if (r == 0) {
		c->written++;
		c->written_bytes += i->bytes;
		i->stream->state_at = clock_mono();
		i->stream->state_seq = i->seq;
	} else {
		c->failed++;
		if (!c->failing)
			log_error(
			    "checkpoint.path: %s cannot be written: %s: until it can, a "
			    "restarted collector needs snapshots",
			    c->path, strerrordesc_np(-r));
	}
	if (r == 0 && c->failing)
		log_info("checkpoint.path: %s is written again", c->path);
	c->failing = r < 0;
}

/* Waiting for the disk takes about as long for many files as for one. A sensor frees its batches
 * when it is told, so the files must be there after a loss of power. */
static void
write_group(struct checkpoint *c, struct item *group)
{
	struct item *i;
	int r;

	for (i = group; i != NULL; i = i->next)
		write_aside(c, i);
	for (i = group; i != NULL; i = i->next)
		i->fd = i->fd < 0 ? i->fd : checkpoint_place(c->dir, i->stream->hash, i->fd);
	r = fsync(c->dir) < 0 ? -errno : 0;
	while ((i = group) != NULL) {
		group = i->next;
		tell(c, i, i->fd < 0 ? i->fd : r);
		item_free(i);
	}
}

static struct item *
take_group(struct checkpoint *c)
{
	struct item *group = NULL, *i;

	for (int n = 0; n < GROUP && (i = next_ready(c, group)) != NULL; n++) {
		i->next = group;
		group = i;
	}
	return group;
}

static void *
thread_main(void *arg)
{
	struct checkpoint *c = arg;
	struct item *group;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		group = take_group(c);
		if (group != NULL) {
			pthread_mutex_unlock(&c->lock);
			write_group(c, group);
			pthread_mutex_lock(&c->lock);
			continue;
		}
		if (c->closed)
			break;
		(void) cond_wait(&c->changed, &c->lock, cond_until(c->head == NULL ? -1 : LOOK_MS));
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- images ---- */

bool
checkpoint_has_room(struct checkpoint *c)
{
	bool room;

	pthread_mutex_lock(&c->lock);
	room = c->bytes < WAITING_BYTES;
	pthread_mutex_unlock(&c->lock);
	return room;
}

/* Drop an earlier image of the stream. */
static void
drop_older(struct checkpoint *c, const struct stream *st)
{
	struct item **at = &c->head;

	while (*at != NULL && (*at)->stream != st)
		at = &(*at)->next;
	if (*at != NULL)
		item_free(take(c, at));
}

int
checkpoint_put(struct checkpoint *c, struct stream *st, struct buf *data)
{
	struct item *i = calloc(1, sizeof(*i));
	struct checkpoint_mark m;

	if (i == NULL)
		return -ENOMEM;
	memcpy(&m, data->p, sizeof(m));
	*i = (struct item){ .stream = stream_ref(st), .seq = m.seq, .data = *data };
	*data = (struct buf) BUF_INIT;
	pthread_mutex_lock(&c->lock);
	drop_older(c, st);
	*c->tail = i;
	c->tail = &i->next;
	c->bytes += i->data.n;
	c->waiting++;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

/* ---- files ---- */

static void
set_aside(struct checkpoint *c, const struct stream_id *id, const char *why)
{
	char name[CHECKPOINT_NAME], aside[CHECKPOINT_NAME];
	uint64_t hash = stream_node_hash(id);

	checkpoint_name(hash, "", name);
	checkpoint_name(hash, ".damaged", aside);
	(void) renameat(c->dir, name, c->dir, aside);
	c->damaged++;
	log_peer(LOG_ERROR, id->node,
	    "node %s: its checkpoint is damaged (%s) and set aside as %s/%s: a snapshot serves",
	    id->node, why, c->path, aside);
}

int
checkpoint_read(struct checkpoint *c, const struct stream_id *id, struct buf *data)
{
	CLEANUP(buf_fini) struct buf file = BUF_INIT;
	char name[CHECKPOINT_NAME];
	int r;

	checkpoint_name(stream_node_hash(id), "", name);
	r = file_read_at(c->dir, name, CHECKPOINT_DATA_MAX, &file);
	if (r == 0)
		r = checkpoint_unpack(id, buf_get(&file), data);
	if (r == -EBADMSG)
		set_aside(c, id, "its checksum is wrong");
	else if (r < 0 && r != -ENOENT)
		log_peer(LOG_ERROR, id->node,
		    "node %s: its checkpoint %s/%s cannot be read: %s: a snapshot serves", id->node,
		    c->path, name, strerrordesc_np(-r));
	return r;
}

void
checkpoint_used(struct checkpoint *c, const struct stream_id *id, const char *why)
{
	if (why == NULL)
		c->loaded++;
	else
		set_aside(c, id, why);
}

void
checkpoint_stats(struct checkpoint *c, struct checkpoint_stats *ret)
{
	*ret = (struct checkpoint_stats){ 0 };
	if (c == NULL)
		return;
	*ret = (struct checkpoint_stats){
		.written = c->written,
		.bytes = c->written_bytes,
		.failed = c->failed,
		.loaded = c->loaded,
		.damaged = c->damaged,
	};
	pthread_mutex_lock(&c->lock);
	ret->waiting = c->waiting;
	pthread_mutex_unlock(&c->lock);
}

/* ---- the folder ---- */

int
checkpoint_folder(const struct checkpoint *c)
{
	return c->dir;
}

/* A failed open: *d says why. */
static int
refuse(const char *path, int r, struct diag *d)
{
	diag_set(d, 0, 0,
	    r == -EBUSY
		? "checkpoint.path: another collector uses %s%s: give each a folder of its own"
		: "checkpoint.path: %s cannot be used: %s: give a folder on a local disk that "
		  "the collector's user can write to",
	    path, r == -EBUSY ? "" : strerrordesc_np(-r));
	return r;
}

/* Open and lock the folder: the descriptor, or -errno. */
static int
open_folder(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (dir < 0)
		return -errno;
	if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) < 0)
		r = -errno;
	if (r == 0 && flock(dir, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (r < 0) {
		(void) close(dir);
		return r;
	}
	return dir;
}

int
checkpoint_probe(const char *path, struct diag *d)
{
	int r = open_folder(path);

	if (r >= 0) {
		(void) close(r);
		return 0;
	}
	if (r == -ENOENT)
		r = probe_folder(path);
	return r < 0 ? refuse(path, r, d) : 0;
}

/* Remove what an interrupted write has left, and what no sensor has asked for in a long time. */
static void
clean(int dir)
{
	time_t old = (time_t) (clock_real() / NS_PER_S) - KEEP_S;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (list == NULL) {
		if (fd >= 0)
			(void) close(fd);
		return;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): of its own stream */
	while ((e = readdir(list)) != NULL) {
		const size_t n = strspn(e->d_name, "0123456789abcdef");
		const char *suffix = e->d_name + n;
		struct stat st;

		if (n != 16 || (*suffix != '\0' && strcmp(suffix, ".new") != 0 &&
				   strcmp(suffix, ".damaged") != 0))
			continue;
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    (strcmp(suffix, ".new") == 0 || st.st_mtime < old))
			(void) unlinkat(dir, e->d_name, 0);
	}
	(void) closedir(list);
}

int
checkpoint_open(const char *path, struct checkpoint **ret, struct diag *d)
{
	struct checkpoint *c;
	int dir, r;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return refuse(path, -errno, d);
	dir = open_folder(path);
	if (dir < 0)
		return refuse(path, dir, d);
	clean(dir);
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void) close(dir);
		return -ENOMEM;
	}
	c->dir = dir;
	c->tail = &c->head;
	c->path = strdup(path);
	pthread_mutex_init(&c->lock, NULL);
	cond_init(&c->changed);
	r = c->path == NULL ? -ENOMEM : -pthread_create(&c->thread, NULL, thread_main, c);
	if (r < 0) {
		checkpoint_close(c);
		return r;
	}
	c->started = true;
	*ret = c;
	return 0;
}

void
checkpoint_close(struct checkpoint *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->closed = true;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (c->started)
		(void) pthread_join(c->thread, NULL);
	while (c->head != NULL)
		item_free(take(c, &c->head));
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
	buf_fini(&c->file);
	free(c->path);
	(void) close(c->dir);
	free(c);
}
