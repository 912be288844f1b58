/* SPDX-License-Identifier: Apache-2.0 */
/* test_state_memory.c - a node whose users open long paths stays within its bound, and affects no
 * other node and no small process. Argument: the number of descriptors (20,000). */
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdlib.h>

enum { PATH = 4000, PER_PROCESS = 950, BOUND = 8 << 20, SLACK = 64 << 10 };

static unsigned descriptors = 20000;

static const struct state_limits limits = {
	.threads = 10000, .fds = 10000, .bytes = BOUND, .dead_grace_ns = 1
};

/* Make descriptor 'fd' of process 'pid' a file with a path of this length. */
static void
open_long(struct play *p, struct state *s, uint32_t pid, unsigned fd, unsigned number)
{
	static char path[PATH + 1];
	struct view v;
	struct batch *b;

	memset(path, 'x', PATH);
	for (unsigned i = 1; i < 16; i++)
		path[i * 250] = '/';
	(void) snprintf(path, sizeof(path), "/%08u", number);
	path[9] = '/';
	evb_begin(&p->b, EV_OPENAT, pid, p->ts += 1000);
	evb_task(&p->b, pid, 1);
	evb_num(&p->b, "fd", fd);
	evb_num(&p->b, "dirfd", -100);
	evb_text(&p->b, "name", path);
	b = play_built(p, &v);
	state_begin_batch(s);
	state_apply(s, b, b->ev, &v);
	batch_free(b);
}

static const char *
fd_name(struct play *p, struct state *s, uint32_t pid, int fd)
{
	const struct thread *t = state_thread(s, pid);
	const struct fd_entry *e = t == NULL ? NULL : state_fd(s, t, fd);

	return e == NULL ? NULL : intern_get(p->pool, e->name).p;
}

static void
test_flood(void **unused)
{
	static const struct row small = { EV_OPENAT, "7", "fd=3;dirfd=-100;name=/etc/x",
		"fd.name=/etc/x" };
	struct state_stats st, other_st;
	struct state *other = NULL;
	struct intern_stats texts;
	struct play p;

	(void) unused;
	play_start(&p, &limits);
	assert_int_equal(0, state_new(p.pool, &limits, &other));
	for (unsigned i = 0; i < 100; i++)
		open_long(&p, other, 5, 3 + i, i); /* another node, which has opened a few too */
	state_begin_batch(p.s);
	play_row(&p, &small);
	for (unsigned i = 0; i < descriptors; i++) {
		open_long(&p, p.s, 1000 + i / PER_PROCESS, 3 + i % PER_PROCESS, i);
		state_stats(p.s, &st);
		assert_true(st.bytes <= BOUND + SLACK);
	}
	intern_stats(p.pool, &texts);
	assert_true(texts.bytes < BOUND + (3 << 20)); /* plus pool overhead, other node */
	assert_true(st.forgotten > 0);
	assert_true(st.forgotten < descriptors / 100);         /* a process at a time */
	assert_string_equal("/etc/x", fd_name(&p, p.s, 7, 3)); /* small ones are kept */
	assert_non_null(state_thread(p.s, 1000)); /* and large ones stay known as processes */
	assert_null(fd_name(&p, p.s, 1000, 3));
	state_stats(other, &other_st);
	assert_int_equal(0, other_st.forgotten);
	for (int i = 0; i < 100; i++)
		assert_non_null(fd_name(&p, other, 5, 3 + i));
	print_message(
	    "%u descriptors of %u bytes: %lu bytes kept, %lu threads forgotten, %lu bytes of texts "
	    "in all\n",
	    descriptors, (unsigned) PATH, (unsigned long) st.bytes, (unsigned long) st.forgotten,
	    (unsigned long) texts.bytes);
	state_free(other);
	play_stop(&p);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood),
	};

	if (argc > 1)
		descriptors = (unsigned) strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
