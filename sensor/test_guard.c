/* SPDX-License-Identifier: Apache-2.0 */
/* test_guard.c - what a sensor reports of what is done to it. */
#include "common/log.h"
#include "sensor/guard.h"
#include "tests/support/test.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	bool killed, kept;
	bool harm;
} harm_cases[] = {
	{ false, true, false },
	{ true, true, true },
	{ false, false, true },
};

static void
test_harm(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(harm_cases); i++) {
		const Wire__Harm *h;
		uint64_t unpinned;
		struct guard g;

		guard_open(&g, harm_cases[i].killed);
		guard_look(&g, harm_cases[i].kept);
		h = guard_harm(&g);
		assert_int_equal(harm_cases[i].harm, h != NULL);
		assert_int_equal(harm_cases[i].killed, g.harm.killed_ns != 0);
		assert_int_equal(harm_cases[i].kept, g.harm.unpinned_ns == 0);
		assert_int_equal(0, g.harm.traced_ns);
		unpinned = g.harm.unpinned_ns;
		guard_look(&g, true);
		assert_int_equal(unpinned, g.harm.unpinned_ns);
		guard_look(
		    &g, false); /* each removal is told, since in between all was pinned again */
		assert_true(g.harm.unpinned_ns > unpinned);
		guard_close(&g);
	}
}

/* Start a process that traces this one until its input ends; 0: the system does not allow it. */
static pid_t
trace_me(int until[2])
{
	int ready[2];
	char c = 0;
	pid_t pid;

	assert_int_equal(0, pipe(until));
	assert_int_equal(0, pipe(ready));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void) close(until[1]);
		c = (char) (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0);
		(void) !write(ready[1], &c, 1);
		(void) !read(until[0], &c, 1);
		_exit(0);
	}
	(void) close(until[0]);
	(void) close(ready[1]);
	assert_int_equal(1, read(ready[0], &c, 1));
	(void) close(ready[0]);
	return c == 0 ? 0 : pid;
}

static void
test_traced(void **state)
{
	struct guard g;
	int until[2];
	uint64_t at;
	pid_t pid;

	(void) state;
	(void) prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* where Yama restricts it */
	guard_open(&g, false);
	guard_look(&g, true);
	if (guard_harm(&g) != NULL)
		skip(); /* this test is itself traced */
	pid = trace_me(until);
	if (pid == 0)
		skip();
	guard_look(&g, true);
	at = g.harm.traced_ns;
	assert_true(at != 0);
	assert_int_equal(pid, g.harm.tracer);
	guard_look(&g, true); /* the same process is told once */
	assert_int_equal(at, g.harm.traced_ns);
	(void) close(until[1]);
	(void) waitpid(-1, NULL, 0);
	guard_look(&g, true);
	assert_int_equal(0, g.tracer);
	assert_int_equal(pid, g.harm.tracer); /* the report stays */
	assert_ptr_equal(&g.harm, guard_harm(&g));
	guard_close(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_harm),
		cmocka_unit_test(test_traced),
	};

	log_init("test", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
