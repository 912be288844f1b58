/* SPDX-License-Identifier: Apache-2.0 */
#include "common/file.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	mode_t mode;
	bool secret;
	int r;
	const char *says;
} cases[] = {
	{ 0600, true, 0, "" },
	{ 0400, true, 0, "" },
	{ 0640, true, 0, "" }, /* the group may read */
	{ 0644, true, -EACCES, "others may read or change the key" },
	{ 0660, true, -EACCES, "chmod 600 " },
	{ 0601, true, -EACCES, "chmod 600 " },
	{ 0666, false, 0, "" },
};

static void
test_modes(void **state)
{
	char path[64];
	FILE *f;

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/k", tmpdir);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("secret", f);
	(void) fclose(f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = BUF_INIT;
		struct diag d = { 0 };
		int r;

		assert_int_equal(0, chmod(path, cases[i].mode));
		r = file_read(path, "key", cases[i].secret, &b, &d);
		if (r != cases[i].r || strstr(d.msg, cases[i].says) == NULL)
			fail_msg("%o: %d '%s'", cases[i].mode, r, d.msg);
		if (r == 0)
			assert_string_equal("secret", b.p);
		buf_fini(&b);
	}
}

/* A non-regular file is refused as such, without blocking. */
static void
test_no_file(void **state)
{
	struct buf b = BUF_INIT;
	struct diag d = { 0 };
	char path[64];

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/fifo", tmpdir);
	assert_int_equal(0, mkfifo(path, 0600));
	assert_int_equal(-EINVAL, file_read(path, "key", true, &b, &d));
	assert_non_null(strstr(d.msg, "is not a file"));
	assert_int_equal(-EINVAL, file_read(tmpdir, "key", true, &b, &d));
	(void) snprintf(path, sizeof(path), "%s/none", tmpdir);
	assert_int_equal(-ENOENT, file_read(path, "key", true, &b, &d));
	assert_non_null(strstr(d.msg, "none"));
	assert_int_equal(0, file_stamp(path));
	buf_fini(&b);
}

static int
read_cmdline(size_t max, struct buf *b)
{
	return file_read_at(AT_FDCWD, "/proc/self/cmdline", max, b);
}

/* Append a file of any kind; if it is too long, at least as many bytes as requested. */
static void
test_read_at(void **state)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	size_t n;

	(void) state;
	buf_str(&b, "=");
	assert_int_equal(0, read_cmdline(4096, &b));
	assert_true(b.n > 2 && b.p[0] == '=' && b.p[b.n] == '\0');
	n = b.n - 1;
	buf_clear(&b);
	assert_int_equal(0, read_cmdline(n, &b));
	buf_clear(&b);
	assert_int_equal(-EFBIG, read_cmdline(n - 1, &b));
	assert_true(b.n >= n - 1);
	assert_int_equal(-ENOENT, file_read_at(AT_FDCWD, "/none", 1, &b));
	buf_fini(&b);
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, read_cmdline(4096, &b));
	assert_true(fault_disarm());
}

static void
test_stamp(void **state)
{
	char path[64], other[64];
	uint64_t first;
	FILE *f;

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/k", tmpdir);
	(void) snprintf(other, sizeof(other), "%s/k.new", tmpdir);
	first = file_stamp(path);
	assert_true(first != 0 && first == file_stamp(path));
	f = fopen(other, "we");
	assert_non_null(f);
	fputs("sicret", f);
	(void) fclose(f);
	assert_int_equal(0, rename(other, path));
	assert_true(file_stamp(path) != first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_read_at),
		cmocka_unit_test(test_stamp),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
