/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "proto/recording.h"
#include "proto/wire.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/mews-test-recording-XXXXXX";

static int
put_hello(struct recorder *w)
{
	Wire__Request req = WIRE__REQUEST__INIT;
	Wire__Hello hello = WIRE__HELLO__INIT;

	hello.protocol = 1;
	hello.node = (char[]){ "n1" };
	req.body_case = WIRE__REQUEST__BODY_HELLO;
	req.hello = &hello;
	return recorder_put(w, &req);
}

static int
put_bye(struct recorder *w, size_t n)
{
	Wire__Request req = WIRE__REQUEST__INIT;
	Wire__Bye bye = WIRE__BYE__INIT;
	char *reason = calloc(1, n + 1);
	int r;

	if (reason == NULL)
		return -ENOMEM;
	memset(reason, 'x', n);
	bye.reason = reason;
	req.body_case = WIRE__REQUEST__BODY_BYE;
	req.bye = &bye;
	r = recorder_put(w, &req);
	free(reason);
	return r;
}

static void
round_trip(void **state)
{
	struct recording *r = NULL;
	struct recorder *w = NULL;
	Wire__Request *req = NULL;
	const char *why = "";
	struct stat st;

	(void) state;
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, recorder_open(path, &w));
	assert_int_equal(-EINVAL, put_bye(w, 1));
	assert_int_equal(0, put_hello(w));
	assert_int_equal(-EMSGSIZE, put_bye(w, WIRE_MESSAGE_MAX));
	assert_int_equal(0, put_bye(w, WIRE_MESSAGE_MAX - 100));
	assert_int_equal(0, recorder_close(w));
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);

	assert_int_equal(0, recording_open(path, &r));
	assert_int_equal(1, recording_next(r, &req, &why));
	assert_string_equal("n1", req->hello->node);
	assert_int_equal(8, recording_offset(r));
	wire__request__free_unpacked(req, NULL);
	assert_int_equal(1, recording_next(r, &req, &why));
	assert_int_equal(WIRE_MESSAGE_MAX - 100, strlen(req->bye->reason));
	wire__request__free_unpacked(req, NULL);
	assert_int_equal(0, recording_next(r, &req, &why));
	assert_int_equal(0, recording_next(r, &req, &why));
	recording_close(r);
}

#define HELLO "MEWSREC3\4\0\0\0\12\2\10\1"

static const struct {
	const char *bytes;
	size_t n;
	unsigned good; /* requests before the error */
	uint64_t offset;
	const char *why;
} bad_cases[] = {
#define BAD(lit, ...)                             \
	{                                         \
		lit, sizeof(lit) - 1, __VA_ARGS__ \
	}
	BAD("MEWSREC3", 0, 8, "the recording is empty"),
	BAD(HELLO "\1", 1, 16, "the recording is cut short"),
	BAD(HELLO "\1\0\0", 1, 16, "the recording is cut short"),
	BAD(HELLO "\5\0\0\0abcd", 1, 16, "the recording is cut short"),
	BAD(HELLO "\1\0\x10\0", 1, 16, "a frame is longer than a message may be"),
	BAD(HELLO "\0\0\0\xff", 1, 16, "a frame is longer than a message may be"),
	BAD(HELLO "\2\0\0\0\xff\xff", 1, 16, "a frame is not a request"),
	BAD("MEWSREC3\2\0\0\0\x32\0", 0, 8, "it does not begin with a Hello"),
	BAD("MEWSREC3\0\0\0\0", 0, 8, "it does not begin with a Hello"),
};

static void
write_file(const char *p, size_t n)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(n, fwrite(p, 1, n, f));
	assert_int_equal(0, fclose(f));
}

static void
damage(void **state)
{
	struct recording *r = NULL;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
		Wire__Request *req = NULL;
		const char *why = "";

		write_file(bad_cases[i].bytes, bad_cases[i].n);
		assert_int_equal(0, recording_open(path, &r));
		for (unsigned k = 0; k < bad_cases[i].good; k++) {
			assert_int_equal(1, recording_next(r, &req, &why));
			wire__request__free_unpacked(req, NULL);
		}
		assert_int_equal(-EBADMSG, recording_next(r, &req, &why));
		assert_string_equal(bad_cases[i].why, why);
		assert_int_equal(bad_cases[i].offset, recording_offset(r));
		recording_close(r);
	}
	r = NULL;
	write_file("MEWSREC1", 8);
	assert_int_equal(-EBADMSG, recording_open(path, &r));
	write_file("MEWS", 4);
	assert_int_equal(-EBADMSG, recording_open(path, &r));
	assert_int_equal(-ENOENT, recording_open("/no/such", &r));
	assert_int_equal(-EISDIR, recording_open("/", &r));
	assert_null(r);
}

static void
no_room(void **state)
{
	struct recorder *w = NULL;
	int r = 0;

	(void) state;
	assert_int_equal(-ENOENT, recorder_open("/no/such/dir/file", &w));
	assert_int_equal(-ENOSPC, recorder_open("/dev/full", &w));
	assert_null(w);
	assert_int_equal(0, recorder_open("/dev/null", &w));
	for (int i = 0; i < 10; i++)
		r |= i == 0 ? put_hello(w) : put_bye(w, 10);
	assert_int_equal(0, r);
	assert_int_equal(0, recorder_close(w));
	assert_int_equal(0, recorder_close(NULL));
}

static void
memory(void **state)
{
	(void) state;
	write_file(HELLO, sizeof(HELLO) - 1);
	for (unsigned n = 0;; n++) {
		struct recording *r = NULL;
		struct recorder *w = NULL;
		Wire__Request *req = NULL;
		const char *why = "";
		int err;

		fault_arm_nth(n);
		err = recorder_open("/dev/null", &w);
		if (err == 0)
			err = put_hello(w);
		if (err == 0)
			err = recording_open(path, &r);
		if (err == 0)
			err = recording_next(r, &req, &why);
		(void) recorder_close(w);
		recording_close(r);
		if (!fault_disarm()) {
			assert_int_equal(1, err);
			wire__request__free_unpacked(req, NULL);
			break;
		}
		assert_int_equal(-ENOMEM, err);
		assert_null(req);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(damage),
		cmocka_unit_test(no_room),
		cmocka_unit_test(memory),
	};
	int fd = mkstemp(path), r;

	if (fd < 0 || close(fd) < 0)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void) unlink(path);
	return r;
}
