/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.c - the configured outputs: open, start, stop. */
#include "collector/output/outputs_int.h"
#include "common/clock.h"
#include "common/cond.h"
#include "common/log.h"
#include <errno.h>
#include <signal.h>

static const struct output_ops *const kinds[] = {
#define OUTPUT(name) &output_##name,
#include "collector/output/outputs.def"
};

/* Options of every output. */
struct choice {
	bool enabled;
	char *label, *from, *minimum, *condition, *silences;
	struct outbox_output place;
};

enum { O_ENABLED, O_NAME, O_FROM, O_MINIMUM, O_CONDITION, O_SILENCES, COMMON_OPTS };
static const struct opt common_opts[][COMMON_OPTS] = {
#define OUTPUT(name)                                                                              \
	{ { "outputs." #name ".enabled", "false", "Send alerts to it.", OPT_BOOL,                 \
	      offsetof(struct choice, enabled), 0, 0 },                                           \
		{ "outputs." #name ".name", NULL,                                                 \
		    "Its name, in a list of several outputs of this kind.", OPT_STR,              \
		    offsetof(struct choice, label), 0, 0 },                                       \
		{ "outputs." #name ".from", "now",                                                \
		    "Where to begin if it is new or was disabled: now, or beginning (all stored " \
		    "alerts that it has not sent).",                                              \
		    OPT_STR, offsetof(struct choice, from), 0, 0 },                               \
		{ "outputs." #name ".minimum_priority", "debug",                                  \
		    "Send only alerts of this priority and more urgent ones.", OPT_STR,           \
		    offsetof(struct choice, minimum), 0, 0 },                                     \
		{ "outputs." #name ".condition", NULL,                                            \
		    "Send only alerts for which it is true, such as \"alert.tags intersects "     \
		    "(network) or proc.name = ssh\".",                                            \
		    OPT_STR, offsetof(struct choice, condition), 0, 0 },                          \
		{ "outputs." #name ".silences", "auto",                                           \
		    "Leave out what 'mewsctl silence' covers: yes, no, or auto: if people read "  \
		    "it (email, and webhooks with a preset for people).",                         \
		    OPT_STR, offsetof(struct choice, silences), 0, 0 } },
#include "collector/output/outputs.def"
};
static const char *const sections[] = {
#define OUTPUT(name) "outputs." #name,
#include "collector/output/outputs.def"
};

_Static_assert(ARRAY_SIZE(kinds) <= OUTBOX_OUTPUTS, "the outbox keeps a place for each");

/* A walk over the outputs of a configuration; zeroed with 'cfg' set at first. */
struct walk {
	struct cfg *cfg;
	size_t next_kind, next; /* element */
	size_t kind, elements;  /* the present one; elements: of its list, 0: it is a section */
};

