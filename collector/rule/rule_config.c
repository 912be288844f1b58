/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_config.h"
#include "common/arena.h"
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Options whose sense is inverted in rule_options, so the table cannot set them directly. */
struct alert_opts {
	bool iso8601, message, output, fields, tags;
};
static const struct opt alert_table[] = {
#define ALERT(key, field, def, help)                                                        \
	{                                                                                   \
		"alert." key, def, help, OPT_BOOL, offsetof(struct alert_opts, field), 0, 0 \
	}
	ALERT("time_iso8601", iso8601, "false", "The time in an alert's text as ISO 8601, in UTC."),
	ALERT("message", message, "false", "Add 'message' to alerts: only the text."),
	ALERT("output", output, "true", "Add 'output' to alerts: the text with time and priority."),
	ALERT("output_fields", fields, "true", "Add 'output_fields' to alerts."),
	ALERT("tags", tags, "true", "Add 'tags' to alerts."),
#undef ALERT
};

void
rule_config_help(FILE *f)
{
	opt_print(f, alert_table, ARRAY_SIZE(alert_table));
	fputs(
	    "  rule.select                  list    Rules to enable or disable; the last match "
	    "wins: "
	    "'- disable: {tag: network}',\n"
	    "                                       '- enable: {rule: \"Terminal*\"}', "
	    "'- disable: {contains: shell}'.\n"
	    "                                       On the command line: "
	    "-o 'rule.select[]={disable: {tag: network}}'\n"
	    "  rule.scopes                  list    Conditions that limit rules, and-ed to theirs: "
	    "'- condition: k8s.ns.name in (shop, till)',\n"
	    "                                       with 'rule: \"Terminal*\"' or 'tag: network' "
	    "for "
	    "these rules, otherwise for all. Where a value\n"
	    "                                       that it needs is not known, the rule applies.\n"
	    "  append_output                list    Texts to append to outputs: 'match' (source, "
	    "tags, rule), 'extra_output',\n"
	    "                                       'extra_fields', 'suggested_output' "
	    "[suggested_output: true]\n"
	    "                                       On the command line: "
	    "-o \"append_output[]={extra_output: 'pid=%proc.pid'}\"\n",
	    f);
}

/* Skip the index of a list's element: "3.enable.rule" -> "enable.rule". -1: there is none. */
static int
element(const char **rest)
{
	char *end;
	long i = strtol(*rest, &end, 10);

	if (end == *rest || *end != '.' || i < 0 || i > 1000000)
		return -1;
	*rest = end + 1;
	return (int) i;
}

int
rule_config_select(
    struct rule_config *rc, bool enable, const char *by, const char *what, struct diag *d)
{
	static const char *const kinds[] = {
		[SELECT_NAME] = "rule", [SELECT_TAG] = "tag", [SELECT_PART] = "contains"
	};
	struct rule_select *s = &rc->select[rc->options.nselect];
	size_t i = 0;

	while (i < ARRAY_SIZE(kinds) && strcmp(kinds[i], by) != 0)
		i++;
	if (i == ARRAY_SIZE(kinds))
		return diag_fail(
		    d, 0, 0, "rules are selected by 'rule', 'tag' or 'contains', not '%s'", by);
	if (what[0] == '\0')
		return diag_fail(d, 0, 0, "rules are selected by a text: '%s' has none", by);
	if (rc->options.nselect == RULE_SELECT_MAX)
		return diag_fail(d, 0, 0, "at most %d selections of rules", RULE_SELECT_MAX);
	*s = (struct rule_select){ .enable = enable, .what = what };
	s->by = i == SELECT_NAME ? SELECT_NAME : i == SELECT_TAG ? SELECT_TAG : SELECT_PART;
	rc->options.select = rc->select;
	rc->options.nselect++;
	return 0;
}

/* "0.enable.rule", or "enable.rule" */
static int
on_select(void *arg, const char *rest, const char *value, struct diag *d)
{
	(void) element(&rest);
	if (strncmp(rest, "enable.", 7) == 0)
		return rule_config_select(arg, true, rest + 7, value, d);
	if (strncmp(rest, "disable.", 8) == 0)
		return rule_config_select(arg, false, rest + 8, value, d);
	return diag_fail(d, 0, 0, "'rule.select' knows enable and disable, not '%s'", rest);
}

static int
select_by(struct rule_scope *s, int by, const char *what, struct diag *d)
{
	if (s->to.what != NULL || what[0] == '\0')
		return diag_fail(
		    d, 0, 0, "a scope is for one 'rule' (with '*') or one 'tag'; without, for all");
	s->to.what = what;
	s->to.by = by;
	return 0;
}

static int
set_scope(struct rule_config *rc, struct rule_scope *s, const char *key, const char *value,
    struct diag *d)
{
	struct buf text CLEANUP(buf_fini) = BUF_INIT;
	struct diag wrong = { 0 };
	int r;

	if (strcmp(key, "rule") == 0)
		return select_by(s, SELECT_NAME, value, d);
	if (strcmp(key, "tag") == 0)
		return select_by(s, SELECT_TAG, value, d);
	if (strcmp(key, "condition") != 0)
		return diag_fail(
		    d, 0, 0, "'rule.scopes' knows condition, rule and tag, not '%s'", key);
	r = scope_compile(value, &text, &wrong);
	if (r == -EINVAL)
		return diag_fail(d, 0, 0, "the scope '%s': %s", value, wrong.msg);
	buf_char(&text, '\0');
	if (r < 0 || buf_ok(&text) < 0)
		return -ENOMEM;
	s->condition = value;
	s->text = cfg_copy(rc->cfg, text.p);
	return s->text == NULL ? -ENOMEM : 0;
}

