/* SPDX-License-Identifier: Apache-2.0 */
/* test_explain.c - which sub-condition is reported, and that the verdict is the engine's. */
#include "collector/filter/explain.h"
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdio.h>

/* One event: cat opens /etc/passwd for reading, as descriptor 3. */
static const struct row event = { EV_OPENAT, "10", "fd=3;dirfd=-100;name=/etc/passwd;flags=1", "" };

/* told: the parts that decided, '!' before a true one; "" if the condition holds. */
static const struct {
	const char *condition, *told;
} cases[] = {
	{ "fd.num = 3", "" },
	{ "fd.num = 4", "fd.num = 4;" },
	{ "not fd.num = 3", "!fd.num = 3;" },
	{ "fd.num = 3 and fd.name = /x", "fd.name = /x;" },
	{ "fd.name = /x and fd.num = 4", "fd.name = /x;" },
	{ "fd.name = /x or fd.num = 4", "fd.name = /x;fd.num = 4;" },
	{ "fd.name = /x or fd.num = 3", "" },
	{ "(fd.name = /x or fd.num = 3) and fd.num = 5", "fd.num = 5;" },
	{ "not (fd.name = /x or fd.num = 3)", "!fd.num = 3;" },
	{ "not (fd.num = 3 and evt.type = openat)", "!fd.num = 3;!evt.type = openat;" },
	{ "not (fd.num = 3 and fd.num = 4)", "" },
	{ "fd.num = 3 and (fd.num = 4 or (fd.num = 3 and not evt.type = openat))",
	    "fd.num = 4;!evt.type = openat;" },
	{ "not not fd.num = 4", "fd.num = 4;" },
};

static void
tell(void *arg, struct explain_part *p, bool is)
{
	struct buf *told = arg;

	buf_printf(told, "%s%s;", is ? "!" : "", p->text);
}

static void
total(void *arg, struct explain_part *p)
{
	uint64_t *sum = arg;

	*sum += p->decided;
}

static void
run(struct play *p, const char *condition, const char *want)
{
	CLEANUP(buf_fini) struct buf told = BUF_INIT;
	struct fscratch *fs = NULL;
	struct explain *x = NULL;
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct batch *b;
	struct diag d = { .line = 0 };
	struct arena a;
	struct view v;
	uint64_t sum = 0, parts = 0;
	bool is;

	arena_init(&a, 0);
	assert_int_equal(0, fscratch_new(&fs));
	assert_int_equal(0, expr_parse(slice_str(condition), &a, &e, &d));
	assert_int_equal(0, filter_compile(e, &a, &f, &d));
	assert_int_equal(0, explain_new(e, &a, &x, &d));
	b = play_event(p, &event, &v);
	state_apply(p->s, b, b->ev, &v);
	is = explain_event(x, &v, fs, tell, &told);
	assert_int_equal(filter_match(f, &v, fs), is);
	if (is != (want[0] == '\0'))
		fail_msg("%s", condition);
	assert_string_equal(want, told.n == 0 ? "" : told.p);
	for (const char *c = want; *c != '\0'; c++)
		parts += *c == ';';
	explain_each(x, total, &sum);
	assert_int_equal(parts, sum);
	batch_free(b);
	fscratch_free(fs);
	arena_fini(&a);
}

static void
test_explain(void **state UNUSED)
{
	struct play p;

	play_start(&p, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run(&p, cases[i].condition, cases[i].told);
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_explain) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
