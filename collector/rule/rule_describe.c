/* SPDX-License-Identifier: Apache-2.0 */
/* rule_describe.c - describe a collection as Falco does: the definitions, and the rules made from
 * them. */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <string.h>

/* An array of distinct texts, while it is written. */
struct names {
	struct buf *out;
	size_t start; /* of the array's first byte */
	bool any;
};

static void
key(struct buf *out, const char *name)
{
	if (out->n > 0 && strchr("{[", out->p[out->n - 1]) == NULL)
		buf_char(out, ',');
	buf_json(out, slice_str(name));
	buf_char(out, ':');
}

static void
key_text(struct buf *out, const char *name, struct slice s)
{
	key(out, name);
	buf_json(out, s);
}

static void
key_bool(struct buf *out, const char *name, bool yes)
{
	key(out, name);
	buf_str(out, yes ? "true" : "false");
}

static struct names
names_open(struct buf *out, const char *name)
{
	key(out, name);
	buf_char(out, '[');
	return (struct names){ out, out->n, false };
}

static void
names_add(struct names *n, struct slice s, bool distinct)
{
	CLEANUP(buf_fini) struct buf one = BUF_INIT;

	buf_json(&one, s);
	if (buf_ok(&one) < 0 || buf_ok(n->out) < 0) {
		n->out->failed = true;
		return;
	}
	if (distinct && n->any &&
	    memmem(n->out->p + n->start, n->out->n - n->start, one.p, one.n) != NULL)
		return;
	if (n->any)
		buf_char(n->out, ',');
	n->any = true;
	buf_slice(n->out, buf_get(&one));
}

static void
on_name(void *arg, struct slice name)
{
	struct names *n = arg;

	n->out->failed = n->out->failed || name.p == NULL;
	names_add(n, name, true);
}

static void
on_use(void *arg, const struct field_ref *f)
{
	names_add(arg, f->text, false);
}

static void
texts(struct buf *out, const char *name, const struct rtexts *t, bool distinct)
{
	struct names n = names_open(out, name);

	for (size_t i = 0; i < t->n; i++)
		names_add(&n, t->v[i].s, distinct);
	buf_char(out, ']');
}

static void
joined(struct buf *out, const char *name, const struct rtexts *pieces)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	for (size_t i = 0; i < pieces->n; i++) {
		if (i > 0)
			buf_char(&text, ' ');
		buf_slice(&text, pieces->v[i].s);
	}
	key_text(out, name, buf_get(&text));
	out->failed = out->failed || buf_ok(&text) < 0;
}

static void
expr_array(struct buf *out, const char *name, const struct expr *e, enum expr_name what)
{
	struct names n = names_open(out, name);

	expr_names(e, what, on_name, &n);
	buf_char(out, ']');
}

/* Describe the condition of a rule or macro. */
static void
condition(struct buf *out, const struct expr *e, const struct rtexts *lists)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	expr_print(e, &text);
	key_text(out, "condition_compiled", buf_get(&text));
	out->failed = out->failed || buf_ok(&text) < 0;
	expr_array(out, "condition_fields", e, NAME_FIELD);
	expr_array(out, "condition_operators", e, NAME_OPERATOR);
	expr_array(out, "macros", e, NAME_MACRO);
	texts(out, "lists", lists, true);
	key(out, "plugins");
	buf_str(out, "[]");
}

static void
events(struct buf *out, const struct rule *r)
{
	struct names n = names_open(out, "events");

	for (size_t i = 0; i < schema_nevents; i++) {
		if (event_set_has(&r->events, schema_events[i].num))
			names_add(&n, slice_str(schema_events[i].name), true);
	}
	names_add(&n, SLICE("asyncevent"), true); /* Falco's index has it for every rule */
	buf_char(out, ']');
}

/* Add one value, or each of a list. */
static void
add_values(struct names *n, const struct rvalue *v)
{
	if (!v->is_list && v->text.s.p != NULL)
		names_add(n, v->text.s, true);
	for (size_t i = 0; i < v->n; i++)
		names_add(n, v->v[i].text.s, true);
}

static void
exceptions(struct buf *out, const struct def_rule *d)
{
	struct names n = names_open(out, "exception_fields");

	for (const struct def_exception *e = d->exceptions; e != NULL; e = e->next)
		add_values(&n, &e->fields);
	buf_char(out, ']');
	n = names_open(out, "exception_names");
	for (const struct def_exception *e = d->exceptions; e != NULL; e = e->next)
		names_add(&n, e->name.s, true);
	buf_char(out, ']');
	n = names_open(out, "exception_operators");
	for (const struct def_exception *e = d->exceptions; e != NULL; e = e->next)
		add_values(&n, &e->comps);
	buf_char(out, ']');
}

