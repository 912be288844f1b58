/* SPDX-License-Identifier: Apache-2.0 */
/* outputs_conf.c - the outputs of a configuration: options, names, routes; without starting them.
 */
#include "collector/output/outputs_int.h"
#include <errno.h>

const struct output_ops *const output_kinds[] = {
#define OUTPUT(name) &output_##name,
#include "collector/output/outputs.def"
};

enum { O_ENABLED, O_NAME, O_FROM, O_MINIMUM, O_CONDITION, O_SILENCES, COMMON_OPTS };
static const struct opt common_opts[][COMMON_OPTS] = {
#define OUTPUT(name)                                                                              \
	{ { "outputs." #name ".enabled", "false", "Send alerts to it.", OPT_BOOL,                 \
	      offsetof(struct output_choice, enabled), 0, 0 },                                    \
		{ "outputs." #name ".name", NULL,                                                 \
		    "Its name, in a list of several outputs of this kind.", OPT_STR,              \
		    offsetof(struct output_choice, label), 0, 0 },                                \
		{ "outputs." #name ".from", "now",                                                \
		    "Where to begin if it is new or was disabled: now, or beginning (all stored " \
		    "alerts that it has not sent).",                                              \
		    OPT_STR, offsetof(struct output_choice, from), 0, 0 },                        \
		{ "outputs." #name ".minimum_priority", "debug",                                  \
		    "Send only alerts of this priority and more urgent ones.", OPT_STR,           \
		    offsetof(struct output_choice, minimum), 0, 0 },                              \
		{ "outputs." #name ".condition", NULL,                                            \
		    "Send only alerts for which it is true, such as \"alert.tags intersects "     \
		    "(network) or proc.name = ssh\".",                                            \
		    OPT_STR, offsetof(struct output_choice, condition), 0, 0 },                   \
		{ "outputs." #name ".silences", "auto",                                           \
		    "Leave out what 'mewsctl silence' covers: yes, no, or auto: if people read "  \
		    "it (email, and webhooks with a preset for people).",                         \
		    OPT_STR, offsetof(struct output_choice, silences), 0, 0 } },
#include "collector/output/outputs.def"
};
static const char *const sections[] = {
#define OUTPUT(name) "outputs." #name,
#include "collector/output/outputs.def"
};

_Static_assert(ARRAY_SIZE(output_kinds) <= OUTBOX_OUTPUTS, "the outbox keeps a place for each");

const char *
output_section(const struct output_walk *w)
{
	return sections[w->kind];
}

bool
output_walk_on(struct output_walk *w)
{
	if (w->next_kind == ARRAY_SIZE(output_kinds)) {
		cfg_select(w->cfg, NULL, 0);
		return false;
	}
	w->kind = w->next_kind;
	w->elements = cfg_elements(w->cfg, sections[w->kind]);
	cfg_select(w->cfg, w->elements == 0 ? NULL : sections[w->kind], w->next);
	if (++w->next >= w->elements) {
		w->next = 0;
		w->next_kind++;
	}
	return true;
}

/* Which element of its list is the present one? */
static size_t
element(const struct output_walk *w)
{
	return w->next == 0 ? w->elements - 1 : w->next - 1;
}

/* Select the keys of the present one again, after another walk over the same configuration. */
static void
walk_back(const struct output_walk *w)
{
	if (w->elements == 0)
		cfg_select(w->cfg, NULL, 0);
	else
		cfg_select(w->cfg, sections[w->kind], element(w));
}

/* Is it a name for an output of a list? */
static bool
is_name(const char *s)
{
	enum { NAME_MAX_ = 20 };
	size_t n = s == NULL ? 0 : strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return n > 0 && n <= NAME_MAX_ && s[n] == '\0';
}

/* Does an earlier element of the list have the name? Selects the present one again. */
static bool
is_taken(const struct output_walk *w, const char *name)
{
	const struct opt *opt = &common_opts[w->kind][O_NAME];
	bool taken = false;

	for (size_t i = 0; i < element(w) && !taken; i++) {
		struct output_choice other = { 0 };
		struct diag d;

		cfg_select(w->cfg, sections[w->kind], i);
		taken = cfg_bind(w->cfg, opt, 1, &other, &d) == 0 && other.label != NULL &&
			strcmp(other.label, name) == 0;
	}
	walk_back(w);
	return taken;
}

