/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - a recording in the place of the kernel.
 *
 * Batches go out as they were recorded; only what belongs to the stream is new: the node's name,
 * sensor start, numbers, interest version, the snapshot's id, and the realtime of the clock pair,
 * so that events happen now. One recording is read once and shared by all nodes that play it; each
 * has a cursor. Belongs to the loop thread.
 */
#ifndef MEWS_SENSOR_REPLAY_H
#define MEWS_SENSOR_REPLAY_H

#include "common/diag.h"
#include "common/macros.h"
#include "sensor/node.h"
#include <stdbool.h>
#include <stdint.h>

struct replay;

/* Read and check a recording. -errno and *d: not a recording, cut short, no Hello. */
int replay_load(const char *path, struct replay **ret, struct diag *d) MUST_CHECK;
void replay_free(struct replay *r);

const Wire__Hello *replay_hello(const struct replay *r);
uint64_t replay_events(const struct replay *r);

/* Put into the node's spool what is due and has room. Returns when the next batch is due
 * (UINT64_MAX: none is, or the spool has to empty first). */
uint64_t replay_feed(const struct replay *r, struct replay_cursor *c, struct node *n, uint64_t now);

/* All batches of this pass are in the spool. */
bool replay_fed(const struct replay *r, const struct replay_cursor *c);

#endif
