/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - pack requests for sending. Functions append to 'out'; -ENOMEM. */
#ifndef MEWS_SENSOR_MESSAGE_H
#define MEWS_SENSOR_MESSAGE_H

#include "common/buf.h"
#include "common/macros.h"
#include "proto/wire.h"
#include "sensor/identity.h"

int message_pack(const Wire__Request *rq, struct buf *out) MUST_CHECK;

/* Answer a challenge: prove that this connection speaks for 'node'. */
int message_proof(const struct identity *id, const Wire__Challenge *c, const char *node,
    const char *cluster, struct buf *out) MUST_CHECK;

#endif
