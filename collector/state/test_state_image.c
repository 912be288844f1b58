/* SPDX-License-Identifier: Apache-2.0 */
/* test_state_image.c - images: whole ones (the tables of the other tests are played with them,
 * too), damaged ones, and without memory. */
#include "collector/state/image_int.h"
#include "collector/state/test_play.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <stdlib.h>

static const struct state_limits roomy = { 1000, 1000, 0, NS_2S };

/* Processes with threads, shared and own descriptors, sockets, the dead, users. */
static const struct row rows[] = {
	PROGRAM("10", "a", ""),
	PROGRAM("11", "b", ";cgroups=cpu=/|"),
	{ EV_OPENAT, "10", "fd=3;dirfd=-100;name=/etc/x;ino=7", "" },
	{ EV_OPENAT, "10", "fd=70000;dirfd=-100;name=/etc/y;ino=8", "" },
	{ EV_SOCKET, "10", "fd=9;domain=2;type=1;proto=0", "" },
	{ EV_BIND, "10", "addr=10.0.0.1:80;fd=9", "" },
	{ EV_CLONE, "20", "ptid=10", "20:fd3.name=/etc/x" }, /* shares them */
	{ EV_CLONE, "21/20", "ptid=10;flags=0x10000", "" },
	{ EV_CLONE, "30", "ptid=11", "" },
	{ EV_PROCEXIT, "11", "status=0", "" },
	{ EV_BRK, "30", "", "" },
	{ EV_USERADDED, "1", "uid=1000;gid=1000;name=ann;home=/home/ann;shell=/bin/sh", "" },
	{ EV_GROUPADDED, "1", "gid=1000;name=staff", "" },
	{ SNAPSHOT_DONE, "1", "1", "" },
};

static void
play_rows(struct play *p)
{
	play_start(p, &roomy);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		play_row(p, &rows[i]);
}

static void
test_whole(void **unused)
{
	struct play p;

	(void) unused;
	play_rows(&p);
	play_reload(&p);
	assert_ptr_equal(thread_find(p.s, 10)->fds, thread_find(p.s, 20)->fds); /* still shared */
	assert_true(fdt_serves(thread_find(p.s, 20)->fds, 80));
	assert_int_equal(1, p.s->ngone);
	play_row(&p, &(struct row){ EV_CLOSE, "10", "fd=3", "10:fd3.name=/etc/x" });
	play_row(&p, &(struct row){ EV_BRK, "20", "", "20:fd3.name=/etc/x;10:fd3.name=-" });
	play_reload(&p);
	play_stop(&p);
}

/* The dead leave when their grace is over, counted from their death. */
static void
test_grace(void **unused)
{
	struct play p;

	(void) unused;
	play_rows(&p);
	p.ts += NS_2S / 2;
	play_row(&p, &(struct row){ EV_BRK, "10", "", "" });
	play_reload(&p);
	p.ts += NS_2S / 2;
	play_row(&p, &(struct row){ EV_BRK, "10", "", "" });
	assert_int_equal(0, p.s->ngone);
	assert_null(thread_find(p.s, 11));
	play_stop(&p);
}

/* Load it into a new state, which is freed. */
static int
load(struct play *p, struct slice image)
{
	struct state *s = NULL;
	const char *why = NULL;
	int r;

	assert_int_equal(0, state_new(p->pool, &roomy, &s));
	r = play_load(s, image, 100, &why);
	assert_true(r == 1 || why != NULL);
	state_free(s);
	return r;
}

/* Each image that is too short is refused; each with one byte changed is refused or loads. */
static void
test_damaged(void **unused)
{
	struct buf image = BUF_INIT;
	struct play p;

	(void) unused;
	play_rows(&p);
	play_image(p.s, &image, 100);
	for (size_t n = 0; n < image.n; n++)
		assert_int_equal(-EBADMSG, load(&p, (struct slice){ image.p, n }));
	for (size_t i = 0; i < image.n; i++) {
		image.p[i] ^= (char) (1 << i % 8);
		(void) load(&p, buf_get(&image));
		image.p[i] ^= (char) (1 << i % 8);
	}
	buf_char(&image, 0);
	assert_int_equal(-EBADMSG, load(&p, buf_get(&image)));
	buf_fini(&image);
	play_stop(&p);
}

/* A state with room for less than the image takes what fits. */
static void
test_limits(void **unused)
{
	static const struct state_limits small = { 3, 1, 0, NS_2S };
	struct buf image = BUF_INIT;
	struct state *s = NULL;
	const char *why = NULL;
	struct state_stats st;
	struct play p;

	(void) unused;
	play_rows(&p);
	play_image(p.s, &image, 100);
	assert_int_equal(0, state_new(p.pool, &small, &s));
	assert_int_equal(1, play_load(s, buf_get(&image), 100, &why));
	state_stats(s, &st);
	assert_true(st.threads <= 3 && st.threads_evicted > 0 && st.fds_refused > 0);
	state_free(s);
	buf_fini(&image);
	play_stop(&p);
}

static int
write_and_load(struct play *p, struct buf *image)
{
	struct state_image *w = NULL;
	struct state *s = NULL;
	const char *why = NULL;
	int r = state_image_new(p->s, image, &w);

	while (r == 0)
		r = state_image_more(w, 5);
	state_image_free(w);
	if (r < 0)
		return r;
	r = state_new(p->pool, &roomy, &s);
	if (r == 0)
		r = play_load(s, buf_get(image), 5, &why);
	state_free(s);
	return r;
}

static void
test_no_memory(void **unused)
{
	bool fired = true;
	struct play p;

	(void) unused;
	play_rows(&p);
	for (unsigned nth = 0; fired; nth++) {
		struct buf image = BUF_INIT;
		int r;

		fault_arm_nth(nth);
		r = write_and_load(&p, &image);
		fired = fault_disarm();
		assert_true(r > 0 || (fired && r == -ENOMEM));
		buf_fini(&image);
	}
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
