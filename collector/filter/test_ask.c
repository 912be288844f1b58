/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/test_ask.h"
#include "tests/support/plan_says.h"

unsigned ask_differences;

void
ask_condition(const char *text, bool want, const struct view *v, struct fscratch *fs)
{
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };
	struct arena a;

	arena_init(&a, 0);
	if (expr_parse(slice_str(text), &a, &e, &d) < 0 || filter_compile(e, &a, &f, &d) < 0)
		ask_wrong("%s: %s", text, d.msg);
	else if (plan_says(f, v, fs) != want)
		ask_wrong("%s is not %s", text, want ? "true" : "false");
	arena_fini(&a);
}

void
ask_field(const char *name, const char *want, const struct view *v, struct fscratch *fs)
{
	struct slice text = { NULL, 0 };
	struct field_ref ref;
	struct diag d;
	struct arena a;
	size_t used;

	arena_init(&a, 0);
	if (field_lookup(slice_str(name), &a, &ref, &used, &d) < 0)
		ask_wrong("%s: %s", name, d.msg);
	else if (used != strlen(name))
		ask_wrong("%s: only '%.*s' is a field", name, (int) used, name);
	else if (field_text(&ref, v, fs, &text) != (want != NULL))
		ask_wrong(
		    "%s is '%.*s', not %s", name, SLICE_ARG(text), want == NULL ? "null" : want);
	else if (want != NULL && !slice_eq(text, slice_str(want)))
		ask_wrong("%s is '%.*s', not '%s'", name, SLICE_ARG(text), want);
	arena_fini(&a);
}

void
ask_start(struct ask *a)
{
	a->fs = NULL;
	play_start(&a->play, NULL);
	assert_int_equal(0, fscratch_new(&a->fs));
}

void
ask_stop(struct ask *a)
{
	fscratch_free(a->fs);
	play_stop(&a->play);
	assert_int_equal(0, ask_differences);
}

void
ask_both(struct ask *a, const struct row *event, const struct ask_field *v, size_t n,
    const struct ask_condition *conditions, size_t nconditions)
{
	struct view view;
	struct batch *b = play_event(&a->play, event, &view);

	state_apply(a->play.s, b, b->ev, &view);
	for (size_t i = 0; i < n && v[i].field != NULL; i++)
		ask_field(v[i].field, v[i].text, &view, a->fs);
	fscratch_reset(a->fs);
	for (size_t i = 0; i < nconditions && conditions[i].condition != NULL; i++) {
		ask_condition(conditions[i].condition, conditions[i].match, &view, a->fs);
		fscratch_reset(a->fs);
	}
	batch_free(b);
}

void
ask_fields(struct ask *a, const struct row *event, const struct ask_field *v, size_t n)
{
	ask_both(a, event, v, n, NULL, 0);
}
