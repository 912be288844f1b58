/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coverage.h - what is noted of a stream, so that gap.h can say from when to when all wanted events
 * of a node were delivered.
 *
 * All times are realtime ns by the collector's clock. Memory is constant: of older changes only the
 * newest is remembered.
 */
#ifndef MEWS_COLLECTOR_STREAM_COVERAGE_H
#define MEWS_COLLECTOR_STREAM_COVERAGE_H

#include <stdatomic.h>
#include <stdint.h>

enum { COVERAGE_VERSIONS = 16 };

struct coverage {
	/* When the sensor confirmed the newest versions of the interest; a version is stored at
	 * its number modulo COVERAGE_VERSIONS. Ingest. */
	_Atomic uint64_t confirmed[COVERAGE_VERSIONS];
	_Atomic uint32_t version[COVERAGE_VERSIONS];
	uint64_t mark, mark_at;    /* ingest: once batch 'mark' is durable, 'whole' is mark_at */
	_Atomic uint64_t whole;    /* everything captured up to then has been evaluated */
	_Atomic int64_t clock_off; /* ingest: capture of the newest batch minus its arrival */
	int64_t wall;              /* shard: realtime minus boot time of the newest batch */
	_Atomic uint64_t stepped;  /* shard: when 'wall' last jumped; 0: never */
	_Atomic uint64_t complete; /* shard: when the first snapshot was applied; 0: not yet */
	_Atomic uint64_t drops;    /* shard: of the stream, for which a loss window was opened */
	_Atomic uint64_t silences; /* shard: the same */
};

#endif
