/* SPDX-License-Identifier: Apache-2.0 */
/* test_backlog.c - the stream of a killed process is continued from its files. */
#include "sensor/backlog.h"
#include "sensor/message.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <stdio.h>
#include <stdlib.h>

#define MB    (1u << 20)
#define START 7

struct proc {
	struct spool_disk *disk;
	struct spool spool;
	struct backlog backlog;
};

static char dir[TMPDIR_SIZE + 8];

static int
setup(void **state)
{
	static unsigned n;

	(void) state;
	(void) snprintf(dir, sizeof(dir), "%s/%u", tmpdir, ++n);
	return 0;
}

static void
begin(struct proc *p, uint64_t start)
{
	CLEANUP(buf_fini) struct buf hello = BUF_INIT;
	Wire__Hello h = WIRE__HELLO__INIT;
	Wire__Request rq = WIRE__REQUEST__INIT;

	*p = (struct proc){ .disk = NULL };
	h.node = (char[]){ "n1" };
	h.sensor_start = start;
	rq.body_case = WIRE__REQUEST__BODY_HELLO;
	rq.hello = &h;
	assert_int_equal(0, message_pack(&rq, &hello));
	assert_int_equal(0, spool_disk_open(dir, MB, 0, &p->disk));
	spool_init(&p->spool, MB);
	spool_init(&p->backlog.spool, 0);
	assert_int_equal(0, spool_use_disk(&p->spool, p->disk, buf_get(&hello)));
	p->backlog.disk = p->disk;
}

static void
add(struct proc *p, unsigned times)
{
	while (times-- > 0) {
		char *msg = calloc(1, 32);

		assert_non_null(msg);
		(void) snprintf(msg, 32, "batch %d", (int) spool_next(&p->spool));
		assert_int_equal(0, spool_add(&p->spool, msg, 32, 1));
	}
	assert_int_equal(0, spool_save(&p->spool));
}

static void
end(struct proc *p)
{
	backlog_end(&p->backlog, &p->spool, false);
	spool_fini(&p->spool);
	spool_disk_close(p->disk);
}

static void
expect(struct spool *s, uint64_t seq)
{
	struct spool_entry *e = spool_get(s, seq);
	char want[32];

	(void) snprintf(want, sizeof(want), "batch %d", (int) seq);
	assert_non_null(e);
	assert_string_equal(want, spool_msg(s, e));
}

static void
test_continue(void **state)
{
	struct proc p;

	(void) state;
	begin(&p, START - 1); /* of another stream: delivered before */
	add(&p, 2);
	end(&p);
	begin(&p, START);
	add(&p, 5);
	spool_durable(&p.spool, 2);
	end(&p);
	begin(&p, START);
	assert_int_equal(5, backlog_adopt(&p.backlog, &p.spool, START, "n1", ""));
	assert_int_equal(0, spool_continue(&p.spool, 5));
	assert_int_equal(6, spool_next(&p.spool));
	add(&p, 1);
	for (uint64_t seq = 3; seq <= 6; seq++)
		expect(&p.spool, seq);
	assert_true(backlog_begin(&p.backlog, "n1", ""));
	assert_int_equal(START - 1, p.backlog.hello->hello->sensor_start);
	assert_int_equal(2, p.backlog.spool.n);
	spool_durable(&p.backlog.spool, 2);
	backlog_end(&p.backlog, &p.spool, false);
	assert_false(backlog_begin(&p.backlog, "n1", "")); /* the continued one is no past */
	spool_durable(&p.spool, 6);
	assert_int_equal(0, p.spool.n);
	end(&p);
}

/* Numbers go on even if all was durable, and its file is gone. */
static void
test_all_durable(void **state)
{
	struct proc p;

	(void) state;
	begin(&p, START);
	add(&p, 5);
	spool_durable(&p.spool, 5);
	end(&p);
	begin(&p, START);
	assert_int_equal(0, backlog_adopt(&p.backlog, &p.spool, START, "n1", ""));
	assert_int_equal(0, spool_continue(&p.spool, 5));
	assert_int_equal(6, spool_next(&p.spool));
	assert_int_equal(5, p.spool.durable);
	add(&p, 1);
	expect(&p.spool, 6);
	end(&p);
}

/* Only looked at: the files are delivered as an earlier stream. */
static void
test_look(void **state)
{
	struct proc p;

	(void) state;
	begin(&p, START);
	add(&p, 5);
	end(&p);
	begin(&p, START + 1);
	assert_int_equal(5, backlog_adopt(&p.backlog, NULL, START, "n1", ""));
	assert_int_equal(1, spool_next(&p.spool));
	assert_true(backlog_begin(&p.backlog, "n1", ""));
	assert_int_equal(5, p.backlog.spool.n);
	end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_continue, setup),
		cmocka_unit_test_setup(test_all_durable, setup),
		cmocka_unit_test_setup(test_look, setup),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
