/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enroll_line.h - what 'mewsctl pki token' prints and 'mews-sensor enroll' takes, in one line:
 *
 *	mews-enroll/1/HOST:PORT/SECRET/AUTHORITY
 *
 * SECRET is the token; AUTHORITY the SHA-256 of the certificate (DER) by which the server is known.
 * Both are 64 hexadecimal digits in lower case.
 */
#ifndef MEWS_PROTO_ENROLL_LINE_H
#define MEWS_PROTO_ENROLL_LINE_H

#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"

#define ENROLL_DIGITS    64
#define ENROLL_LINE_MAX  512
#define ENROLL_PORT      "7444" /* unless the line or the configuration names another */
#define ENROLL_BODY_MAX  16384  /* of a request */
#define ENROLL_REPLY_MAX (4u << 20)
#define ENROLL_SKEW_S    300 /* validity begins so long ago: for nodes whose clock is behind */

struct enroll_address {
	char host[256]; /* without brackets */
	char port[6];
};

struct enroll_line {
	struct enroll_address at;
	char secret[ENROLL_DIGITS + 1], authority[ENROLL_DIGITS + 1];
};

/* Split HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. -EINVAL and *d. */
int enroll_address_parse(struct slice text, struct enroll_address *ret, struct diag *d) MUST_CHECK;

/* Parse a line, with or without a newline at its end. -EINVAL and *d, which never quotes the
 * secret.
 */
int enroll_line_parse(struct slice text, struct enroll_line *ret, struct diag *d) MUST_CHECK;

/* Write it, without a newline. */
void enroll_line_print(const struct enroll_line *l, char ret[ENROLL_LINE_MAX]);

#endif
