/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_table.h - the captured system calls: driver/captures.def, joined with the numbers of the
 * calls and the events of proto/events.def.
 *
 * Everything here is constant and may be used by any thread.
 */
#ifndef MEWS_SENSOR_CAPTURE_TABLE_H
#define MEWS_SENSOR_CAPTURE_TABLE_H

#include "common/macros.h"
#include "driver/abi.h"
#include "proto/event_set.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture {
	const char *call;
	uint16_t event; /* EV_* */
	int nr[2];      /* for 64-bit callers on this architecture, for 32-bit ones; -1: none */
};

/* In the table's order. */
extern const struct capture captures[];
extern const size_t ncaptures;

/*
 * Compile all rows, for this architecture, into the table that the programs read; 'ret' must be all
 * 0. -EINVAL: row *bad does not fit its event.
 */
int captures_compile(struct drv_table *ret, size_t *bad) MUST_CHECK;

/* The kernel's name, without sys_, of the tracepoint at the entry of the i-th call, of which the
 * first *nargs arguments are needed there, 1 to 6; NULL: nothing is read at entry. */
const char *captures_entry(size_t i, unsigned *nargs);

/* Is something read at the entry of the i-th call for this interest, which captures_wanted() has
 * completed? */
bool captures_entry_wanted(size_t i, const struct drv_control *ctl);

/* Set in 'ctl' the system calls that can produce its wanted events: 'calls' and 'any', which must
 * be 0. Of the generic event, only the calls in the set. */
void captures_wanted(struct drv_control *ctl, const struct event_set *wanted);

#endif