/* Set the output's name in metrics and in the outbox. */
static int
bind_name(const struct output_walk *w, struct output_choice *c, struct diag *d)
{
	const char *key = common_opts[w->kind][O_NAME].key, *kind = output_kinds[w->kind]->name;
	char name[OUTPUT_NAME];

	c->place.name = kind;
	if (w->elements == 0 && c->label == NULL)
		return 0;
	cfg_place(w->cfg, key, d);
	if (output_kinds[w->kind]->only_one)
		return diag_fail(d, d->line, d->col,
		    "'%s' must not be a list, and have no name: there is only one %s",
		    sections[w->kind], kind);
	if (!is_name(c->label))
		return diag_fail(d, d->line, d->col,
		    "'%s' must be 1 to 20 characters of a-z, 0-9, - and _, not '%s'", key,
		    c->label == NULL ? "" : c->label);
	if (w->elements > 0 && is_taken(w, c->label))
		return diag_fail(d, d->line, d->col,
		    "'%s': another one is named '%s'; choose another name", key, c->label);
	(void) snprintf(name, sizeof(name), "%s.%s", kind, c->label);
	c->place.name = cfg_copy(w->cfg, name);
	return c->place.name == NULL ? -ENOMEM : 0;
}

int
output_bind_choice(const struct output_walk *w, struct output_choice *ret, struct diag *d)
{
	const struct opt *opts = common_opts[w->kind];
	int r = cfg_bind(w->cfg, opts, COMMON_OPTS, ret, d);

	if (r == 0)
		r = bind_name(w, ret, d);
	if (r < 0)
		return r;
	if (strcmp(ret->silences, "auto") != 0 && strcmp(ret->silences, "yes") != 0 &&
	    strcmp(ret->silences, "no") != 0)
		return cfg_wrong(w->cfg, opts[O_SILENCES].key, "auto, yes or no", ret->silences, d);
	ret->place.beginning = strcmp(ret->from, "beginning") == 0;
	if (ret->place.beginning || strcmp(ret->from, "now") == 0)
		return 0;
	cfg_place(w->cfg, opts[O_FROM].key, d);
	return diag_fail(d, d->line, d->col, "'%s' must be now or beginning, not '%s'",
	    opts[O_FROM].key, ret->from);
}

int
output_each_earlier(
    const struct output_walk *w, const char *name, output_choice_fn *fn, void *arg, struct diag *d)
{
	struct output_walk all = { .cfg = w->cfg };
	struct opt_list names;
	int r = output_order(w->cfg, &names, d);
	size_t mine = output_order_of(&names, name);

	if (r < 0 || mine == 0 || mine == names.n)
		return r;
	while (r == 0 && output_walk_on(&all)) {
		struct output_choice c = { 0 };

		r = output_bind_choice(&all, &c, d);
		if (r == 0 && c.enabled && output_order_of(&names, c.place.name) < mine)
			r = fn(arg, &c);
	}
	walk_back(w);
	return r;
}

static int
add_earlier(void *arg, const struct output_choice *c)
{
	struct route *earlier;
	struct diag ignored = { 0 };
	int r = route_new(c->minimum, c->condition, &earlier, &ignored);

	if (r == 0)
		route_after(arg, earlier);
	return r == -EINVAL ? 0 : r; /* that output's own check tells */
}

int
output_bind_route(
    const struct output_walk *w, const struct output_choice *c, struct route **ret, struct diag *d)
{
	struct diag in = { 0 };
	int r = route_new(c->minimum, c->condition, ret, &in);
	const char *key = common_opts[w->kind][in.line == 0 ? O_MINIMUM : O_CONDITION].key;

	if (r == 0)
		return output_each_earlier(w, c->place.name, add_earlier, *ret, d);
	if (r != -EINVAL)
		return r;
	cfg_place(w->cfg, key, d);
	if (in.line == 0)
		return diag_fail(d, d->line, d->col, "'%s' %s", key, in.msg);
	return diag_fail(
	    d, d->line, d->col, "'%s', line %u, column %u of it: %s", key, in.line, in.col, in.msg);
}

