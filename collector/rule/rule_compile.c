/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Errors that Falco's skip-if-unknown-filter ignores. */
static bool
is_unknown_filter(const struct diag *d)
{
	return d->code == DIAG_UNKNOWN_FIELD || d->code == DIAG_UNKNOWN_EVENT ||
	       d->code == DIAG_BAD_TOKEN;
}

/* Report an error, unless the rule may be skipped for unknown fields: 1, drop it. */
static int
rule_error(struct collection *c, const struct def_rule *d, enum rule_code_id code,
    const struct mtext *m, const struct diag *diag)
{
	struct rplace at;
	int r;

	if (!d->skip_unknown || !is_unknown_filter(diag))
		return fail_at(c, code, m, diag);
	at = diag_origin_place(c, m, diag);
	r = rule_warn(c, W_FILTER, &at, "%s", diag->msg);
	return r < 0 ? r : 1;
}

/* Context for warnings about a condition or an output. */
struct warning_sink {
	struct collection *c;
	const struct def_rule *rule;
	const struct mtext *m; /* NULL: an output */
	int r;
};

static void
on_warning(void *arg, const struct diag *d)
{
	struct warning_sink *w = arg;
	struct rplace at;

	if (w->r < 0 || w->c->quiet)
		return;
	at = diag_origin_place(w->c, w->m, d);
	w->r = rule_warn(w->c, W_CONDITION, &at, "%s", d->msg);
}

static void
on_field(void *arg, const struct field_ref *f)
{
	struct warning_sink *w = arg;

	if (w->r < 0 || (f->field->flags & FF_DEPRECATED) == 0)
		return;
	if ((f->field->flags & FF_DIRECTION) && w->m != NULL)
		w->r = rule_warn_field(w->c, f->field, &w->rule->at,
		    "due to the drop of enter events, 'evt.dir = <' always evaluates to true, and "
		    "'evt.dir = "
		    ">' always evaluates to false. The rule expression can be simplified by "
		    "removing the "
		    "condition on 'evt.dir'");
	else
		w->r = rule_warn_field(w->c, f->field, &w->rule->at,
		    "usage of deprecated field '%s' has been detected in the rule %s",
		    f->field->name, w->m != NULL ? "condition" : "output");
}

/* Set 'resolved', 'filter' and 'events' of a rule; 1: drop it. */
static int
compile_condition(
    struct collection *c, struct ruleset *s, struct def_rule *d, struct rule *r, struct mtext *m)
{
	struct warning_sink sink = { .c = c, .rule = d, .m = m };
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	struct diag diag = { .line = 0 };
	struct expr *e = NULL;
	int ret;

	add_scopes(m, d, r, c->options);
	if (buf_ok(&m->b) < 0)
		return -ENOMEM;
	if ((ret = substitute_lists(c, m, &d->lists)) < 0)
		return ret;
	ret = expr_parse(buf_get(&m->b), c->a, &e, &diag);
	if (ret < 0)
		return ret == -EINVAL ? fail_at(c, E_CONDITION, m, &diag) : ret;
	if ((ret = resolve_rule(c, e, m)) < 0)
		return ret;
	if (expr_check_types(e, &diag) < 0)
		return fail_at(c, E_CONDITION, m, &diag);
	d->expr = e;
	expr_print(e, &b);
	if (buf_ok(&b) < 0 || (r->resolved = arena_strdup(&s->a, buf_get(&b))) == NULL)
		return -ENOMEM;
	buf_clear(&b);
	expr_print_exact(e, &b);
	if (buf_ok(&b) < 0 || (r->exact = arena_strdup(&s->a, buf_get(&b))) == NULL)
		return -ENOMEM;
	ret = filter_compile_for(s->options.secrets, e, &s->a, &r->filter, &diag);
	if (ret < 0)
		return ret == -EINVAL ? rule_error(c, d, E_CONDITION, m, &diag) : ret;
	filter_warnings(r->filter, on_warning, &sink);
	filter_fields(r->filter, on_field, &sink);
	if (sink.r < 0)
		return sink.r;
	filter_events(r->filter, &r->events);
	return find_blind(c, s, r, e);
}

