/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_int.h"

/*
 * Canonical text, as Falco prints a condition: "(evt.type = open and fd.name startswith /etc)". It
 * is part of an alert's id. It cannot always be parsed again ("" prints as nothing, arguments of
 * transformers without their quotes); the exact text can, and gives the same tree.
 */
struct printer {
	struct buf *out;
	bool exact;
};

static void term_out(const struct term *t, struct printer *p);

static bool
is_plain(struct slice s, bool exact)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char) s.p[i];

		if (c <= ' ' || c == 0x7f || c == '\\' || c == '"' || c == '\'' || c == '=' ||
		    c == ',' || (exact && !lex_is_bare(c)))
			return false;
	}
	return true;
}

static void
quoted_out(struct slice s, struct printer *p)
{
	static const char from[] = "\b\f\n\r\t\\\"", to[] = "bfnrt\\\"";

	buf_char(p->out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char) s.p[i];
		const char *k = c == 0 ? NULL : strchr(from, c);

		if (c == '\\' && p->exact) {
			buf_str(p->out, "\\x5c"); /* no closing quote follows a backslash */
		} else if (k != NULL) {
			buf_char(p->out, '\\');
			buf_char(p->out, to[k - from]);
		} else if (c < ' ' || c == 0x7f) {
			buf_printf(p->out, "\\x%02x", c);
		} else {
			buf_char(p->out, (char) c);
		}
	}
	buf_char(p->out, '"');
}

static void
text_out(struct slice s, bool empty_quoted, struct printer *p)
{
	if (is_plain(s, p->exact) && (s.n > 0 || !empty_quoted))
		buf_slice(p->out, s);
	else
		quoted_out(s, p);
}

/* Within "[ ]", a bare text ends at a bracket instead of a value's end. */
static void
arg_out(const struct term *t, struct printer *p)
{
	bool plain = t->arg.n > 0 && is_plain(t->arg, false);

	if (t->arg.p == NULL)
		return;
	for (size_t i = 0; i < t->arg.n; i++)
		plain = plain && t->arg.p[i] != '[' && t->arg.p[i] != ']';
	buf_char(p->out, '[');
	if (plain)
		buf_slice(p->out, t->arg);
	else
		quoted_out(t->arg, p);
	buf_char(p->out, ']');
}

static void
kids_out(const struct term *t, struct printer *p)
{
	buf_char(p->out, '(');
	for (const struct term *k = t->kids; k != NULL; k = k->next) {
		if (k != t->kids)
			buf_char(p->out, ',');
		if (k->kind == T_TEXT && p->exact)
			quoted_out(k->text, p);
		else
			term_out(k, p);
	}
	buf_char(p->out, ')');
}

static void
term_out(const struct term *t, struct printer *p)
{
	buf_slice(p->out, t->text);
	if (t->kind == T_XFORM || t->kind == T_LIST)
		kids_out(t, p);
	arg_out(t, p);
}

static void
right_out(const struct check *c, struct printer *p)
{
	const struct term *t = c->right;

	switch (t->kind) {
	case T_FIELD:
		buf_str(p->out, "val(");
		term_out(t, p);
		buf_char(p->out, ')');
		break;
	case T_XFORM:
		term_out(t, p);
		break;
	case T_TEXT:
		text_out(t->text, p->exact, p);
		break;
	case T_LIST:
		if (!c->by_name)
			buf_char(p->out, '(');
		for (const struct term *k = t->kids; k != NULL; k = k->next) {
			if (k != t->kids)
				buf_str(p->out, ", ");
			text_out(k->text, p->exact, p);
		}
		if (!c->by_name)
			buf_char(p->out, ')');
		break;
	}
}

static void
check_out(const struct check *c, struct printer *p)
{
	static const char *const mods[] = { "", " oneof", " anyof", " allof" };

	term_out(c->left, p);
	buf_char(p->out, ' ');
	buf_slice(p->out, c->op_text);
	buf_str(p->out, mods[c->mod]);
	if (c->right == NULL)
		return;
	buf_char(p->out, ' ');
	right_out(c, p);
}

static void
expr_out(const struct expr *e, struct printer *p)
{
	switch (e->kind) {
	case E_AND:
	case E_OR:
		buf_char(p->out, '(');
		for (const struct expr *k = e->kids; k != NULL; k = k->next) {
			if (k != e->kids)
				buf_str(p->out, e->kind == E_AND ? " and " : " or ");
			expr_out(k, p);
		}
		buf_char(p->out, ')');
		break;
	case E_NOT:
		buf_str(p->out, p->exact ? "not (" : "not ");
		expr_out(e->kids, p);
		if (p->exact)
			buf_char(p->out, ')');
		break;
	case E_MACRO:
		buf_slice(p->out, e->name);
		break;
	case E_REF:
		expr_out(e->ref, p);
		break;
	case E_CHECK:
		check_out(e->check, p);
		break;
	}
}

void
expr_print(const struct expr *e, struct buf *out)
{
	expr_out(e, &(struct printer){ .out = out });
}

void
expr_print_exact(const struct expr *e, struct buf *out)
{
	expr_out(e, &(struct printer){ .out = out, .exact = true });
}

void
term_print(const struct term *t, struct buf *out)
{
	term_out(t, &(struct printer){ .out = out });
}
