/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_note.c - one small file of the collector itself, beside those of nodes. */
#include "collector/checkpoint/checkpoint_note.h"
#include "collector/checkpoint/checkpoint.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define NOTE "collector"

struct head {
	char magic[8];
	uint64_t version;
	uint64_t sum; /* of the data, seeded with that of the head before it */
};

static const char magic[8] = "MEWSNOTE";

static uint64_t
sum_of(const struct head *h, struct slice data)
{
	return XXH3_64bits_withSeed(data.p, data.n, XXH3_64bits(h, offsetof(struct head, sum)));
}

static int
write_aside(int dir, const struct head *h, struct slice data)
{
	int fd =
	    openat(dir, NOTE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, (struct slice){ (const char *) h, sizeof(*h) });
	if (r == 0)
		r = fd_write_all(fd, data);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int
checkpoint_note(struct checkpoint *c, uint32_t version, struct slice data)
{
	const int dir = checkpoint_folder(c);
	struct head h = { .version = version };
	int r;

	memcpy(h.magic, magic, sizeof(magic));
	h.sum = sum_of(&h, data);
	r = write_aside(dir, &h, data);
	if (r == 0 && renameat(dir, NOTE ".new", dir, NOTE) < 0)
		r = -errno;
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	if (r < 0)
		(void) unlinkat(dir, NOTE ".new", 0);
	return r;
}

int
checkpoint_note_remove(struct checkpoint *c)
{
	const int dir = checkpoint_folder(c);

	if (unlinkat(dir, NOTE, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

int
checkpoint_noted(struct checkpoint *c, uint32_t version, struct buf *data)
{
	CLEANUP(buf_fini) struct buf file = BUF_INIT;
	struct slice rest;
	struct head h;
	int r = file_read_at(checkpoint_folder(c), NOTE, FILE_MAX, &file);

	if (r < 0)
		return r;
	if (file.n < sizeof(h))
		return -EBADMSG;
	memcpy(&h, file.p, sizeof(h));
	rest = (struct slice){ file.p + sizeof(h), file.n - sizeof(h) };
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.sum != sum_of(&h, rest))
		return -EBADMSG;
	if (h.version != version)
		return -ENOENT;
	buf_slice(data, rest);
	return buf_ok(data);
}
