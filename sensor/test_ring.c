/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/ring.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 4096u
#define BUSY (1u << 31)
#define SKIP (1u << 30)

/* Two rings in the kernel's layout: their data is mapped twice in a row. */
struct fake {
	uint64_t consumer[2], producer[2];
	char *data[2];
	struct ring_set set;
	char seen[256]; /* "1 2 3": the times of emitted records */
	int refuse;     /* emit() fails at this time */
};

static void
setup(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(0, rings_new(2, &f->set));
	for (unsigned i = 0; i < 2; i++) {
		int fd = memfd_create("ring", MFD_CLOEXEC);
		char *p;

		assert_true(fd >= 0);
		assert_int_equal(0, ftruncate(fd, SIZE));
		p = mmap(NULL, (size_t) 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(MAP_FAILED, p);
		assert_ptr_equal(
		    p, mmap(p, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0));
		assert_ptr_equal(p + SIZE,
		    mmap(p + SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0));
		close(fd);
		f->data[i] = p;
		ring_attach(&f->set, i, &f->consumer[i], &f->producer[i], p, SIZE);
	}
}

static void
teardown(struct fake *f)
{
	for (unsigned i = 0; i < 2; i++)
		munmap(f->data[i], (size_t) 2 * SIZE);
	rings_free(&f->set);
}

/* Put a CLOSE of time 'ts' into ring i, with the kernel's flags; return its header's address. */
static uint32_t *
put(struct fake *f, unsigned i, uint64_t ts, uint32_t flags)
{
	struct ev_CLOSE e = { .hdr = { .len = sizeof(e), .type = EV_CLOSE, .ts = ts } };
	char *p = f->data[i] + (f->producer[i] & (SIZE - 1));
	uint32_t word = (uint32_t) sizeof(e) | flags;

	memcpy(p, &word, sizeof(word));
	memcpy(p + 8, &e, sizeof(e));
	f->producer[i] += 8 + sizeof(e);
	return (uint32_t *) (void *) p;
}

static int
see(void *arg, const struct ev_hdr *rec)
{
	struct fake *f = arg;
	size_t n = strlen(f->seen);

	if (f->refuse != 0 && rec->ts == (uint64_t) f->refuse)
		return -EAGAIN;
	snprintf(f->seen + n, sizeof(f->seen) - n, "%s%llu", n == 0 ? "" : " ",
	    (unsigned long long) rec->ts);
	return 0;
}

static void
expect(struct fake *f, uint64_t now, int n, const char *seen)
{
	f->seen[0] = '\0';
	assert_int_equal(n, rings_drain(&f->set, now, 10, see, f));
	assert_string_equal(seen, f->seen);
}

static void
t_merges_by_time(void **state)
{
	struct fake f;

	(void) state;
	setup(&f);
	put(&f, 0, 1, 0);
	put(&f, 0, 4, 0);
	put(&f, 1, 2, 0);
	put(&f, 1, 3, 0);
	put(&f, 1, 5, 0);
	expect(&f, 100, 5, "1 2 3 4 5");
	assert_int_equal(f.producer[0], f.consumer[0]);
	assert_int_equal(f.producer[1], f.consumer[1]);
	assert_false(rings_pending(&f.set));
	assert_int_equal(5, f.set.stats.emitted);
	assert_int_equal(0, f.set.stats.late);
	teardown(&f);
}

static void
t_holds_back_what_is_younger_than_the_slack(void **state)
{
	struct fake f;

	(void) state;
	setup(&f);
	put(&f, 0, 90, 0);
	put(&f, 1, 91, 0);
	expect(&f, 100, 1, "90");
	assert_true(rings_pending(&f.set));
	assert_int_equal(91, f.set.held_ts);
	expect(&f, 101, 1, "91");
	assert_int_equal(0, f.set.held_ts);
	teardown(&f);
}

static void
t_waits_for_a_busy_record_but_not_for_ever(void **state)
{
	struct fake f;
	uint32_t *busy;

	(void) state;
	setup(&f);
	put(&f, 0, 1, 0);
	busy = put(&f, 0, 2, BUSY);
	put(&f, 1, 3, 0);
	expect(&f, 100, 1, "1");
	expect(&f, 100 + RINGS_BUSY_NS - 1, 0, "");
	expect(&f, 100 + RINGS_BUSY_NS, 1, "3");
	*busy &= ~BUSY;
	expect(&f, 101 + RINGS_BUSY_NS, 1, "2");
	assert_int_equal(1, f.set.stats.late);
	teardown(&f);
}

static void
t_a_record_that_got_ready_is_in_order(void **state)
{
	struct fake f;
	uint32_t *busy;

	(void) state;
	setup(&f);
	busy = put(&f, 0, 2, BUSY);
	put(&f, 1, 3, 0);
	expect(&f, 100, 0, "");
	*busy &= ~BUSY;
	expect(&f, 101, 2, "2 3");
	assert_int_equal(0, f.set.stats.late);
	teardown(&f);
}

static void
t_offers_a_refused_record_again(void **state)
{
	struct fake f;

	(void) state;
	setup(&f);
	put(&f, 0, 1, 0);
	put(&f, 0, 2, 0);
	put(&f, 1, 3, 0);
	f.refuse = 2;
	expect(&f, 100, -EAGAIN, "1");
	f.refuse = 0;
	expect(&f, 100, 2, "2 3");
	teardown(&f);
}

static void
t_skips_discarded_and_counts_bad_ones(void **state)
{
	struct fake f;
	uint32_t *bad;

	(void) state;
	setup(&f);
	put(&f, 0, 1, SKIP);
	bad = put(&f, 0, 2, 0);
	((struct ev_hdr *) (void *) (bad + 2))->type = 511;
	put(&f, 0, 3, 0);
	put(&f, 0, 4, SKIP);
	expect(&f, 100, 1, "3");
	assert_int_equal(1, f.set.stats.bad);
	assert_int_equal(f.producer[0], f.consumer[0]);
	assert_false(rings_pending(&f.set));
	teardown(&f);
}

static void
t_wraps(void **state)
{
	struct fake f;
	char want[32];

	(void) state;
	setup(&f);
	for (uint64_t ts = 1; ts < 1000; ts++) {
		put(&f, ts % 2, ts, 0);
		snprintf(want, sizeof(want), "%llu", (unsigned long long) ts);
		expect(&f, ts + 10, 1, want);
	}
	teardown(&f);
}

static int
see_flags(void *arg, const struct ev_hdr *rec)
{
	*(uint64_t *) arg = ((const struct ev_DUP3 *) (const void *) rec)->flags;
	return *(uint64_t *) arg == 0x1000 ? -EAGAIN : 0;
}

/* Translated each time it is offered; the ring keeps the kernel's value. */
static void
t_flags_are_translated(void **state)
{
	struct ev_DUP3 e = { .hdr = { .len = sizeof(e), .type = EV_DUP3, .ts = 1 } };
	uint32_t word = sizeof(e);
	uint64_t seen = 0;
	struct fake f;

	(void) state;
	setup(&f);
	e.hdr.present = EV_BIT(DUP3, flags);
	e.flags = O_CLOEXEC;
	memcpy(f.data[0], &word, sizeof(word));
	memcpy(f.data[0] + 8, &e, sizeof(e));
	f.producer[0] = 8 + sizeof(e);
	for (int i = 0; i < 2; i++) {
		seen = 0;
		assert_int_equal(-EAGAIN, rings_drain(&f.set, 100, 10, see_flags, &seen));
		assert_int_equal(0x1000, seen);
	}
	assert_memory_equal(&e, f.data[0] + 8, sizeof(e));
	teardown(&f);
}

/* Space goes back when the caller says so, and a quarter of a ring that is not ends a drain. */
static void
t_holds_until_released(void **state)
{
	uint64_t pos[2], per = 8 + sizeof(struct ev_CLOSE);
	unsigned quarter = (unsigned) ((SIZE / 4 + per - 1) / per);
	struct fake f;

	(void) state;
	setup(&f);
	f.set.hold = true;
	put(&f, 1, 1, 0);
	expect(&f, 100, 1, "1");
	assert_int_equal(0, f.consumer[1]);
	assert_false(rings_pending(&f.set));
	for (unsigned i = 0; i < quarter + 2; i++)
		put(&f, 0, 2, 0);
	f.seen[0] = '\0';
	assert_int_equal(quarter, rings_drain(&f.set, 100, 10, see, &f));
	assert_true(f.set.crowded);
	assert_int_equal(0, rings_drain(&f.set, 100, 10, see, &f));
	pos[0] = per;
	pos[1] = f.set.v[1].pos;
	rings_release(&f.set, pos);
	assert_int_equal(per, f.consumer[0]);
	assert_int_equal(f.producer[1], f.consumer[1]);
	assert_int_equal(1, rings_drain(&f.set, 100, 10, see, &f)); /* again a quarter */
	assert_true(f.set.crowded);
	teardown(&f);
}

static void
t_without_memory(void **state)
{
	struct ring_set s = { 0 };
	unsigned n;
	int r;

	(void) state;
	for (n = 0;; n++) {
		fault_arm_nth(n);
		r = rings_new(4, &s);
		if (!fault_disarm())
			break;
		assert_int_equal(-ENOMEM, r);
	}
	assert_int_equal(0, r);
	assert_int_equal(3, n);
	rings_free(&s);
}

static void
note_unread(void *arg, const struct ev_hdr *rec)
{
	struct fake *f = arg;
	size_t n = strlen(f->seen);

	snprintf(f->seen + n, sizeof(f->seen) - n, "%s%d", n == 0 ? "" : " ",
	    rec == NULL ? -1 : (int) rec->ts);
}

static const char *
unread(struct fake *f)
{
	f->seen[0] = '\0';
	ring_unread(&f->consumer[0], &f->producer[0], f->data[0], SIZE, note_unread, f);
	return f->seen;
}

/* What a reader that is gone has not given back, in a ring that nobody reads on. */
static void
t_unread(void **state)
{
	struct fake f;

	(void) state;
	setup(&f);
	assert_string_equal("", unread(&f));
	put(&f, 0, 1, 0);
	put(&f, 0, 2, SKIP);
	put(&f, 0, 3, BUSY);
	put(&f, 0, 4, 0);
	((struct ev_hdr *) (void *) (put(&f, 0, 5, 0) + 2))->type = EV_TYPE_MAX - 1;
	put(&f, 0, 6, 0);
	assert_string_equal("1 -1 4 -1 6", unread(&f));
	assert_int_equal(0, f.consumer[0]);
	f.consumer[0] = f.producer[0];
	assert_string_equal("", unread(&f));

	/* round the end */
	f.consumer[0] = f.producer[0] = SIZE - 16;
	put(&f, 0, 7, 0);
	put(&f, 0, 8, 0);
	assert_string_equal("7 8", unread(&f));

	/* not the kernel's */
	*put(&f, 0, 9, 0) = SIZE;
	assert_string_equal("7 8", unread(&f));
	f.producer[0] = f.consumer[0] + SIZE + 8;
	assert_string_equal("", unread(&f));
	f.producer[0] = f.consumer[0] - 8;
	assert_string_equal("", unread(&f));
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_merges_by_time),
		cmocka_unit_test(t_holds_back_what_is_younger_than_the_slack),
		cmocka_unit_test(t_waits_for_a_busy_record_but_not_for_ever),
		cmocka_unit_test(t_a_record_that_got_ready_is_in_order),
		cmocka_unit_test(t_offers_a_refused_record_again),
		cmocka_unit_test(t_skips_discarded_and_counts_bad_ones),
		cmocka_unit_test(t_wraps),
		cmocka_unit_test(t_flags_are_translated),
		cmocka_unit_test(t_holds_until_released),
		cmocka_unit_test(t_without_memory),
		cmocka_unit_test(t_unread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
