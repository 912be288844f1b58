/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_int.h"
#include <assert.h>
#include <errno.h>

/*
 * Filter    = ws Or ws END
 * Or        = And { ws "or" GlueAnd }
 * And       = Not { ws "and" GlueNot }
 * GlueAnd   = blank And | "(" Or ")"                 a blank or '(' must follow the keyword
 * GlueNot   = blank Not | "(" Or ")"
 * Not       = { "not" blank } ( "not(" Or ")" | Check )
 * Check     = "(" Or ")" | FieldRef ws Condition | XformRef ws Condition | IDENT
 * FieldRef  = FIELD [ "[" ( QUOTED | ARG ) "]" ]     no blanks
 * XformRef  = XNAME "(" XArg { "," XArg } ")" [ "[" ( QUOTED | ARG ) "]" ]
 * XArg      = NUM | QUOTED | "(" [ XArg { "," XArg } ] ")" | XformRef | FieldRef
 * Condition = "exists" | NumOp NumRhs | StrOp ( Rhs | Modifier ( List | IDENT ) ) | ListOp ListRhs
 * NumRhs    = HEX | NUM | RhsRef
 * Rhs       = RhsRef | QUOTED | BARE
 * ListRhs   = List | RhsRef | IDENT
 * RhsRef    = "val(" FieldRef ")" | XformRef
 * List      = "(" [ Elem { "," Elem } ] ")"
 * Elem      = QUOTED | BARE
 *
 * The group of GlueAnd is a whole operand of "or": "a or(b) and c" is an error, as in Falco.
 */

enum op_kind { OP_NONE, OP_NUM, OP_STR, OP_LIST };

/* In the order in which they are tried. A word that must be followed by a blank ends in one. */
static const struct {
	const char *text;
	enum fop op;
	enum op_kind kind;
	bool word;
} ops[] = {
	{ "exists", FOP_EXISTS, OP_NONE, false },
	{ "<=", FOP_LE, OP_NUM, false },
	{ "<", FOP_LT, OP_NUM, false },
	{ ">=", FOP_GE, OP_NUM, false },
	{ ">", FOP_GT, OP_NUM, false },
	{ "==", FOP_EQ, OP_STR, false },
	{ "=", FOP_EQ, OP_STR, false },
	{ "!=", FOP_NE, OP_STR, false },
	{ "glob", FOP_GLOB, OP_STR, true },
	{ "iglob", FOP_IGLOB, OP_STR, true },
	{ "contains", FOP_CONTAINS, OP_STR, true },
	{ "icontains", FOP_ICONTAINS, OP_STR, true },
	{ "bcontains", FOP_BCONTAINS, OP_STR, true },
	{ "startswith", FOP_STARTSWITH, OP_STR, true },
	{ "bstartswith", FOP_BSTARTSWITH, OP_STR, true },
	{ "endswith", FOP_ENDSWITH, OP_STR, true },
	{ "regex", FOP_REGEX, OP_STR, true },
	{ "intersects", FOP_INTERSECTS, OP_LIST, false },
	{ "in", FOP_IN, OP_LIST, false },
	{ "pmatch", FOP_PMATCH, OP_LIST, false },
};
#define OP_NAMES                                                                              \
	"'exists', '<=', '<', '>=', '>', '==', '=', '!=', 'glob', 'iglob', 'contains', "      \
	"'icontains', "                                                                       \
	"'bcontains', 'startswith', 'bstartswith', 'endswith', 'regex', 'intersects', 'in', " \
	"'pmatch'"

static const char *const mods[] = {
	[FMOD_ONEOF] = "oneof", [FMOD_ANYOF] = "anyof", [FMOD_ALLOF] = "allof"
};

static int parse_or(struct lex *l, struct expr **ret);

