/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join.h - which pieces of a message go into one record.
 *
 * NNG hands a message to TLS as its length, its header and its body, one call each. Written one by
 * one they would be three records, three system calls and three wake-ups of the peer. The short
 * pieces at the beginning are held until more of the message comes. Its end is known from the
 * length, in SP's mapping to TCP: a greeting of 8 bytes, then messages, each after its length as 8
 * bytes, big end first. Anything else is passed through unchanged.
 *
 * For one direction of one connection; the caller's lock guards it.
 */
#ifndef MEWS_COMMON_NNG_JOIN_H
#define MEWS_COMMON_NNG_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOIN_HELD = 64 };

enum join_state { JOIN_GREETING, JOIN_MESSAGES, JOIN_UNKNOWN };

struct join {
	enum join_state state; /* zeroed: the beginning of a connection */
	uint64_t left;         /* bytes of the message that have not been sent or held */
	size_t n;              /* bytes held */
	uint8_t held[JOIN_HELD];
};

/* Hold the next piece? True: it is copied. False: send held[0..n) and then the piece, or its
 * beginning, and call join_sent(); until that has succeeded the same piece may be asked about
 * again. */
bool join_hold(struct join *j, const uint8_t *p, size_t n);

/* The held bytes and 'n' bytes of the piece are sent. */
void join_sent(struct join *j, size_t n);

#endif
