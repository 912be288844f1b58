/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include <errno.h>

/* fields.def: the public table, and beside it what only this file needs. */
#define FIELD(name, TYPE, MULTI, FMT, flags, getter, a, b, help, depends_on) \
	{ name, help, FT_##TYPE, FM_##MULTI, PF_##FMT, flags, depends_on },
const struct field fields[] = {
#include "collector/field/fields.def"
};
const size_t nfields = ARRAY_SIZE(fields);

static const struct getter getters[] = {
#define FIELD(name, TYPE, MULTI, FMT, flags, getter, a, b, help, depends_on) { get_##getter, a, b },
#include "collector/field/fields.def"
};

void
field_getter_of(const struct field *f, struct getter *ret)
{
	*ret = getters[f - fields];
}

int
get_null(const struct fget *g)
{
	(void) g;
	return 0;
}

int
field_get(
    const struct field_ref *f, const struct view *v, struct fscratch *fs, struct fval *ret, int max)
{
	size_t i = (size_t) (f->field - fields);
	struct fget g = { f, v, fs, ret, max, getters[i].a, getters[i].b };

	return getters[i].get(&g);
}

/* The field to print: without an argument, one of FF_PRINT_FIRST is that of ancestor 0. */
static struct field_ref
as_printed(const struct field_ref *f)
{
	struct field_ref r = *f;

	if (!r.has_arg && (r.field->flags & FF_PRINT_FIRST))
		r.has_index = true; /* 'index' is 0 */
	return r;
}

bool
field_text(const struct field_ref *f, const struct view *v, struct fscratch *fs, struct slice *ret)
{
	enum { MAX = 64 };
	struct field_ref printed = as_printed(f);
	bool list = f->field->multi == FM_LIST, dyn = f->field->type == FT_DYN;
	struct fval val[MAX];
	struct buf *out;
	int n = field_get(&printed, v, fs, val, MAX);

	if (n == 0 && dyn && rawarg_empty(f, v->ev)) {
		*ret = SLICE("0");
		return true;
	}
	if (n == 0)
		return false;
	if (n == 1 && !list && (val[0].type == FT_STR || val[0].type == FT_BYTES)) {
		*ret = val[0].s;
		return true;
	}
	out = scratch_buf(fs);
	if (list)
		buf_char(out, '(');
	for (int i = 0; i < n; i++) {
		if (i > 0)
			buf_char(out, list ? ',' : ' ');
		if (dyn)
			number_text(&val[i], rawarg_fmt(f, v->ev), false, out);
		else
			value_text(f->field, &val[i], out);
	}
	if (list)
		buf_char(out, ')');
	*ret = scratch_take(fs, out);
	return ret->p != NULL;
}
