/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compiler.c - "compile": "f" the condition, "r" whether it compiles, "warnings" their number,
 * "warning_msgs" their texts, "err" the error. "run_mock": "r" the verdict on an event that has
 * only the suite's mock fields.
 */
#include "collector/filter/filter.h"
#include "tests/conformance/conform.h"
#include "tests/support/plan_says.h"
#include <errno.h>
#include <stdlib.h>

/* Replace the mock fields by ours of the same type; their expected values become constants. */
static char *
without_mocks(const char *text)
{
	static const struct {
		const char *from, *to;
	} names[] = { { "c.true=1", "evt.source=syscall" }, { "c.false=1", "evt.source=no" },
		{ "c.true", "evt.source" }, { "c.buffer", "evt.buffer" },
		{ "c.singlequote", "tolower(\"hello 'quoted'\")" },
		{ "c.doublequote", "tolower('hello \"quoted\"')" } };
	struct buf out = BUF_INIT;
	size_t i;

	while (*text != '\0') {
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			if (strncmp(text, names[i].from, strlen(names[i].from)) == 0)
				break;
		}
		if (i == ARRAY_SIZE(names)) {
			buf_char(&out, *text++);
			continue;
		}
		buf_str(&out, names[i].to);
		text += strlen(names[i].from);
	}
	buf_char(&out, '\0');
	return out.p;
}

/* Evaluate an event without fields, of an unknown thread. */
static bool
says_true(const struct filter *f)
{
	static const struct state_limits limits = { 10, 10, 0, 0 };
	const struct ev_schema *s = schema_get(EV_CLOSE);
	struct event ev = { .schema = s };
	struct thread t = { 0 };
	struct view v = { .ev = &ev, .thread = &t, .main = &t, .num = 1, .node = "" };
	struct fscratch *fs = NULL;
	struct intern *pool = NULL;
	bool hit;

	if (fscratch_new(&fs) < 0 || intern_new(1 << 14, &pool) < 0 ||
	    state_new(pool, &limits, &v.state) < 0)
		abort();
	hit = plan_says(f, &v, fs);
	fscratch_free(fs);
	state_free(v.state);
	intern_free(pool);
	return hit;
}

struct warned {
	const json_t *want;
	size_t n;
	bool same;
	struct buf *why;
};

static void
on_warning(void *arg, const struct diag *d)
{
	struct warned *w = arg;
	const char *want = json_string_value(json_array_get(w->want, w->n++));

	w->same = w->same && want != NULL && same_message(d->msg, want);
	buf_printf(w->why, " warning: %s", d->msg);
}

bool
compile_case(const json_t *j, struct buf *why)
{
	CLEANUP(arena_fini) struct arena a;
	struct warned w = { json_object_get(j, "warning_msgs"), 0, true, why };
	bool mock = strcmp(str(j, "k"), "run_mock") == 0;
	char *text = without_mocks(str(j, "f"));
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };
	int r;

	arena_init(&a, 0);
	r = expr_parse(slice_str(text), &a, &e, &d);
	if (r == 0)
		r = filter_compile(e, &a, &f, &d);
	free(text);
	if (r == -ENOMEM)
		abort();
	buf_str(why, r < 0 ? d.msg : "compiles");
	if (r == 0 && mock) {
		buf_str(why, says_true(f) ? ", true" : ", false");
		return says_true(f) == is_true(j, "r");
	}
	if (r == 0)
		filter_warnings(f, on_warning, &w);
	return !mock && (r == 0) == is_true(j, "r") && w.same && w.n == json_array_size(w.want) &&
	       w.n == (size_t) num(j, "warnings") && (r == 0 || same_message(d.msg, str(j, "err")));
}