/* "0.condition": the keys of an element are consecutive. */
static int
on_scope(void *arg, const char *rest, const char *value, struct diag *d)
{
	struct rule_config *rc = arg;
	int i = element(&rest);

	i = i < 0 ? INT_MAX : i;
	if (i != rc->last_scope) {
		if (rc->options.nscopes == RULE_SCOPES_MAX)
			return diag_fail(
			    d, 0, 0, "'rule.scopes' has at most %d entries", RULE_SCOPES_MAX);
		rc->scopes[rc->options.nscopes++] = (struct rule_scope){ .text = NULL };
		rc->last_scope = i;
	}
	return set_scope(rc, &rc->scopes[rc->options.nscopes - 1], rest, value, d);
}

static int
check_scopes(const struct rule_config *rc, struct cfg *cfg, struct diag *d)
{
	for (size_t i = 0; i < rc->options.nscopes; i++) {
		if (rc->scopes[i].text != NULL)
			continue;
		cfg_place(cfg, "rule.scopes", d);
		return diag_fail(d, d->line, d->col, "an entry of 'rule.scopes' has no condition");
	}
	return 0;
}

/* Does the format compile? With a percent sign, or as a field's name. */
static int
check_format(const char *text, const struct rule_extra *extra, struct diag *d)
{
	CLEANUP(arena_fini) struct arena a;
	const struct format_options o = { .extra = extra, .nextra = extra != NULL };
	struct format *f = NULL;

	arena_init(&a, 0);
	return format_compile(text, &o, &a, &f, d);
}

static int
set_bool(const char *key, const char *value, bool *ret, struct diag *d)
{
	*ret = strcmp(value, "true") == 0;
	if (*ret || strcmp(value, "false") == 0)
		return 0;
	return diag_fail(d, 0, 0, "'%s' must be true or false, not '%s'", key, value);
}

static int
add_tag(struct rule_append *a, const char *value, struct diag *d)
{
	if (a->ntags == RULE_TAGS_MAX)
		return diag_fail(d, 0, 0, "at most %d tags", RULE_TAGS_MAX);
	if (value[0] != '\0')
		a->tags[a->ntags++] = value;
	return 0;
}

/* Add "evt.num" as itself, or a name with a format. */
static int
add_extra(struct rule_append *a, const char *name, const char *format, struct diag *d)
{
	struct rule_extra *x = &a->extra[a->nextra];

	if (a->nextra == RULE_EXTRA_MAX)
		return diag_fail(d, 0, 0, "at most %d extra fields", RULE_EXTRA_MAX);
	*x = (struct rule_extra){ name, format };
	a->nextra++;
	return check_format("", x, d);
}

static int
set_append(struct rule_append *a, const char *key, const char *value, struct diag *d)
{
	if (strcmp(key, "match.source") == 0) {
		a->source = value;
	} else if (strcmp(key, "match.rule") == 0) {
		a->rule = value;
	} else if (strcmp(key, "match.tags") == 0) {
		return add_tag(a, value, d);
	} else if (strcmp(key, "extra_output") == 0) {
		a->output = value;
		return check_format(value, NULL, d);
	} else if (strcmp(key, "suggested_output") == 0) {
		return set_bool(key, value, &a->suggested, d);
	} else if (strcmp(key, "extra_fields") == 0) {
		return add_extra(a, value, NULL, d);
	} else if (strncmp(key, "extra_fields.", 13) == 0) {
		key += 13;
		(void) element(&key);
		return add_extra(a, key, value, d);
	} else {
		return diag_fail(d, 0, 0, "'append_output' does not know '%s'", key);
	}
	return 0;
}

/* "0.match.source": the keys of an element are consecutive. Keys without an index belong to one
 * element. */
static int
on_append(void *arg, const char *rest, const char *value, struct diag *d)
{
	struct rule_config *rc = arg;
	int i = element(&rest);

	i = i < 0 ? INT_MAX : i;
	if (i != rc->last) {
		if (rc->options.nappend == RULE_APPEND_MAX)
			return diag_fail(
			    d, 0, 0, "'append_output' has at most %d entries", RULE_APPEND_MAX);
		rc->append[rc->options.nappend++] = (struct rule_append){ .source = NULL };
		rc->last = i;
	}
	return set_append(&rc->append[rc->options.nappend - 1], rest, value, d);
}

int
rule_config_read(struct rule_config *rc, struct cfg *cfg, struct diag *d)
{
	struct alert_opts alert;
	int r = cfg_bind(cfg, alert_table, ARRAY_SIZE(alert_table), &alert, d);

	rc->last = rc->last_scope = -1;
	rc->cfg = cfg;
	rc->options.scopes = rc->scopes;
	rc->options.append = rc->append;
	if (r == 0)
		r = cfg_each(cfg, "rule.select", on_select, rc, d);
	if (r == 0)
		r = cfg_each(cfg, "rule.scopes", on_scope, rc, d);
	if (r == 0)
		r = check_scopes(rc, cfg, d);
	if (r == 0)
		r = cfg_each(cfg, "append_output", on_append, rc, d);
	if (r < 0)
		return r;
	if (!cfg_has(cfg, "append_output"))
		rc->append[rc->options.nappend++] = (struct rule_append){ .suggested = true };
	rc->options.json = (struct alert_json){ alert.iso8601, alert.message, !alert.output,
		!alert.fields, !alert.tags };
	return 0;
}
