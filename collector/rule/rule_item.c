/* SPDX-License-Identifier: Apache-2.0 */
/* rule_item.c - a rule item: a definition, an append, an override, or 'enabled' only. */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const known[] = { "rule", "condition", "output", "desc", "priority", "source",
	"enabled", "tags", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration",
	"exceptions", "append", "override", NULL };

struct def_rule *
find_rule(const struct collection *c, struct slice name)
{
	struct def_rule *r = c->rules;

	while (r != NULL && !slice_eq(r->name.s, name))
		r = r->next;
	return r;
}

const char *
like_rule(const struct collection *c, struct slice name, struct near *n)
{
	*n = near_to(name);
	for (const struct def_rule *r = c->rules; r != NULL; r = r->next)
		near_try(n, r->name.s);
	return near_hint(n);
}

bool
is_broken(const struct collection *c, enum item_type what, struct slice name)
{
	for (size_t i = 0; i < c->broken[what].n; i++) {
		if (slice_eq(c->broken[what].v[i].s, name))
			return true;
	}
	return false;
}

static int
read_priority(const struct item *it, bool need, enum priority *ret)
{
	struct rtext t = { .s = { NULL, 0 } };
	int r = item_text(it, "priority", need, &t);

	if (r < 0 || t.s.p == NULL)
		return r;
	r = priority_of(t.s.p);
	if (r < 0)
		return rule_fail(it->c, E_SHAPE, &t.at,
		    "Invalid priority '%.100s': one of emergency, alert, "
		    "critical, error, warning, notice, informational (info), debug is expected",
		    t.s.p);
	*ret = (enum priority) r;
	return 0;
}

/* Append a text to pieces, or replace them. */
static int
read_piece(const struct item *it, const char *key, bool append, struct rtexts *ret)
{
	struct rtext t = { .s = { NULL, 0 } };
	int r = item_text(it, key, false, &t);

	if (r < 0 || t.s.p == NULL)
		return r;
	if (!append)
		ret->n = 0;
	return texts_add(it->c->a, ret, &t);
}

