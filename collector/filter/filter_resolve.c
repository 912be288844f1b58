/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_int.h"
#include <errno.h>

static int
resolve_macro(struct expr *e, expr_macro_fn *macro, void *arg, struct diag *d)
{
	const struct expr *m = macro(arg, e->name);

	if (m == NULL)
		return diag_fail_as(d, DIAG_UNKNOWN_MACRO, e->at.line, e->at.col,
		    "Undefined macro '%.*s' used in filter.", (int) MIN(e->name.n, 200), e->name.p);
	e->kind = E_REF;
	e->ref = m;
	e->size = m->size;
	e->depth = m->depth + 1;
	return 0;
}

int
expr_resolve(struct expr *e, expr_macro_fn *macro, void *arg, struct arena *a, struct diag *d)
{
	int r;

	if (e->kind == E_MACRO)
		r = resolve_macro(e, macro, arg, d);
	else
		r = 0;
	if (r < 0 || e->kids == NULL)
		return r;
	e->size = FILTER_CHECK_SIZE;
	e->depth = 1;
	for (struct expr *k = e->kids; k != NULL; k = k->next) {
		r = expr_resolve(k, macro, arg, a, d);
		if (r < 0)
			return r;
		e->size += k->size;
		e->depth = MAX(e->depth, k->depth + 1);
		/* Sizes can double with each macro: stop before the sum can wrap, or the text
		 * exhaust memory. */
		if (e->size > FILTER_SIZE_MAX || e->depth > FILTER_DEPTH_MAX * 3)
			return diag_fail(d, k->at.line, k->at.col,
			    "the condition is too large once its macros are written out");
	}
	return 0;
}
