/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/field.h"
#include "proto/event.h"
#include "proto/schema.h"
#include <string.h>

/* Fields that only some events fill, and what they wait for while none of those is captured. */
static const struct {
	const char *name; /* or how names begin, if it ends in a dot */
	uint16_t events[3];
	uint32_t flags; /* or any event with one of these */
	const char *cause;
} needs[] = {
	{ "evt.pluginname", { 0 }, 0, "plugins" },
	{ "evt.plugininfo", { 0 }, 0, "plugins" },
	{ "evt.asynctype", { EV_ASYNCEVENT, EV_CONTAINER }, 0, "asynchronous events" },
	{ "evt.infra.", { EV_INFRA }, 0, "events of the infrastructure" },
	{ "evt.buffer", { 0 }, EF_READS_FD | EF_WRITES_FD, "reads and writes" },
	{ "evt.io_dir", { 0 }, EF_READS_FD | EF_WRITES_FD, "reads and writes" },
	{ "evt.buflen.in", { 0 }, EF_READS_FD, "reads" },
	{ "evt.buflen.out", { 0 }, EF_WRITES_FD, "writes" },
	{ "evt.buflen.file.in", { 0 }, EF_READS_FD, "reads" },
	{ "evt.buflen.file.out", { 0 }, EF_WRITES_FD, "writes" },
	{ "evt.buflen.net.in", { 0 }, EF_READS_FD, "reads" },
	{ "evt.buflen.net.out", { 0 }, EF_WRITES_FD, "writes" },
	{ "fd.l4proto", { EV_SOCKET }, 0, "sockets to be seen when they are made" },
	{ "fdlist.", { EV_POLL, EV_PPOLL }, 0, "poll" },
	{ "thread.exectime", { EV_SWITCH }, 0, "switches of CPUs" },
	{ "thread.totexectime", { EV_SWITCH }, 0, "switches of CPUs" },
};

/* What the others wait for that nothing fills, by how their names begin. */
static const struct {
	const char *name, *cause;
} unfilled[] = {
	{ "container.", "what a container's runtime knows" },
	{ "k8s.", "what a container's runtime knows" },
	{ "thread.cpu", "samples of CPU use" },
	{ "fd.", "names to be looked up" },
};

static bool
is_named(const struct field *f, const char *name)
{
	size_t n = strlen(name);

	return name[n - 1] == '.' ? strncmp(f->name, name, n) == 0 : strcmp(f->name, name) == 0;
}

static bool
is_captured(const uint16_t *events, size_t n, uint32_t flags)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];
		bool listed = (s->flags & flags) != 0;

		for (size_t k = 0; k < n; k++)
			listed = listed || (events[k] != 0 && events[k] == s->num);
		if (listed && (s->capture == CAP_EXIT || s->capture == CAP_TRACE))
			return true;
	}
	return false;
}

const char *
field_waits(const struct field *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		if (is_named(f, needs[i].name) &&
		    !is_captured(needs[i].events, ARRAY_SIZE(needs[i].events), needs[i].flags))
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