static void
describe_rule(struct buf *out, const struct def_rule *d, const struct rule *r)
{
	struct names n;

	key(out, "info");
	buf_char(out, '{');
	key_text(out, "name", d->name.s);
	joined(out, "condition", &d->condition);
	key_text(out, "priority", slice_str(priority_name(r->priority)));
	joined(out, "output", &d->output);
	joined(out, "description", &d->desc);
	key_bool(out, "enabled", r->enabled);
	key_text(out, "source", d->source);
	key_bool(out, "capture", d->capture);
	key(out, "capture_duration");
	buf_u64(out, d->capture_ms);
	n = names_open(out, "tags");
	for (size_t i = 0; i < r->ntags; i++)
		names_add(&n, slice_str(r->tags[i]), true);
	buf_str(out, "]}");
	key(out, "details");
	buf_char(out, '{');
	condition(out, d->expr, &d->lists);
	n = names_open(out, "output_fields");
	format_each_use(r->format, on_use, &n);
	buf_char(out, ']');
	exceptions(out, d);
	events(out, r);
	key_text(out, "output_compiled", slice_str(r->output));
	buf_char(out, '}');
}

static void
describe_macro(struct buf *out, const struct def_macro *m)
{
	key(out, "info");
	buf_char(out, '{');
	key_text(out, "name", m->name.s);
	joined(out, "condition", &m->condition);
	buf_char(out, '}');
	key(out, "details");
	buf_char(out, '{');
	key_bool(out, "used", m->used);
	condition(out, m->expr, &m->lists);
	buf_char(out, '}');
}

static bool
among(const struct rtexts *t, struct slice s)
{
	for (size_t i = 0; i < t->n; i++) {
		if (slice_eq(t->v[i].s, s))
			return true;
	}
	return false;
}

/* "items" are the ones that are not lists. */
static void
describe_list(struct buf *out, const struct def_list *l)
{
	struct names n;

	key(out, "info");
	buf_char(out, '{');
	key_text(out, "name", l->name.s);
	n = names_open(out, "items");
	for (size_t i = 0; i < l->items.n; i++) {
		if (!among(&l->lists, l->items.v[i].s))
			names_add(&n, l->items.v[i].s, false);
	}
	buf_char(out, ']');
	buf_char(out, '}');
	key(out, "details");
	buf_char(out, '{');
	key_bool(out, "used", l->used);
	texts(out, "lists", &l->lists, true);
	texts(out, "items_compiled", &l->compiled, false);
	key(out, "plugins");
	buf_str(out, "[]}");
}

static const struct rule *
compiled(const struct ruleset *s, const struct def_rule *d)
{
	for (size_t i = 0; i < s->n; i++) {
		if (slice_eq(slice_str(s->order[i]->name), d->name.s))
			return s->order[i];
	}
	return NULL;
}

static void
open_object(struct buf *out)
{
	buf_str(out, out->n > 0 && out->p[out->n - 1] == '[' ? "{" : ",{");
}

static void
describe_plugins(const struct collection *c, struct buf *out)
{
	key(out, "required_plugin_versions");
	buf_char(out, '[');
	for (const struct def_plugin *p = c->plugins; p != NULL; p = p->next) {
		open_object(out);
		key_text(out, "name", p->name.s);
		key_text(out, "version", p->version.s);
		key(out, "alternatives");
		buf_char(out, '[');
		for (const struct def_plugin *a = p->alternatives; a != NULL; a = a->next) {
			open_object(out);
			key_text(out, "name", a->name.s);
			key_text(out, "version", a->version.s);
			buf_char(out, '}');
		}
		buf_str(out, "]}");
	}
	buf_char(out, ']');
}

int
describe_all(const struct collection *c, const struct ruleset *s, struct buf *out)
{
	const struct rule *r;

	buf_clear(out);
	buf_char(out, '{');
	key(out, "required_engine_version");
	buf_printf(out, "\"%lu.%lu.%lu\"", c->engine[0], c->engine[1], c->engine[2]);
	describe_plugins(c, out);
	key(out, "rules");
	buf_char(out, '[');
	for (const struct def_rule *d = c->rules; d != NULL && !out->failed; d = d->next) {
		r = compiled(s, d);
		if (r == NULL || r->filter == NULL) /* dropped, or of an unknown source */
			continue;
		open_object(out);
		describe_rule(out, d, r);
		buf_char(out, '}');
	}
	buf_char(out, ']');
	key(out, "macros");
	buf_char(out, '[');
	for (const struct def_macro *m = c->macros; m != NULL && !out->failed; m = m->next) {
		open_object(out);
		describe_macro(out, m);
		buf_char(out, '}');
	}
	buf_char(out, ']');
	key(out, "lists");
	buf_char(out, '[');
	for (const struct def_list *l = c->lists; l != NULL && !out->failed; l = l->next) {
		open_object(out);
		describe_list(out, l);
		buf_char(out, '}');
	}
	buf_str(out, "]}");
	return buf_ok(out);
}
