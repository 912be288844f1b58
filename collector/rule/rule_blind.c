/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_blind.c - find rules and parts of rules that have no effect today.
 *
 * A rule is blind if none of its events is captured, or if its condition cannot be true without a
 * field that has no value yet. It is partly blind if that holds for some of its events, or of its
 * condition: an alternative that never matches, an exception that never applies.
 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <string.h>

enum { NAMES_SHOWN = 6, NAMES_KEPT = 32 };

/* Is this the first event with its name in the set? An enter and an exit event share one. */
static bool
is_first(const struct event_set *set, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (event_set_has(set, schema_events[k].num) &&
		    strcmp(schema_events[k].name, schema_events[i].name) == 0)
			return false;
	}
	return true;
}

/* Is any event of this name captured? */
static bool
is_seen(const struct event_set *set, const char *name)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		if (schema_events[i].capture != CAP_NOT &&
		    event_set_has(set, schema_events[i].num) &&
		    strcmp(schema_events[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Names for a sentence: the first few, each once, then the number of further ones. */
struct names {
	struct slice kept[NAMES_KEPT];
	size_t n;  /* all */
	bool more; /* more than could be kept, and so compared */
};

/* Add a name that is not among them. */
static void
names_add_new(struct names *v, struct slice name)
{
	if (v->n < NAMES_KEPT)
		v->kept[v->n] = name;
	v->n++;
}

static void
names_add(struct names *v, struct slice name)
{
	for (size_t i = 0; i < v->n; i++) {
		if (slice_eq(v->kept[i], name))
			return;
	}
	if (v->n < NAMES_KEPT)
		names_add_new(v, name);
	else
		v->more = true;
}

static void
names_print(const struct names *v, struct buf *out)
{
	for (size_t i = 0; i < MIN(v->n, (size_t) NAMES_SHOWN); i++)
		buf_printf(out, "%s%.*s", i == 0 ? "" : ", ", SLICE_ARG(v->kept[i]));
	if (v->more)
		buf_str(out, " and more");
	else if (v->n > NAMES_SHOWN)
		buf_printf(out, " and %zu more", v->n - NAMES_SHOWN);
}

/* The missing parts of a condition. */
struct missing {
	struct names events;                   /* not captured */
	struct names never;                    /* of calls that no event is named after */
	size_t seen;                           /* number of names of captured events */
	struct names alternatives, exceptions; /* fields without a value */
};

/* Calls that the rule names. One whose event has another name, or that no kernel has here, never
 * gives its name to an event. */
static void
find_calls(const struct event_set *set, struct missing *m)
{
	if (event_set_has_call(set, SC_UNNAMED)) {
		m->seen++; /* the rule looks at all calls, or at all but some */
		return;
	}
	for (unsigned i = 0; i < SC_MAX; i++) {
		if (!event_set_has_call(set, i))
			continue;
		if (syscalls[i].id == SYSCALL_ID_NONE || syscall_event(i) != NULL)
			names_add_new(&m->never, slice_str(syscalls[i].name));
		else
			m->seen++;
	}
}

static void
find_events(const struct event_set *set, struct missing *m)
{
	find_calls(set, m);
	for (size_t i = 0; i < schema_nevents; i++) {
		if (schema_events[i].num == EV_SYSCALL ||
		    !event_set_has(set, schema_events[i].num) || !is_first(set, i))
			continue;
		if (is_seen(set, schema_events[i].name))
			m->seen++;
		else
			names_add_new(&m->events, slice_str(schema_events[i].name));
	}
}

static void
on_unfilled(void *arg, struct slice field, bool inverted)
{
	struct missing *m = arg;

	names_add(inverted ? &m->exceptions : &m->alternatives, field);
}

static void
print_part(struct buf *out, const char *before, const struct names *v, const char *after)
{
	if (v->n == 0)
		return;
	buf_str(out, out->n > 0 ? "; " : "");
	buf_str(out, before);
	names_print(v, out);
	buf_str(out, after);
}

static void
print_unfilled(struct buf *out, const char *before, const struct names *v, const char *never)
{
	print_part(out, before, v, never);
	if (v->n > 0)
		buf_printf(out, ", since %s no value yet", v->n == 1 ? "it has" : "they have");
}

static void
print_partly(struct buf *out, const struct missing *m)
{
	print_part(out, "", &m->events, " not captured yet");
	print_part(out, "no event is ever called ", &m->never, "");
	print_unfilled(out, "conditions on ", &m->alternatives, " never match");
	print_unfilled(out, "exceptions on ", &m->exceptions, " never apply");
}

int
find_blind(struct collection *c, struct ruleset *s, struct rule *r, const struct expr *e)
{
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	struct missing m = { .seen = 0 };
	struct slice field;
	bool blind = true;
	const char *text;

	find_events(&r->events, &m);
	if (m.seen == 0 && m.events.n == 0 && m.never.n > 0)
		print_part(&b, "no event is ever called ", &m.never, "");
	else if (m.seen == 0 && m.events.n == 0)
		buf_str(&b, "its condition is true on no event");
	else if (m.seen == 0)
		print_part(&b, "needs ", &m.events, ", not captured yet");
	else if (expr_unfilled(e, &r->events, c->a, on_unfilled, &m, &field))
		buf_printf(&b, "needs %.*s, which is not filled yet", SLICE_ARG(field));
	else
		blind = false;
	if (!blind)
		print_partly(&b, &m);
	if (buf_ok(&b) < 0)
		return -ENOMEM;
	if (b.n == 0)
		return 0;
	if ((text = arena_strdup(&s->a, buf_get(&b))) == NULL)
		return -ENOMEM;
	*(blind ? &r->blind : &r->partly) = text;
	return 0;
}
