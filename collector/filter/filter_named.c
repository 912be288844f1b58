/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <errno.h>
#include <strings.h>

/* Conditions on values that a caller has by name. Types and operators are those of the fields with
 * these names, so that a condition means what it means in a rule. */

/* A field: its values are as an alert's JSON has them, so most types that only exist in an event
 * are texts. */
static int
as_field(struct compile *c, const struct term *t, struct named *n)
{
	struct field_ref ref;
	int r = field_bind(t->text, t->arg, t->at, c->a, &ref, c->d);

	if (r < 0)
		return r;
	n->own = -1;
	n->text = ref.text;
	n->type = ref.field->type;
	if (n->type == FT_BYTES || n->type == FT_DYN || (ref.field->flags & FF_CLOCK) ||
	    (ref.field->multi == FM_ANY && !ref.has_index))
		n->type = FT_STR;
	n->list = ref.field->multi == FM_LIST;
	return 0;
}

int
named_new(struct compile *c, const struct term *t, struct source *ret)
{
	struct named *n = arena_alloc(c->a, sizeof(*n));
	char *text = arena_strdup(c->a, t->text), *key = arena_strdup(c->a, t->arg);
	int r = 0;

	if (n == NULL || text == NULL || key == NULL)
		return -ENOMEM;
	*n = (struct named){ .text = { text, t->text.n } };
	if (t->arg.p != NULL)
		n->key = (struct slice){ key, t->arg.n };
	if (!c->find(n->text, n->key, n))
		r = as_field(c, t, n);
	if (r < 0)
		return r;
	ret->kind = S_NAMED;
	ret->named = n;
	ret->type = n->type;
	ret->list = n->list;
	ret->text = n->text;
	return 0;
}

int
named_get(
    const struct named *n, const struct view *v, struct fscratch *fs, struct fval *ret, int max)
{
	const struct named_view *nv = CONTAINER_OF(v, const struct named_view, view);

	return nv->get(nv->arg, n, fs, ret, max);
}

int
named_constant(struct compile *c, const struct named *n, const struct term *t, struct fval *ret)
{
	int r;

	if (n->values == NULL)
		return 0;
	for (size_t i = 0; i < n->nvalues; i++) {
		if (strlen(n->values[i]) != ret->s.n ||
		    strncasecmp(n->values[i], ret->s.p, ret->s.n) != 0)
			continue;
		ret->s = slice_str(n->values[i]);
		return 0;
	}
	r = compile_fail(c, t->at, "'%.*s' is not a value of '%.*s': write",
	    (int) MIN(t->text.n, 100), t->text.p, SLICE_ARG(n->text));
	for (size_t i = 0; i < n->nvalues; i++)
		diag_add(c->d, "%s %s",
		    i == 0               ? ""
		    : i + 1 < n->nvalues ? ","
					 : " or",
		    n->values[i]);
	return r;
}
