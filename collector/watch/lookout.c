/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/lookout.h"
#include "collector/shard/blind.h"
#include "common/log.h"
#include "common/log_peer.h"
#include "proto/drop_log.h"
#include <errno.h>
#include <stdlib.h>

#define RETURN_NS    (30 * NS_PER_S)  /* for sensors to find a collector that was restarted ... */
#define HANDSHAKE_NS (10 * NS_PER_MS) /* ... and this for each of them */
#define UNSTASHED_NS (60 * NS_PER_S)  /* between two log lines about one node's unstashed calls */
#define OVERSLEPT_NS (3 * LOOKOUT_MS * NS_PER_MS)
#define FORGETS      1024 /* per look: as many as the outbox takes before the next */

/* An alert on its way through the outbox. */
struct told {
	struct outbox_txn txn;
	struct stream *stream; /* held */
};

struct look {
	struct lookout *w;
	uint64_t now;   /* monotonic ns */
	bool overslept; /* this process did not run for a while: nobody is silent yet */
	unsigned forgets;
};

static int
remember(void *arg, const struct outbox_node *n)
{
	struct lookout *w = arg;

	w->known++;
	return streams_remember(w->cfg.streams, n);
}

int
lookout_start(struct lookout *w, const struct lookout_cfg *cfg, struct diag *d)
{
	int r;

	*w = (struct lookout){ .cfg = *cfg };
	r = outbox_nodes(cfg->outbox, remember, w);
	if (r < 0)
		diag_set(d, 0, 0, "cannot read the known nodes from the outbox: %s",
		    strerrordesc_np(-r));
	else if (w->known > 0)
		log_info("nodes known from an earlier run: %u ('mewsctl nodes' lists their state)",
		    w->known);
	w->patience = clock_mono() + RETURN_NS + w->known * HANDSHAKE_NS;
	return r;
}

static void
put_done(struct outbox_txn *t, int r)
{
	struct told *k = CONTAINER_OF(t, struct told, txn);

	(void) r;
	stream_unref(k->stream);
	free(k);
}

/* Give an alert, which may be NULL, to the outbox. False: not now. */
static bool
put_alert(struct look *l, struct stream *st, struct alert *a)
{
	struct told *k = a == NULL ? NULL : calloc(1, sizeof(*k));

	if (k == NULL) {
		alert_free(a);
		return false;
	}
	k->stream = stream_ref(st);
	k->txn = (struct outbox_txn){ .stream = &st->id, .alerts = a, .done = put_done };
	if (outbox_put(l->w->cfg.outbox, &k->txn) == 0)
		return true;
	alert_free(a);
	put_done(&k->txn, 0);
	return false;
}

/* Raise the alert; if that is not possible now, it stays owed and the next look retries. */
static void
raise_alert(struct look *l, struct stream *st, enum sight sight)
{
	struct stream_told *told = &st->told;
	struct alert *a = NULL;

	told->owed = true;
	if (told->alerted != 0 && l->now - told->alerted < BLIND_EVERY_NS)
		return;
	if (blind_sight(st, sight, told->losses, l->w->cfg.json, &a) < 0 || !put_alert(l, st, a))
		return;
	told->owed = false;
	told->alerted = l->now;
	told->losses = 0;
}

/* Report what was done to the sensor; what cannot be reported now is at the next look. */
static void
look_for_harm(struct look *l, struct stream *st)
{
	struct stream_told *told = &st->told;

	for (enum harm h = 0; h < HARM_MAX; h++) {
		uint64_t at = st->harm.at[h];
		struct alert *a = NULL;

		if (at == 0 || at == told->harm[h] ||
		    (told->harm_alerted[h] != 0 && l->now - told->harm_alerted[h] < BLIND_EVERY_NS))
			continue;
		if (blind_harm(st, h, l->w->cfg.json, &a) < 0 || !put_alert(l, st, a))
			continue;
		told->harm[h] = at;
		told->harm_alerted[h] = l->now;
		log_peer(LOG_WARN, st->id.node, "node %s: %s", st->id.node, harm_text(h));
	}
}

