/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <xxhash.h>

/* Equal checks of different rules: a plan evaluates only one of them. */

static bool
source_same(const struct source *a, const struct source *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->type != b->type || a->list != b->list || a->xform != b->xform)
		return false;
	if (a->kind == S_FIELD)
		return slice_eq(a->text, b->text);
	if (a->kind == S_CONST)
		return slice_eq(a->k.s, b->k.s);
	if ((a->arg.p == NULL) != (b->arg.p == NULL))
		return false;
	if (a->arg.p != NULL && !slice_eq(a->arg, b->arg))
		return false;
	a = a->args;
	b = b->args;
	for (; a != NULL && b != NULL; a = a->next, b = b->next) {
		if (!source_same(a, b))
			return false;
	}
	return a == b;
}

static bool
konst_same(const struct konst *a, const struct konst *b)
{
	if (a->v.type != b->v.type || a->bits != b->bits)
		return false;
	switch (a->v.type) {
	case FT_STR:
	case FT_BYTES:
		return slice_eq(a->v.s, b->v.s);
	case FT_BOOL:
		return a->v.b == b->v.b;
	case FT_IP:
	case FT_NET:
		return a->v.ip.family == b->v.ip.family &&
		       memcmp(a->v.ip.addr, b->v.ip.addr, sizeof(a->v.ip.addr)) == 0;
	case FT_INT:
	case FT_UINT:
	case FT_DOUBLE:
	case FT_PORT:
	case FT_RELTIME:
	case FT_ABSTIME:
	case FT_DYN:
		break;
	}
	return a->v.u == b->v.u;
}

bool
test_same(const struct test *a, const struct test *b)
{
	if (a->op != b->op || a->nk != b->nk || a->invert != b->invert || a->multi != b->multi ||
	    a->mod != b->mod || !source_same(a->left, b->left) || !source_same(a->right, b->right))
		return false;
	for (size_t i = 0; i < a->nk; i++) {
		if (!konst_same(&a->k[i], &b->k[i]))
			return false;
	}
	return true;
}

uint64_t
test_hash(const struct test *t)
{
	uint64_t h = XXH3_64bits_withSeed(t->left->text.p, t->left->text.n, t->op);

	for (size_t i = 0; i < t->nk; i++) {
		if (has_text(&t->k[i].v))
			h = XXH3_64bits_withSeed(t->k[i].v.s.p, t->k[i].v.s.n, h);
	}
	return h;
}
