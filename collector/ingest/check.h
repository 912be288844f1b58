/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - validate the bytes of a request, once; all code below trusts them.
 *
 * Any thread. Memory is bounded for any input.
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

/* Why a request was refused. */
struct refusal {
	Wire__Reject__Code code;
	uint64_t seq;     /* of a batch, or 0 */
	const char *text; /* static */
};

/*
 * 0 and *ret, to be freed by wire__request__free_unpacked(), or -EBADMSG and *why. On success a
 * body is present; names and texts are of bounded length and printable; sizes are within the WIRE_
 * limits; a batch has a number and a Body. The columns in the Body are left to the decoder.
 */
int request_read(const uint8_t *p, size_t n, Wire__Request **ret, struct refusal *why) MUST_CHECK;

/* Is it a valid node name: 1 to 255 letters, digits, '.', '-', '_'? */
bool node_name_ok(const char *name);

#endif
