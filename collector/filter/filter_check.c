/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include "common/hex.h"
#include "proto/redact.h"
#include <errno.h>
#include <stdarg.h>

/* Check that the operator fits the type, and compile its constants. */

#define MISUSED "misused as a const string value"
#define REGEX_WARNING                                                                     \
	"may be optimized with simpler operators such as '=', 'contains', 'startswith', " \
	"'endswith'"

enum { LONG_NAMES_WARNED = 20, REDACTED_LOOKED = 1000 }; /* constants per check */

#define B(op)     (1u << FOP_##op)
#define OPS_SET   (B(EXISTS) | B(IN) | B(INTERSECTS))
#define OPS_EQ    (OPS_SET | B(EQ) | B(NE))
#define OPS_NUM   (OPS_EQ | B(LT) | B(LE) | B(GT) | B(GE))
#define OPS_PARTS (B(CONTAINS) | B(STARTSWITH) | B(ENDSWITH))
#define OPS_STR   (OPS_NUM | OPS_PARTS | B(ICONTAINS) | B(GLOB) | B(IGLOB) | B(REGEX) | B(PMATCH))
#define OPS_BYTES (OPS_EQ | OPS_PARTS | B(BCONTAINS) | B(BSTARTSWITH))

static int
compile_warn(struct compile *c, struct place at, const char *fmt, ...)
{
	struct warning *w = arena_alloc(c->a, sizeof(*w));
	va_list ap;

	if (w == NULL)
		return -ENOMEM;
	w->diag.code = DIAG_OTHER;
	w->diag.origin = c->origin;
	w->diag.line = at.line;
	w->diag.col = at.col;
	va_start(ap, fmt);
	(void) vsnprintf(w->diag.msg, sizeof(w->diag.msg), fmt, ap);
	va_end(ap);
	*c->warning_tail = w;
	c->warning_tail = &w->next;
	return 0;
}

static const struct {
	unsigned ops;
	const char *name;
} allowed[] = {
	[FT_STR] = { OPS_STR, "string" },
	[FT_INT] = { OPS_NUM, "numeric" },
	[FT_UINT] = { OPS_NUM, "numeric" },
	[FT_BOOL] = { OPS_EQ, "numeric" },
	[FT_DOUBLE] = { OPS_NUM, "numeric" },
	[FT_BYTES] = { OPS_BYTES, "buffer" },
	[FT_IP] = { OPS_EQ, "ip address and network" },
	[FT_NET] = { OPS_EQ, "ip address and network" },
	[FT_PORT] = { OPS_NUM, "numeric" },
	[FT_RELTIME] = { OPS_NUM, "numeric" },
	[FT_ABSTIME] = { OPS_NUM, "numeric" },
	[FT_DYN] = { OPS_NUM, "numeric" },
};

static int
fit(struct compile *c, const struct check *k, const struct source *left)
{
	const char *name = left->list ? "list" : allowed[left->type].name;
	unsigned ops = left->list ? OPS_SET : allowed[left->type].ops;

	if (ops & 1u << k->op)
		return 0;
	return compile_fail(c, k->op_at, "'%s'%s not supported for %s filters", k->op_text.p,
	    k->mod == FMOD_NONE ? " operator" : " with modifier", name);
}

/* Is the text, apart from blanks after it, an existing field? 1: yes. -ENOMEM. */
static int
spells_field(struct compile *c, const struct term *t)
{
	struct field_ref ref;
	struct diag unused;
	struct term *field;
	struct lex l;
	int r;

	lex_init(&l, t->text, c->a, &unused);
	r = term_field(&l, &field);
	if (r <= 0)
		return r == -ENOMEM ? r : 0;
	(void) lex_blank(&l);
	if (l.pos < t->text.n)
		return 0;
	if (!field_is_named(field->text))
		return 0;
	r = field_bind(field->text, field->arg, t->at, c->a, &ref, &unused);
	return r == -ENOMEM ? r : r == 0;
}

