/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_loop.c - the one thread that does the work. */
#include "common/clock.h"
#include "common/log_peer.h"
#include "sensor/sensor_int.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_POLLS  4 /* of a millisecond: longer than a record is held back */
#define CANARY_NS    (3600 * NS_PER_S)
#define CONTAINER_MS 5
#define OPENING_NS   (2 * NS_PER_MS) /* until another node may dial */

void
app_wake(void *app)
{
	struct app *a = app;
	uint64_t one = 1;

	if (a->src != NULL)
		a->src->wake(a->st);
	else if (write(a->wake_fd, &one, sizeof(one)) < 0) {
		/* the counter is full: the loop wakes anyway */
	}
}

/* ---- signals ---- */

static int
emit(void *arg, const struct ev_hdr *rec)
{
	struct app *a = arg;

	if (containers_looks_at(rec->type) && a->src->wants(a->st, EV_CONTAINER_INFO) &&
	    containers_see(a->containers, rec, a->stopping || a->src->filling(a->st)) < 0)
		return -EAGAIN;
	return node_emit(a->node[0], rec);
}

static int
poll_into(struct app *a, int timeout_ms, uint64_t rest, bool news)
{
	int r = a->src->poll(a->st, timeout_ms, rest, news, emit, a);

	if (a->src->crowded(a->st))
		node_flush(a->node[0], clock_mono());
	return r;
}

/* Read the rings, and the records held back for ordering: they are sent too. */
static void
drain_source(struct app *a)
{
	for (int i = 0; i < DRAIN_POLLS; i++) {
		if (poll_into(a, 1, 0, false) < 0)
			return;
	}
}

static void
begin_stop(struct app *a, uint64_t now)
{
	a->stopping = true;
	notify_stopping(&a->notify);
	snapshot_drop(&a->snapshot);
	if (a->src != NULL) {
		a->src->unpin(a->st);
		drain_source(a);
	}
	for (size_t i = 0; i < a->nnodes; i++)
		node_stop(a->node[i], now, a->stop_at);
}

static void
on_signals(struct app *a, uint64_t now)
{
	app_watch_certs(a, now);
	if (a->ends_at != 0 && now >= a->ends_at)
		a->stop = true;
	if (!a->stop || a->stopping)
		return;
	if (a->stop_at == 0)
		a->stop_at = now + a->opt.drain * NS_PER_MS;
	if (a->record == NULL || !snapshot_busy(&a->snapshot) || now >= a->stop_at)
		begin_stop(a, now); /* a recording needs its snapshot */
}

/* ---- replay ---- */

/* Feed a node. At the end of a pass, once all is durable, begin the next pass or stop. */
static uint64_t
feed(struct app *a, struct node *n, uint64_t now)
{
	uint64_t at;

	if (n->link.state == LINK_STOPPED && !a->stopping && n->cursor.passes < a->args.loop) {
		node_restart(n, clock_real());
		n->cursor =
		    (struct replay_cursor){ .passes = n->cursor.passes, .fast = a->args.fast };
	}
	if (n->link.state != LINK_UP && n->cursor.started == 0)
		return UINT64_MAX; /* time starts with the first connection */
	if (a->stopping || n->link.stop_at != 0)
		return UINT64_MAX;
	at = replay_feed(a->replay, &n->cursor, n, now);
	if (replay_fed(a->replay, &n->cursor) && n->spool.n == 0) {
		n->cursor.passes++;
		link_stop(&n->link, UINT64_MAX);
		at = now;
	}
	return at;
}

static bool
replay_over(const struct app *a)
{
	for (size_t i = 0; i < a->nnodes; i++) {
		const struct node *n = a->node[i];

		if (n->link.state != LINK_STOPPED ||
		    (n->cursor.passes < a->args.loop && !a->stopping))
			return false;
	}
	return true;
}

/* Check the hooks after each change of what is captured, and every hour. */
static void
check_hooks(struct app *a, uint64_t now)
{
	if (a->src == NULL || a->canary_at == 0 || now < a->canary_at || a->stopping ||
	    a->src->unsettled(a->st))
		return;
	a->blind = a->src->canary(a->st);
	a->canary_at = now + CANARY_NS;
}

static void
watch_self(struct app *a, uint64_t now)
{
	if (a->src == NULL || now < a->guard.next || a->stopping)
		return;
	guard_look(&a->guard, a->src->kept(a->st));
	a->guard.next = now + GUARD_NS;
}

/* ---- the loop ---- */

static bool
links_stopped(const struct app *a)
{
	for (size_t i = 0; i < a->nnodes; i++) {
		if (a->node[i]->link.state != LINK_STOPPED)
			return false;
	}
	return true;
}

static bool
over(const struct app *a)
{
	if (a->record != NULL)
		return a->stopping;
	if (a->replay != NULL && !a->stopping)
		return replay_over(a);
	return a->stopping && links_stopped(a);
}

static bool
is_opening(const struct node *n)
{
	return n->link.state > LINK_DOWN && n->link.state < LINK_UP;
}

