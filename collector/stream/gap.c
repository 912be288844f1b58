/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/stream/gap.h"

static const char *const gap_names[GAP_MAX] = {
#define GAP(name, text) #name,
#include "collector/stream/gap.def"
};

static const char *const gap_texts[GAP_MAX] = {
#define GAP(name, text) text,
#include "collector/stream/gap.def"
};

const char *
gap_name(enum gap g)
{
	return gap_names[g];
}

const char *
gap_text(enum gap g)
{
	return gap_texts[g];
}

/* ---- what is noted ---- */

void
coverage_confirm(struct stream *st, uint32_t version, uint64_t now)
{
	struct coverage *c = &st->coverage;
	size_t i = version % COVERAGE_VERSIONS;

	if (c->version[i] == version)
		return;
	/* in this order: a reader in between takes an older version for a later one */
	c->confirmed[i] = now;
	c->version[i] = version;
}

void
coverage_mark(struct stream *st, uint64_t seq, uint64_t at)
{
	struct coverage *c = &st->coverage;

	if (st->durable < c->mark)
		return;
	if (c->mark_at > c->whole)
		c->whole = c->mark_at;
	c->mark = seq;
	c->mark_at = at;
}

void
coverage_clocks(struct stream *st, uint64_t boot_ns, uint64_t real_ns, uint64_t now)
{
	struct coverage *c = &st->coverage;
	int64_t wall = (int64_t) (real_ns - boot_ns), jump = wall - c->wall;

	if (c->wall != 0 && (jump > (int64_t) NS_PER_S || jump < -(int64_t) NS_PER_S))
		c->stepped = now;
	c->wall = wall;
}

/* ---- what follows from it ---- */

struct gaps {
	struct coverage_gap *v;
	unsigned n;
};

static void
add_gap(struct gaps *g, enum gap gap, uint64_t since, uint64_t until)
{
	g->v[g->n++] = (struct coverage_gap){ .gap = gap, .since = since, .until = until };
}

/* When did the sensor confirm this version or a later one? 0: not yet. */
static uint64_t
confirmed_at(const struct coverage *c, uint32_t version)
{
	uint64_t first = 0;

	for (size_t i = 0; i < COVERAGE_VERSIONS; i++) {
		uint32_t v = c->version[i];
		uint64_t at = c->confirmed[i];

		if (v >= version && at != 0 && (first == 0 || at < first))
			first = at;
	}
	return first;
}

static void
find_losses(const struct stream *st, uint64_t since, struct gaps *g)
{
	const struct loss_shown *l = &st->loss;
	struct coverage_gap gap = { .gap = GAP_loss, .since = UINT64_MAX };

	for (unsigned i = 0; i < LOSS_MAX; i++) {
		if (l->opened[i] == 0 || l->until[i] <= since)
			continue;
		gap.losses |= 1U << i;
		gap.since = MIN(gap.since, l->since[i]);
		gap.until = MAX(gap.until, l->until[i]);
	}
	/* reported by a Poll; the next batch opens the window */
	if (st->drops > st->coverage.drops)
		gap.losses |= 1U << LOSS_events_dropped;
	if (st->silences > st->coverage.silences)
		gap.losses |= 1U << LOSS_hook_silent;
	if (gap.losses == 0)
		return;
	gap.since = gap.since == UINT64_MAX ? 0 : gap.since;
	gap.until = gap.until == 0 ? UINT64_MAX : gap.until;
	g->v[g->n++] = gap;
}

/* The beginning: has the node been covered since then? */
static void
find_late_begin(const struct stream *st, uint64_t since, uint32_t version, struct gaps *g)
{
	const struct coverage *c = &st->coverage;
	uint64_t any = confirmed_at(c, 0), wanted = confirmed_at(c, version);

	if (any == 0 || any > since)
		add_gap(g, GAP_new, 0, any == 0 ? UINT64_MAX : any);
	else if (wanted == 0 || wanted > since)
		add_gap(g, GAP_interest, 0, wanted == 0 ? UINT64_MAX : wanted);
	if (c->complete == 0 || c->complete > since)
		add_gap(g, GAP_snapshot, 0, c->complete == 0 ? UINT64_MAX : c->complete);
}

static void
find_clocks(const struct stream *st, uint64_t since, struct gaps *g)
{
	const struct coverage *c = &st->coverage;
	int64_t off = c->clock_off;

	if (off > (int64_t) COVERAGE_CLOCK_NS || off < -(int64_t) COVERAGE_CLOCK_NS)
		add_gap(g, GAP_clock_off, 0, UINT64_MAX);
	if (c->stepped > since)
		add_gap(g, GAP_clock_step, c->stepped, c->stepped);
}

unsigned
coverage_gaps(const struct stream *st, uint64_t since, uint64_t now, uint32_t version,
    struct coverage_gap ret[GAP_MAX], uint64_t *until)
{
	uint64_t whole = st->coverage.whole;
	struct gaps g = { .v = ret };

	*until = whole > COVERAGE_SLACK_NS ? whole - COVERAGE_SLACK_NS : 0;
	if (stream_sight(st, clock_mono()) != SIGHT_up)
		add_gap(&g, GAP_not_seen, st->last_seen, UINT64_MAX);
	else if (*until + COVERAGE_LATE_NS < now || *until < since)
		add_gap(&g, GAP_behind, *until, UINT64_MAX);
	find_late_begin(st, since, version, &g);
	find_losses(st, since, &g);
	if (st->blind != 0)
		add_gap(&g, GAP_blind_spot, 0, UINT64_MAX);
	find_clocks(st, since, &g);
	return g.n;
}
