/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_bolt.c - any bytes as podman's database: a look-up ends, within the file. */
#include "sensor/container_bolt.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice keys[] = { SLICE("ctr"), SLICE("a"), SLICE("config") };
	static int fd = -1;
	struct buf value = BUF_INIT;

	if (fd < 0)
		fd = memfd_create("bolt", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t) size)
		abort();
	for (size_t n = 0; n <= ARRAY_SIZE(keys); n++) {
		int r = bolt_get(fd, keys, n, &value);

		if (value.n > BOLT_VALUE_MAX || (r < 0 && value.n != 0))
			abort();
		buf_clear(&value);
	}
	buf_fini(&value);
	return 0;
}
