/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - one sensor process on one boot of one node, as the collector knows it.
 *
 * The registry makes a stream at the first Welcome and keeps it while anybody holds it; a sensor
 * that reconnects finds its stream again. Ingest moves 'received', the outbox moves 'durable'; both
 * are atomics, so that a reply reads them without a lock. Locking: the registry's mutex guards the
 * list and the texts that a new Hello replaces.
 */
#ifndef MEWS_COLLECTOR_STREAM_H
#define MEWS_COLLECTOR_STREAM_H

#include "collector/outbox.h"
#include "common/macros.h"
#include "proto/batch.h"
#include "proto/wire.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct shard;
struct streams; /* the registry */

struct stream {
	struct stream_id id;           /* constant */
	struct shard *shard;           /* constant: the thread that owns the node */
	struct peer_schema *schema;    /* of the last Hello; replaced only while no batch is in flight */
	_Atomic uint64_t received;     /* batches handed to the shard, in order */
	_Atomic uint64_t evaluated;    /* batches that rules have seen */
	_Atomic uint64_t durable;      /* batches whose alerts are committed */
	_Atomic uint64_t events, bytes, drops, gaps, duplicates, malformed;
	_Atomic uint64_t last_seen;    /* realtime ns */
	_Atomic uint64_t snapshot_id;  /* the snapshot that the shard waits for; 0: none */
	_Atomic uint32_t interest;     /* the version that the sensor confirmed */
	_Atomic bool connected;
	_Atomic int refs;
};

#endif
