/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field.h"
#include "proto/event.h"
#include "proto/schema.h"

/* The events of each source: any of these columns selects them. A source without events is
 * missing until there is code for it. */
static const struct source {
	const char *name;
	uint32_t flags;    /* events with one of these EF_* */
	enum ev_role role; /* events with a parameter of this role */
	uint16_t event;    /* this event */
} sources[] = {
	[FROM_ANYTHING] = { NULL, 0, EVR_NONE, 0 },
	[FROM_PLUGINS] = { "plugins", 0, EVR_NONE, 0 },
	[FROM_ASYNC] = { "asynchronous events", EF_ASYNC, EVR_NONE, 0 },
	[FROM_INFRA] = { "infrastructure events", 0, EVR_NONE, EV_INFRA },
	[FROM_DATA] = { "reads and writes", 0, EVR_DATA, 0 },
	[FROM_IO] = { "reads and writes", EF_READS_FD | EF_WRITES_FD, EVR_NONE, 0 },
	[FROM_READS] = { "reads", EF_READS_FD, EVR_NONE, 0 },
	[FROM_WRITES] = { "writes", EF_WRITES_FD, EVR_NONE, 0 },
	[FROM_SOCKET] = { "the creation of sockets", 0, EVR_NONE, EV_SOCKET },
	[FROM_POLL] = { "poll", 0, EVR_FDS, 0 },
	[FROM_SWITCH] = { "switches of CPUs", 0, EVR_NONE, EV_SWITCH },
	[FROM_KUBE] = { "the API server of Kubernetes (kubernetes.enabled)", 0, EVR_NONE, 0 },
	[FROM_CPU_SAMPLES] = { "samples of CPU use", 0, EVR_NONE, 0 },
	[FROM_NAMES] = { "look-ups of names", 0, EVR_NONE, 0 },
};

static bool
is_captured(const struct source *from)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];

		if ((s->flags & from->flags) == 0 && s->num != from->event &&
		    (from->role == EVR_NONE || !schema_has_role(s, from->role)))
			continue;
		if (s->capture == CAP_EXIT || s->capture == CAP_TRACE)
			return true;
	}
	return false;
}

static bool has_kube;

void
field_has_kube(bool has)
{
	has_kube = has;
}

const char *
field_waits(const struct field *f)
{
	const struct source *from = &sources[FF_SOURCE(f->flags)];

	if (from == &sources[FROM_KUBE] && has_kube)
		return NULL;
	return from->name == NULL || is_captured(from) ? NULL : from->name;
}