void
outputs_help(FILE *f)
{
	output_order_help(f);
	for (size_t i = 0; i < ARRAY_SIZE(output_kinds); i++) {
		fprintf(f, "\nOptions of output %s:\n", output_kinds[i]->name);
		opt_print(f, common_opts[i], COMMON_OPTS);
		opt_print(f, output_kinds[i]->opts, output_kinds[i]->nopts);
		if (output_kinds[i]->free_keys != NULL)
			fprintf(f,
			    "  %s.* text  Any property of the client library, by its own name.\n",
			    output_kinds[i]->free_keys);
	}
}

static int
ignore(void *arg, const char *rest, const char *value, struct diag *d)
{
	(void) arg;
	(void) rest;
	(void) value;
	(void) d;
	return 0;
}

/* Bind the options of one kind, enabled or not. */
static int
bind_kind(struct cfg *cfg, const struct output_ops *ops, struct diag *d)
{
	void *st = calloc(1, ops->state_size);
	int r = st == NULL ? -ENOMEM : cfg_bind(cfg, ops->opts, ops->nopts, st, d);

	if (r == 0 && ops->free_keys != NULL)
		r = cfg_each(cfg, ops->free_keys, ignore, NULL, d);
	free(st);
	return r;
}

int
outputs_enabled(struct cfg *cfg, struct outbox_output *v, size_t max, struct diag *d)
{
	struct output_walk w = { .cfg = cfg };
	struct output_choice c = { 0 };
	size_t n = 0;
	int r = 0;

	while (r == 0 && output_walk_on(&w)) {
		r = bind_kind(cfg, output_kinds[w.kind], d);
		if (r == 0)
			r = output_bind_choice(&w, &c, d);
		if (r < 0 || !c.enabled)
			continue;
		if (n == max) {
			cfg_place(cfg, common_opts[w.kind][O_ENABLED].key, d);
			r = diag_fail(d, d->line, d->col,
			    "more than %zu outputs are enabled, the limit", max);
		} else {
			v[n++] = c.place;
		}
	}
	cfg_select(cfg, NULL, 0);
	if (r == 0)
		r = output_order_check(cfg, v, n, d);
	return r < 0 ? r : (int) n;
}

static int
check(const struct output_walk *w, const struct output_choice *c, struct diag *d)
{
	const struct output_ops *ops = output_kinds[w->kind];
	void *st = calloc(1, ops->state_size);
	struct route *route = NULL;
	int r = st == NULL ? -ENOMEM : output_bind_route(w, c, &route, d);

	route_free(route);
	if (r == 0)
		r = cfg_bind(w->cfg, ops->opts, ops->nopts, st, d);
	if (r == 0)
		r = ops->check(st, w->cfg, d);
	if (st != NULL)
		ops->close(st);
	free(st);
	return r;
}

int
outputs_check(struct cfg *cfg, void (*tell)(void *arg, const struct diag *d, int r), void *arg)
{
	struct output_walk w = { .cfg = cfg };
	int ret = 0, r;

	while (output_walk_on(&w)) {
		struct output_choice c = { 0 };
		struct diag d = { 0 };

		r = output_bind_choice(&w, &c, &d);
		if (r == 0 && c.enabled)
			r = check(&w, &c, &d);
		if (r < 0) {
			tell(arg, &d, r);
			ret = r;
		}
	}
	return ret;
}

static int
render(struct cfg *cfg, const struct output_ops *ops, const struct alert *a, struct buf *ret,
    struct diag *d)
{
	void *st = calloc(1, ops->state_size);
	int r = st == NULL ? -ENOMEM : cfg_bind(cfg, ops->opts, ops->nopts, st, d);

	if (r == 0)
		r = ops->check(st, cfg, d);
	if (r == 0)
		r = ops->render(st, a, ret);
	if (st != NULL)
		ops->close(st);
	free(st);
	return r < 0 ? r : buf_ok(ret);
}

int
outputs_render(
    struct cfg *cfg, const char *name, const struct alert *a, struct buf *ret, struct diag *d)
{
	struct output_walk w = { .cfg = cfg };
	int r = -ENOENT;

	while (r == -ENOENT && output_walk_on(&w)) {
		struct output_choice c = { 0 };
		int bound = output_bind_choice(&w, &c, d);

		if (bound < 0)
			r = bound;
		else if (strcmp(c.place.name, name) == 0)
			r = render(cfg, output_kinds[w.kind], a, ret, d);
	}
	cfg_select(cfg, NULL, 0);
	return r;
}
