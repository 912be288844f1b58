/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_high.c - PATH-high, beside the database: the state after the last commit.
 *
 * SQLite cannot tell a log that lost its end from one whose last transaction was never finished. So
 * after each commit the newest number, the number of rows and the outputs' cursors are written
 * here, to one of two sectors in turn, each with a checksum. The checkpoint thread makes them
 * durable a moment later: the file is never ahead of the database, and after a crash of the machine
 * it is behind by that moment at most.
 */
#include "collector/outbox/outbox_int.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define MAGIC 0x6d65777368696768ULL /* "mewshigh" */

struct sector {
	uint64_t magic, schema, turn;
	uint64_t newest, oldest, rows;
	uint64_t nplaces;
	struct {
		uint64_t output; /* hash of its name */
		uint64_t n;
	} places[OUTBOX_OUTPUTS];
	uint64_t unused[24];
	uint64_t sum;
};
_Static_assert(sizeof(struct sector) == 512, "written whole or not at all");

static uint64_t
name_of(const char *output)
{
	return XXH3_64bits(output, strlen(output));
}

static bool
valid(const struct sector *s)
{
	return s->magic == MAGIC && s->nplaces <= OUTBOX_OUTPUTS &&
	       s->sum == XXH3_64bits(s, offsetof(struct sector, sum));
}

static void
take(struct outbox_high *h, const struct sector *s)
{
	h->turn = s->turn;
	h->newest = s->newest;
	h->oldest = s->oldest;
	h->rows = s->rows;
	h->nplaces = s->nplaces;
	for (size_t i = 0; i < s->nplaces; i++) {
		h->places[i].output = s->places[i].output;
		h->places[i].n = s->places[i].n;
	}
}

int
outbox_high_load(struct outbox *o)
{
	struct sector v[2];
	struct outbox_high *h = &o->high;
	bool ok[2];
	ssize_t n;
	char path[PATH_MAX];

	memset(h, 0, sizeof(*h));
	memset(v, 0, sizeof(v));
	outbox_path(o, "-high", path);
	o->high_fd = open(path, O_RDWR | O_CLOEXEC);
	if (o->high_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = pread(o->high_fd, v, sizeof(v), 0);
	if (n < 0)
		return -errno;
	ok[0] = valid(&v[0]);
	ok[1] = valid(&v[1]);
	h->state = ok[0] && ok[1] ? HIGH_WHOLE : ok[0] || ok[1] ? HIGH_HALF : HIGH_DAMAGED;
	if (h->state == HIGH_DAMAGED)
		return 0;
	take(h, ok[0] && (!ok[1] || v[0].turn > v[1].turn) ? &v[0] : &v[1]);
	if ((ok[0] ? v[0] : v[1]).schema > OUTBOX_SCHEMA)
		h->state = HIGH_NEWER;
	return 0;
}

static int
write_sector(struct outbox *o)
{
	struct outbox_high *h = &o->high;
	struct sector s;

	memset(&s, 0, sizeof(s));
	s.magic = MAGIC;
	s.schema = OUTBOX_SCHEMA;
	s.turn = ++h->turn;
	s.newest = h->newest;
	s.oldest = h->oldest;
	s.rows = h->rows;
	for (size_t i = 0; i < o->nplaces; i++) {
		if (o->places[i].saved == UINT64_MAX || s.nplaces == OUTBOX_OUTPUTS)
			continue;
		s.places[s.nplaces].output = name_of(o->places[i].output);
		s.places[s.nplaces++].n = o->places[i].saved;
	}
	s.sum = XXH3_64bits(&s, offsetof(struct sector, sum));
	if (pwrite(o->high_fd, &s, sizeof(s), (off_t) (s.turn & 1) * (off_t) sizeof(s)) !=
	    (ssize_t) sizeof(s))
		return errno != 0 ? -errno : -EIO;
	return 0;
}

static void
look(struct outbox *o)
{
	pthread_mutex_lock(&o->lock);
	o->high.newest = o->stats.last_rowid;
	o->high.rows = o->stats.rows;
	pthread_mutex_unlock(&o->lock);
	o->high.oldest = o->oldest_n;
}

int
outbox_high_make(struct outbox *o)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int r = 0;

	outbox_path(o, "-high", path);
	outbox_path(o, "-high.new", fresh);
	if (o->high_fd >= 0)
		(void) close(o->high_fd);
	o->high_fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (o->high_fd < 0)
		return -errno;
	look(o);
	for (int i = 0; r == 0 && i < 2; i++)
		r = write_sector(o);
	if (r == 0 && fdatasync(o->high_fd) < 0)
		r = -errno;
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	o->high.state = HIGH_WHOLE;
	return r < 0 ? r : file_sync_folder(o->path);
}

void
outbox_high_write(struct outbox *o)
{
	int r;

	look(o);
	r = write_sector(o);
	pthread_mutex_lock(&o->lock);
	o->stats.errors += r < 0;
	o->high_dirty = true;
	pthread_cond_broadcast(&o->chores);
	pthread_mutex_unlock(&o->lock);
}

bool
outbox_high_place(const struct outbox_high *h, const char *output, uint64_t *ret)
{
	for (size_t i = 0; i < h->nplaces; i++) {
		if (h->places[i].output != name_of(output))
			continue;
		*ret = h->places[i].n;
		return true;
	}
	return false;
}
