/* SPDX-License-Identifier: Apache-2.0 */
/* test_containers.c - what waits for a container's files, for how long, and what does not. */
#include "sensor/test_containers_worker.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
t_waits(void **state)
{
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	assert_int_equal(0, see(c, "=/init.scope", false));
	assert_false(asked());
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, see(c, "=/init.scope", false)); /* others go on */
	assert_true(containers_tick(c));
	q = question();
	assert_false(asked()); /* once */
	assert_string_equal("001122334455", q.id);
	assert_string_equal(HEX, q.full);
	assert_string_equal("", added);
	reply(&q, CONTAINER_FINE);
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_string_equal("001122334455 ", added); /* before the event */
	assert_false(containers_tick(c));
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_false(asked());
	/* A collector that may not know it: again. */
	containers_forget(c);
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	q = question();
	reply(&q, CONTAINER_MISSING);
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_string_equal("001122334455 ", added);
	end(c);
}

/* In a hurry, or for what may be any folder, nothing waits; the record follows. */
static void
t_follows(void **state)
{
	struct containers *c = begin();
	struct containers_stats st;
	struct container_ask q;

	(void) state;
	assert_int_equal(0, see(c, "=/docker/" HEX, true));
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, see(c, "=/ns/box", false));
	q = question();
	reply(&q, CONTAINER_FINE);
	q = question();
	reply(&q, CONTAINER_FINE);
	(void) containers_tick(c);
	assert_string_equal("001122334455 box ", added);
	/* A wait that is cut short. */
	containers_forget(c);
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, see(c, "=/docker/" HEX, true));
	containers_stats(c, &st);
	assert_int_equal(1, st.late);
	assert_int_equal(2, st.reported);
	end(c);
}

/* After half a second it goes, and for a while nothing waits again. */
static void
t_late(void **state)
{
	struct containers *c = begin();
	struct container_ask q;
	uint64_t began = clock_mono();

	(void) state;
	while (see(c, "=/docker/" HEX, false) == -EAGAIN)
		(void) usleep(1000);
	assert_true(clock_mono() - began >= CONTAINERS_WAIT_NS);
	assert_int_equal(0, see(c, "=/libpod-" HEX, false)); /* another one */
	q = question();
	reply(&q, CONTAINER_FINE);
	(void) containers_tick(c);
	assert_string_equal("001122334455 ", added);
	end(c);
}

/* A worker that ends (a file that it cannot survive) takes one question with it. */
static void
t_dead_worker(void **state)
{
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(-EAGAIN, see(c, "=/libpod-" HEX, false));
	(void) close(worker);
	worker = -1;
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_int_equal(2, workers);
	assert_int_equal(-EAGAIN, see(c, "=/libpod-" HEX, false));
	q = question();
	reply(&q, CONTAINER_FINE);
	assert_int_equal(0, see(c, "=/libpod-" HEX, false));
	/* Lies: no record, half a record, an unknown question. */
	q.serial = 99;
	reply(&q, CONTAINER_FINE);
	assert_int_equal(-EAGAIN, see(c, "=/docker-" HEX ".scope", false));
	q = question();
	assert_int_equal(
	    100, send(worker, &(struct container_answer){ .serial = q.serial }, 100, 0));
	assert_int_equal(-EAGAIN, see(c, "=/docker-" HEX ".scope", false));
	assert_int_equal(sizeof(struct container_answer),
	    send(worker, &(struct container_answer){ .serial = q.serial },
		sizeof(struct container_answer), 0));
	assert_int_equal(0, see(c, "=/docker-" HEX ".scope", false));
	assert_string_equal("001122334455 ", added);
	end(c);
}

/* A container that is made again is read again; a process added to one changes nothing. */
static void
t_restarted(void **state)
{
	static const char create[] = "create\0--bundle\0/b\0" HEX;
	static const char more[] = "-c\0" HEX "\0-b\0/exec\0-e";
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	assert_int_equal(0, containers_see(c, exec("=/a", more, sizeof(more), 0), false));
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	q = question();
	assert_string_equal("", q.bundle);
	reply(&q, CONTAINER_FINE);
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, containers_see(c, exec("=/a", more, sizeof(more), 0), false));
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, containers_see(c, exec("=/a", create, sizeof(create), 0), false));
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	q = question();
	assert_string_equal("/b", q.bundle);
	end(c);
}

/* What a runtime's socket did not tell is asked for again, later, and nothing waits for it. */
static void
t_partly(void **state)
{
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	for (int i = 0; i < 2; i++) {
		q = question();
		reply(&q, CONTAINER_PARTLY);
		assert_int_equal(0, see(c, "=/docker/" HEX, false));
		later += CONTAINERS_RETRY_NS - 2 * NS_PER_S;
		assert_int_equal(0, see(c, "=/docker/" HEX, false));
		assert_false(asked());
		later += 2 * NS_PER_S;
		assert_int_equal(0, see(c, "=/docker/" HEX, false));
	}
	q = question();
	reply(&q, CONTAINER_FINE);
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_string_equal("001122334455 001122334455 001122334455 ", added);
	later += CONTAINERS_RETRY_NS;
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_false(asked());
	end(c);
}

/* More than fits is forgotten, and the table works on. */
static void
t_many(void **state)
{
	struct containers *c = begin();
	char path[128];

	(void) state;
	for (unsigned i = 0; i < 3 * CONTAINERS_KNOWN; i++) {
		(void) snprintf(path, sizeof(path), "=/x.slice/%u.service", i);
		assert_int_equal(0, see(c, path, false));
	}
	for (unsigned i = 0; i < 2 * CONTAINERS_ASKED; i++) { /* no room: not asked, not waiting */
		(void) snprintf(path, sizeof(path), "=/docker/%064x", i);
		assert_int_equal(i < CONTAINERS_ASKED ? -EAGAIN : 0, see(c, path, false));
	}
	end(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_waits),
		cmocka_unit_test(t_follows),
		cmocka_unit_test(t_late),
		cmocka_unit_test(t_dead_worker),
		cmocka_unit_test(t_restarted),
		cmocka_unit_test(t_partly),
		cmocka_unit_test(t_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