/* Warn if a constant looks like a field or a call: it is compared as a text. */
static int
warn_field(struct compile *c, const struct term *t)
{
	static const char *const calls[] = { "val(", "tolower(", "toupper(", "b64(", "basename(",
		"len(", "join(", "concat(", "getopt(" };
	struct slice s = t->text;
	int r;

	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (slice_starts(s, slice_str(calls[i])) && slice_ends(s, SLICE(")")))
			return compile_warn(c, t->at,
			    "'%.*s' may be a valid field transformer " MISUSED,
			    (int) MIN(t->text.n, 200), t->text.p);
	}
	r = spells_field(c, t);
	return r <= 0 ? r
		      : compile_warn(c, t->at, "'%.*s' may be a valid field " MISUSED,
			    (int) MIN(t->text.n, 200), t->text.p);
}

/* The compared field; NULL: it is part of a longer text. */
static const struct field *
compared_field(const struct source *s)
{
	while (s->kind == S_XFORM && (s->xform == XF_TOLOWER || s->xform == XF_TOUPPER))
		s = s->args;
	return s->kind == S_FIELD ? s->ref.field : NULL;
}

/* Warn if a constant is longer than a task's name, which the kernel cuts: it never matches. Ignores
 * patterns. */
static int
warn_long_name(struct compile *c, const struct check *k, const struct source *left,
    const struct term *v, unsigned *warned)
{
	const struct field *f = compared_field(left);
	bool cut = k->op == FOP_CONTAINS || k->op == FOP_ICONTAINS || k->op == FOP_ENDSWITH;
	bool whole = k->op == FOP_EQ || k->op == FOP_NE || k->op == FOP_IN ||
		     k->op == FOP_INTERSECTS || k->op == FOP_STARTSWITH;

	if (f == NULL || !(f->flags & FF_COMM) || v->text.n <= COMM_MAX || !(cut || whole))
		return 0;
	(*warned)++;
	if (cut)
		return compile_warn(c, v->at,
		    "'%.*s' never matches: '%s' is cut after %d bytes; compare the executable's "
		    "path instead",
		    (int) MIN(v->text.n, 100), v->text.p, f->name, COMM_MAX);
	return compile_warn(c, v->at,
	    "'%.*s' never matches: '%s' is cut after %d bytes; write '%.*s'",
	    (int) MIN(v->text.n, 100), v->text.p, f->name, COMM_MAX, COMM_MAX, v->text.p);
}

/* Warn of constants that only a secret in arguments or an environment could match. */
static int
warn_redacted(struct compile *c, const struct term *first, const struct source *left)
{
	const struct redact *set = c->secrets == NULL ? NULL : c->secrets->patterns;
	struct redact *made = NULL;
	struct diag d = { 0 };
	unsigned looked = 0;
	int r = 0;

	if (c->secrets != NULL && c->secrets->kept)
		return 0;
	while (left->kind == S_XFORM && (left->xform == XF_TOLOWER || left->xform == XF_TOUPPER))
		left = left->args;
	if (left->kind != S_FIELD || !redacted_field(&left->ref))
		return 0;
	if (set == NULL) {
		r = redact_new(NULL, 0, &made, &d);
		set = made;
	}
	for (const struct term *v = first; r == 0 && v != NULL && looked++ < REDACTED_LOOKED;
	     v = v->next) {
		const char *why = redacted_constant(set, &left->ref, v->text);

		if (why != NULL)
			r = compile_warn(
			    c, v->at, "'%.*s': %s", (int) MIN(v->text.n, 100), v->text.p, why);
	}
	redact_free(made);
	return r;
}

/* Convert "48545450" to bytes. */
static int
hex_value(struct compile *c, const struct term *t, struct konst *ret)
{
	char *p = arena_alloc(c->a, t->text.n / 2 + 1);

	if (p == NULL)
		return -ENOMEM;
	if (hex_decode(p, t->text) < 0)
		return compile_fail(
		    c, t->at, "bcontains and bstartswith operator support hex strings only");
	ret->v = (struct fval){ .type = FT_BYTES, .s = { p, t->text.n / 2 } };
	return 0;
}

static bool
has_texts(enum ftype t)
{
	return t == FT_STR || t == FT_BYTES;
}

