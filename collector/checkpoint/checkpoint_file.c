/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/checkpoint/checkpoint_file.h"
#include "collector/checkpoint/checkpoint_mark.h"
#include "collector/state/image.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is little-endian");

enum { LEVEL = 1 };

/* A file of another format is one of another version. */
#define VERSION (STATE_IMAGE_VERSION << 16 | (uint32_t) sizeof(struct checkpoint_mark))

struct head {
	char magic[8];
	uint32_t version;
	uint32_t plain; /* bytes of the data before compression */
	struct stream_id id;
	uint64_t sum; /* of the compressed data, seeded with that of the head before it */
};

static const char magic[8] = "MEWSCKPT";

static uint64_t
sum_of(const struct head *h, struct slice rest)
{
	return XXH3_64bits_withSeed(rest.p, rest.n, XXH3_64bits(h, offsetof(struct head, sum)));
}

void
checkpoint_name(uint64_t hash, const char *suffix, char name[CHECKPOINT_NAME])
{
	(void) snprintf(name, CHECKPOINT_NAME, "%016llx%s", (unsigned long long) hash, suffix);
}

/* Copy the texts without what is behind their ends, so that equal ids are equal bytes. */
static void
copy_id(struct stream_id *to, const struct stream_id *from)
{
	memset(to, 0, sizeof(*to));
	(void) snprintf(to->cluster, sizeof(to->cluster), "%s", from->cluster);
	(void) snprintf(to->node, sizeof(to->node), "%s", from->node);
	(void) snprintf(to->boot_id, sizeof(to->boot_id), "%s", from->boot_id);
	to->sensor_start = from->sensor_start;
}

int
checkpoint_pack(const struct stream_id *id, struct slice data, struct buf *file)
{
	struct head h;
	size_t bound = ZSTD_compressBound(data.n), n;

	buf_clear(file);
	if (data.n > CHECKPOINT_DATA_MAX)
		return -EFBIG;
	if (buf_reserve(file, sizeof(h) + bound) < 0)
		return -ENOMEM;
	memset(&h, 0, sizeof(h));
	memcpy(h.magic, magic, sizeof(magic));
	h.version = VERSION;
	h.plain = (uint32_t) data.n;
	copy_id(&h.id, id);
	n = ZSTD_compress(file->p + sizeof(h), bound, data.p, data.n, LEVEL);
	if (ZSTD_isError(n))
		return -ENOMEM;
	h.sum = sum_of(&h, (struct slice){ file->p + sizeof(h), n });
	memcpy(file->p, &h, sizeof(h));
	file->n = sizeof(h) + n;
	return 0;
}

int
checkpoint_unpack(const struct stream_id *id, struct slice file, struct buf *data)
{
	struct slice rest;
	struct stream_id wanted;
	struct head h;
	size_t n;

	if (file.n < sizeof(h))
		return -EBADMSG;
	memcpy(&h, file.p, sizeof(h));
	rest = (struct slice){ file.p + sizeof(h), file.n - sizeof(h) };
	if (memcmp(h.magic, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	if (h.version != VERSION)
		return -ENOENT;
	if (h.sum != sum_of(&h, rest) || h.plain > CHECKPOINT_DATA_MAX ||
	    h.plain < sizeof(struct checkpoint_mark))
		return -EBADMSG;
	copy_id(&wanted, id);
	if (memcmp(&h.id, &wanted, sizeof(wanted)) != 0)
		return -ENOENT;
	if (buf_reserve(data, h.plain) < 0)
		return -ENOMEM;
	n = ZSTD_decompress(data->p + data->n, h.plain, rest.p, rest.n);
	if (ZSTD_isError(n) || n != h.plain)
		return -EBADMSG;
	data->n += n;
	return 0;
}

int
checkpoint_aside(int dir, uint64_t hash, struct slice file)
{
	char aside[CHECKPOINT_NAME];
	int fd, r;

	checkpoint_name(hash, ".new", aside);
	fd = openat(dir, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, file);
	if (r == 0)
		return fd;
	(void) close(fd);
	(void) unlinkat(dir, aside, 0);
	return r;
}

int
checkpoint_place(int dir, uint64_t hash, int fd)
{
	char name[CHECKPOINT_NAME], aside[CHECKPOINT_NAME];
	int r = fdatasync(fd) < 0 ? -errno : 0;

	checkpoint_name(hash, "", name);
	checkpoint_name(hash, ".new", aside);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = -errno;
	if (r < 0)
		(void) unlinkat(dir, aside, 0);
	return r;
}
