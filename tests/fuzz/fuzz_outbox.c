/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_outbox.c - any bytes as a damaged outbox and its log: every row found is intact. The first
 * two bytes give the log's share of the rest; zeros fill both up to a whole page. */
#include "collector/outbox/outbox_int.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
whole(void *arg, const struct outbox_record *r)
{
	static volatile uint64_t kept;

	(void) arg;
	if (r->n == 0 || r->n > INT64_MAX || r->id.n != 32)
		abort();
	kept += outbox_record_sum(r); /* touches every byte */
	return 0;
}

static int
file_of(const void *p, size_t n, size_t whole_size, char path[32])
{
	int fd = memfd_create("outbox", MFD_CLOEXEC);

	if (fd < 0 || write(fd, p, n) != (ssize_t) n || ftruncate(fd, (off_t) whole_size) < 0)
		abort();
	(void) snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char db[32], log[32];
	size_t n = size < 2 ? 0 : MIN(size - 2, (size_t) data[0] << 8 | data[1]);
	int a, b;

	if (size < 2)
		return 0;
	a = file_of(data + 2 + n, size - 2 - n,
	    (size - 2 - n + OUTBOX_PAGE - 1) / OUTBOX_PAGE * OUTBOX_PAGE, db);
	b = file_of(data + 2, n, 32 + (24 + OUTBOX_PAGE) * (n / OUTBOX_PAGE + 1), log);
	for (int summed = 0; summed < 2; summed++) {
		if (outbox_pages_search(db, log, summed, whole, NULL) < 0)
			abort();
	}
	(void) close(a);
	(void) close(b);
	return 0;
}