static int
read_tags(const struct item *it, bool append, struct rtexts *ret)
{
	struct rtexts tags = { NULL, 0, 0 };
	int r = item_texts(it, "tags", false, &tags);

	if (r < 0)
		return r;
	if (!append)
		ret->n = 0;
	for (size_t i = 0; i < tags.n; i++) {
		size_t k = 0;

		while (k < ret->n && !slice_eq(ret->v[k].s, tags.v[i].s))
			k++;
		if (k < ret->n)
			continue;
		r = texts_add(it->c->a, ret, &tags.v[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
read_flags(const struct item *it, struct def_rule *d)
{
	struct rtext ms = { .s = { NULL, 0 } };
	char *end;
	int r = item_bool(it, "enabled", &d->enabled);

	if (r == 0)
		r = item_bool(it, "warn_evttypes", &d->warn_evttypes);
	if (r == 0)
		r = item_bool(it, "skip-if-unknown-filter", &d->skip_unknown);
	if (r == 0)
		r = item_bool(it, "capture", &d->capture);
	if (r == 0)
		r = item_text(it, "capture_duration", false, &ms);
	if (r < 0 || ms.s.p == NULL)
		return r;
	d->capture_ms = strtoul(ms.s.p, &end, 10);
	if (*end != '\0' || ms.s.p[0] == '-')
		return rule_fail(it->c, E_SHAPE, &ms.at,
		    "Can't decode YAML scalar value of key "
		    "'capture_duration': milliseconds are expected");
	return 0;
}

/* Read an item's source; none if the key is missing or empty. */
static int
read_source(const struct item *it, struct rtext *ret)
{
	const yaml_node_t *n = item_get(it, "source");

	*ret = (struct rtext){ .s = { NULL, 0 } };
	if (n == NULL || node_is_null(n) ||
	    (n->type == YAML_SCALAR_NODE && n->data.scalar.length == 0))
		return 0;
	return item_text(it, "source", false, ret);
}

/* A rule cannot change its source. */
static int
same_source(const struct item *it, const struct def_rule *d, struct slice source)
{
	if (d == NULL || source.p == NULL || slice_eq(source, d->source))
		return 0;
	return rule_fail(
	    it->c, E_VALIDATE, &it->at, "Rule has been re-defined with a different source");
}

/* The same for an item that appends to the rule or overrides it. */
static int
keeps_source(const struct item *it, const struct def_rule *d)
{
	struct rtext source;
	int r = read_source(it, &source);

	return r < 0 ? r : same_source(it, d, source.s);
}

static int
check_source(const struct item *it, struct def_rule *d)
{
	d->unknown_source = !slice_eq(d->source, SLICE("syscall"));
	if (!d->unknown_source)
		return 0;
	return rule_warn(it->c, W_SOURCE, &it->at, "Unknown source %.100s, skipping", d->source.p);
}

static int
define(const struct item *it, const struct rtext *name)
{
	static const char *const need[] = { "condition", "output", "desc", "priority" };
	struct collection *c = it->c;
	struct def_rule *old = find_rule(c, name->s);
	struct def_rule d = { .name = *name, .at = it->at, .enabled = true, .warn_evttypes = true };
	struct rtext source;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(need); i++) {
		if (!item_has(it, need[i]))
			r = rule_worse(r, rule_fail(c, E_SHAPE, &it->at,
					      "Item has no mapping for key '%s'", need[i]));
	}
	r = rule_worse(r, read_source(it, &source));
	d.source = source.s.p != NULL ? source.s : SLICE("syscall");
	r = rule_worse(r, same_source(it, old, d.source));
	r = rule_worse(r, read_piece(it, "condition", false, &d.condition));
	r = rule_worse(r, read_piece(it, "output", false, &d.output));
	r = rule_worse(r, read_piece(it, "desc", false, &d.desc));
	r = rule_worse(r, read_priority(it, false, &d.priority));
	r = rule_worse(r, read_flags(it, &d));
	r = rule_worse(r, read_tags(it, false, &d.tags));
	r = rule_worse(r, read_exceptions(it, false, &d.exceptions));
	if (r == 0)
		r = check_source(it, &d);
	if (r < 0)
		return r;
	d.visibility = d.index = c->next_index++;
	d.stale = true;
	if (old != NULL) {
		if (old->at.src != it->src &&
		    rule_log_replaced(c->log, name->s, old->at.src->name, it->src->name) < 0)
			return -ENOMEM;
		d.index = old->index;
		d.next = old->next;
		mtext_fini(&old->text);
		*old = d;
		return 0;
	}
	old = arena_alloc(c->a, sizeof(*old));
	if (old == NULL)
		return -ENOMEM;
	*old = d;
	*c->rules_end = old;
	c->rules_end = &old->next;
	return 0;
}

/* Compile it again, unless it has an error, which was reported. */
static void
rule_changed(struct collection *c, struct def_rule *d)
{
	d->stale = d->stale || d->result >= 0;
	d->visibility = c->next_index++;
}

static int
append(const struct item *it, const struct rtext *name)
{
	struct collection *c = it->c;
	struct def_rule *d = find_rule(c, name->s);
	struct near near;
	int r;

	if (!item_has(it, "condition") && !item_has(it, "exceptions"))
		return rule_fail(c, E_VALIDATE, &it->at,
		    "Appended rule must have exceptions or condition property");
	if (d == NULL && is_broken(c, ITEM_RULE, name->s))
		return -EINVAL;
	if (d == NULL)
		return rule_fail(c, E_VALIDATE, &it->at,
		    "Rule uses 'append' or 'override.<key>: append' but "
		    "no rule by that name already exists%s",
		    like_rule(c, name->s, &near));
	r = keeps_source(it, d);
	if (r == 0)
		r = read_piece(it, "condition", true, &d->condition);
	if (r == 0)
		r = read_exceptions(it, true, &d->exceptions);
	rule_changed(c, d);
	return r;
}

enum { OV_CONDITION, OV_OUTPUT, OV_DESC, OV_TAGS, OV_EXCEPTIONS, OV_PRIORITY, OV_N = 11 };

static int
override_rule(const struct item *it, const struct rtext *name, const struct override *ov)
{
	struct collection *c = it->c;
	struct def_rule *d = find_rule(c, name->s);
	bool appends = false;
	struct near near;
	int r;

	for (size_t i = 0; i < OV_N; i++)
		appends = appends || ov[i].op == OV_APPEND;
	if (d == NULL && is_broken(c, ITEM_RULE, name->s))
		return -EINVAL;
	if (d == NULL)
		return rule_fail(c, E_VALIDATE, &it->at,
		    "%s but no rule by that name already exists%s",
		    appends ? "Rule uses 'append' or 'override.<key>: append'"
			    : "An 'override.<key>: replace' to a rule was requested",
		    like_rule(c, name->s, &near));
	if ((r = keeps_source(it, d)) < 0 ||
	    (r = read_piece(it, "condition", ov[OV_CONDITION].op == OV_APPEND, &d->condition)) <
		0 ||
	    (r = read_piece(it, "output", ov[OV_OUTPUT].op == OV_APPEND, &d->output)) < 0 ||
	    (r = read_piece(it, "desc", ov[OV_DESC].op == OV_APPEND, &d->desc)) < 0)
		return r;
	if (ov[OV_TAGS].op != OV_NONE) {
		r = read_tags(it, ov[OV_TAGS].op == OV_APPEND, &d->tags);
		if (r < 0)
			return r;
	}
	if (ov[OV_EXCEPTIONS].op != OV_NONE) {
		r = read_exceptions(it, ov[OV_EXCEPTIONS].op == OV_APPEND, &d->exceptions);
		if (r < 0)
			return r;
	}
	rule_changed(c, d);
	r = read_priority(it, false, &d->priority);
	return r < 0 ? r : read_flags(it, d);
}

static int
toggle(const struct item *it, const struct rtext *name)
{
	struct collection *c = it->c;
	struct def_rule *d = find_rule(c, name->s);
	struct near near;
	int r;

	if (!item_has(it, "enabled"))
		return rule_fail(c, E_SHAPE, &it->at, "Item has no mapping for key 'condition'");
	if (d == NULL && is_broken(c, ITEM_RULE, name->s))
		return -EINVAL;
	if (d == NULL)
		return rule_fail(c, E_VALIDATE, &it->at,
		    "Rule has 'enabled' key but no rule by that name already exists%s",
		    like_rule(c, name->s, &near));
	r = item_bool(it, "enabled", &d->enabled);
	if (r < 0)
		return r;
	d->stale = d->stale || d->result >= 0;
	return rule_warn(c, W_DEPRECATED, &it->at,
	    "The standalone 'enabled' key usage is deprecated. The "
	    "correct approach requires also a 'replace' entry under the 'override' key (i.e. "
	    "'enabled: "
	    "replace').");
}

int
read_rule(const struct item *it)
{
	struct override ov[OV_N] = { { "condition", false, OV_NONE }, { "output", false, OV_NONE },
		{ "desc", false, OV_NONE }, { "tags", false, OV_NONE },
		{ "exceptions", false, OV_NONE }, { "priority", true, OV_NONE },
		{ "enabled", true, OV_NONE }, { "capture", true, OV_NONE },
		{ "capture_duration", true, OV_NONE }, { "warn_evttypes", true, OV_NONE },
		{ "skip-if-unknown-filter", true, OV_NONE } };
	struct rtext name = { .s = { NULL, 0 } };
	bool appends = false, overrides = false;
	int r = item_text(it, "rule", true, &name);

	if (r < 0 || (r = item_warn_unknown(it, known)) < 0 ||
	    (r = read_append(it, &appends)) < 0 ||
	    (r = read_override(it, ov, OV_N, &overrides)) < 0)
		return r;
	if (appends)
		return append(it, &name);
	if (overrides)
		return override_rule(it, &name, ov);
	if (!item_has(it, "condition") && !item_has(it, "output") && !item_has(it, "desc") &&
	    !item_has(it, "priority"))
		return toggle(it, &name);
	return define(it, &name);
}
