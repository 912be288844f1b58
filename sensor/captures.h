/* SPDX-License-Identifier: Apache-2.0 */
/*
 * captures.h - the system calls that are captured: driver/captures.def, joined with their numbers
 * and with what proto/events.def says of their events.
 *
 * Everything here is constant and may be used by any thread.
 */
#ifndef MEWS_SENSOR_CAPTURES_H
#define MEWS_SENSOR_CAPTURES_H

#include "common/macros.h"
#include "driver/abi.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture {
	const char *call;
	uint16_t event; /* EV_* */
	int nr[2];      /* of 64-bit callers on this architecture, of 32-bit ones; -1: none */
};

/* In the table's order. */
extern const struct capture captures[];
extern const size_t ncaptures;

/*
 * Make what the programs read, for this architecture, of all rows; 'ret' is all 0 before. -EINVAL:
 * row *bad does not fit its event.
 */
int captures_compile(struct drv_table *ret, size_t *bad) MUST_CHECK;

/* The kernel's name, without sys_, of the tracepoint at the entry of the i-th call; NULL: nothing
 * is read there. */
const char *captures_entry(size_t i);

/* Set in 'ctl' by which system calls the events that it wants may come: 'calls' and 'any', which
 * are 0 before. */
void captures_wanted(struct drv_control *ctl);

#endif
