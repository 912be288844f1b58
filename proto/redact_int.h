/* SPDX-License-Identifier: Apache-2.0 */
/* redact_int.h - a set of patterns; for redact.c and redact_set.c. */
#ifndef MEWS_PROTO_REDACT_INT_H
#define MEWS_PROTO_REDACT_INT_H

#include "proto/redact.h"
#include <stdint.h>

enum redact_how { ATTACHED = 1, NEXT, EITHER };

struct redact_name {
	char text[REDACT_NAME_MAX];
	uint8_t n;
	bool word, header, scheme;
};

struct redact_token {
	char text[REDACT_NAME_MAX];
	uint8_t n, size;
	bool exact;
};

struct redact_short {
	const char *program, *option;
	enum redact_how how;
	char after; /* 0: all of it */
};

enum { REDACT_ROWS = 2 * REDACT_NAMES_MAX };

struct redact {
	struct redact_name names[REDACT_ROWS];
	struct redact_token tokens[REDACT_ROWS];
	size_t nnames, ntokens;
	uint8_t row[257]; /* names are by their last byte: where those with this one begin */
	uint8_t least;    /* size of the shortest token */
	bool first[256];  /* bytes that begin a token */
};

extern const struct redact_short redact_shorts[];
extern const size_t redact_nshorts;

/* The row that a name matches, or NULL. */
const struct redact_name *redact_name(const struct redact *r, struct slice name);

#endif
