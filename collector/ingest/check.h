/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - the bytes of a request, checked once; behind it nobody checks again.
 *
 * Any thread. Bounded in memory whatever the bytes say.
 */
#ifndef MEWS_COLLECTOR_INGEST_CHECK_H
#define MEWS_COLLECTOR_INGEST_CHECK_H

#include "common/macros.h"
#include "proto/wire.h"
#include <stdbool.h>
#include <stdint.h>

#define TALK_MAX   (256u << 10) /* bytes of a message before Welcome */
#define LABELS_MAX 64
#define DROPS_MAX  8192

/* Why a request was not taken. */
struct refusal {
	Wire__Reject__Code code;
	uint64_t seq;     /* of a batch, or 0 */
	const char *text; /* static */
};

/*
 * 0 and *ret, to be freed by wire__request__free_unpacked(), or -EBADMSG and *why. Behind it: a
 * body is there; names and texts are of bounded length and printable; sizes are within the WIRE_
 * limits; a batch has a number and a Body. Whether the columns in
 * the Body are sound is the decoder's to say.
 */
int request_read(const uint8_t *p, size_t n, Wire__Request **ret, struct refusal *why) MUST_CHECK;

/* A name of a node: letters, digits, '.', '-', '_'; 1 to 255. */
bool node_name_ok(const char *name);

#endif