static void
look_for_loss(struct look *l, struct stream *st, enum sight sight)
{
	struct stream_told *told = &st->told;
	uint64_t since = MIN((uint64_t) st->heard, l->now); /* it may be heard meanwhile */

	if (told->lost) {
		if (told->owed)
			raise_alert(l, st, sight);
		return;
	}
	if (sight == SIGHT_missing ? l->now < l->w->patience
				   : l->now - since < stream_silent_ns(st))
		return;
	told->lost = true;
	told->since = sight == SIGHT_missing ? l->now : since;
	told->losses++;
	log_peer(
	    LOG_WARN, st->id.node, "node %s is no longer seen: %s", st->id.node, sight_text(sight));
	raise_alert(l, st, sight);
}

static void
look_for_return(struct look *l, struct stream *st)
{
	if (!st->told.lost)
		return;
	st->told.lost = st->told.owed = false;
	log_peer(LOG_INFO, st->id.node, "node %s is seen again, after %lu s", st->id.node,
	    (unsigned long) ((l->now - st->told.since) / NS_PER_S));
}

/* Warn about calls whose paths were read at their end: such a path may be forged. */
static void
look_for_unstashed(struct look *l, struct stream *st)
{
	struct stream_told *told = &st->told;
	uint64_t n = st->unstashed, at = told->unstashed_at;

	if (n == 0 || n == told->unstashed || (at != 0 && l->now - at < UNSTASHED_NS))
		return;
	log_peer(LOG_WARN, st->id.node, "node %s: %llu " DROP_LOG_UNSTASHED, st->id.node,
	    (unsigned long long) n);
	told->unstashed = n;
	told->unstashed_at = l->now;
}

/* Warn about each part of a node that its sensor cannot see. */
static void
look_for_blind(struct stream *st)
{
	uint64_t blind = st->blind, news = blind & ~st->told.blind;

	for (unsigned bit = 0; bit < 64; bit++) {
		if (news >> bit & 1)
			log_peer(LOG_WARN, st->id.node, "node %s: %s", st->id.node,
			    wire_blind_text(bit));
	}
	st->told.blind = blind;
}

/* Tell the outbox of each new sensor, and of each that stopped. */
static void
keep(struct lookout *w, struct stream *st, enum sight sight)
{
	bool stopped = sight == SIGHT_stopped;
	struct outbox_node n;

	if ((st->kept && st->kept_stopped == stopped) || sight == SIGHT_missing)
		return;
	n = (struct outbox_node){ .id = st->id, .seen = st->last_seen, .stopped = stopped };
	if (outbox_node_put(w->cfg.outbox, &n) < 0)
		return;
	st->kept = true;
	st->kept_stopped = stopped;
}

static void
forget(struct look *l, const struct stream *st, const char *why)
{
	l->forgets++;
	if (outbox_node_forget(l->w->cfg.outbox, &st->id) == 0)
		log_peer(LOG_INFO, st->id.node, "node %s is forgotten: %s", st->id.node, why);
	else
		log_peer(LOG_WARN, st->id.node,
		    "node %s is forgotten (%s), but the outbox could not be updated: it is listed "
		    "again after the collector's next start",
		    st->id.node, why);
}

/* Called before the other nodes are examined: that records again a node that has come back
 * meanwhile. */
static void
forget_crowded_out(struct look *l)
{
	struct stream *st;

	while (l->forgets < FORGETS && (st = streams_crowded_out(l->w->cfg.streams)) != NULL) {
		forget(l, st, "too many nodes are gone");
		stream_unref(st);
	}
}

static void
look_at(void *arg, struct stream *st)
{
	struct look *l = arg;
	struct lookout *w = l->w;
	enum sight sight;

	if (st->forgotten)
		return;
	if (l->overslept && st->connected && !st->told.lost)
		st->heard = l->now;
	sight = stream_sight(st, l->now);
	keep(w, st, sight);
	look_for_unstashed(l, st);
	look_for_blind(st);
	look_for_harm(l, st);
	if (sight == SIGHT_up)
		look_for_return(l, st);
	else if (w->cfg.forget_ns != 0 && !st->connected && l->forgets < FORGETS &&
		 stream_unheard_ns(st, l->now) > w->cfg.forget_ns &&
		 streams_forget(w->cfg.streams, st->id.cluster, st->id.node) == 0)
		forget(l, st, "it was gone for longer than nodes.forget_after");
	else
		look_for_loss(l, st, sight);
}

void
lookout_run(struct lookout *w, uint64_t now)
{
	struct look l = {
		.w = w,
		.now = now,
		.overslept = w->looked != 0 && now - w->looked > OVERSLEPT_NS,
	};

	w->looked = now;
	forget_crowded_out(&l);
	streams_each(w->cfg.streams, look_at, &l);
}
