/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_int.h"
#include <errno.h>

/* Does this side name a field that never has a value? Its argument matters not. */
static bool
term_unfilled(const struct term *t, struct arena *a, struct slice *ret)
{
	struct field_ref ref = { .field = NULL };
	size_t used = 0;
	struct diag d;

	if (t->kind != T_FIELD)
		return false;
	for (size_t i = 0; i < nfields && ref.field == NULL; i++) {
		if (slice_eq(slice_str(fields[i].name), t->text))
			ref.field = &fields[i];
	}
	if (ref.field == NULL && field_lookup(t->text, a, &ref, &used, &d) < 0)
		return false;
	if (field_waits(ref.field) == NULL)
		return false;
	*ret = t->text;
	return true;
}

bool
expr_unfilled(const struct expr *e, struct arena *a, struct slice *ret)
{
	const struct expr *k = e->kids;

	switch (e->kind) {
	case E_AND:
		while (k != NULL && !expr_unfilled(k, a, ret))
			k = k->next;
		return k != NULL;
	case E_OR:
		while (k != NULL && expr_unfilled(k, a, ret))
			k = k->next;
		return k == NULL && e->kids != NULL;
	case E_REF:
		return expr_unfilled(e->ref, a, ret);
	case E_CHECK:
		return term_unfilled(e->check->left, a, ret);
	case E_NOT:
	case E_MACRO:
		return false;
	}
	return false;
}
