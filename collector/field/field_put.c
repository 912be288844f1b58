/* SPDX-License-Identifier: Apache-2.0 */
/* field_put.c - set a getter's result. */
#include "collector/field/field_int.h"

int
put_text(const struct fget *g, struct slice s)
{
	if (s.p == NULL)
		return 0;
	g->ret[0] =
	    (struct fval){ .type = g->f->field->type == FT_BYTES ? FT_BYTES : FT_STR, .s = s };
	return 1;
}

int
put_word(const struct fget *g, const char *s)
{
	return put_text(g, slice_str(s));
}

struct slice
view_text(const struct view *v, uint32_t id)
{
	struct slice s = intern_get(state_pool(v->state), id);

	return s.p == NULL ? SLICE("") : s;
}

int
put_id(const struct fget *g, uint32_t id)
{
	g->ret[0] = (struct fval){ .type = FT_STR, .id = id, .s = view_text(g->v, id) };
	return 1;
}

int
put_int(const struct fget *g, int64_t v)
{
	g->ret[0] = (struct fval){ .type = g->f->field->type, .i = v };
	return 1;
}

int
put_uint(const struct fget *g, uint64_t v)
{
	g->ret[0] = (struct fval){ .type = g->f->field->type, .u = v };
	return 1;
}

int
put_bool(const struct fget *g, bool v)
{
	g->ret[0] = (struct fval){ .type = FT_BOOL, .b = v };
	return 1;
}
