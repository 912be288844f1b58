/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <assert.h>

/*
 * Evaluate a condition as written: the tree from its root, each check on the event's current
 * values, each constant separately. It shares only the fields' getters, the transformers and one
 * operator on one value with the plan; so it has their errors, but none of sets, tables of paths,
 * facts about event types or remembered verdicts.
 */

/* The next component of a path; n == 0: none. */
static struct slice
next_component(struct slice *path)
{
	size_t from = 0, to;

	while (from < path->n && path->p[from] == '/')
		from++;
	for (to = from; to < path->n && path->p[to] != '/'; to++)
		;
	*path = (struct slice){ path->p + to, path->n - to };
	return (struct slice){ path->p - (to - from), to - from };
}

/* pmatch: does the pattern match the path or a folder above it? "*" matches every path.
 */
static bool
leads_to(struct slice pattern, struct slice path)
{
	struct slice want = next_component(&pattern), have, next = next_component(&pattern);

	if (slice_eq(want, SLICE("*")) && next.n == 0)
		return true;
	for (; want.n > 0; want = next, next = next_component(&pattern)) {
		have = next_component(&path);
		if (have.n == 0)
			return false;
		if (is_wild(want) ? !glob_match(want, have, false) : !slice_eq(want, have))
			return false;
	}
	return true;
}

static bool
plain_value(const struct test *t, const struct fval *l, struct fscratch *fs)
{
	bool path = t->op == FOP_PMATCH,
	     any = path || t->op == FOP_IN || t->op == FOP_INTERSECTS || t->mod == FMOD_ANYOF;
	enum fop op = t->op == FOP_IN || t->op == FOP_INTERSECTS ? FOP_EQ : t->op;
	size_t n = any || t->mod != FMOD_NONE ? t->nk : 1, hits = 0;

	for (size_t i = 0; i < n; i++)
		hits += path ? leads_to(t->k[i].v.s, l->s) : value_holds(op, l, &t->k[i], fs);
	if (any)
		return hits > 0;
	return t->mod == FMOD_ONEOF ? hits == 1 : hits > 0 && hits == n;
}

/* evt.type: by name; calls without a row have names too. */
static bool
plain_type(const struct test *t, const struct view *v, struct fscratch *fs)
{
	struct slice name;
	bool hit = false;
	struct fval own;

	assert(v->ev != NULL); /* on named values there is no FOP_TYPE */
	name = slice_str(v->ev->schema->name);
	if (source_get(t->left, v, fs, &own, 1) <= 0)
		own.s = name;
	for (size_t i = 0; i < t->nk; i++)
		hit = hit || slice_eq(t->k[i].v.s, name) || slice_eq(t->k[i].v.s, own.s);
	return hit != t->invert;
}

bool
cond_holds(const struct cond *c, const struct view *v, struct fscratch *fs)
{
	bool all = c->kind == C_AND;

	if (c->kind == C_CHECK)
		return c->test->op == FOP_TYPE ? plain_type(c->test, v, fs)
					       : check_run_by(c->test, v, fs, plain_value);
	if (c->kind == C_NOT)
		return !cond_holds(c->kids, v, fs);
	for (const struct cond *k = c->kids; k != NULL; k = k->next) {
		if (cond_holds(k, v, fs) != all)
			return !all;
	}
	return all;
}

bool
filter_match(const struct filter *f, const struct view *v, struct fscratch *fs)
{
	return cond_holds(f->cond, v, fs);
}

bool
filter_match_named(const struct filter *f, named_get_fn *get, void *arg, struct fscratch *fs)
{
	const struct named_view nv = { .get = get, .arg = arg };

	return cond_holds(f->cond, &nv.view, fs);
}
