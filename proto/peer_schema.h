/* SPDX-License-Identifier: Apache-2.0 */
/* peer_schema.h - the event schema of another version on the wire; for the decoder only. */
#ifndef MEWS_PROTO_PEER_SCHEMA_H
#define MEWS_PROTO_PEER_SCHEMA_H

#include "proto/batch.h"

enum { PEER_NOT_SENT = 0xff }; /* peer_schema.n: the peer did not name this event */

struct peer_schema {
	uint8_t n[EV_TYPE_MAX]; /* number of parameters that the peer sends for each event */
	uint8_t lacks;          /* the most parameters that one of its events lacks */
};

#endif
