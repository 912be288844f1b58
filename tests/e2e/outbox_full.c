/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_full.c - a full disk: a small tmpfs in a separate mount namespace. */
#include "collector/outbox/outbox.h"
#include "tests/support/test.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <unistd.h>

#define ALERTS 400

static char dir[] = "/tmp/mews-full-XXXXXX";
static char db[64], ballast[64];
static _Atomic int committed, given_up;

static void
done(struct outbox_txn *t, int r)
{
	if (r == 0)
		atomic_fetch_add(&committed, 1);
	else
		atomic_fetch_add(&given_up, 1);
	free(t);
}

static void
put(struct outbox *o, unsigned n)
{
	static const struct stream_id stream = { "c", "n", "b", 1 };
	struct outbox_txn *t = calloc(1, sizeof(*t));
	struct alert a = { .priority = PRIO_ERROR, .time = n, .rule = "r", .json_len = 8000 };
	char json[8001];

	assert_non_null(t);
	memset(json, 'x', 8000);
	json[8000] = '\0';
	a.cluster = "c";
	a.node = "n";
	a.json = json;
	(void) snprintf(a.id, sizeof(a.id), "%08x-0000-8000-8000-000000000000", n);
	*t = (struct outbox_txn){ &stream, n, NULL, done, NULL, 0 };
	assert_int_equal(0, alert_new(&a, &t->alerts));
	assert_int_equal(0, outbox_put(o, t));
}

static struct outbox *
open_it(void)
{
	struct outbox_cfg cfg = { .path = db };
	struct outbox *o = NULL;
	struct diag d = { 0 };

	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	return o;
}

static bool
full(struct outbox *o)
{
	struct outbox_stats st;

	outbox_stats(o, &st);
	return st.full;
}

/* Fill all remaining space. */
static void
fill_disk(void)
{
	static const char zeros[65536];
	int fd = open(ballast, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	for (size_t n = sizeof(zeros); n > 0; n /= 2) {
		while (write(fd, zeros, n) == (ssize_t) n)
			;
	}
	assert_int_equal(ENOSPC, errno);
	assert_int_equal(0, close(fd));
}

static bool
count(void *arg, const struct outbox_row *row)
{
	unsigned *n = arg;

	assert_int_equal(++*n, strtoul(row->alert.id, NULL, 16));
	return true;
}

static void
a_full_disk_stops_commits_until_there_is_room(void **state)
{
	struct outbox *o = open_it();
	unsigned n = 0;
	uint64_t seq = 0;
	int before;

	(void) state;
	fill_disk();
	for (unsigned i = 1; i <= ALERTS; i++)
		put(o, i);
	while (!full(o))
		(void) usleep(1000);
	before = atomic_load(&committed);
	assert_true(before < ALERTS);
	(void) usleep(600 * 1000); /* some attempts later */
	assert_int_equal(before, atomic_load(&committed));
	assert_int_equal(before, outbox_read(o, 0, ALERTS, count, &n)); /* and it can be read */
	assert_int_equal(0, unlink(ballast));
	while (atomic_load(&committed) < ALERTS)
		(void) usleep(1000);
	assert_false(full(o));
	outbox_close(o);
	o = open_it();
	n = 0;
	assert_int_equal(ALERTS, outbox_read(o, 0, ALERTS + 1, count, &n));
	assert_int_equal(0, outbox_stream_seq(o, &(struct stream_id){ "c", "n", "b", 1 }, &seq));
	assert_int_equal(ALERTS, seq);
	outbox_close(o);
}

/* Alerts given up at the end were never acknowledged; acknowledged ones are there. */
static void
closing_on_a_full_disk_loses_nothing_acknowledged(void **state)
{
	struct outbox *o = open_it();
	unsigned n = 0;

	(void) state;
	fill_disk();
	for (unsigned i = ALERTS + 1; i <= 2 * ALERTS; i++)
		put(o, i);
	while (!full(o))
		(void) usleep(1000);
	outbox_close(o);
	assert_int_equal(2 * ALERTS, committed + given_up);
	assert_true(given_up > 0);
	assert_int_equal(0, unlink(ballast));
	o = open_it();
	assert_int_equal(committed, outbox_read(o, 0, 2 * ALERTS, count, &n));
	outbox_close(o);
}

static void
no_room_to_begin_has_a_sentence(void **state)
{
	struct outbox_cfg cfg = { .path = db };
	struct outbox *o = NULL;
	struct diag d = { 0 };

	(void) state;
	(void) snprintf(db, sizeof(db), "%s/new.db", dir);
	fill_disk();
	assert_int_equal(-ENOSPC, outbox_open(&cfg, &o, &d));
	assert_non_null(strstr(d.msg, "no room on the disk"));
	assert_null(o);
	assert_int_equal(0, unlink(ballast));
	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	outbox_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_stops_commits_until_there_is_room),
		cmocka_unit_test(closing_on_a_full_disk_loses_nothing_acknowledged),
		cmocka_unit_test(no_room_to_begin_has_a_sentence),
	};
	int r;

	if (mkdtemp(dir) == NULL || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("mews", dir, "tmpfs", 0, "size=16m") < 0) {
		(void) rmdir(dir);
		perror("outbox_full: needs root");
		return 77;
	}
	(void) snprintf(db, sizeof(db), "%s/outbox.db", dir);
	(void) snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void) umount2(dir, MNT_DETACH);
	(void) rmdir(dir);
	return r;
}
