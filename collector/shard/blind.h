/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blind.h - the alerts that tell a SOC of blindness.
 *
 *	Mews lost sight of a node     no sensor speaks for it; whatever happens there is not seen
 *	Mews lost events of a node    a loss window has opened on it
 *
 * Who raises them says when, and how often: lookout.h, node_loss.h. Pure functions, any thread.
 */
#ifndef MEWS_COLLECTOR_SHARD_BLIND_H
#define MEWS_COLLECTOR_SHARD_BLIND_H

#include "collector/alert/alert.h"
#include "collector/stream/stream.h"

#define BLIND_SIGHT "Mews lost sight of a node"
#define BLIND_LOSS  "Mews lost events of a node"

/* Between two of these about the same node (and, of a loss, the same cause). */
#define BLIND_EVERY_NS (300 * NS_PER_S)

struct alert_json;

/* 'times': how often the node was lost since the last such alert, this time included. 'shape' as of
 * alert_internal(). -ENOMEM. */
int blind_sight(const struct stream *st, enum sight sight, uint64_t times,
    const struct alert_json *shape, struct alert **ret) MUST_CHECK;

/* 'at' makes it the same alert when its batch is sent again: the batch's number, or, of
 * events_dropped, how many the sensor has dropped so far. */
int blind_loss(const struct stream *st, enum loss_cause cause, uint64_t times, uint64_t at,
    const struct alert_json *shape, struct alert **ret) MUST_CHECK;

#endif
