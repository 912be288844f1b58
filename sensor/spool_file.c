/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_file.h"
#include "proto/wire.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is little-endian");

struct head {
	char magic[8];
	uint64_t n;   /* bytes of the Hello */
	uint64_t sum; /* of the Hello, seeded with n */
};

/* Read exactly n bytes. 0; -ENODATA: the file is shorter; -errno. */
static int
read_at(int fd, void *p, size_t n, uint64_t at)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r = pread(fd, (char *) p + have, n - have, (off_t) (at + have));

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			return -ENODATA;
		if (r > 0)
			have += (size_t) r;
	}
	return 0;
}

/* Write both parts. What was written of them on an error is cut off again. */
static int
write_at(int fd, uint64_t at, struct slice a, struct slice b)
{
	struct iovec v[2] = { { (void *) a.p, a.n }, { (void *) b.p, b.n } };
	size_t left = a.n + b.n;
	uint64_t to = at;
	int r = 0;

	while (r == 0 && left > 0) {
		struct iovec *first = v[0].iov_len > 0 ? &v[0] : &v[1];
		ssize_t n = pwritev(fd, first, first == v ? 2 : 1, (off_t) to);
		size_t k;

		if (n < 0 && errno != EINTR)
			r = -errno;
		if (n <= 0)
			continue;
		to += (uint64_t) n;
		left -= (size_t) n;
		k = MIN((size_t) n, v[0].iov_len);
		v[0].iov_base = (char *) v[0].iov_base + k;
		v[0].iov_len -= k;
		v[1].iov_base = (char *) v[1].iov_base + ((size_t) n - k);
		v[1].iov_len -= (size_t) n - k;
	}
	if (r < 0 && ftruncate(fd, (off_t) at) < 0) {
		/* the sums show that the tail is torn */
	}
	return r;
}

int
spool_file_begin(int fd, struct slice hello, uint64_t *end)
{
	struct head h = { .n = hello.n, .sum = XXH3_64bits_withSeed(hello.p, hello.n, hello.n) };
	int r;

	memcpy(h.magic, SPOOL_FILE_MAGIC, sizeof(h.magic));
	r = write_at(fd, 0, (struct slice){ (const char *) &h, sizeof(h) }, hello);
	if (r == 0)
		*end = sizeof(h) + hello.n;
	return r;
}

static uint64_t
check_of(const struct spool_rec *rec)
{
	return XXH3_64bits(rec, offsetof(struct spool_rec, check));
}

int
spool_file_append(int fd, uint64_t *at, struct spool_rec *rec, struct slice msg)
{
	int r;

	rec->n = (uint32_t) msg.n;
	rec->sum = XXH3_64bits(msg.p, msg.n);
	rec->check = check_of(rec);
	r = write_at(fd, *at, (struct slice){ (const char *) rec, sizeof(*rec) }, msg);
	if (r == 0)
		*at += sizeof(*rec) + msg.n;
	return r;
}

int
spool_file_open(int fd, struct buf *hello, uint64_t *at)
{
	struct head h;
	int r = read_at(fd, &h, sizeof(h), 0);

	if (r == 0 && memcmp(h.magic, SPOOL_FILE_MAGIC, sizeof(h.magic) - 1) != 0)
		r = -EBADMSG;
	else if (r == 0 && (h.magic[7] < '1' || h.magic[7] > SPOOL_FILE_MAGIC[7]))
		r = -EPROTONOSUPPORT;
	else if (r == 0 && (h.n == 0 || h.n > SPOOL_HELLO_MAX))
		r = -EBADMSG;
	if (r == 0)
		r = buf_reserve(hello, h.n);
	if (r == 0)
		r = read_at(fd, hello->p + hello->n, h.n, sizeof(h));
	if (r == 0 && XXH3_64bits_withSeed(hello->p + hello->n, h.n, h.n) != h.sum)
		r = -EBADMSG;
	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	hello->n += h.n;
	*at = sizeof(h) + h.n;
	return 0;
}

/* A record's head in files of version 1: only the wall clock tells when its batch was closed. */
struct rec_1 {
	uint32_t n, events;
	uint64_t seq, durable, real_ns, sum, check;
};

/* As read_head(); its size is sizeof(struct rec_1). */
static int
read_head_1(int fd, uint64_t at, struct spool_rec *rec)
{
	struct rec_1 old;
	int r = read_at(fd, &old, sizeof(old), at);

	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	if (old.check != XXH3_64bits(&old, offsetof(struct rec_1, check)))
		return -EBADMSG;
	*rec = (struct spool_rec){
		.n = old.n,
		.events = old.events,
		.seq = old.seq,
		.durable = old.durable,
		.closed.real_ns = old.real_ns,
		.sum = old.sum,
	};
	return 1;
}

/* Read a record's head; *size: of it in the file. The check shows its version. 1; 0: the file ends
 * here; -EBADMSG; -errno. */
static int
read_head(int fd, uint64_t at, struct spool_rec *rec, size_t *size)
{
	char one;
	int r = read_at(fd, &one, 1, at);

	if (r < 0)
		return r == -ENODATA ? 0 : r;
	*size = sizeof(*rec);
	r = read_at(fd, rec, sizeof(*rec), at);
	if (r == -ENODATA || (r == 0 && rec->check != check_of(rec))) {
		*size = sizeof(struct rec_1);
		r = read_head_1(fd, at, rec);
	}
	if (r < 0)
		return r;
	return rec->n > WIRE_MESSAGE_MAX ? -EBADMSG : 1;
}

int
spool_file_next(int fd, uint64_t *at, struct spool_rec *rec, struct buf *msg)
{
	CLEANUP(buf_fini) struct buf own = BUF_INIT;
	struct spool_rec got;
	size_t head = 0;
	int r = read_head(fd, *at, &got, &head);

	if (r <= 0)
		return r;
	if (msg == NULL)
		msg = &own;
	buf_clear(msg);
	r = buf_reserve(msg, got.n + 1);
	if (r == 0)
		r = read_at(fd, msg->p, got.n, *at + head);
	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	msg->n = got.n;
	*rec = got;
	*at += head + got.n;
	return XXH3_64bits(msg->p, msg->n) == got.sum ? 1 : -EILSEQ;
}