/* Assemble the output with its locations, without blanks at its ends, and without the token
 * replaced by container fields. */
static int
output_text(struct collection *c, const struct def_rule *d, struct mtext *out)
{
	static const struct slice gone = { "%container.info", 15 };
	struct mtext m CLEANUP(mtext_fini) = { .b = BUF_INIT };
	size_t start = 0, end;
	const char *p;
	int r;

	mtext_pieces(&m, &d->output);
	if (buf_ok(&m.b) < 0)
		return -ENOMEM;
	for (end = m.b.n; end > 0 && strchr(" \t\n", m.b.p[end - 1]) != NULL;)
		end--;
	while (start < end && strchr(" \t\n", m.b.p[start]) != NULL)
		start++;
	if (m.b.n > 0 && strstr(m.b.p, gone.p) != NULL) {
		r = rule_warn(c, W_DEPRECATED, &d->at,
		    "%%container.info is deprecated and no more useful, and "
		    "will be dropped by Falco 1.0.0. The container plugin will automatically add "
		    "required "
		    "fields to the output message.");
		if (r < 0)
			return r;
	}
	while (start < end && (p = memmem(m.b.p + start, end - start, gone.p, gone.n)) != NULL) {
		mtext_copy(out, &m, start, (size_t) (p - m.b.p));
		start = (size_t) (p - m.b.p) + gone.n;
	}
	mtext_copy(out, &m, start, end);
	return buf_ok(&out->b);
}

/* 1: drop the rule. */
static int
compile_output(struct collection *c, struct ruleset *s, const struct def_rule *d, struct rule *r)
{
	struct mtext m CLEANUP(mtext_fini) = { .b = BUF_INIT };
	struct warning_sink sink = { .c = c, .rule = d };
	struct diag diag = { .line = 0 };
	struct format_options o;
	int ret = output_text(c, d, &m);

	if (ret == 0)
		ret = append_output(c->options, r, &m, &o, c->a);
	if (ret < 0)
		return ret;
	r->output = arena_strdup(&s->a, buf_get(&m.b));
	if (r->output == NULL)
		return -ENOMEM;
	ret = format_compile(r->output, &o, &s->a, &r->format, &diag);
	if (ret == -EINVAL) /* in line 1 the column is a byte's number */
		return rule_error(c, d, E_OUTPUT, &m, &diag);
	if (ret < 0)
		return ret;
	format_each_field(r->format, on_field, &sink);
	return sink.r;
}

