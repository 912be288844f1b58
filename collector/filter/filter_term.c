/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_int.h"
#include <errno.h>

/* Fields, transformers, values and lists: the grammar is in filter_parse.c. */

static const char *const xforms[] = { [XF_TOLOWER] = "tolower",
	[XF_TOUPPER] = "toupper",
	[XF_B64] = "b64",
	[XF_BASENAME] = "basename",
	[XF_LEN] = "len",
	[XF_JOIN] = "join",
	[XF_CONCAT] = "concat",
	[XF_GETOPT] = "getopt" };
static int parse_xarg(struct lex *l, bool in_list, struct term **ret);

int
term_new(struct lex *l, enum term_kind kind, size_t pos, struct slice text, struct term **ret)
{
	struct term *t = arena_alloc(l->a, sizeof(*t));
	char *copy = arena_strdup(l->a, text);

	if (t == NULL || copy == NULL)
		return -ENOMEM;
	t->kind = kind;
	t->text = (struct slice){ copy, text.n };
	t->at = lex_place(l, pos);
	*ret = t;
	return 0;
}

/* "[" ( QUOTED | ARG ) "]", if it is there */
static int
parse_arg(struct lex *l, struct term *t)
{
	struct slice s;
	char *copy;
	int r;

	if (!lex_str(l, "["))
		return 0;
	r = lex_quoted(l, &s);
	if (r < 0)
		return r;
	if (r == 0 && !lex_arg(l, &s))
		return lex_fail(
		    l, l->pos, "expected a valid field argument: a quoted string or a bare string");
	if (!lex_str(l, "]"))
		return lex_fail(l, l->pos, "expected a ']' token");
	copy = arena_strdup(l->a, s);
	if (copy == NULL)
		return -ENOMEM;
	t->arg = (struct slice){ copy, s.n };
	return 0;
}

/* FieldRef: 1 if it is there, 0 if not */
int
term_field(struct lex *l, struct term **ret)
{
	size_t start = l->pos;
	struct slice name;
	int r;

	if (!lex_field(l, &name))
		return 0;
	r = term_new(l, T_FIELD, start, name, ret);
	if (r == 0) {
		(*ret)->field = field_by_name(name);
		r = parse_arg(l, *ret);
	}
	return r < 0 ? r : 1;
}

/* XArg { "," XArg }, the closing parenthesis included; 'in_list': may be empty, no list within */
static int
parse_xargs(struct lex *l, bool in_list, struct term *t)
{
	struct term **tail = &t->kids;
	int r;

	(void) lex_blank(l);
	if (in_list && lex_str(l, ")"))
		return 0;
	for (;;) {
		(void) lex_blank(l);
		r = parse_xarg(l, in_list, tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		(void) lex_blank(l);
		if (!lex_str(l, ","))
			break;
	}
	if (!lex_str(l, ")"))
		return lex_fail(l, l->pos, "expected a ')' token closing the transformer");
	return 0;
}

/* XformRef: 1 if it is there, 0 if not */
int
term_xform(struct lex *l, struct term **ret)
{
	size_t start = l->pos;
	struct slice last = l->last, name;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(xforms); i++) {
		l->pos = start;
		if (!lex_str(l, xforms[i]) || !lex_str(l, "("))
			continue;
		name = slice_str(xforms[i]);
		r = lex_enter(l);
		if (r == 0)
			r = term_new(l, T_XFORM, start, name, ret);
		if (r == 0) {
			(*ret)->xform = (enum xform) i;
			r = parse_xargs(l, false, *ret);
		}
		if (r == 0)
			r = parse_arg(l, *ret);
		l->depth--;
		return r < 0 ? r : 1;
	}
	l->pos = start;
	l->last = last;
	return 0;
}

static int
parse_xarg(struct lex *l, bool in_list, struct term **ret)
{
	size_t start = l->pos;
	struct slice s;
	int r;

	if (lex_num(l, &s))
		return term_new(l, T_TEXT, start, s, ret);
	r = lex_quoted(l, &s);
	if (r > 0)
		return term_new(l, T_TEXT, start, s, ret);
	if (r == 0 && !in_list && lex_str(l, "(")) {
		r = term_new(l, T_LIST, start, (struct slice){ NULL, 0 }, ret);
		return r < 0 ? r : parse_xargs(l, true, *ret);
	}
	if (r == 0)
		r = term_xform(l, ret);
	if (r == 0)
		r = term_field(l, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	if (in_list)
		return lex_fail(l, start,
		    "expected transformer list argument: field, transformer, quoted string, or "
		    "number");
	return lex_fail(l, start,
	    "expected field transformer argument: field, transformer, quoted string, number, or "
	    "transformer list");
}

/* "val(" FieldRef ")" | XformRef: 1 if it is there, 0 if not */
int
term_ref(struct lex *l, struct term **ret)
{
	int r;

	if (!lex_str(l, "val("))
		return term_xform(l, ret);
	(void) lex_blank(l);
	r = term_field(l, ret);
	if (r == 0)
		return lex_fail(l, l->pos, "expected a field within 'val()'");
	if (r < 0)
		return r;
	(void) lex_blank(l);
	if (!lex_str(l, ")"))
		return lex_fail(l, l->pos, "expected a ')' token closing the transformer");
	return 1;
}

/* QUOTED | BARE: 1 if it is there, 0 if not */
int
term_text(struct lex *l, struct term **ret)
{
	size_t start = l->pos;
	struct slice s;
	int r = lex_quoted(l, &s);

	if (r == 0)
		r = lex_bare(l, &s);
	if (r <= 0)
		return r;
	r = term_new(l, T_TEXT, start, s, ret);
	return r < 0 ? r : 1;
}

/* [ Elem { "," Elem } ] ")": the opening parenthesis is taken */
int
term_list(struct lex *l, size_t start, struct term **ret)
{
	struct term **tail;
	int r;

	r = term_new(l, T_LIST, start, (struct slice){ NULL, 0 }, ret);
	if (r < 0)
		return r;
	tail = &(*ret)->kids;
	(void) lex_blank(l);
	if (lex_str(l, ")"))
		return 0;
	for (;;) {
		(void) lex_blank(l);
		r = term_text(l, tail);
		if (r == 0)
			return lex_fail(l, l->pos,
			    (*ret)->kids == NULL ? "expected a ')' token"
						 : "expected a string value");
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		(void) lex_blank(l);
		if (!lex_str(l, ","))
			break;
	}
	if (!lex_str(l, ")"))
		return lex_fail(l, l->pos, "expected a ')' token");
	return 0;
}