static int
constants(struct compile *c, const struct check *k, struct test *t)
{
	const struct field *f = t->left->kind == S_FIELD ? t->left->ref.field : NULL;
	const struct term *first = k->right->kind == T_LIST ? k->right->kids : k->right;
	bool whole =
	    k->op == FOP_EQ || k->op == FOP_NE || k->op == FOP_IN || k->op == FOP_INTERSECTS;
	const struct named *named = t->left->kind == S_NAMED && whole ? t->left->named : NULL;
	bool hex = k->op == FOP_BCONTAINS || k->op == FOP_BSTARTSWITH;
	unsigned long_names = 0;
	size_t n = 0;
	int r;

	for (const struct term *v = first; v != NULL; v = v->next)
		n++;
	t->k = arena_alloc(c->a, MAX(n, 1) * sizeof(*t->k));
	if (t->k == NULL)
		return -ENOMEM;
	for (const struct term *v = first; v != NULL; v = v->next) {
		struct warning **tail = c->warning_tail;

		r = hex ? hex_value(c, v, &t->k[t->nk])
			: value_parse(c, f, t->left->type, v, &t->k[t->nk]);
		if (r == 0 && named != NULL)
			r = named_constant(c, named, v, &t->k[t->nk].v);
		if (r == 0 && has_texts(t->left->type))
			r = warn_field(c, v);
		if (r == 0 && c->warning_tail == tail && long_names < LONG_NAMES_WARNED)
			r = warn_long_name(c, k, t->left, v, &long_names);
		if (r < 0)
			return r;
		t->nk++;
	}
	return has_texts(t->left->type) && !hex ? warn_redacted(c, first, t->left) : 0;
}

/* Only letters, and at the ends ^, $, or a dot with *, + or ?: a simple operator can do that. */
static bool
regex_is_simple(struct slice s)
{
	static const char special[] = "\\.+*?()|[]{}^$";

	if (s.n > 0 && s.p[0] == '^')
		s = (struct slice){ s.p + 1, s.n - 1 };
	if (s.n > 0 && s.p[s.n - 1] == '$')
		s.n--;
	if (s.n >= 2 && s.p[0] == '.' && strchr("*+?", s.p[1]) != NULL)
		s = (struct slice){ s.p + 2, s.n - 2 };
	if (s.n >= 2 && s.p[s.n - 2] == '.' && strchr("*+?", s.p[s.n - 1]) != NULL)
		s.n -= 2;
	for (size_t i = 0; i < s.n; i++) {
		if (strchr(special, s.p[i]) != NULL)
			return false;
	}
	return true;
}