static int
compare_tags(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static const char *
keep(struct ruleset *s, const char *text)
{
	return arena_strdup(&s->a, slice_str(text));
}

/* Set a rule's descriptive members; the ruleset owns the texts. */
static int
describe(struct ruleset *s, const struct def_rule *d, struct rule *r)
{
	const char **tags = arena_alloc(&s->a, (d->tags.n + 1) * sizeof(*tags));

	if (tags == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->tags.n; i++) {
		tags[i] = keep(s, d->tags.v[i].s.p);
		if (tags[i] == NULL)
			return -ENOMEM;
	}
	if (d->tags.n > 1)
		qsort(tags, d->tags.n, sizeof(*tags), compare_tags);
	r->tags = tags;
	r->ntags = d->tags.n;
	r->name = keep(s, d->name.s.p);
	r->source = keep(s, d->source.p);
	r->file = keep(s, d->at.src->name);
	r->line = d->at.line;
	r->priority = d->priority;
	r->enabled = d->enabled;
	r->resolved = "";
	if (r->name == NULL || r->source == NULL || r->file == NULL ||
	    texts_join(&s->a, &d->condition, &r->condition) < 0 ||
	    texts_join(&s->a, &d->output, &r->output) < 0 ||
	    texts_join(&s->a, &d->desc, &r->desc) < 0)
		return -ENOMEM;
	return 0;
}

static unsigned
count_events(const struct event_set *e)
{
	unsigned n = 0;

	for (size_t i = 0; i < schema_nevents; i++)
		n += event_set_has(e, schema_events[i].num);
	return n;
}

/* 1: drop it. */
static int
compile_rule(struct collection *c, struct ruleset *s, struct def_rule *d, struct rule *r)
{
	int ret = describe(s, d, r);

	if (ret < 0)
		return ret;
	if (d->unknown_source) {
		r->blind = "its source is not known";
		return 0;
	}
	ret = check_exceptions(c, d);
	if (ret == 0)
		ret = compile_condition(c, s, d, r, &d->text);
	if (ret == 0 || ret == -EINVAL)
		ret = rule_worse(ret, compile_output(c, s, d, r));
	if (ret != 0)
		return ret;
	r->enabled = rule_selected(c->options, r);
	r->loaded = r->enabled && r->priority <= c->options->min_priority;
	if (d->warn_evttypes && count_events(&r->events) > RULE_EVENTS_MANY)
		return rule_warn(c, W_EVTTYPE, &d->at,
		    "Rule matches too many evt.type values. This has a "
		    "significant performance penalty.");
	return 0;
}

static int
compile_rules(struct collection *c, struct ruleset *s)
{
	int all = 0;

	for (struct def_rule *d = c->rules; all != -ENOMEM && d != NULL; d = d->next) {
		if (!d->stale)
			continue;
		set_item(c, ITEM_RULE, d->name.s);
		mtext_fini(&d->text);
		d->rule = (struct rule){ .name = NULL };
		c->muted = false;
		c->again = d->result < 0; /* for its warnings only */
		d->result = compile_rule(c, s, d, &d->rule);
		d->muted = c->muted;
		c->again = false;
		all = rule_worse(all, MIN(d->result, 0));
	}
	return all;
}

/* The rules that were compiled and not dropped. */
static int
collect_rules(const struct collection *c, struct ruleset *s)
{
	size_t n = 0;

	for (const struct def_rule *d = c->rules; d != NULL; d = d->next)
		n++;
	s->rules = arena_alloc(&s->a, (n + 1) * sizeof(*s->rules));
	s->order = arena_alloc(&s->a, (n + 1) * sizeof(void *));
	if (s->rules == NULL || s->order == NULL)
		return -ENOMEM;
	for (const struct def_rule *d = c->rules; d != NULL; d = d->next) {
		struct rule *r = &s->rules[s->n];

		if (d->result != 0)
			continue;
		*r = d->rule;
		r->id = (uint32_t) s->n;
		s->order[s->n++] = r;
		s->counts.in_force += r->loaded;
		s->counts.blind += r->loaded && r->blind != NULL;
		s->counts.partly += r->loaded && r->partly != NULL;
	}
	s->counts.rules = s->n;
	return 0;
}

static int
warn_unused(struct collection *c, struct ruleset *s)
{
	int r = 0;

	for (struct def_macro *m = c->macros; r == 0 && m != NULL; m = m->next) {
		s->counts.macros++;
		set_item(c, ITEM_MACRO, m->name.s);
		if (!m->used && !m->shared)
			r = rule_warn(c, W_MACRO, &m->name.at,
			    "Macro not referred to by any other rule/macro");
	}
	for (struct def_list *l = c->lists; r == 0 && l != NULL; l = l->next) {
		s->counts.lists++;
		set_item(c, ITEM_LIST, l->name.s);
		if (!l->used && !l->shared)
			r = rule_warn(c, W_LIST, &l->name.at,
			    "List not referred to by any other rule/macro/list");
	}
	return r;
}

int
compile_stale(struct collection *c, struct ruleset *s)
{
	int r;

	mark_stale(c);
	r = compile_lists(c);
	if (r != -ENOMEM)
		r = rule_worse(r, compile_macros(c));
	if (r != -ENOMEM)
		r = rule_worse(r, compile_rules(c, s));
	clear_stale(c);
	set_item(c, ITEM_NONE, SLICE(""));
	return r;
}

int
compile_set(struct collection *c, struct ruleset *s)
{
	int r = collect_rules(c, s);

	mark_used(c);
	if (r == 0)
		r = warn_unused(c, s);
	if (r == 0 && c->options->describe != NULL)
		r = describe_all(c, s, c->options->describe);
	set_item(c, ITEM_NONE, SLICE(""));
	return r < 0 ? r : plan_rules(s);
}
