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
	int r;

	if (fd < 0)
		fd = memfd_create("sqlite", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t) size)
		abort();
	if (lseek(fd, 0, SEEK_SET) < 0)
		abort();
	r = sqlite_text(fd, "SELECT JSON FROM ContainerConfig WHERE ID = ?1", SLICE("a"), &value);
	if (value.n > SQLITE_VALUE_MAX || (r < 0 && value.n != 0))
		abort();
	buf_fini(&value);
	return 0;
}
