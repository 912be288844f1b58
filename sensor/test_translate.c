/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/translate.h"
#include "tests/support/evbuild.h"
#include "tests/support/test.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>

#define OURS(bits) ((uint64_t) (bits) << 32)

static const struct {
	uint16_t event;
	const char *param;
	uint64_t raw, value;
} cases[] = {
	/* The access mode is a number within a set of bits. */
	{ EV_OPEN, "flags", O_RDONLY, 0x1 },
	{ EV_OPEN, "flags", O_WRONLY, 0x2 },
	{ EV_OPEN, "flags", O_RDWR, 0x3 },
	{ EV_OPEN, "flags", O_ACCMODE, 0x3 },
	/* Any bit of 'kernel' sets the whole value; bits without a name are dropped. */
	{ EV_OPENAT, "flags", O_DSYNC, 0x91 },
	{ EV_OPENAT, "flags", O_SYNC, 0x91 },
	{ EV_OPENAT, "flags", O_DIRECTORY, 0x2401 },
	{ EV_OPENAT, "flags", O_RDWR | O_TMPFILE, 0x2403 },
	{ EV_OPENAT, "flags", O_CREAT | O_CLOEXEC | O_DIRECT, 0x1205 },
	{ EV_OPENAT, "flags", O_NOFOLLOW | O_PATH | O_NOATIME, 0x1 },
	/* Bits added by the capture are in the high half. */
	{ EV_OPENAT2, "flags", OURS(0x14000) | O_CREAT | O_WRONLY, 0x14006 },
	{ EV_CLONE, "flags", OURS(0x20000000) | CLONE_NEWPID, 0x20000040 },
	{ EV_OPENAT2, "resolve", RESOLVE_NO_XDEV | RESOLVE_BENEATH | RESOLVE_CACHED, 0x31 },
	/* Bit 31 is an ordinary bit; the signal in the low byte has no name. */
	{ EV_CLONE, "flags", 0x80000000u | CLONE_VM | 17, 0x8004 },
	{ EV_UNSHARE, "flags", CLONE_NEWNS | CLONE_NEWUSER, 0x100020 },
	/* No access mode without a file. */
	{ EV_DUP3, "flags", 0, 0 },
	{ EV_DUP3, "flags", O_CLOEXEC, 0x1000 },
	{ EV_EVENTFD2, "flags", EFD_NONBLOCK | EFD_SEMAPHORE, 0x40 },
	{ EV_SOCKET, "flags", SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0x1040 },
	/* The kernel's numbers, without unnamed bits. */
	{ EV_LINKAT, "flags", AT_SYMLINK_FOLLOW | 1, 0x400 },
	{ EV_CLOSE_RANGE, "flags", 0x87, 0x6 },
	/* Enumerations. */
	{ EV_FCNTL, "cmd", F_DUPFD, 1 },
	{ EV_FCNTL, "cmd", F_DUPFD_CLOEXEC, 0x1a },
	{ EV_FCNTL, "cmd", F_ADD_SEALS, 0 },
	{ EV_FCNTL, "cmd", 0xffffffff, 0 },
	{ EV_PTRACE, "request", PTRACE_ATTACH, 0xb },
	{ EV_PTRACE, "request", 77, 0 },
	{ EV_PRLIMIT, "resource", RLIMIT_NOFILE, 7 },
	{ EV_PRLIMIT, "resource", 99, 0xff },
	{ EV_SHUTDOWN, "how", 3, 0xffff },
	{ EV_SEMCTL, "cmd", IPC_RMID, 0x4 },
	{ EV_SETSOCKOPT, "level", 6, 2 },
	/* Not translated. */
	{ EV_SOCKET, "domain", AF_VSOCK, 40 },
	{ EV_EXECVE, "flags", 0x9, 0x9 },
};

static const struct ev_param *
param_of(uint16_t event, const char *name)
{
	const struct ev_schema *s = schema_get(event);
	int i = schema_param(s, slice_str(name));

	assert_true(i >= 0);
	return &s->params[i];
}

