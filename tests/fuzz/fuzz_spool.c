/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_spool.c - any bytes as a spool's file: reading ends, within the file, and a file of the
 * records that are whole reads the same. The first byte's lowest bit: mend the sums of the heads.
 */
#include "sensor/spool_file.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
file_of(const void *p, size_t n)
{
	int fd = memfd_create("spool", MFD_CLOEXEC);

	if (fd < 0 || (n > 0 && write(fd, p, n) != (ssize_t) n))
		abort();
	return fd;
}

/* Give each record's head the right sum, so that the fuzzer gets behind it. */
static void
mend(int fd, uint64_t at, uint64_t size)
{
	struct spool_rec rec;

	while (at + sizeof(rec) <= size) {
		if (pread(fd, &rec, sizeof(rec), (off_t) at) != sizeof(rec))
			abort();
		rec.n &= 0xff;
		rec.check = XXH3_64bits(&rec, offsetof(struct spool_rec, check));
		if (pwrite(fd, &rec, sizeof(rec), (off_t) at) != sizeof(rec))
			abort();
		at += sizeof(rec) + rec.n;
	}
}

/* Read all records; copy the whole ones. Returns a sum over them. */
static uint64_t
read_all(int fd, uint64_t at, int copy, uint64_t to, uint64_t size)
{
	struct buf msg = BUF_INIT;
	struct spool_rec rec;
	uint64_t sum = 0;
	int r;

	while ((r = spool_file_next(fd, &at, &rec, &msg)) == 1 || r == -EILSEQ) {
		if (at > size || msg.n != rec.n)
			abort();
		if (r == -EILSEQ)
			continue;
		sum = XXH3_64bits_withSeed(msg.p, msg.n, sum + rec.seq + rec.events);
		if (copy >= 0 && spool_file_append(copy, &to, &rec, buf_get(&msg)) < 0)
			abort();
	}
	if (r != 0 && r != -EBADMSG)
		abort();
	buf_fini(&msg);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf hello = BUF_INIT;
	uint64_t at = 0, to = 0;
	int fd, copy;

	if (size < 1)
		return 0;
	fd = file_of(data + 1, size - 1);
	if (spool_file_open(fd, &hello, &at) < 0) { /* records alone, behind a head of ours */
		buf_clear(&hello);
		buf_str(&hello, "hello");
		(void) close(fd);
		fd = file_of(NULL, 0);
		if (spool_file_begin(fd, buf_get(&hello), &at) < 0 ||
		    pwrite(fd, data + 1, size - 1, (off_t) at) != (ssize_t) (size - 1))
			abort();
		size += at;
	}
	if (data[0] & 1)
		mend(fd, at, size - 1);
	copy = file_of(NULL, 0);
	if (spool_file_begin(copy, buf_get(&hello), &to) < 0 ||
	    read_all(fd, at, copy, to, size - 1) != read_all(copy, to, -1, 0, UINT64_MAX))
		abort();
	buf_fini(&hello);
	(void) close(fd);
	(void) close(copy);
	return 0;
}
