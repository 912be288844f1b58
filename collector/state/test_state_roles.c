/* SPDX-License-Identifier: Apache-2.0 */
/* Compare an event's state flags in events.def with what its parser does. */
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <string.h>

enum { PID = 7 };

static const struct {
	uint16_t event;
	enum fd_type type;
} types[] = {
	{ EV_OPEN, FD_FILE },
	{ EV_OPENAT, FD_FILE },
	{ EV_OPENAT2, FD_FILE },
	{ EV_CREAT, FD_FILE },
	{ EV_OPEN_BY_HANDLE_AT, FD_FILE },
	{ EV_SOCKET, FD_IPV4 },
	{ EV_ACCEPT, FD_IPV4 },
	{ EV_ACCEPT4, FD_IPV4 },
	{ EV_SOCKETPAIR, FD_UNIX },
	{ EV_PIPE, FD_PIPE },
	{ EV_PIPE2, FD_PIPE },
	{ EV_EVENTFD, FD_EVENT },
	{ EV_EVENTFD2, FD_EVENT },
	{ EV_SIGNALFD, FD_SIGNALFD },
	{ EV_SIGNALFD4, FD_SIGNALFD },
	{ EV_TIMERFD_CREATE, FD_TIMERFD },
	{ EV_EPOLL_CREATE, FD_EPOLL },
	{ EV_EPOLL_CREATE1, FD_EPOLL },
	{ EV_INOTIFY_INIT, FD_INOTIFY },
	{ EV_INOTIFY_INIT1, FD_INOTIFY },
	{ EV_USERFAULTFD, FD_USERFAULTFD },
	{ EV_IO_URING_SETUP, FD_IO_URING },
	{ EV_BPF, FD_BPF },
	{ EV_PIDFD_OPEN, FD_PIDFD },
	{ EV_MEMFD_CREATE, FD_MEMFD },
	{ EV_TASK_FILE_PIPE, FD_PIPE },
	{ EV_TASK_FILE_MEMFD, FD_MEMFD },
	{ EV_TASK_FILE_REGULAR, FD_FILE },
	{ EV_TASK_FILE_DIRECTORY, FD_DIRECTORY },
	{ EV_TASK_FILE_SOCKET_INET, FD_IPV4 },
	{ EV_TASK_FILE_SOCKET_INET6, FD_IPV6 },
	{ EV_TASK_FILE_SOCKET_UNIX, FD_UNIX },
	{ EV_TASK_FILE_SOCKET_NETLINK, FD_NETLINK },
};

static void
test_fd_types(void **state)
{
	unsigned n = 0;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(types[i].type, fd_type_by_event[types[i].event]);
	for (size_t i = 0; i < EV_TYPE_MAX; i++)
		n += fd_type_by_event[i] != FD_UNKNOWN;
	assert_int_equal(ARRAY_SIZE(types), n);
}

struct known {
	unsigned char bytes[sizeof(struct thread)];
};

/* Everything known about a thread, except its descriptors and what its calls leave for each other.
 */
static struct known
known_of(const struct state *s)
{
	static const struct {
		size_t at, n;
	} apart[] = {
#define MEMBER(m) { offsetof(struct thread, m), sizeof(((struct thread *) 0)->m) }
		MEMBER(fds),
		MEMBER(last_fd),
		MEMBER(seen),
		MEMBER(root),
		MEMBER(subreaper),
		MEMBER(updated),
#undef MEMBER
	};
	const struct thread *t = state_thread(s, PID);
	struct known k;

	assert_non_null(t);
	memcpy(k.bytes, t, sizeof(k.bytes));
	for (size_t i = 0; i < ARRAY_SIZE(apart); i++)
		memset(k.bytes + apart[i].at, 0, apart[i].n);
	return k;
}

/* Fill all parameters with the same number or a text. True: the knowledge has changed. */
static bool
changes(struct play *p, const struct ev_schema *s, int64_t number)
{
	struct known before, after;
	uint64_t version;
	struct view v;
	struct batch *b;

	evb_begin(&p->b, s->num, PID, p->ts += 1000);
	for (unsigned i = 0; i < s->nparams; i++) {
		if (ptype_is_text(s->params[i].type))
			evb_text(&p->b, s->params[i].name, "/new");
		else
			evb_num(&p->b, s->params[i].name, number);
	}
	b = play_built(p, &v);
	before = known_of(p->s);
	version = state_version(p->s, STATE_ALL);
	state_apply(p->s, b, b->ev, &v);
	after = known_of(p->s);
	batch_free(b);
	assert_int_equal(state_touches[s->num] != 0, state_version(p->s, STATE_ALL) != version);
	return memcmp(before.bytes, after.bytes, sizeof(before.bytes)) != 0;
}

/*
 * An event without a row in touches.def changes only descriptors: verdicts about a thread stay
 * valid. The numbers are values that parsers test for: success, its own pid, RLIMIT_NOFILE (7),
 * PR_SET_CHILD_SUBREAPER, CLONE_NEWUSER; AF_INET and others are among the small ones.
 */
static void
test_threads_stay(void **state)
{
	static const int64_t numbers[] = { 7, 0, 1, 2, 3, 0x24, 0x100000, -1, -115 };
	static const struct row known[] = {
		{ EV_EXECVE, "7", "res=0;comm=sh;exe=sh;args=;cwd=/old;pid=7;tid=7;ptid=1;vtid=7",
		    "" },
		{ EV_OPEN, "7", "fd=7;name=/etc/x;flags=1", "" },
	};
	unsigned found = 0;

	(void) state;
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];
		bool changed = false;

		if (s->capture == CAP_SNAP)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(numbers); k++) {
			struct play p;

			play_start(&p, NULL);
			play_row(&p, &known[0]);
			play_row(&p, &known[1]);
			changed = changes(&p, s, numbers[k]) || changed;
			play_stop(&p);
		}
		if (changed && state_touches[s->num] == 0)
			fail_msg("%s (%u) changes a thread, but touches nothing", s->name, s->num);
		found += changed;
	}
	assert_true(found >= 20); /* the numbers have an effect */
}

/* The entry for unknown threads is shared: verdicts remembered for one do not hold for another with
 * the same tid. */
static void
test_stray(void **state)
{
	static const struct row rows[] = {
		{ EV_EXECVE, "7@5", "res=0;comm=sh;exe=sh;args=;pid=7;tid=7;ptid=1;vtid=7",
		    "pid=7" },
		{ EV_CLOSE, "7/7@3", "res=0;fd=1", "pid=7" }, /* of an earlier holder of the tid */
		{ EV_CLOSE, "7/8@3", "res=0;fd=1", "pid=8" },
	};
	uint64_t version;
	struct play p;

	(void) state;
	play_start(&p, NULL);
	play_row(&p, &rows[0]);
	play_row(&p, &rows[1]);
	version = state_version(p.s, STATE_PROCESS);
	play_row(&p, &rows[1]);
	assert_int_equal(version, state_version(p.s, STATE_PROCESS));
	play_row(&p, &rows[2]);
	assert_int_not_equal(version, state_version(p.s, STATE_PROCESS));
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fd_types),
		cmocka_unit_test(test_threads_stay),
		cmocka_unit_test(test_stray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
