/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_disk.h"
#include "common/clock.h"
#include "common/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>

#define RETRY_NS   NS_PER_S /* after a failed write */
#define FILE_LEAST (64u << 10)
#define FILE_MOST  (16u << 20)

enum { NAME_SIZE = 32 };

static const char *
name_of(uint64_t number, char out[NAME_SIZE])
{
	(void) snprintf(out, NAME_SIZE, "%08" PRIx64 ".spool", number);
	return out;
}

static int
file_open(const struct spool_disk *d, uint64_t number, int flags)
{
	char name[NAME_SIZE];
	int fd = openat(
	    d->dir, name_of(number, name), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	return fd < 0 ? -errno : fd;
}

static void
file_close(int *fd, struct spool_seg **seg)
{
	if (*fd >= 0)
		(void) close(*fd);
	*fd = -1;
	*seg = NULL;
}

/* ---- the list ---- */

static void
add_seg(struct spool_disk *d, struct spool_seg *seg)
{
	struct spool_seg **at = &d->head;

	while (*at != NULL && (*at)->number < seg->number)
		at = &(*at)->next;
	seg->next = *at;
	*at = seg;
	if (seg->next == NULL)
		d->tail = seg;
	d->bytes += seg->bytes;
}

void
spool_disk_remove(struct spool_disk *d, struct spool_seg *seg)
{
	struct spool_seg **at = &d->head, *before = NULL;
	char name[NAME_SIZE];

	while (*at != seg) {
		before = *at;
		at = &(*at)->next;
	}
	*at = seg->next;
	if (d->tail == seg)
		d->tail = before;
	if (d->out == seg)
		file_close(&d->out_fd, &d->out);
	if (d->in == seg)
		file_close(&d->in_fd, &d->in);
	(void) unlinkat(d->dir, name_of(seg->number, name), 0);
	d->bytes -= seg->bytes;
	free(seg);
}

/* ---- open ---- */

/* Give an unusable file another name, so that it is reported once. */
static void
set_aside(struct spool_disk *d, const char *name, const char *why)
{
	char other[NAME_SIZE + 8];

	(void) snprintf(other, sizeof(other), "%s.damaged", name);
	if (renameat(d->dir, name, d->dir, other) < 0)
		(void) snprintf(other, sizeof(other), "%s", name);
	log_warn("spool: %s/%s %s: it is left aside as %s", d->path, name, why, other);
	d->damaged++;
}

static int
list_file(struct spool_disk *d, const char *name, uint64_t number)
{
	CLEANUP(buf_fini) struct buf hello = BUF_INIT;
	struct spool_seg *seg;
	struct stat st = { 0 };
	uint64_t begin = 0;
	int fd = file_open(d, number, O_RDONLY), r = fd;

	if (r >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		r = -EBADMSG;
	if (r >= 0)
		r = spool_file_open(fd, &hello, &begin);
	if (fd >= 0)
		(void) close(fd);
	if (r == -ENOMEM)
		return r;
	if (r == -EPROTONOSUPPORT)
		log_warn("spool: %s/%s was written by another version of the sensor: ignored",
		    d->path, name);
	else if (r < 0)
		set_aside(d, name, r == -EBADMSG ? "is not a spool's file" : strerrordesc_np(-r));
	if (r < 0)
		return 0;
	seg = calloc(1, sizeof(*seg));
	if (seg == NULL)
		return -ENOMEM;
	seg->number = number;
	seg->bytes = (uint64_t) st.st_size;
	seg->begin = begin;
	seg->stream = XXH3_64bits(hello.p, hello.n);
	add_seg(d, seg);
	return 0;
}

static int
list_files(struct spool_disk *d)
{
	int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	if (dir == NULL) {
		r = -errno;
		if (fd >= 0)
			(void) close(fd);
		return r;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream */
	while (r == 0 && (e = readdir(dir)) != NULL) {
		char name[NAME_SIZE], *end;
		uint64_t number = strtoull(e->d_name, &end, 16);

		if (number >= UINT64_MAX / 2 || strcmp(e->d_name, name_of(number, name)) != 0)
			continue;
		d->next = MAX(d->next, number + 1);
		r = list_file(d, name, number);
	}
	(void) closedir(dir);
	return r;
}

static int
open_folder(struct spool_disk *d)
{
	if (mkdir(d->path, 0700) < 0 && errno != EEXIST)
		return -errno;
	d->dir = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return -errno;
	if (flock(d->dir, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (faccessat(d->dir, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return -errno;
	return list_files(d);
}

int
spool_disk_open(const char *path, uint64_t max_bytes, uint64_t min_free, struct spool_disk **ret)
{
	struct spool_disk *d = calloc(1, sizeof(*d));
	uint64_t size = max_bytes / SPOOL_FILES;
	int r = -ENOMEM;

	if (d != NULL) {
		d->dir = d->in_fd = d->out_fd = -1;
		d->max_bytes = max_bytes;
		d->min_free = min_free;
		d->file_bytes = MIN(MAX(size, FILE_LEAST), FILE_MOST);
		d->next = 1;
		d->path = strdup(path);
	}
	if (d != NULL && d->path != NULL)
		r = open_folder(d);
	if (r < 0) {
		log_warn(
		    "spool.path: %s cannot be used: %s: batches are kept in memory only, until "
		    "this is mended and the sensor is restarted",
		    path, r == -EBUSY ? "another sensor uses it" : strerrordesc_np(-r));
		spool_disk_close(d);
		return r;
	}
	*ret = d;
	return 0;
}

void
spool_disk_close(struct spool_disk *d)
{
	if (d == NULL)
		return;
	if (d->out != NULL && d->out->live == 0)
		spool_disk_remove(d, d->out);
	file_close(&d->out_fd, &d->out);
	file_close(&d->in_fd, &d->in);
	while (d->head != NULL) {
		struct spool_seg *seg = d->head;

		d->head = seg->next;
		free(seg);
	}
	if (d->dir >= 0)
		(void) close(d->dir);
	free(d->path);
	free(d);
}

/* ---- write ---- */

static void
failed(struct spool_disk *d, int r)
{
	d->errors++;
	d->retry_at = clock_mono() + RETRY_NS;
	if (d->said == r)
		return;
	d->said = r;
	if (r == -ENOSPC)
		log_warn(
		    "spool: the disk of %s is full, or less than spool.min_free is left: new "
		    "batches stay in memory until there is room",
		    d->path);
	else
		log_warn(
		    "spool: cannot write to %s: %s: new batches stay in memory until that is "
		    "mended",
		    d->path, strerrordesc_np(-r));
}

static int
check_free(const struct spool_disk *d, uint64_t need)
{
	struct statvfs v;

	if (d->min_free == 0 || fstatvfs(d->dir, &v) < 0)
		return 0;
	return (uint64_t) v.f_bavail * v.f_frsize < d->min_free + need ? -ENOSPC : 0;
}

static int
begin_file(struct spool_disk *d, struct slice hello)
{
	struct spool_seg *seg = calloc(1, sizeof(*seg));
	char name[NAME_SIZE];
	int r;

	if (seg == NULL)
		return -ENOMEM;
	file_close(&d->out_fd, &d->out);
	seg->number = d->next;
	seg->ours = true;
	seg->stream = XXH3_64bits(hello.p, hello.n);
	d->out_fd = file_open(d, seg->number, O_RDWR | O_CREAT | O_EXCL);
	r = MIN(d->out_fd, 0);
	if (r == 0)
		r = spool_file_begin(d->out_fd, hello, &seg->begin);
	if (r < 0) {
		if (d->out_fd >= 0)
			(void) unlinkat(d->dir, name_of(seg->number, name), 0);
		file_close(&d->out_fd, &d->out);
		free(seg);
		return r;
	}
	d->next++;
	seg->bytes = seg->begin;
	add_seg(d, seg);
	d->out = seg;
	return 0;
}

int
spool_disk_append(struct spool_disk *d, struct slice hello, struct spool_rec *rec, struct slice msg,
    struct spool_seg **seg, uint32_t *at)
{
	uint64_t need = sizeof(*rec) + msg.n, end;
	bool fresh = d->out == NULL || d->out->bytes + need > d->file_bytes;
	int r;

	if (d->retry_at != 0 && clock_mono() < d->retry_at)
		return -EAGAIN;
	if (d->bytes + need + (fresh ? hello.n + sizeof(*rec) : 0) > d->max_bytes)
		return -EDQUOT;
	r = check_free(d, need);
	if (r == 0 && fresh)
		r = begin_file(d, hello);
	end = r == 0 ? d->out->bytes : 0;
	if (r == 0)
		r = spool_file_append(d->out_fd, &end, rec, msg);
	if (r < 0) {
		failed(d, r);
		return r;
	}
	if (d->said != 0)
		log_info("spool: %s can be written again", d->path);
	d->said = 0;
	d->retry_at = 0;
	*seg = d->out;
	*at = (uint32_t) d->out->bytes;
	d->out->live++;
	d->bytes += end - d->out->bytes;
	d->out->bytes = end;
	return 0;
}

void
spool_disk_release(struct spool_disk *d, struct spool_seg *seg)
{
	if (--seg->live > 0)
		return;
	if (d->out != seg) {
		spool_disk_remove(d, seg);
		return;
	}
	/* use it again: a collector that is slow now and then costs no new file each time */
	if (ftruncate(d->out_fd, (off_t) seg->begin) < 0) {
		spool_disk_remove(d, seg);
		return;
	}
	d->bytes -= seg->bytes - seg->begin;
	seg->bytes = seg->begin;
}

/* ---- read ---- */

static int
open_in(struct spool_disk *d, struct spool_seg *seg)
{
	if (d->in == seg)
		return 0;
	file_close(&d->in_fd, &d->in);
	d->in_fd = file_open(d, seg->number, O_RDONLY);
	if (d->in_fd < 0)
		return d->in_fd;
	d->in = seg;
	return 0;
}

static void
say_damaged(struct spool_disk *d, const struct spool_seg *seg, uint64_t at, const char *what)
{
	char name[NAME_SIZE];

	d->damaged++;
	log_warn(
	    "spool: %s/%s: %s at byte %" PRIu64, d->path, name_of(seg->number, name), what, at);
}

int
spool_disk_read(struct spool_disk *d, struct spool_seg *seg, uint32_t at, struct buf *msg)
{
	struct spool_rec rec;
	uint64_t next = at;
	int r = open_in(d, seg);

	if (r == 0)
		r = spool_file_next(d->in_fd, &next, &rec, msg);
	if (r == 1 || r == -ENOMEM)
		return MIN(r, 0);
	say_damaged(d, seg, at, "a batch is damaged or gone: it is lost");
	return r == 0 || r == -EILSEQ ? -EBADMSG : r;
}

int
spool_disk_hello(struct spool_disk *d, struct spool_seg *seg, struct buf *hello)
{
	uint64_t at;
	int r = open_in(d, seg);

	return r < 0 ? r : spool_file_open(d->in_fd, hello, &at);
}

int
spool_disk_scan(struct spool_disk *d, struct spool_seg *seg,
    int (*fn)(void *arg, const struct spool_rec *rec, uint32_t at, bool whole), void *arg)
{
	CLEANUP(buf_fini) struct buf msg = BUF_INIT;
	uint64_t at = seg->begin, from;
	struct spool_rec rec;
	int r = open_in(d, seg), f = 0;

	if (r < 0)
		say_damaged(d, seg, at, "the file cannot be opened");
	while (r >= 0 && f == 0) {
		from = at;
		r = spool_file_next(d->in_fd, &at, &rec, &msg);
		if (r == 0)
			break;
		if (r == 1 || r == -EILSEQ)
			f = fn(arg, &rec, (uint32_t) from, r == 1);
		if (r == -EILSEQ) {
			say_damaged(d, seg, from, "a batch is damaged and lost");
			r = 1;
		} else if (r < 0) {
			say_damaged(d, seg, from, "the rest is torn or damaged, and cut off");
		}
	}
	return f;
}
