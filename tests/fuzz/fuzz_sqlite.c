/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_sqlite.c - any bytes as podman 5's database: a look-up ends, within the file. */
#include "sensor/container_sqlite.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct buf value = BUF_INIT;

	if (fd < 0)
		fd = memfd_create("sqlite", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t) size)
		abort();
	for (unsigned i = 0; i <= 4; i++) {
		int r = sqlite_get(fd, SLICE("ContainerConfig"), SLICE("a"), i, &value);

		if (value.n > SQLITE_VALUE_MAX || (r < 0 && value.n != 0))
			abort();
		buf_clear(&value);
	}
	buf_fini(&value);
	return 0;
}
