/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_container.c - any bytes as the files of a runtime: what is read of them is bounded, and
 * makes records that pass the door.
 */
#include "proto/schema.h"
#include "sensor/container_read.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is all of these files. */
static const char *const files[] = { "b/config.json",
	"var/lib/docker/containers/moby/config.v2.json",
	"var/lib/docker/containers/moby/hostconfig.json", "etc/passwd", "etc/group" };
static int root = -1;

static void
begin(void)
{
	static const char *const folders[] = { "b", "etc", "var", "var/lib", "var/lib/docker",
		"var/lib/docker/containers", "var/lib/docker/containers/moby" };
	char dir[] = "/tmp/mews-fuzz.XXXXXX";

	if (mkdtemp(dir) == NULL)
		abort();
	root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (mkdirat(root, folders[i], 0700) < 0)
			abort();
	}
}

static void
put(const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t) size)
		abort();
	(void) close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct container_ask ask = {
		.serial = 1, .id = "moby", .full = "moby", .bundle = "/b"
	};
	struct container_info c;
	struct buf users = BUF_INIT;

	if (root < 0)
		begin();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(files[i], data, size);
	container_read(root, &ask, &c);
	if (container_has_records(c.fault))
		container_users(&c, 4096, &users);
	if (users.n > 4096)
		abort();
	for (size_t at = 0; at < users.n;) {
		const struct ev_hdr *rec = (const void *) (users.p + at);

		if (rec->len > users.n - at || record_check(rec, rec->len) < 0)
			abort();
		at += rec->len;
	}
	for (size_t i = 0; i < ARRAY_SIZE(c.v); i++) {
		if (c.v[i].p != NULL && c.v[i].n > CONTAINER_FILE_MAX)
			abort();
	}
	buf_fini(&users);
	container_info_fini(&c);
	return 0;
}
