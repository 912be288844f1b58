/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <string.h>

enum { EXC_DEPTH = 3 }; /* values, a tuple, a list in a tuple */

/* Read a scalar, or a sequence of values at most 'depth' deep. */
static int
read_value(const struct item *it, const yaml_node_t *n, unsigned depth, struct rvalue *ret)
{
	struct collection *c = it->c;
	struct rplace at = yaml_place(it->src, n);
	size_t count;
	int r;

	if (++c->nitems > RULE_ITEMS_MAX)
		return rule_fail(c, E_VALIDATE, &at,
		    "The rule files hold more than %d items of lists, tags and exceptions",
		    RULE_ITEMS_MAX);
	*ret = (struct rvalue){ .text = { .at = at } };
	if (node_is_null(n))
		return rule_fail(c, E_VALIDATE, &at,
		    "An exception has an empty entry (null) here: write the text, or \"\" for one "
		    "without characters");
	if (n->type == YAML_SCALAR_NODE)
		return node_text(it, n, &ret->text);
	if (n->type != YAML_SEQUENCE_NODE || depth == 0)
		return rule_fail(
		    c, E_SHAPE, &at, "A value of an exception must be a text or a list of texts");
	count = (size_t) (n->data.sequence.items.top - n->data.sequence.items.start);
	ret->is_list = true;
	ret->v = arena_alloc(c->a, (count + 1) * sizeof(*ret->v));
	if (ret->v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		r = read_value(it, yaml_document_get_node(it->doc, n->data.sequence.items.start[i]),
		    depth - 1, &ret->v[ret->n++]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Read fields, comps or values of an exception; *has: present, and not null. */
static int
read_part(const struct item *it, const char *key, unsigned depth, struct rvalue *ret, bool *has)
{
	yaml_node_t *n = item_get(it, key);

	if (n == NULL || node_is_null(n))
		return 0;
	*has = true;
	return read_value(it, n, depth, ret);
}

static int
append_values(struct arena *a, struct rvalue *old, const struct rvalue *more)
{
	struct rvalue *v = arena_alloc(a, (old->n + more->n + 1) * sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	if (old->n > 0)
		memcpy(v, old->v, old->n * sizeof(*v));
	if (more->n > 0)
		memcpy(v + old->n, more->v, more->n * sizeof(*v));
	old->is_list = true;
	old->v = v;
	old->n += more->n;
	return 0;
}

static int
read_one(const struct item *it, struct def_exception *e, bool *has_values)
{
	struct collection *c = it->c;
	struct rplace at = yaml_place(it->src, it->map);
	int r;

	if (it->map->type != YAML_MAPPING_NODE)
		return rule_fail(
		    c, E_SHAPE, &at, "Rule exception must be an object with 'name' and 'fields'");
	r = item_text(it, "name", true, &e->name);
	if (r == 0)
		r = read_part(it, "fields", 1, &e->fields, &e->has_fields);
	if (r == 0)
		r = read_part(it, "comps", 1, &e->comps, &e->has_comps);
	if (r == 0)
		r = read_part(it, "values", EXC_DEPTH, &e->values, has_values);
	if (r == 0 && *has_values && !e->values.is_list)
		return rule_fail(
		    c, E_SHAPE, &e->values.text.at, "Rule exception values must be a sequence");
	return r;
}

/* Merge an appended exception into the existing one of that name. */
static int
merge(const struct item *it, struct def_exception *old, const struct def_exception *e,
    bool has_values)
{
	struct collection *c = it->c;

	if (e->has_fields)
		return rule_fail(c, E_VALIDATE, &it->at,
		    "Can not append exception fields to existing exception, only values");
	if (e->has_comps)
		return rule_fail(c, E_VALIDATE, &it->at,
		    "Can not append exception comps to existing exception, only values");
	if (!has_values)
		return rule_warn(
		    c, W_NOVALUES, &it->at, "Overriding/appending exception with no values");
	return append_values(c->a, &old->values, &e->values);
}

static struct def_exception *
find_exception(struct def_exception *list, struct slice name)
{
	while (list != NULL && !slice_eq(list->name.s, name))
		list = list->next;
	return list;
}

/* Read a list; a second exception of the same name is an error unless it appends. */
static int
add_one(const struct item *it, bool append, struct def_exception **list)
{
	struct collection *c = it->c;
	struct def_exception *e = arena_alloc(c->a, sizeof(*e)), *old;
	bool has_values = false;
	int r;

	if (e == NULL)
		return -ENOMEM;
	r = read_one(it, e, &has_values);
	if (r < 0)
		return r;
	old = find_exception(*list, e->name.s);
	if (append && old != NULL)
		return merge(it, old, e, has_values);
	if (!e->has_fields)
		return rule_fail(c, append ? E_VALIDATE : E_SHAPE, &it->at,
		    append
			? "Rule exception new item must have fields property with a list of fields"
			: "Item has no mapping for key 'fields'");
	if (append && !has_values)
		return rule_fail(c, E_VALIDATE, &it->at,
		    "Rule exception new item must have values property with a list of values");
	if (old != NULL) {
		r = rule_warn(c, W_EXCEPTION, &it->at,
		    "Multiple definitions of exception '%.100s' in the same rule", e->name.s.p);
		if (r < 0)
			return r;
	}
	while (*list != NULL)
		list = &(*list)->next;
	*list = e;
	return 0;
}

int
read_exceptions(const struct item *it, bool append, struct def_exception **list)
{
	yaml_node_t *n = item_get(it, "exceptions");
	struct rplace at;
	int r = 0;

	if (!append)
		*list = NULL;
	if (n == NULL || node_is_null(n))
		return 0;
	at = yaml_place(it->src, n);
	if (n->type != YAML_SEQUENCE_NODE)
		return rule_fail(it->c, E_SHAPE, &at, "Rule exceptions must be a sequence");
	for (yaml_node_item_t *i = n->data.sequence.items.start;
	     r == 0 && i < n->data.sequence.items.top; i++) {
		struct item sub = *it;

		sub.map = yaml_document_get_node(it->doc, *i);
		sub.at = yaml_place(it->src, sub.map);
		r = add_one(&sub, append, list);
	}
	return r;
}

/* ---- final checks: fields, operators, lengths ---- */

static const char *const list_ops[] = { "in", "intersects", "pmatch", NULL };
static const char *const any_ops[] = { "=", "==", "!=", "<=", ">=", "<", ">", "contains",
	"icontains", "bcontains", "glob", "iglob", "regex", "startswith", "bstartswith", "endswith",
	"in", "intersects", "pmatch", "exists", NULL };
static const char *const modified_ops[] = { "=", "==", "!=", "contains", "icontains", "bcontains",
	"glob", "iglob", "regex", "startswith", "bstartswith", "endswith", NULL };

static bool
among(const char *const *v, struct slice s)
{
	for (; *v != NULL; v++) {
		if (slice_eq(slice_str(*v), s))
			return true;
	}
	return false;
}

/* "startswith oneof" */
static bool
is_modified(struct slice op)
{
	static const char *const modifiers[] = { " oneof", " anyof", " allof" };

	for (size_t i = 0; i < ARRAY_SIZE(modifiers); i++) {
		struct slice m = slice_str(modifiers[i]);

		if (slice_ends(op, m) && among(modified_ops, (struct slice){ op.p, op.n - m.n }))
			return true;
	}
	return false;
}

static bool
takes_list(struct slice op)
{
	return among(list_ops, op) || is_modified(op);
}

/* Check "tolower(proc.name)": may it be the left side of an operator? */
static int
check_transformed(struct collection *c, const struct rtext *t)
{
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	struct expr *e = NULL;
	struct diag d;

	if (memchr(t->s.p, '(', t->s.n) == NULL)
		return -EINVAL;
	buf_slice(&b, t->s);
	buf_str(&b, " exists");
	return buf_ok(&b) < 0 ? -ENOMEM : expr_parse(buf_get(&b), c->a, &e, &d);
}

static int
check_field(struct collection *c, const struct rtext *t)
{
	struct field_ref ref;
	struct near near;
	struct diag d;
	size_t used = 0;
	int r;

	if (t->s.p == NULL)
		return rule_fail(c, E_SHAPE, &t->at, "A field of an exception must be a text");
	r = field_lookup(t->s, c->a, &ref, &used, &d);
	if (r == -EINVAL || (r == 0 && used != t->s.n))
		r = check_transformed(c, t);
	if (r == -EINVAL)
		return rule_fail(c, E_VALIDATE, &t->at,
		    "'%.100s' is not a supported filter field%s", t->s.p, field_hint(t->s, &near));
	return r;
}

/* Normalise an operator: one blank between its words and none around. */
static int
check_op(struct collection *c, struct rtext *t)
{
	size_t n = 0;
	char *p;

	if (t->s.p == NULL)
		return rule_fail(c, E_SHAPE, &t->at, "An operator of an exception must be a text");
	p = arena_strdup(c->a, t->s);
	if (p == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->s.n; i++) {
		bool blank = strchr(" \t\n", p[i]) != NULL;

		if (!blank || (n > 0 && p[n - 1] != ' '))
			p[n++] = blank ? ' ' : p[i];
	}
	n -= n > 0 && p[n - 1] == ' ';
	p[n] = '\0';
	t->s = (struct slice){ p, n };
	if (among(any_ops, t->s) || is_modified(t->s))
		return 0;
	return rule_fail(
	    c, E_VALIDATE, &t->at, "'%.100s' is not a supported comparison operator", p);
}

/* Set defaults: 'in' for one field, '=' for each of several. */
static int
default_comps(struct collection *c, struct def_exception *e)
{
	e->comps = e->fields;
	if (!e->fields.is_list) {
		e->comps.text.s = SLICE("in");
		return 0;
	}
	e->comps.v = arena_alloc(c->a, (e->fields.n + 1) * sizeof(*e->comps.v));
	if (e->comps.v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < e->fields.n; i++)
		e->comps.v[i] = (struct rvalue){ .text = { SLICE("="), e->fields.v[i].text.at } };
	return 0;
}

static int
check_tuples(struct collection *c, const struct def_exception *e)
{
	for (size_t i = 0; i < e->values.n; i++) {
		const struct rvalue *t = &e->values.v[i];

		if (!e->fields.is_list) {
			if (t->is_list)
				return rule_fail(c, E_VALIDATE, &t->text.at,
				    "A value of an exception with one field must be a text");
			continue;
		}
		if (!t->is_list || t->n != e->fields.n)
			return rule_fail(c, E_VALIDATE, &t->text.at,
			    "Fields and values lists must have equal length");
	}
	return 0;
}

static int
check_one(struct collection *c, struct def_exception *e)
{
	int r = 0;

	if (!e->has_comps)
		r = default_comps(c, e);
	e->has_comps = true;
	if (r < 0)
		return r;
	if (e->fields.is_list != e->comps.is_list || e->fields.n != e->comps.n)
		return rule_fail(
		    c, E_VALIDATE, &e->name.at, "Fields and comps lists must have equal length");
	if (!e->fields.is_list) {
		r = check_op(c, &e->comps.text);
		if (r == 0 && !takes_list(e->comps.text.s))
			return rule_fail(c, E_VALIDATE, &e->comps.text.at,
			    "A single field must use one of (in, pmatch, intersects) or an "
			    "operator with oneof, "
			    "anyof or allof");
		if (r == 0)
			r = check_field(c, &e->fields.text);
	}
	for (size_t i = 0; r == 0 && i < e->fields.n; i++) {
		r = check_op(c, &e->comps.v[i].text);
		if (r == 0)
			r = check_field(c, &e->fields.v[i].text);
	}
	return r < 0 ? r : check_tuples(c, e);
}

int
check_exceptions(struct collection *c, struct def_rule *r)
{
	for (struct def_exception *e = r->exceptions; e != NULL; e = e->next) {
		int ret = check_one(c, e);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* ---- their text in a condition ---- */

/* Append a value in a condition's syntax. */
static void
add_value(struct mtext *m, const struct rtext *t)
{
	struct slice s = t->s;
	bool quote = s.n == 0 || (s.p[0] != '"' && s.p[0] != '\'' && s.p[0] != '(' &&
				     strpbrk(s.p, " \t\n\"'") != NULL);
	const char *q = !quote ? "" : strchr(s.p, '"') == NULL ? "\"" : "'";

	mtext_add(m, slice_str(q), t, 0, false);
	mtext_add(m, s, t, 0, true);
	mtext_add(m, slice_str(q), t, 0, false);
}

static void
add_list(struct mtext *m, const struct rvalue *v)
{
	mtext_add(m, SLICE("("), &v->text, 0, false);
	for (size_t i = 0; i < v->n; i++) {
		if (i > 0)
			mtext_add(m, SLICE(", "), &v->text, 0, false);
		add_value(m, &v->v[i].text);
	}
	mtext_add(m, SLICE(")"), &v->text, 0, false);
}

static void
add_check(
    struct mtext *m, const struct rtext *field, const struct rtext *op, const struct rvalue *v)
{
	mtext_add(m, field->s, field, 0, true);
	mtext_add(m, SLICE(" "), op, 0, false);
	mtext_add(m, op->s, op, 0, true);
	if (slice_eq(op->s, SLICE("exists")))
		return;
	mtext_add(m, SLICE(" "), op, 0, false);
	if (v->is_list) {
		add_list(m, v);
	} else if (takes_list(op->s) && !(v->text.s.n > 0 && v->text.s.p[0] == '(')) {
		mtext_add(m, SLICE("("), &v->text, 0, false);
		add_value(m, &v->text);
		mtext_add(m, SLICE(")"), &v->text, 0, false);
	} else {
		add_value(m, &v->text);
	}
}

static void
add_tuples(struct mtext *m, const struct def_exception *e)
{
	const struct rtext *at = &e->name;

	for (size_t i = 0; i < e->values.n; i++) {
		mtext_add(m, i > 0 ? SLICE(" or (") : SLICE("("), at, 0, false);
		for (size_t k = 0; k < e->fields.n; k++) {
			if (k > 0)
				mtext_add(m, SLICE(" and "), at, 0, false);
			add_check(
			    m, &e->fields.v[k].text, &e->comps.v[k].text, &e->values.v[i].v[k]);
		}
		mtext_add(m, SLICE(")"), at, 0, false);
	}
}

static const struct def_exception *
with_values(const struct def_exception *e)
{
	while (e != NULL && e->values.n == 0)
		e = e->next;
	return e;
}

/* "(condition) and not (exception) ..."; without exceptions the condition is unchanged, so that its
 * parentheses cannot close ours. */
void
add_exceptions(struct mtext *m, const struct def_rule *r)
{
	const struct def_exception *e = with_values(r->exceptions);
	const struct rtext *last = &r->condition.v[r->condition.n - 1];

	if (e == NULL) {
		mtext_pieces(m, &r->condition);
		return;
	}
	mtext_add(m, SLICE("("), &r->condition.v[0], 0, false);
	mtext_pieces(m, &r->condition);
	mtext_add(m, SLICE(")"), last, last->s.n, false);
	for (; e != NULL; e = with_values(e->next)) {
		mtext_add(m, SLICE(" and not ("), &e->name, 0, false);
		if (e->fields.is_list)
			add_tuples(m, e);
		else
			add_check(m, &e->fields.text, &e->comps.text, &e->values);
		mtext_add(m, SLICE(")"), &e->name, 0, false);
	}
}
