/* SPDX-License-Identifier: Apache-2.0 */
/* harm.c - what was done to a sensor, as it reports. */
#include "collector/stream/stream.h"

static const char *const harm_names[HARM_MAX] = {
#define HARM(name, text) [HARM_##name] = #name,
#include "collector/stream/harm.def"
};

static const char *const harm_texts[HARM_MAX] = {
#define HARM(name, text) [HARM_##name] = (text),
#include "collector/stream/harm.def"
};

const char *
harm_name(enum harm h)
{
	return harm_names[h];
}

const char *
harm_text(enum harm h)
{
	return harm_texts[h];
}

void
stream_set_harm(struct stream *st, const Wire__Harm *h)
{
	if (h == NULL)
		return;
	st->harm.tracer = h->tracer; /* before the time, which says that it is there */
	st->harm.at[HARM_killed] = h->killed_ns;
	st->harm.at[HARM_traced] = h->traced_ns;
	st->harm.at[HARM_unpinned] = h->unpinned_ns;
}
