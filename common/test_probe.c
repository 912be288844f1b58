/* SPDX-License-Identifier: Apache-2.0 */
/* test_probe.c - probes agree with open() and bind(), and leave nothing behind. */
#include "common/probe.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
	const char *name; /* below the tmpdir; "": the empty path */
	int file, socket;
} cases[] = {
	{ "missing", 0, 0 },
	{ "file", 0, -EEXIST },
	{ "folder", -EISDIR, -EEXIST },
	{ "folder/missing", 0, 0 },
	{ "none/missing", -ENOENT, -ENOENT },
	{ "file/missing", -ENOTDIR, -ENOTDIR },
	{ "loop", -ELOOP, -EEXIST },
	{ "stale", -ENXIO, 0 },
	{ "live", -ENXIO, -EADDRINUSE },
};

static int
listen_at(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void) snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", tmpdir, name);
	assert_true(fd >= 0);
	assert_int_equal(0, bind(fd, (struct sockaddr *) &a, sizeof(a)));
	assert_int_equal(0, listen(fd, 1));
	return fd;
}

static unsigned
count(void)
{
	DIR *d = opendir(tmpdir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL) /* NOLINT(concurrency-mt-unsafe): a stream of our own */
		n++;
	(void) closedir(d);
	return n;
}

static void
as_the_real_thing(void **state)
{
	char path[128];
	unsigned before;
	int fd, live;

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/file", tmpdir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(0, close(fd));
	(void) snprintf(path, sizeof(path), "%s/folder", tmpdir);
	assert_int_equal(0, mkdir(path, 0700));
	(void) snprintf(path, sizeof(path), "%s/loop", tmpdir);
	assert_int_equal(0, symlink("loop", path));
	assert_int_equal(0, close(listen_at("stale")));
	live = listen_at("live");
	before = count();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", tmpdir, cases[i].name);
		if (probe_file(path) != cases[i].file || probe_socket(path) != cases[i].socket)
			fail_msg("%s: %d %d", cases[i].name, probe_file(path), probe_socket(path));
	}
	assert_int_equal(before, count());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) { /* open() agrees */
		(void) snprintf(path, sizeof(path), "%s/%s", tmpdir, cases[i].name);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(cases[i].file, fd < 0 ? -errno : 0);
		if (fd >= 0)
			(void) close(fd);
	}
	assert_int_equal(-ENOENT, probe_file(""));
	assert_int_equal(0, probe_file("missing")); /* in the current folder */
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(-ENAMETOOLONG, probe_socket(path));
	assert_int_equal(0, close(live));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_the_real_thing) };

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