static int
new_expr(struct lex *l, enum expr_kind kind, size_t pos, struct expr **ret)
{
	struct expr *e = arena_alloc(l->a, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	e->kind = kind;
	e->at = lex_place(l, pos);
	e->size = FILTER_CHECK_SIZE;
	e->depth = 1;
	*ret = e;
	return 0;
}

/* List | IDENT: 1 if it is there, 0 if not */
static int
parse_list_or_name(struct lex *l, struct check *c)
{
	size_t start = l->pos;
	struct slice name;
	int r;

	if (lex_str(l, "(")) {
		r = term_list(l, start, &c->right);
		return r < 0 ? r : 1;
	}
	if (!lex_ident(l, &name))
		return 0;
	c->by_name = true;
	r = term_new(l, T_LIST, start, (struct slice){ NULL, 0 }, &c->right);
	if (r == 0)
		r = term_new(l, T_TEXT, start, name, &c->right->kids);
	return r < 0 ? r : 1;
}

/* Modifier ( List | IDENT ), where IDENT is not and, or, not: 1 if it is there, 0 if not */
static int
parse_modified(struct lex *l, struct check *c)
{
	struct slice last = l->last, word;
	size_t start = l->pos;
	int r;

	for (unsigned m = FMOD_ONEOF; m <= FMOD_ALLOF; m++) {
		if (!lex_str(l, mods[m]))
			continue;
		if (lex_blank(l)) {
			size_t at = l->pos;
			bool stop = lex_ident(l, &word) &&
				    (slice_eq(word, SLICE("and")) || slice_eq(word, SLICE("or")) ||
					slice_eq(word, SLICE("not")));

			l->pos = at;
			r = stop ? 0 : parse_list_or_name(l, c);
			if (r > 0)
				c->mod = (enum fmod) m;
			if (r != 0)
				return r;
		}
		break;
	}
	l->pos = start;
	l->last = last;
	return 0;
}

/* Parse the right side for a kind of operator. */
static int
parse_right(struct lex *l, enum op_kind kind, bool blank, struct check *c)
{
	size_t start = l->pos;
	struct slice s;
	int r = 0;

	if (kind == OP_NUM) {
		if (lex_hex(l, &s) || lex_num(l, &s))
			return term_new(l, T_TEXT, start, s, &c->right);
		r = term_ref(l, &c->right);
		if (r == 0)
			return lex_fail(l, start,
			    "expected a number value or a field with a valid "
			    "transformer: " XFORM_NAMES);
	} else if (kind == OP_STR) {
		if (blank)
			r = parse_modified(l, c);
		if (r == 0)
			r = term_ref(l, &c->right);
		if (r == 0)
			r = term_text(l, &c->right);
		if (r == 0)
			return lex_fail(l, start,
			    "expected a string value or a field with a valid "
			    "transformer: " XFORM_NAMES);
	} else {
		r = term_ref(l, &c->right);
		if (r == 0)
			r = parse_list_or_name(l, c);
		if (r == 0)
			return lex_fail(l, start,
			    "expected a list, an identifier, or a field with a valid "
			    "transformer: " XFORM_NAMES);
	}
	return r < 0 ? r : 0;
}

static size_t
count_terms(const struct term *t)
{
	size_t n = 0;

	for (; t != NULL; t = t->next)
		n += 1 + count_terms(t->kids);
	return n;
}

static int
parse_condition(struct lex *l, size_t start, struct term *left, struct expr **ret)
{
	struct check *c = arena_alloc(l->a, sizeof(*c));
	size_t at, i;
	bool blank;
	int r;

	if (c == NULL)
		return -ENOMEM;
	(void) lex_blank(l);
	at = l->pos;
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		l->pos = at;
		if (!lex_str(l, ops[i].text))
			continue;
		blank = lex_blank(l);
		if (blank || !ops[i].word)
			break;
	}
	if (i == ARRAY_SIZE(ops)) {
		l->pos = at;
		return lex_fail(l, at, "expected a valid check operator: one of " OP_NAMES);
	}
	c->left = left;
	c->op = ops[i].op;
	c->op_text = slice_str(ops[i].text);
	c->op_at = lex_place(l, at);
	if (ops[i].kind != OP_NONE) {
		r = parse_right(l, ops[i].kind, blank, c);
		if (r < 0)
			return r;
	}
	r = new_expr(l, E_CHECK, start, ret);
	if (r < 0)
		return r;
	(*ret)->check = c;
	(*ret)->size += count_terms(left) + count_terms(c->right);
	return 0;
}

/* "(" Or ")": the opening parenthesis is taken */
static int
parse_group(struct lex *l, struct expr **ret)
{
	int r = parse_or(l, ret);

	if (r < 0)
		return r;
	(void) lex_blank(l);
	if (!lex_str(l, ")"))
		return lex_fail(l, l->pos, "expected a ')' token");
	return 0;
}

/* "(" Or ")" | FieldRef ws Condition | XformRef ws Condition | IDENT */
static int
parse_check(struct lex *l, struct expr **ret)
{
	size_t start = l->pos;
	struct term *left = NULL;
	struct slice name;
	char *copy;
	int r;

	if (lex_str(l, "("))
		return parse_group(l, ret);
	r = term_field(l, &left);
	if (r == 0)
		r = term_xform(l, &left);
	if (r > 0)
		return parse_condition(l, start, left, ret);
	if (r < 0)
		return r;
	if (!lex_ident(l, &name))
		return lex_fail(l, start, "expected a '(' token, a field check, or an identifier");
	r = new_expr(l, E_MACRO, start, ret);
	copy = arena_strdup(l->a, name);
	if (r < 0 || copy == NULL)
		return -ENOMEM;
	(*ret)->name = (struct slice){ copy, name.n };
	return 0;
}

