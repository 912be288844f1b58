/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_set.h - sets of events and, of the generic event, of system calls; what a sensor captures.
 */
#ifndef MEWS_PROTO_EVENT_SET_H
#define MEWS_PROTO_EVENT_SET_H

#include "proto/syscalls.h"

#define EVENT_WORDS (EV_TYPE_MAX / 64)
#define CALL_WORDS  ((SC_MAX + 1 + 63) / 64)

struct event_set {
	uint64_t w[EVENT_WORDS];    /* bit EV_* */
	uint64_t calls[CALL_WORDS]; /* bit SC_*: what of EV_SYSCALL, if that is in the set */
};

/* What a sensor captures. */
struct interest {
	struct event_set events;
	uint64_t lean[EVENT_WORDS];  /* of these: only what process state needs
					(collector/state/parsers.def) */
	uint64_t quiet[EVENT_WORDS]; /* of these: no rule looks at them, so they raise no alerts */
};

static inline bool
event_set_has(const struct event_set *s, unsigned num)
{
	return s->w[num / 64] >> (num % 64) & 1;
}

/* Without its calls, for EV_SYSCALL. */
static inline void
event_set_add(struct event_set *s, unsigned num)
{
	s->w[num / 64] |= 1ULL << (num % 64);
}

/* Is a system call, SC_*, wanted as a generic event? */
static inline bool
event_set_has_call(const struct event_set *s, unsigned index)
{
	return event_set_has(s, EV_SYSCALL) && (s->calls[index / 64] >> (index % 64) & 1);
}

static inline void
event_set_add_call(struct event_set *s, unsigned index)
{
	event_set_add(s, EV_SYSCALL);
	s->calls[index / 64] |= 1ULL << (index % 64);
}

static inline void
event_set_join(struct event_set *s, const struct event_set *other)
{
	for (unsigned i = 0; i < EVENT_WORDS; i++)
		s->w[i] |= other->w[i];
	for (unsigned i = 0; i < CALL_WORDS; i++)
		s->calls[i] |= other->calls[i];
}

#endif
