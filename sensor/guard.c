/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/guard.h"
#include "common/clock.h"
#include "common/log.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACER "\nTracerPid:"

void
guard_open(struct guard *g, bool killed)
{
	*g = (struct guard){ .status = open("/proc/self/status", O_RDONLY | O_CLOEXEC) };
	wire__harm__init(&g->harm);
	if (killed)
		g->harm.killed_ns = clock_real();
}

void
guard_close(struct guard *g)
{
	if (g->status >= 0)
		(void) close(g->status);
	g->status = -1;
}

/* 0: none. */
static uint32_t
tracer_of(const struct guard *g)
{
	char text[1024]; /* the line is among the first ten */
	ssize_t n = g->status < 0 ? -1 : pread(g->status, text, sizeof(text) - 1, 0);
	const char *at;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strstr(text, TRACER);
	return at == NULL ? 0 : (uint32_t) strtoul(at + strlen(TRACER), NULL, 10);
}

void
guard_look(struct guard *g, bool kept)
{
	uint32_t tracer = tracer_of(g);

	if (tracer != 0 && tracer != g->tracer) {
		g->harm.traced_ns = clock_real();
		g->harm.tracer = tracer;
		log_warn(
		    "process %u traces this sensor: it can read its memory, keys included, "
		    "and change what it sends",
		    tracer);
	}
	g->tracer = tracer;
	if (kept)
		return;
	g->harm.unpinned_ns = clock_real();
	log_warn("capture.pin: others have removed what this sensor had pinned");
}

Wire__Harm *
guard_harm(struct guard *g)
{
	const Wire__Harm *h = &g->harm;

	return h->killed_ns != 0 || h->traced_ns != 0 || h->unpinned_ns != 0 ? &g->harm : NULL;
}
