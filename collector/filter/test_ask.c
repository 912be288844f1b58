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
