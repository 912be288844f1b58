/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alert/loss_past.h"
#include "common/macros.h"
#include <assert.h>
#include <string.h>

static_assert(LOSS_PAST_MAX > LOSS_MAX, "when it is full, a cause has two losses");

static void
take_out(struct loss_past *p, size_t at)
{
	p->n--;
	memmove(&p->v[at], &p->v[at + 1], (p->n - at) * sizeof(p->v[0]));
}

/* The first of a cause from 'at' on; p->n: none. */
static size_t
next_of(const struct loss_past *p, uint32_t cause, size_t at)
{
	while (at < p->n && p->v[at].cause != cause)
		at++;
	return at;
}

/* Make one of the two oldest losses of the cause that has most. */
static void
merge(struct loss_past *p)
{
	unsigned number[LOSS_MAX] = { 0 };
	uint32_t most = 0;
	size_t a, b;

	for (size_t i = 0; i < p->n; i++)
		number[p->v[i].cause]++;
	for (uint32_t i = 1; i < LOSS_MAX; i++) {
		if (number[i] > number[most])
			most = i;
	}
	a = next_of(p, most, 0);
	b = next_of(p, most, a + 1);
	p->v[a].until = MAX(p->v[a].until, p->v[b].until);
	p->v[a].events += p->v[b].events;
	p->v[a].losses += p->v[b].losses;
	take_out(p, b);
}

void
loss_past_open(
    struct loss_past *p, enum loss_cause cause, uint64_t since, uint64_t until, uint64_t events)
{
	if (p->n == LOSS_PAST_MAX)
		merge(p);
	p->v[p->n++] = (struct loss_span){
		.since = MIN(since, until),
		.until = until,
		.events = events,
		.losses = 1,
		.cause = cause,
	};
}

/* Is what happened from 'since' to 'until' a part of this loss? */
static bool
belongs(const struct loss_span *s, uint64_t since, uint64_t until)
{
	return s->until == LOSS_OPEN || until == LOSS_OPEN ||
	       (since <= s->until + LOSS_PAUSE_NS && s->since <= until + LOSS_PAUSE_NS);
}

void
loss_past_extend(
    struct loss_past *p, enum loss_cause cause, uint64_t since, uint64_t until, uint64_t events)
{
	since = MIN(since, until);
	for (size_t i = p->n; i-- > 0;) {
		struct loss_span *s = &p->v[i];

		if (s->cause != cause)
			continue;
		if (!belongs(s, since, until))
			break;
		s->since = MIN(s->since, since);
		s->until = MAX(s->until, until);
		s->events += events;
		return;
	}
	loss_past_open(p, cause, since, until, events);
}

void
loss_past_whole(struct loss_past *p, uint64_t now)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].until == LOSS_OPEN)
			p->v[i].until = MAX(now, p->v[i].since);
	}
}

void
loss_past_expire(struct loss_past *p, uint64_t now)
{
	for (size_t i = p->n; i-- > 0;) {
		uint64_t until = p->v[i].until;

		if (until != LOSS_OPEN && now > until && now - until > LOSS_PAST_NS)
			take_out(p, i);
	}
}

bool
loss_past_valid(const struct loss_past *p)
{
	if (p->n > LOSS_PAST_MAX)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].cause >= LOSS_MAX)
			return false;
	}
	return true;
}

static void
put_time(uint64_t at, struct buf *out)
{
	char text[CLOCK_TEXT];

	if (at == LOSS_OPEN)
		buf_str(out, "null");
	else
		buf_printf(out, "\"%.19s.%03uZ\"", clock_text(at, text),
		    (unsigned) (at % NS_PER_S / NS_PER_MS));
}

void
loss_past_json(const struct loss_past *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct loss_span *s = &p->v[i];

		buf_printf(out, "%s{\"cause\":\"%s\",\"events\":", i == 0 ? "[" : ",",
		    loss_name((enum loss_cause) s->cause));
		if (loss_counted((enum loss_cause) s->cause))
			buf_u64(out, s->events);
		else
			buf_str(out, "null");
		buf_printf(out, ",\"losses\":%u,\"since\":", s->losses);
		put_time(s->since, out);
		buf_str(out, ",\"until\":");
		put_time(s->until, out);
		buf_char(out, '}');
	}
	if (p->n > 0)
		buf_char(out, ']');
}
