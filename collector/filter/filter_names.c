/* SPDX-License-Identifier: Apache-2.0 */
/* filter_names.c - the macros, operators and fields that a condition names. */
#include "collector/filter/filter_int.h"

struct naming {
	enum expr_name what;
	void (*fn)(void *arg, struct slice name);
	void *arg;
};

static void
name_term(const struct term *t, const struct naming *n)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	for (const struct term *k = t->kids; k != NULL; k = k->next)
		name_term(k, n);
	if (t->kind != T_FIELD)
		return;
	term_print(t, &text);
	n->fn(n->arg, buf_ok(&text) < 0 ? (struct slice){ NULL, 0 } : buf_get(&text));
}

static void
name_expr(const struct expr *e, const struct naming *n)
{
	switch (e->kind) {
	case E_AND:
	case E_OR:
	case E_NOT:
		for (const struct expr *k = e->kids; k != NULL; k = k->next)
			name_expr(k, n);
		break;
	case E_MACRO:
	case E_REF:
		if (n->what == NAME_MACRO)
			n->fn(n->arg, e->name);
		else if (e->kind == E_REF)
			name_expr(e->ref, n);
		break;
	case E_CHECK:
		if (n->what == NAME_OPERATOR)
			n->fn(n->arg, e->check->op_text);
		if (n->what != NAME_FIELD)
			break;
		name_term(e->check->left, n);
		if (e->check->right != NULL)
			name_term(e->check->right, n);
		break;
	}
}

void
expr_names(
    const struct expr *e, enum expr_name what, void (*fn)(void *arg, struct slice name), void *arg)
{
	name_expr(e, &(struct naming){ what, fn, arg });
}
