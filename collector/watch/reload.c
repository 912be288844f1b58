/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/reload.h"
#include "collector/watch/in_force.h"
#include "collector/watch/rule_watch.h"
#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	IDLE_MS = 1000,
	SETTLE_MS = 5,   /* between two checks whether shards have switched */
	QUIET_MS = 300,  /* read files once they have been unchanged for so long ... */
	LATEST_MS = 5000 /* ... or have been changing for so long */
};

struct reload {
	struct reload_cfg cfg;
	struct rule_watch *watch;
	int wake; /* eventfd: a reload was requested */
	pthread_mutex_t lock;
	bool closed;                /* under 'lock' */
	struct reload_ask *asks;    /* under 'lock' */
	struct reload_ask *waiting; /* for the one under way */
	struct ruleset *old;        /* the set that shards switch from; NULL: no change under way */
	struct buf said;            /* messages of the one under way */
	bool signalled;
	uint64_t first, last; /* monotonic ns: pending changes of files; 0: none */
	counter done, failed, when;
};

int
reload_new(const struct reload_cfg *cfg, struct reload **ret)
{
	struct reload *r = calloc(1, sizeof(*r));
	int e = 0;

	if (r == NULL)
		return -ENOMEM;
	r->cfg = *cfg;
	(void) pthread_mutex_init(&r->lock, NULL);
	r->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->wake < 0)
		e = -errno;
	if (e == 0 && cfg->watch)
		e = rule_watch_new(cfg->paths, cfg->npaths, &r->watch);
	if (e < 0) {
		reload_free(r);
		return e;
	}
	*ret = r;
	return 0;
}

static void
answer(struct reload_ask **list, int r, struct slice json)
{
	while (*list != NULL) {
		struct reload_ask *a = *list;

		*list = a->next;
		a->done(a, r, json);
	}
}

#define STOPPING SLICE("{\"error\":\"the collector is stopping\"}\n")

void
reload_close(struct reload *r)
{
	struct reload_ask *asks;

	pthread_mutex_lock(&r->lock);
	r->closed = true;
	asks = r->asks;
	r->asks = NULL;
	pthread_mutex_unlock(&r->lock);
	answer(&asks, -ESHUTDOWN, STOPPING);
	answer(&r->waiting, -ESHUTDOWN, STOPPING);
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	reload_close(r);
	ruleset_unref(r->old);
	rule_watch_free(r->watch);
	if (r->wake >= 0)
		(void) close(r->wake);
	buf_fini(&r->said);
	(void) pthread_mutex_destroy(&r->lock);
	free(r);
}

void
reload_ask(struct reload *r, struct reload_ask *a)
{
	const uint64_t one = 1;
	bool closed;

	pthread_mutex_lock(&r->lock);
	closed = r->closed;
	if (!closed) {
		a->next = r->asks;
		r->asks = a;
	}
	pthread_mutex_unlock(&r->lock);
	if (closed)
		a->done(a, -ESHUTDOWN, STOPPING);
	else
		(void) !write(r->wake, &one, sizeof(one));
}

int
reload_fds(const struct reload *r, struct pollfd v[RELOAD_FDS])
{
	v[0] = (struct pollfd){ .fd = r->wake, .events = POLLIN };
	if (r->watch == NULL)
		return 1;
	v[1] = (struct pollfd){ .fd = rule_watch_fd(r->watch), .events = POLLIN };
	return 2;
}

int
reload_timeout_ms(const struct reload *r)
{
	return r->old != NULL ? SETTLE_MS : r->last != 0 ? QUIET_MS / 2 : IDLE_MS;
}

/* ---- messages ---- */

static void
say_messages(const struct rule_log *l, bool error, struct buf *out)
{
	CLEANUP(buf_fini) struct buf item = BUF_INIT;
	const char *sep = "";

	for (size_t i = 0; i < l->n; i++) {
		const struct rule_msg *m = &l->v[i];

		if (m->error != error)
			continue;
		buf_printf(out, "%s{\"code\":\"%s\",\"message\":", sep, m->code->name);
		buf_json(out, slice_str(m->diag.msg));
		buf_str(out, ",\"file\":");
		buf_json(out, slice_str(m->diag.file));
		buf_printf(out, ",\"line\":%u,\"column\":%u,\"item\":", m->diag.line, m->diag.col);
		buf_clear(&item);
		rule_msg_item(m, &item);
		buf_json(out, buf_get(&item));
		buf_char(out, '}');
		sep = ",";
	}
}

