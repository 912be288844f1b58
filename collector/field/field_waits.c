/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field.h"
#include "proto/event.h"
#include "proto/schema.h"
#include <string.h>

/* Fields that only some events fill, and what they wait for while none of those is captured. */
static const struct need {
	const char *name;  /* or the start of names, if it ends in a dot */
	uint32_t flags;    /* events with one of these */
	enum ev_role role; /* or with a parameter of this role */
	uint16_t event;    /* or this one */
	const char *cause;
} needs[] = {
	{ "evt.pluginname", 0, EVR_NONE, 0, "plugins" },
	{ "evt.plugininfo", 0, EVR_NONE, 0, "plugins" },
	{ "evt.asynctype", EF_ASYNC, EVR_NONE, 0, "asynchronous events" },
	{ "evt.infra.", 0, EVR_NONE, EV_INFRA, "infrastructure events" },
	{ "evt.buffer", 0, EVR_DATA, 0, "reads and writes" },
	{ "evt.io_dir", EF_READS_FD | EF_WRITES_FD, EVR_NONE, 0, "reads and writes" },
	{ "evt.buflen.in", EF_READS_FD, EVR_NONE, 0, "reads" },
	{ "evt.buflen.out", EF_WRITES_FD, EVR_NONE, 0, "writes" },
	{ "evt.buflen.file.in", EF_READS_FD, EVR_NONE, 0, "reads" },
	{ "evt.buflen.file.out", EF_WRITES_FD, EVR_NONE, 0, "writes" },
	{ "evt.buflen.net.in", EF_READS_FD, EVR_NONE, 0, "reads" },
	{ "evt.buflen.net.out", EF_WRITES_FD, EVR_NONE, 0, "writes" },
	{ "fd.l4proto", 0, EVR_NONE, EV_SOCKET, "the creation of sockets" },
	{ "fdlist.", 0, EVR_FDS, 0, "poll" },
	{ "thread.exectime", 0, EVR_NONE, EV_SWITCH, "switches of CPUs" },
	{ "thread.totexectime", 0, EVR_NONE, EV_SWITCH, "switches of CPUs" },
};

/* What fields wait for that nothing fills, by the start of their names. */
static const struct {
	const char *name, *cause;
} unfilled[] = {
	{ "container.", "metadata of the container runtime" },
	{ "k8s.", "metadata of the container runtime" },
	{ "thread.cpu", "samples of CPU use" },
	{ "fd.", "look-ups of names" },
};

static bool
is_named(const struct field *f, const char *name)
{
	size_t n = strlen(name);

	return name[n - 1] == '.' ? strncmp(f->name, name, n) == 0 : strcmp(f->name, name) == 0;
}

static bool
is_met(const struct need *need)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];

		if ((s->flags & need->flags) == 0 && s->num != need->event &&
		    (need->role == EVR_NONE || !schema_has_role(s, need->role)))
			continue;
		if (s->capture == CAP_EXIT || s->capture == CAP_TRACE)
			return true;
	}
	return false;
}

const char *
field_waits(const struct field *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		if (is_named(f, needs[i].name) && !is_met(&needs[i]))
			return needs[i].cause;
	}
	if ((f->flags & FF_UNFILLED) && (f->flags & FF_DEPRECATED))
		return "nothing: it is deprecated in Falco";
	for (size_t i = 0; (f->flags & FF_UNFILLED) && i < ARRAY_SIZE(unfilled); i++) {
		if (strncmp(f->name, unfilled[i].name, strlen(unfilled[i].name)) == 0)
			return unfilled[i].cause;
	}
	return f->flags & FF_UNFILLED ? "its source" : NULL;
}
