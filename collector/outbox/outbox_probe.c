/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_probe.c - would the file be accepted as an outbox? Without SQLite, which modifies
 * files. */
#include "collector/outbox/outbox_int.h"
#include "common/probe.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* SQLite's file header, big-endian. */
#define HEAD         100
#define HEAD_CHANGES 40 /* count of schema changes; 0: no table yet */
#define HEAD_VERSION 60
#define HEAD_OWNER   68

static uint32_t
number(const uint8_t *p)
{
	return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

/* -EBUSY: another collector has it. Takes the lock only for a moment. */
static int
probe_lock(const struct outbox *o)
{
	char path[PATH_MAX];
	int fd, r = 0;

	outbox_path(o, ".lock", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	(void) close(fd);
	return r;
}

/* Check what outbox_start.c checks with SQLite. A damaged file is salvaged, so it is not
 * refused. */
static int
probe_head(const struct outbox *o, struct diag *d)
{
	uint8_t head[HEAD] = { 0 };
	int fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
	int r = n < 0 ? -errno : 0;
	struct outbox_schema s = { .application = number(head + HEAD_OWNER),
		.version = number(head + HEAD_VERSION),
		.tables = number(head + HEAD_CHANGES) };

	if (fd >= 0)
		(void) close(fd);
	if (r < 0)
		return r == -ENOENT ? 0 : outbox_fail(o, r, d);
	s.ours = s.application == OUTBOX_APPLICATION;
	if (n == 0 || outbox_high_known(&o->high))
		return 0;
	if (n < HEAD || memcmp(head, "SQLite format 3", 16) != 0)
		return outbox_fail(o, -EBADMSG, d);
	if (s.tables == 0 && !s.ours)
		return 0;
	return s.ours && s.version >= 1 && s.version <= OUTBOX_SCHEMA ? 0 : outbox_refuse(o, &s, d);
}

int
outbox_probe(const struct outbox_cfg *cfg, struct diag *d)
{
	struct outbox *o = calloc(1, sizeof(*o));
	char *path = cfg->path == NULL ? calloc(1, 1) : strdup(cfg->path), lock[PATH_MAX];
	int r = -ENOMEM;

	if (o == NULL || path == NULL) {
		diag_set(d, 0, 0, "not enough memory for the outbox");
		goto out;
	}
	o->path = path;
	o->high_fd = -1;
	outbox_path(o, ".lock", lock);
	r = strlen(path) + sizeof(".lock") > PATH_MAX ? -ENAMETOOLONG : probe_file(lock);
	if (r == 0)
		r = probe_lock(o);
	if (r == 0)
		r = probe_file(path);
	if (r == 0)
		r = outbox_high_load(o);
	if (o->high_fd >= 0)
		(void) close(o->high_fd);
	r = r < 0 ? outbox_fail(o, r, d) : probe_head(o, d);
out:
	free(path);
	free(o);
	return r;
}
