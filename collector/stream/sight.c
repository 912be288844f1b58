/* SPDX-License-Identifier: Apache-2.0 */
/* sight.c - whether a node is seen, and the names of that. */
#include "collector/stream/stream.h"
#include "common/clock.h"

static const char *const sight_names[SIGHT_MAX] = {
#define SIGHT(name, text) #name,
#include "collector/stream/sight.def"
};

static const char *const sight_texts[SIGHT_MAX] = {
#define SIGHT(name, text) text,
#include "collector/stream/sight.def"
};

const char *
sight_name(enum sight s)
{
	return sight_names[s];
}

const char *
sight_text(enum sight s)
{
	return sight_texts[s];
}

uint64_t
stream_silent_ns(const struct stream *st)
{
	return 2 * MAX(st->idle_ns, NS_PER_S) + NS_PER_S;
}

enum sight
stream_sight(const struct stream *st, uint64_t now)
{
	uint64_t heard = st->heard;

	if (heard == 0)
		return SIGHT_missing;
	if (st->connected)
		return now > heard && now - heard > stream_silent_ns(st) ? SIGHT_silent : SIGHT_up;
	return st->said_bye ? SIGHT_stopped : SIGHT_down;
}

uint64_t
stream_unheard_ns(const struct stream *st, uint64_t now)
{
	uint64_t heard = st->heard;

	if (heard == 0) {
		heard = st->last_seen;
		now = clock_real();
	}
	return now > heard ? now - heard : 0;
}