/* Keep those that are still opening. */
static void
still_opening(struct app *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->nopening; i++) {
		if (is_opening(a->node[a->opening[i]]))
			a->opening[n++] = a->opening[i];
	}
	a->nopening = n;
}

/* Tick a node; remember it if it opens a connection. */
static void
tick_node(struct app *a, size_t i, uint64_t now)
{
	struct node *n = a->node[i];
	uint64_t at = a->replay != NULL ? feed(a, n, now) : UINT64_MAX;
	bool was = is_opening(n);

	node_tick(n, now);
	if (is_opening(n) && !was && a->nopening < OPENING_MAX)
		a->opening[a->nopening++] = i;
	a->due[i] = MIN(a->due[i], at);
}

/*
 * Tick every node that is due; return when the next one is. Few nodes connect at a time: the
 * timeouts of the others would run while they wait for a dialer here and for the collector there,
 * and retries would only make that queue longer. Those that have to wait are put off one after the
 * other.
 */
static uint64_t
tick_nodes(struct app *a, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	size_t waiting = 0;

	still_opening(a);
	for (size_t i = 0; i < a->nnodes; i++) {
		if (now < a->due[i]) {
			/* not yet */
		} else if (a->nopening == OPENING_MAX && a->node[i]->link.state == LINK_DOWN &&
			   !a->stopping) {
			a->due[i] = now + OPENING_NS * (1 + waiting++ / OPENING_MAX);
		} else {
			tick_node(a, i, now);
		}
		next = MIN(next, a->due[i]);
	}
	return next;
}

/* An event waits for what is known of its container: poll for that, and nothing else, for a moment.
 */
static void
wait_for_container(const struct app *a)
{
	struct pollfd p = { .fd = containers_fd(a->containers), .events = POLLIN };

	(void) poll(&p, 1, CONTAINER_MS);
}

/* Add what has come about containers. Whether an event waits for more. */
static bool
tick_containers(struct app *a)
{
	uint64_t lost = a->node[0]->spool.events_dropped;

	if (a->containers == NULL)
		return false;
	if (lost != a->spool_lost)
		containers_forget(a->containers); /* what was reported may be among it */
	a->spool_lost = lost;
	return containers_tick(a->containers);
}

/* Wait for events. Until a batch can leave they stay in the rings; while one with news could leave,
 * news ends the wait. */
static int
poll_source(struct app *a, uint64_t now, int timeout_ms)
{
	const struct pace *p = &a->node[0]->pace;
	uint64_t rest = pace_rest(&p->rest), news_rest = pace_rest(&p->news);
	bool news = news_rest <= now;
	int r;

	if (!news)
		rest = MIN(rest, news_rest);
	if (tick_containers(a))
		timeout_ms = 0;
	r = poll_into(a, timeout_ms, rest > now ? rest - now : 0, news);
	if (r > 0)
		a->due[0] = 0;
	if (r == -EAGAIN) {
		wait_for_container(a);
		return 0;
	}
	return r < 0 ? r : 0;
}

/* Wait for events, news of the link or the time 'at'. */
static int
wait_until(struct app *a, uint64_t now, uint64_t at)
{
	uint64_t wait = at <= now ? 0 : MIN((at - now + NS_PER_MS - 1) / NS_PER_MS, 1000);
	struct pollfd p = { .fd = a->wake_fd, .events = POLLIN };
	uint64_t n;
	int r;

	if (a->src != NULL && !a->stopping)
		return poll_source(a, now, (int) wait);
	r = poll(
	    &p, 1, (int) (a->src != NULL ? MIN(wait, 10) : wait)); /* wake() goes to the source */
	if (r > 0 && read(a->wake_fd, &n, sizeof(n)) < 0)
		return 0;
	return 0;
}

static int
finish(struct app *a)
{
	uint64_t left = 0;

	for (size_t i = 0; i < a->nnodes; i++)
		left += node_end(a->node[i]);
	if (left == 0)
		return 0;
	log_warn("stopped with %llu events that the collector has not committed: they are lost",
	    (unsigned long long) left);
	if (a->replay != NULL || a->record != NULL) {
		a->exit_code = EXIT_RECORDING;
		return -ECANCELED;
	}
	return 0;
}

int
app_run(void *app)
{
	struct app *a = app;
	struct diag d = { 0 };
	uint64_t now, next;
	int r = 0;

	notify_ready(&a->notify);
	while (r == 0) {
		now = clock_mono();
		notify_alive(&a->notify, now);
		on_signals(a, now);
		check_hooks(a, now);
		watch_self(a, now);
		log_peer_tick();
		if (a->xport != NULL)
			xport_dispatch(a->xport);
		next = snapshot_tick(&a->snapshot, now);
		next = MIN(next, tick_nodes(a, now));
		if (r == 0 && a->record != NULL)
			r = record_spool(a->record, &a->node[0]->spool);
		if (r < 0)
			return app_fail(a, EXIT_RECORDING, &d, r);
		if (over(a))
			return finish(a);
		if (a->ends_at != 0)
			next = MIN(next, a->ends_at);
		r = wait_until(a, now, next);
	}
	return app_fail(a, EXIT_FAILED, &d, r);
}