static int
regexes(struct compile *c, const struct check *k, struct test *t)
{
	const struct term *v = k->right->kind == T_LIST ? k->right->kids : k->right;
	struct regex *re;
	char why[200];
	size_t i = 0;
	int r;

	for (; v != NULL; v = v->next, i++) {
		re = regex_new(v->text.p, v->text.n, why, sizeof(why));
		if (re == NULL)
			return compile_fail(c, v->at, "invalid regular expression: %s", why);
		if (arena_at_end(c->a, regex_free, re) < 0) {
			regex_free(re);
			return -ENOMEM;
		}
		t->k[i].regex = re;
		r = regex_is_simple(v->text)
			? compile_warn(c, v->at, "regex check with '%.*s' " REGEX_WARNING,
			      (int) MIN(v->text.n, 200), v->text.p)
			: 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int
text_set(struct compile *c, struct test *t)
{
	t->set = set_new(c->a, t->nk);
	if (t->set == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->nk; i++)
		set_add(t->set, t->k[i].v.s);
	return 0;
}

/* Compile constants that are not texts: compare one by one if they are few. */
static int
value_set(struct compile *c, struct test *t)
{
	enum { FEW = 8 };

	if (t->nk <= FEW || !vset_takes(t->k[0].v.type))
		return 0;
	t->vset = vset_new(c->a, t->k, t->nk);
	return t->vset == NULL ? -ENOMEM : 0;
}

/* evt.type against names: a set of events and system calls. */
static int
event_test(struct compile *c, struct test *t)
{
	struct event_set one;

	t->events = arena_alloc(c->a, sizeof(*t->events));
	if (t->events == NULL)
		return -ENOMEM;
	*t->events = (struct event_set){ 0 };
	for (size_t i = 0; i < t->nk; i++) {
		(void) event_name_set(t->k[i].v.s, &one);
		event_set_join(t->events, &one);
	}
	return 0;
}

static int
right_source(struct compile *c, const struct check *k, struct test *t)
{
	int r = source_new(c, k->right, true, &t->right);

	if (r < 0)
		return r;
	if (k->op == FOP_PMATCH || k->op == FOP_REGEX || t->left->type == FT_NET)
		return compile_fail(
		    c, k->right->at, "'%s' needs a constant on its right side", k->op_text.p);
	if (t->multi == FM_ANY || t->multi == FM_EITHER)
		return compile_fail(c, k->right->at, "'%.*s' can only be compared with constants",
		    SLICE_ARG(t->left->text));
	if (t->left->type == t->right->type && t->left->list == t->right->list)
		return 0;
	return compile_fail(c, k->right->at,
	    "field '%.*s' has type '%s%s' while the right-hand side field '%.*s' has incompatible "
	    "type "
	    "'%s%s'",
	    SLICE_ARG(t->left->text), ftype_name(t->left->type), t->left->list ? " list" : "",
	    SLICE_ARG(t->right->text), ftype_name(t->right->type), t->right->list ? " list" : "");
}

/* Falco's behaviour of 'in' for fields with their own comparison. */
static enum fop
own_in(const struct test *t)
{
	const struct field *f = t->left->kind == S_FIELD ? t->left->ref.field : NULL;

	if (f == NULL || (t->op != FOP_IN && t->op != FOP_INTERSECTS))
		return t->op;
	if (f->multi == FM_EITHER && f->type == FT_IP)
		return FOP_NEVER;
	if (f->type == FT_DYN && !has_texts(t->left->type))
		return FOP_NEVER;
	if (f->multi == FM_EITHER && f->type == FT_NET)
		return t->nk == 0 ? FOP_NEVER : FOP_EQ; /* compared with the first only */
	return t->op;
}

/* FF_WITHIN: evt.around[T]=MS; the field is the distance in ns. */
static int
around(struct compile *c, const struct check *k, struct test *t)
{
	if (k->op != FOP_EQ || k->mod != FMOD_NONE || t->k[0].v.u > UINT64_MAX / 1000000)
		return compile_fail(c, k->op_at, "'evt.around' takes '=' and milliseconds");
	t->k[0].v.u *= 1000000;
	t->op = FOP_LE;
	return 0;
}

static int
finish(struct compile *c, const struct check *k, struct test *t)
{
	const struct field *f = t->left->kind == S_FIELD ? t->left->ref.field : NULL;
	bool set = k->op == FOP_IN || k->op == FOP_INTERSECTS;

	if (f != NULL && (f->flags & FF_EVENT_NUMBER) && k->mod == FMOD_NONE &&
	    (set || k->op == FOP_EQ || k->op == FOP_NE)) {
		t->invert = k->op == FOP_NE;
		t->op = FOP_TYPE;
		return event_test(c, t);
	}
	if (f != NULL && (f->flags & FF_WITHIN))
		return around(c, k, t);
	t->op = own_in(t);
	if (!set)
		return 0;
	return has_texts(t->left->type) ? text_set(c, t) : value_set(c, t);
}

int
check_compile(struct compile *c, const struct check *k, struct test **ret)
{
	struct test *t = arena_alloc(c->a, sizeof(*t));
	int r;

	if (t == NULL)
		return -ENOMEM;
	r = source_new(c, k->left, false, &t->left);
	if (r == 0)
		r = fit(c, k, t->left);
	if (r < 0)
		return r;
	t->op = k->op == FOP_BCONTAINS     ? FOP_CONTAINS
		: k->op == FOP_BSTARTSWITH ? FOP_STARTSWITH
					   : k->op;
	*ret = t;
	t->mod = k->mod;
	t->multi = t->left->list ? FM_LIST : FM_ONE;
	if (t->left->kind == S_FIELD && t->left->ref.field->multi != FM_LIST &&
	    !(t->left->ref.field->multi == FM_ANY && t->left->ref.has_index))
		t->multi = t->left->ref.field->multi;
	if (k->right == NULL)
		return 0;
	if (k->right->kind == T_FIELD || k->right->kind == T_XFORM)
		return right_source(c, k, t);
	r = constants(c, k, t);
	if (r == 0 && k->op == FOP_PMATCH)
		return pmatch_compile(c, t);
	if (r == 0 && k->op == FOP_REGEX)
		r = regexes(c, k, t);
	return r < 0 ? r : finish(c, k, t);
}
