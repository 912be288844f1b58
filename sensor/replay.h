/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - a recording instead of the kernel.
 *
 * Batches are sent as recorded, with a new stream identity: the node's name, sensor start, numbers,
 * interest version, snapshot id, and the realtime of the clock pair, so that events happen now. A
 * recording is read once and shared by all nodes that play it; each has a cursor. Belongs to the
 * loop thread.
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

/* Put batches that are due into the node's spool while it has room. Returns when the next batch is
 * due (UINT64_MAX: none, or the spool must empty first). */
uint64_t replay_feed(const struct replay *r, struct replay_cursor *c, struct node *n, uint64_t now);

/* Are all batches of this pass in the spool? */
bool replay_fed(const struct replay *r, const struct replay_cursor *c);

#endif
