/* SPDX-License-Identifier: Apache-2.0 */
/* shard_stats.h - shard_stats.def as structs: the counters of one shard, and their sum. */
#ifndef MEWS_COLLECTOR_SHARD_SHARD_STATS_H
#define MEWS_COLLECTOR_SHARD_SHARD_STATS_H

#include "collector/alert/loss.h"
#include "proto/schema.h"
#include <stdatomic.h>
#include <stdint.h>

/* A shard's counters: written by its thread, read by any. */
struct shard_counters {
#define STAT(name, kind, help) _Atomic uint64_t name;
#include "collector/shard/shard_stats.def"
	_Atomic uint64_t types[EV_TYPE_MAX]; /* events evaluated, by EV_* */
	_Atomic uint64_t losses[LOSS_MAX];   /* loss windows opened, by cause */
	_Atomic uint64_t image_ns;           /* CPU time spent on images for the checkpoint */
	_Atomic uint64_t image_pause_ns;     /* the longest piece of one */
};

/* The sum over all shards. */
struct shard_stats {
#define STAT(name, kind, help) uint64_t name;
#include "collector/shard/shard_stats.def"
	uint64_t losses[LOSS_MAX]; /* loss windows opened, by cause */
	uint64_t cpu_ms;           /* CPU time of the threads */
	uint64_t image_ms;         /* CPU time spent on images for the checkpoint */
	uint64_t image_pause_ms;   /* the longest piece of one */
	uint64_t queued;           /* ops waiting */
	unsigned shards;
};

#endif