/* { "not" blank } ( "not(" Or ")" | Check ) */
static int
parse_not(struct lex *l, struct expr **ret)
{
	size_t start = l->pos, at;
	struct expr *child = NULL;
	bool inverted = false, group = false;
	int r;

	for (;;) {
		at = l->pos;
		if (!lex_str(l, "not"))
			break;
		if (lex_blank(l)) {
			inverted = !inverted;
			continue;
		}
		group = lex_str(l, "(");
		if (group)
			inverted = !inverted;
		else
			l->pos = at; /* "notz" is a name */
		break;
	}
	r = group ? parse_group(l, &child) : parse_check(l, &child);
	if (r < 0)
		return r;
	if (!inverted) {
		*ret = child;
		return 0;
	}
	r = new_expr(l, E_NOT, start, ret);
	if (r < 0)
		return r;
	(*ret)->kids = child;
	(*ret)->size += child->size;
	(*ret)->depth += child->depth;
	return 0;
}

/* An operand of 'word' after the first: a blank, then what 'operand' takes, or a group. */
static int
parse_glued(struct lex *l, const char *word, int (*operand)(struct lex *l, struct expr **ret),
    struct expr **ret)
{
	if (lex_blank(l))
		return operand(l, ret);
	if (lex_str(l, "("))
		return parse_group(l, ret);
	return lex_fail(l, l->pos, "expected blank or '(' after '%s'", word);
}

/* operand { ws word operand }: one node, or the only operand itself */
static int
parse_chain(struct lex *l, enum expr_kind kind, const char *word,
    int (*operand)(struct lex *l, struct expr **ret), struct expr **ret)
{
	struct expr *first = NULL, *e = NULL, **tail = NULL;
	size_t start;
	int r;

	(void) lex_blank(l);
	start = l->pos;
	r = operand(l, &first);
	if (r < 0)
		return r;
	*ret = first;
	for (;;) {
		(void) lex_blank(l);
		if (!lex_str(l, word))
			return 0;
		if (e == NULL) {
			r = new_expr(l, kind, start, &e);
			if (r < 0)
				return r;
			e->kids = first;
			e->size += first->size;
			e->depth += first->depth;
			tail = &first->next;
			*ret = e;
		}
		r = parse_glued(l, word, operand, tail);
		if (r < 0)
			return r;
		e->size += (*tail)->size;
		e->depth = MAX(e->depth, (*tail)->depth + 1);
		tail = &(*tail)->next;
	}
}

/* Not { ws "and" GlueNot } */
static int
parse_and(struct lex *l, struct expr **ret)
{
	return parse_chain(l, E_AND, "and", parse_not, ret);
}

/* And { ws "or" GlueAnd } */
static int
parse_or(struct lex *l, struct expr **ret)
{
	int r = lex_enter(l);

	if (r == 0)
		r = parse_chain(l, E_OR, "or", parse_and, ret);
	l->depth--;
	return r;
}

int
expr_parse(struct slice text, struct arena *a, struct expr **ret, struct diag *d)
{
	struct expr *e = NULL;
	struct lex l;
	const char *nul;
	int r;

	lex_init(&l, text, a, d);
	nul = text.n == 0 ? NULL : memchr(text.p, 0, text.n);
	if (nul != NULL)
		return lex_fail(&l, (size_t) (nul - text.p), "a condition may not hold a NUL byte");
	(void) lex_blank(&l);
	if (l.pos == text.n)
		return lex_fail(&l, l.pos, "the condition is empty");
	r = parse_or(&l, &e);
	if (r < 0)
		return r;
	assert(e != NULL);
	(void) lex_blank(&l);
	if (l.pos < text.n)
		return lex_fail(&l, l.pos, "unexpected token after '%.*s', expecting 'or', 'and'",
		    (int) MIN(l.last.n, 200), l.last.p);
	if (e->size > FILTER_SIZE_MAX)
		return lex_fail(&l, 0,
		    "the condition is too large: more than %d checks or %d values",
		    FILTER_SIZE_MAX / FILTER_CHECK_SIZE, FILTER_SIZE_MAX);
	*ret = e;
	return 0;
}