/* Go to the next output, and select its keys. false: that was the last. */
static bool
walk_on(struct walk *w)
{
	if (w->next_kind == ARRAY_SIZE(kinds)) {
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
is_taken(const struct walk *w, const char *name)
{
	const struct opt *opt = &common_opts[w->kind][O_NAME];
	size_t mine = w->next == 0 ? w->elements - 1 : w->next - 1;
	bool taken = false;

	for (size_t i = 0; i < mine && !taken; i++) {
		struct choice other = { 0 };
		struct diag d;

		cfg_select(w->cfg, sections[w->kind], i);
		taken = cfg_bind(w->cfg, opt, 1, &other, &d) == 0 && other.label != NULL &&
			strcmp(other.label, name) == 0;
	}
	cfg_select(w->cfg, sections[w->kind], mine);
	return taken;
}

/* Set the output's name in metrics and in the outbox. */
static int
bind_name(const struct walk *w, struct choice *c, struct diag *d)
{
	const char *key = common_opts[w->kind][O_NAME].key, *kind = kinds[w->kind]->name;
	char name[OUTPUT_NAME];

	c->place.name = kind;
	if (w->elements == 0 && c->label == NULL)
		return 0;
	cfg_place(w->cfg, key, d);
	if (kinds[w->kind]->only_one)
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

static int
bind_choice(const struct walk *w, struct choice *ret, struct diag *d)
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

/* Make the route of an output: which alerts it gets. */
static int
bind_route(struct cfg *cfg, size_t kind, const struct choice *c, struct route **ret, struct diag *d)
{
	struct diag in = { 0 };
	int r = route_new(c->minimum, c->condition, ret, &in);
	const char *key = common_opts[kind][in.line == 0 ? O_MINIMUM : O_CONDITION].key;

	if (r != -EINVAL)
		return r;
	cfg_place(cfg, key, d);
	if (in.line == 0)
		return diag_fail(d, d->line, d->col, "'%s' %s", key, in.msg);
	return diag_fail(
	    d, d->line, d->col, "'%s', line %u, column %u of it: %s", key, in.line, in.col, in.msg);
}

void
outputs_help(FILE *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		fprintf(f, "\nOptions of output %s:\n", kinds[i]->name);
		opt_print(f, common_opts[i], COMMON_OPTS);
		opt_print(f, kinds[i]->opts, kinds[i]->nopts);
		if (kinds[i]->free_keys != NULL)
			fprintf(f,
			    "  %s.* text  Any property of the client library, by its own name.\n",
			    kinds[i]->free_keys);
	}
}

static void
output_free(struct output *o)
{
	if (o->opened)
		o->ops->close(o->st);
	pthread_mutex_destroy(&o->lock);
	route_free(o->route);
	free(o->st);
	free(o);
}

static int
output_new(struct outputs *set, const struct output_ops *ops, const char *name, struct output **ret)
{
	struct output *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return -ENOMEM;
	o->st = calloc(1, ops->state_size);
	if (o->st == NULL) {
		free(o);
		return -ENOMEM;
	}
	o->ops = ops;
	o->set = set;
	(void) snprintf(o->name, sizeof(o->name), "%s", name);
	o->stats.name = o->name;
	o->stats.kind = ops->name;
	pthread_mutex_init(&o->lock, NULL);
	*ret = o;
	return 0;
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
	struct walk w = { .cfg = cfg };
	struct choice c = { 0 };
	size_t n = 0;
	int r = 0;

	while (r == 0 && walk_on(&w)) {
		r = bind_kind(cfg, kinds[w.kind], d);
		if (r == 0)
			r = bind_choice(&w, &c, d);
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
	return r < 0 ? r : (int) n;
}

static int
check(struct cfg *cfg, size_t kind, const struct choice *c, struct diag *d)
{
	const struct output_ops *ops = kinds[kind];
	void *st = calloc(1, ops->state_size);
	struct route *route = NULL;
	int r = st == NULL ? -ENOMEM : bind_route(cfg, kind, c, &route, d);

	route_free(route);
	if (r == 0)
		r = cfg_bind(cfg, ops->opts, ops->nopts, st, d);
	if (r == 0)
		r = ops->check(st, cfg, d);
	if (st != NULL)
		ops->close(st);
	free(st);
	return r;
}

int
outputs_check(struct cfg *cfg, void (*tell)(void *arg, const struct diag *d, int r), void *arg)
{
	struct walk w = { .cfg = cfg };
	int ret = 0, r;

	while (walk_on(&w)) {
		struct choice c = { 0 };
		struct diag d = { 0 };

		r = bind_choice(&w, &c, &d);
		if (r == 0 && c.enabled)
			r = check(cfg, w.kind, &c, &d);
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
	struct walk w = { .cfg = cfg };
	int r = -ENOENT;

	while (r == -ENOENT && walk_on(&w)) {
		struct choice c = { 0 };
		int bound = bind_choice(&w, &c, d);

		if (bound < 0)
			r = bound;
		else if (strcmp(c.place.name, name) == 0)
			r = render(cfg, kinds[w.kind], a, ret, d);
	}
	cfg_select(cfg, NULL, 0);
	return r;
}

static void
tell_skipped(const struct output *o)
{
	if (o->stats.skipped > 0)
		log_warn(
		    "output %s is new or was disabled: alerts from before are not sent "
		    "there: %llu ('mewsctl alerts' shows them)",
		    o->name, (unsigned long long) o->stats.skipped);
}

/* An option that is yes, no or auto: do people read what the output sends? */
static bool
for_people(const struct output *o, const char *choice)
{
	if (strcmp(choice, "auto") != 0)
		return strcmp(choice, "yes") == 0;
	return o->ops->people != NULL && o->ops->people(o->st);
}

static int
add(struct outputs *set, size_t kind, const struct choice *c, struct cfg *cfg, struct diag *d)
{
	const struct output_ops *ops = kinds[kind];
	struct output *o = NULL;
	int r = output_new(set, ops, c->place.name, &o);

	if (r < 0)
		return r;
	set->v[set->n++] = o;
	r = bind_route(cfg, kind, c, &o->route, d);
	if (r == 0)
		r = cfg_bind(cfg, ops->opts, ops->nopts, o->st, d);
	if (r == 0) {
		o->opened = true;
		r = ops->open(o->st, cfg, output_ended, o, d);
	}
	if (r == 0)
		o->silenced = for_people(o, c->silences);
	if (r == 0)
		r = outbox_cursor(set->outbox, o->name, &o->cursor, &o->stats.skipped);
	o->next = o->cursor;
	if (r == 0)
		tell_skipped(o);
	return r;
}

static int
run(struct outputs *set, struct diag *d)
{
	sigset_t all, old;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (size_t i = 0; r == 0 && i < set->n; i++) {
		r = pthread_create(&set->v[i]->thread, NULL, output_main, set->v[i]);
		set->v[i]->running = r == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		diag_set(d, 0, 0, "cannot start a thread for an output: %s", strerrordesc_np(r));
	return -r;
}

int
outputs_start(struct cfg *cfg, struct outbox *o, struct silences *silences, struct outputs **ret,
    struct diag *d)
{
	struct outputs *set = calloc(1, sizeof(*set));
	struct walk w = { .cfg = cfg };
	struct choice c = { 0 };
	int r = 0;

	if (set == NULL)
		return -ENOMEM;
	set->outbox = o;
	set->silences = silences;
	pthread_mutex_init(&set->lock, NULL);
	cond_init(&set->wake);
	while (r == 0 && walk_on(&w)) {
		r = bind_choice(&w, &c, d);
		if (r == 0 && c.enabled)
			r = add(set, w.kind, &c, cfg, d);
	}
	cfg_select(cfg, NULL, 0);
	if (r == 0)
		r = run(set, d);
	if (r < 0) {
		outputs_stop(set, 0);
		return r;
	}
	*ret = set;
	return 0;
}

void
outputs_stop(struct outputs *set, int deadline_ms)
{
	uint64_t now = clock_mono(), until = now + (uint64_t) deadline_ms * NS_PER_MS;
	struct output *o;

	if (set == NULL)
		return;
	pthread_mutex_lock(&set->lock);
	set->stop_at = until;
	set->stopping = true;
	pthread_cond_broadcast(&set->wake);
	pthread_mutex_unlock(&set->lock);
	for (size_t i = 0; i < set->n; i++) {
		o = set->v[i];
		if (o->running && o->ops->hurry != NULL)
			o->ops->hurry(o->st, until);
	}
	for (size_t i = 0; i < set->n; i++) {
		o = set->v[i];
		if (o->running) {
			(void) pthread_join(o->thread, NULL);
			now = clock_mono();
			(void) o->ops->drain(
			    o->st, now < until ? (int) ((until - now) / NS_PER_MS) : 0);
			output_advance(o);
			output_extra_stop(o);
		}
		output_free(o);
	}
	pthread_cond_destroy(&set->wake);
	pthread_mutex_destroy(&set->lock);
	free(set);
}

void
outputs_reopen(struct outputs *set)
{
	set->reopen++;
}

size_t
outputs_stats(struct outputs *set, struct output_stats *ret, size_t max)
{
	size_t n = MIN(set->n, max);

	for (size_t i = 0; i < n; i++) {
		pthread_mutex_lock(&set->v[i]->lock);
		ret[i] = set->v[i]->stats;
		pthread_mutex_unlock(&set->v[i]->lock);
	}
	return n;
}
