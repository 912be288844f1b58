/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - one node's share of the collector's memory.
 *
 * Memory that a node's users control counts towards limits.bytes: the texts that the node holds (by
 * the pool's account), threads, descriptors. Beyond it the heaviest threads are forgotten, down to
 * KEEP of the limit, so that this costs two passes over the threads per eighth of the limit.
 */
#include "collector/state/state_int.h"

enum { BUCKETS = 64, LIGHT = 7 /* below 2^LIGHT bytes nothing is gained */ };

static uint64_t
memory_used(const struct state *s)
{
	return intern_charged(s->pool, s->account) + s->fds.n * sizeof(struct fd_entry) +
	       (s->threads.n + s->ngone) * sizeof(struct thread);
}

static unsigned
bucket_of(uint64_t weight)
{
	return weight == 0 ? 0 : 63 - (unsigned) __builtin_clzll(weight);
}

/* The bytes of a thread's texts that can be dropped, and of its descriptors. */
static uint64_t
weight_of(const struct state *s, const struct thread *t)
{
	const uint32_t ids[] = { t->exe, t->exepath, t->args, t->args_text, t->cmdline, t->env,
		t->cgroups, t->entered_by, t->root, t->cwd };
	const struct fd_entry *e;
	uint64_t sum = 0;
	size_t pos = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		sum += intern_get(s->pool, ids[i]).n;
	while ((e = fdt_next(t->fds, &pos)) != NULL)
		sum += sizeof(*e) + intern_get(s->pool, e->name).n +
		       intern_get(s->pool, e->nameraw).n + intern_get(s->pool, e->real).n;
	return sum;
}

/* Drop all but its ids, its comm and its container. */
static void
forget(struct state *s, struct thread *t)
{
	const struct words *w = &s->words;

	touch_by(s, DEED_FORGOTTEN);
	fdt_unref(&s->fds, t->fds);
	t->fds = NULL;
	hold(s->pool, &t->exe, w->na);
	hold(s->pool, &t->cmdline, w->na);
	hold(s->pool, &t->exepath, INTERN_EMPTY);
	hold(s->pool, &t->args, INTERN_EMPTY);
	hold(s->pool, &t->args_text, INTERN_EMPTY);
	hold(s->pool, &t->env, INTERN_NULL);
	hold(s->pool, &t->cgroups, INTERN_NULL);
	hold(s->pool, &t->entered_by, INTERN_NULL);
	hold(s->pool, &t->root, INTERN_NULL);
	hold(s->pool, &t->cwd, thread_is_main(t) ? w->here : INTERN_NULL);
	s->stats.forgotten++;
}

/* Forget threads of one bucket until the node is down to 'target'. */
static void
forget_bucket(struct state *s, unsigned bucket, uint64_t target)
{
	for (uint32_t i = 0; i <= s->threads.mask && memory_used(s) > target; i++) {
		struct thread *t = s->threads.slots[i].t;

		if (t != NULL && bucket_of(weight_of(s, t)) == bucket)
			forget(s, t);
	}
}

static void
forget_heaviest(struct state *s, uint64_t target)
{
	uint32_t n[BUCKETS] = { 0 };

	for (uint32_t i = 0; i <= s->threads.mask; i++) {
		if (s->threads.slots[i].t != NULL)
			n[bucket_of(weight_of(s, s->threads.slots[i].t))]++;
	}
	for (unsigned b = BUCKETS - 1; b >= LIGHT && memory_used(s) > target; b--) {
		if (n[b] > 0)
			forget_bucket(s, b, target);
	}
}

void
state_begin_batch(struct state *s)
{
	uint64_t max = s->limits.bytes;

	intern_charge(s->pool, s->account);
	s->stats.bytes = memory_used(s);
	if (LIKELY(max == 0 || s->stats.bytes <= max))
		return;
	state_flush(s);
	threads_expire(s);
	forget_heaviest(s, max - max / 8);
	s->stats.bytes = memory_used(s);
}
