/* SPDX-License-Identifier: Apache-2.0 */
/* test_spool_age.c - the age of a batch is right whatever happens to the clock. */
#include "sensor/backlog.h"
#include "sensor/message.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <stdio.h>
#include <stdlib.h>

#define MB (1u << 20)

static struct clock_stamp now; /* in s; what the spool sees */

struct clock_stamp __wrap_clock_stamp(void);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

struct clock_stamp
__wrap_clock_stamp(void)
{
	return (struct clock_stamp){ now.boot, now.boot_ns * NS_PER_S, now.real_ns * NS_PER_S };
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	*ts = (struct timespec){ .tv_sec =
				     (time_t) (id == CLOCK_REALTIME ? now.real_ns : now.boot_ns) };
	return 0;
}

/* The batch is closed 1,000 s after a boot, when the clock shows 100,000 s. */
static const struct {
	const char *what;
	struct clock_stamp saved;  /* when it is written to a file */
	struct clock_stamp loaded; /* when the next process finds it */
	struct clock_stamp asked;
	uint64_t age; /* s */
} cases[] = {
	{ "no step", { 7, 1000, 100000 }, { 7, 1030, 100030 }, { 7, 1100, 100100 }, 100 },
	{ "ahead before the next", { 7, 1000, 100000 }, { 7, 1030, 103630 }, { 7, 1100, 103700 },
	    100 },
	{ "back before the next", { 7, 1000, 100000 }, { 7, 1030, 96430 }, { 7, 1100, 96500 },
	    100 },
	{ "ahead before it is written", { 7, 1010, 103610 }, { 7, 1030, 103630 },
	    { 7, 1100, 103700 }, 100 },
	{ "ahead later", { 7, 1000, 100000 }, { 7, 1030, 100030 }, { 7, 1100, 103700 }, 100 },
	{ "a reboot", { 7, 1000, 100000 }, { 8, 20, 100200 }, { 8, 50, 100230 }, 230 },
	{ "a reboot, and ahead later", { 7, 1000, 100000 }, { 8, 20, 100200 }, { 8, 50, 103830 },
	    230 },
	{ "a reboot without a clock", { 7, 1000, 100000 }, { 8, 20, 20 }, { 8, 50, 50 }, 50 },
	{ "written after a step, a reboot", { 7, 1010, 103610 }, { 8, 20, 103700 },
	    { 8, 50, 103730 }, 130 },
};

static void
open_spool(struct spool *s, struct spool_disk **disk)
{
	CLEANUP(buf_fini) struct buf hello = BUF_INIT;
	Wire__Hello h = WIRE__HELLO__INIT;
	Wire__Request rq = WIRE__REQUEST__INIT;
	char node[] = "n1";

	h.node = node;
	rq.body_case = WIRE__REQUEST__BODY_HELLO;
	rq.hello = &h;
	assert_int_equal(0, message_pack(&rq, &hello));
	assert_int_equal(0, spool_disk_open(tmpdir, MB, 0, disk));
	spool_init(s, MB);
	assert_int_equal(0, spool_use_disk(s, *disk, buf_get(&hello)));
}

static uint64_t
age_of(const struct spool *s)
{
	return (uint64_t) ((int64_t) (now.boot_ns * NS_PER_S) - spool_oldest(s)) / NS_PER_S;
}

static void
test_ages(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct backlog b = { 0 };
		struct spool_disk *disk = NULL;
		struct spool s;

		now = (struct clock_stamp){ 7, 1000, 100000 };
		open_spool(&s, &disk);
		assert_int_equal(0, spool_add(&s, calloc(1, 100), 100, 1));
		now = cases[i].saved;
		assert_int_equal(now.boot_ns - 1000, age_of(&s));
		assert_int_equal(0, spool_save(&s));
		assert_int_equal(now.boot_ns - 1000, age_of(&s));
		spool_fini(&s);
		spool_disk_close(disk);

		now = cases[i].loaded;
		open_spool(&s, &disk);
		b.disk = disk;
		assert_true(backlog_begin(&b, "n1", ""));
		now = cases[i].asked;
		if (age_of(&b.spool) != cases[i].age)
			fail_msg("%s: %lu s", cases[i].what, (unsigned long) age_of(&b.spool));
		spool_durable(&b.spool, 1);
		backlog_end(&b, &s, false);
		spool_fini(&s);
		spool_disk_close(disk);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ages),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
