/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - what others do to this sensor: the collector raises an alert about it.
 *
 *	killed     it took over the capture of a sensor that was killed
 *	traced     a process traces it (ptrace), so it can read its keys and change what it sends
 *	unpinned   what it had pinned (capture.pin) was removed, so that nobody could take over
 *
 * A look costs a read of a file in /proc. Tracing that begins and ends between two looks is not
 * seen here, only as a ptrace event. One thread.
 */
#ifndef MEWS_SENSOR_GUARD_H
#define MEWS_SENSOR_GUARD_H

#include "common/macros.h"
#include "proto/wire.h"
#include <stdbool.h>
#include <stdint.h>

#define GUARD_NS NS_PER_S /* between two looks */

struct guard {
	int status;      /* /proc/self/status; -1: it cannot be read */
	uint32_t tracer; /* at the last look; 0: none */
	uint64_t next;   /* monotonic ns; for the caller */
	Wire__Harm harm;
};

/* 'killed': this sensor took over from one that was killed. */
void guard_open(struct guard *g, bool killed);
void guard_close(struct guard *g);

/* Look whether a process traces this one, and log it. 'kept': its pins are still there, as at the
 * last look. */
void guard_look(struct guard *g, bool kept);

/* The report for SensorStats, borrowed; NULL: nothing was done to this sensor. */
Wire__Harm *guard_harm(struct guard *g);

#endif
