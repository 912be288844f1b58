/* SPDX-License-Identifier: Apache-2.0 */
/* test_window.c - order: a table of arrivals and departures. */
#include "collector/ingest/window.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 100

/*
 * A script of steps, and its output: "5" arrives; "t200" time passes, "u20" the thread read the
 * clock 20 earlier; "s9" all below 9 are given up; "x" the receiver is full, "o" it has room again.
 * Output: "5" left, "+2" a gap of two was accepted before it, "d5" a duplicate, "f5" refused since
 * full.
 */
static const struct {
	unsigned max;
	uint64_t done;
	const char *script, *want;
} cases[] = {
	{ 4, 0, "1 2 3", "1 2 3" },
	{ 4, 7, "8 9", "8 9" },
	{ 4, 0, "2 1 3", "1 2 3" },
	{ 4, 0, "4 3 2 1", "1 2 3 4" },
	{ 4, 5, "3 5 6", "d3 d5 6" },
	{ 4, 0, "2 2 1 1", "d2 1 2 d1" },
	{ 4, 0, "2 3 4", "" },             /* waits */
	{ 4, 0, "2 3 4 5", "+1 2 3 4 5" }, /* full: the missing one is given up */
	{ 4, 0, "5 t99", "" },
	{ 4, 0, "5 u20 6", "" },
	{ 4, 0, "5 t100", "+4 5" },        /* out of patience */
	{ 4, 0, "3 t60 2 t40", "+1 2 3" }, /* of the one that waited longest */
	{ 4, 0, "5 s5", "+4 5" },          /* the sensor says so */
	{ 4, 0, "5 s4", "" },
	{ 4, 0, "9 3 s5", "+2 3" },    /* 4 is given up, but 9 waits for 5 to 8 */
	{ 4, 0, "x 1 2 3 4 5", "f5" }, /* receiver full: nothing is lost */
	{ 4, 0, "x 1 2 3 4 5 o", "f5 1 2 3 4" },
	{ 4, 0, "x 1 2 1 o 2", "d1 1 2 d2" },
	{ 1, 0, "1 2", "1 2" },
	{ 1, 0, "2", "+1 2" },
};

struct sim {
	struct window w;
	uint64_t done, now, skip_to;
	bool closed;
	char out[256];
};

static void
say(struct sim *s, const char *mark, uint64_t n)
{
	size_t at = strlen(s->out);

	(void) snprintf(s->out + at, sizeof(s->out) - at, "%s%s%llu", at == 0 ? "" : " ", mark,
	    (unsigned long long) n);
}

static void
pump(struct sim *s)
{
	uint64_t seq, gap;

	while (!s->closed &&
	       window_next(&s->w, s->done, s->now, PATIENCE, s->skip_to, &seq, &gap) != NULL) {
		if (gap > 0)
			say(s, "+", gap);
		say(s, "", seq);
		assert_ptr_equal((char *) NULL + seq, window_pop(&s->w));
		s->done = seq;
	}
}

static void
step(struct sim *s, const char *t)
{
	uint64_t n = strtoull(t + (*t < '0' || *t > '9'), NULL, 10);

	if (*t == 't')
		s->now += n;
	else if (*t == 'u')
		s->now -= n;
	else if (*t == 's')
		s->skip_to = n;
	else if (*t == 'x' || *t == 'o')
		s->closed = *t == 'x';
	else {
		int r = window_put(&s->w, s->done, n, s->now, (char *) NULL + n);

		if (r < 0)
			say(s, r == -EALREADY ? "d" : "f", n);
	}
	pump(s);
}

static void
test_order(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sim s = { .done = cases[i].done, .now = 1000 };
		char script[64], *save = NULL;

		(void) snprintf(script, sizeof(script), "%s", cases[i].script);
		window_init(&s.w, cases[i].max);
		for (char *t = strtok_r(script, " ", &save); t != NULL;
		     t = strtok_r(NULL, " ", &save))
			step(&s, t);
		if (strcmp(cases[i].want, s.out) != 0)
			print_error("script \"%s\"\n", cases[i].script);
		assert_string_equal(cases[i].want, s.out);
	}
}

/* In any order of arrival within the sensor's credit: 1, 2, 3..., each once, no gap. */
static void
test_any_order(void **state)
{
	enum { CREDIT = 8, LAST = 40 };
	unsigned rng = 1;

	(void) state;
	for (int round = 0; round < 2000; round++) {
		uint64_t pool[CREDIT], next = 1, done = 0, seq, gap;
		struct window w;
		unsigned n = 0, k;

		window_init(&w, CREDIT);
		while (done < LAST) {
			while (n < CREDIT && next <= LAST && next <= done + CREDIT)
				pool[n++] = next++;
			rng = rng * 1103515245 + 12345;
			k = (rng >> 16) % n;
			assert_int_equal(0, window_put(&w, done, pool[k], 0, &w));
			pool[k] = pool[--n];
			while (window_next(&w, done, 0, PATIENCE, 0, &seq, &gap) != NULL) {
				assert_int_equal(done + 1, seq);
				(void) window_pop(&w);
				done = seq;
			}
		}
		assert_int_equal(0, w.n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