static void
say(const struct rule_log *l, const struct ruleset *set, int e, struct buf *out)
{
	struct ruleset_counts c = { 0 };

	buf_clear(out);
	buf_printf(out, "{\"loaded\":%s,", e == 0 ? "true" : "false");
	if (e == -ENOMEM)
		buf_str(out, "\"error\":\"no memory: the old rules stay in force\",");
	else if (e < 0)
		buf_str(out, "\"error\":\"the rules did not load: the old ones stay in force\",");
	if (e == 0)
		ruleset_counts(set, &c);
	buf_printf(out, "\"rules\":%zu,\"in_force\":%zu,\"blind\":%zu,\"errors\":[", c.rules,
	    c.in_force, c.blind);
	say_messages(l, true, out);
	buf_str(out, "],\"warnings\":[");
	say_messages(l, false, out);
	buf_str(out, "]}\n");
}

/* ---- the change ---- */

static uint32_t
set_interest(struct reload *r, const struct ruleset *a, const struct ruleset *b)
{
	struct interest in;

	ruleset_interest(a, b, &in);
	return ingest_set_interest(r->cfg.ingest, &in);
}

/* Put 'fresh' in force, and keep the previous set in r->old. */
static int
change(struct reload *r, struct ruleset *fresh)
{
	struct ruleset *old = *r->cfg.rules;
	int e;

	in_force_changing(r->cfg.in_force);
	(void) set_interest(r, old, fresh);
	e = shards_offer_rules(r->cfg.shards, fresh);
	if (e < 0) {
		in_force_set(r->cfg.in_force, old, old, set_interest(r, old, NULL));
		return e;
	}
	pthread_mutex_lock(r->cfg.lock);
	*r->cfg.rules = fresh;
	pthread_mutex_unlock(r->cfg.lock);
	r->old = old;
	return 0;
}

static void
start(struct reload *r)
{
	struct rule_log log = { 0 };
	struct ruleset *fresh = NULL;
	int e = ruleset_load(r->cfg.paths, r->cfg.npaths, r->cfg.options, &fresh, &log);

	r->first = r->last = 0;
	rule_log_print(stderr, &log);
	if (e == 0)
		e = change(r, fresh);
	say(&log, fresh, e, &r->said);
	rule_log_fini(&log);
	if (e == 0)
		return;
	ruleset_unref(fresh);
	counter_add(&r->failed, 1);
	log_error(e == -ENOMEM ? "no memory for the new rules: the old ones stay in force"
			       : "the rules did not load: the old ones stay in force");
	answer(&r->waiting, e, buf_get(&r->said));
}

static void
finish(struct reload *r)
{
	struct ruleset *now = *r->cfg.rules;

	ruleset_inherit(now, r->old);
	in_force_set(r->cfg.in_force, now, r->old, set_interest(r, now, NULL));
	ruleset_unref(r->old);
	r->old = NULL;
	counter_add(&r->done, 1);
	counter_add(&r->when, clock_real() - counter_get(&r->when));
	log_info("rules reloaded");
	answer(&r->waiting, 0, buf_get(&r->said));
}

/* Have files changed, and have they settled? */
static bool
files_ready(struct reload *r)
{
	uint64_t now = clock_mono();

	if (r->watch != NULL && rule_watch_look(r->watch)) {
		r->last = now;
		r->first = r->first == 0 ? now : r->first;
	}
	return r->last != 0 &&
	       (now - r->last >= QUIET_MS * NS_PER_MS || now - r->first >= LATEST_MS * NS_PER_MS);
}

/* Take the requests of a kind made until now: they wait for the load that begins now. */
static struct reload_ask *
take_asks(struct reload *r, bool outputs)
{
	struct reload_ask *taken = NULL, **at = &r->asks;

	pthread_mutex_lock(&r->lock);
	while (*at != NULL) {
		struct reload_ask *a = *at;

		if (a->outputs != outputs) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		a->next = taken;
		taken = a;
	}
	pthread_mutex_unlock(&r->lock);
	return taken;
}

static void
run_outputs(struct reload *r)
{
	CLEANUP(buf_fini) struct buf said = BUF_INIT;
	struct reload_ask *asks = take_asks(r, true);
	int e;

	if (asks == NULL)
		return;
	e = r->cfg.outputs(r->cfg.arg, &said);
	answer(&asks, e, buf_get(&said));
}

void
reload_run(struct reload *r, bool asked)
{
	bool ready = files_ready(r);
	uint64_t n;

	(void) !read(r->wake, &n, sizeof(n));
	r->signalled = r->signalled || asked;
	run_outputs(r);
	if (r->old != NULL && shards_settled(r->cfg.shards))
		finish(r);
	if (r->old != NULL)
		return; /* one at a time */
	r->waiting = take_asks(r, false);
	asked = r->waiting != NULL || r->signalled;
	r->signalled = false;
	if (asked || ready)
		start(r);
}

void
reload_stats(const struct reload *r, struct reload_stats *ret)
{
	*ret = (struct reload_stats){ counter_get(&r->done), counter_get(&r->failed),
		counter_get(&r->when) };
}