static void
values(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t v =
		    translate_value(param_of(cases[i].event, cases[i].param)->names, cases[i].raw);

		if (v != cases[i].value)
			fail_msg("case %zu, %s: 0x%llx is 0x%llx", i, cases[i].param,
			    (unsigned long long) cases[i].raw, (unsigned long long) v);
	}
}

static struct evb b;
static struct translator t;

/* Only the named number changes; the record itself stays unchanged. */
static void
records(void **state)
{
	const struct ev_schema *s = schema_get(EV_OPENAT2);
	const struct ev_hdr *rec;

	(void) state;
	evb_begin(&b, EV_OPENAT2, 3, 4);
	evb_num(&b, "fd", 5);
	evb_num(&b, "dirfd", -100);
	evb_text(&b, "name", "a/b");
	evb_num(&b, "flags", O_RDWR);
	evb_num(&b, "mode", 0644);
	evb_num(&b, "resolve", RESOLVE_IN_ROOT);
	evb_num(&b, "ino", 77);
	(void) evb_end(&b);
	rec = translate_record(&t, &b.rec.hdr);
	assert_ptr_equal(&t.room.hdr, rec);
	assert_int_equal(0, record_check(rec, b.rec.hdr.len));
	assert_int_equal(5, record_num(rec, s, EVP_OPENAT2_fd));
	assert_int_equal(-100, record_num(rec, s, EVP_OPENAT2_dirfd));
	assert_int_equal(0x3, record_num(rec, s, EVP_OPENAT2_flags));
	assert_int_equal(0644, record_num(rec, s, EVP_OPENAT2_mode));
	assert_int_equal(0x2, record_num(rec, s, EVP_OPENAT2_resolve));
	assert_int_equal(77, record_num(rec, s, EVP_OPENAT2_ino));
	assert_true(slice_eq(SLICE("a/b"), record_text(rec, s, EVP_OPENAT2_name)));
	assert_int_equal(O_RDWR, record_num(&b.rec.hdr, s, EVP_OPENAT2_flags));
}

/* Twice as many values as the memo holds, each looked up twice, and the same number in other
 * tables. */
static void
remembered(void **state)
{
	const struct ev_schema *s = schema_get(EV_OPENAT2);

	(void) state;
	for (unsigned i = 0; i < 4 * TRANSLATOR_MEMO; i++) {
		uint64_t raw = i / 2 % 2 ? i / 4 : i / 4 << 6;
		const struct ev_hdr *rec;

		evb_begin(&b, EV_OPENAT2, 3, 4);
		evb_num(&b, "flags", (int64_t) raw);
		evb_num(&b, "resolve", (int64_t) raw);
		(void) evb_end(&b);
		rec = translate_record(&t, &b.rec.hdr);
		assert_int_equal(translate_value(param_of(EV_OPENAT2, "flags")->names, raw),
		    record_num(rec, s, EVP_OPENAT2_flags));
		assert_int_equal(translate_value(param_of(EV_OPENAT2, "resolve")->names, raw),
		    record_num(rec, s, EVP_OPENAT2_resolve));
	}
}

/* An absent value stays 0: no O_RDONLY for flags that could not be read. */
static void
absent(void **state)
{
	struct ev_OPENAT2 *e = (void *) &b.rec;

	(void) state;
	evb_begin(&b, EV_OPENAT2, 3, 4);
	evb_num(&b, "fd", -14);
	(void) evb_end(&b);
	assert_int_equal(0, e->flags);
	assert_ptr_equal(&b.rec.hdr, translate_record(&t, &b.rec.hdr));
}

static void
unchanged_is_not_copied(void **state)
{
	(void) state;
	evb_begin(&b, EV_LINKAT, 3, 4);
	evb_num(&b, "flags", AT_EMPTY_PATH);
	(void) evb_end(&b);
	assert_ptr_equal(&b.rec.hdr, translate_record(&t, &b.rec.hdr));
	evb_begin(&b, EV_CLOSE, 3, 4);
	evb_num(&b, "fd", 1);
	(void) evb_end(&b);
	assert_ptr_equal(&b.rec.hdr, translate_record(&t, &b.rec.hdr));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(records),
		cmocka_unit_test(remembered),
		cmocka_unit_test(absent),
		cmocka_unit_test(unchanged_is_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
