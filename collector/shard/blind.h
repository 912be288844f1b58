/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blind.h - the alerts that report blindness to a SOC.
 *
 *	Mews lost sight of a node     no sensor speaks for it; nothing on it is seen
 *	Mews lost events of a node    a loss window has opened on it
 *	Mews sensor harmed            its sensor was killed, is traced, or its pins were removed
 *
 * lookout.h and node_loss.h decide when and how often. Pure functions, any thread.
 */
#ifndef MEWS_COLLECTOR_SHARD_BLIND_H
#define MEWS_COLLECTOR_SHARD_BLIND_H

#include "collector/alert/alert.h"
#include "collector/stream/stream.h"

#define BLIND_SIGHT "Mews lost sight of a node"
#define BLIND_LOSS  "Mews lost events of a node"
#define BLIND_HARM  "Mews sensor harmed"

/* Minimum time between two of these about the same node (and, for a loss or harm, the same kind).
 */
#define BLIND_EVERY_NS (300 * NS_PER_S)

struct alert_json;

/* 'times': losses of the node since the last such alert, including this one. 'shape': see
 * alert_internal(). -ENOMEM. */
int blind_sight(const struct stream *st, enum sight sight, uint64_t times,
    const struct alert_json *shape, struct alert **ret) MUST_CHECK;

/* The same harm, as st->harm.at has it, gives the same id. */
int blind_harm(const struct stream *st, enum harm harm, const struct alert_json *shape,
    struct alert **ret) MUST_CHECK;

/* 'at' gives the alert the same id when its batch is sent again: the batch's number, or, for
 * events_dropped, the sensor's count of dropped events. */
int blind_loss(const struct stream *st, enum loss_cause cause, uint64_t times, uint64_t at,
    const struct alert_json *shape, struct alert **ret) MUST_CHECK;

#endif
