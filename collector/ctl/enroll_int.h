/* SPDX-License-Identifier: Apache-2.0 */
/* enroll_int.h - shared by enroll.c and enroll_token.c. */
#ifndef MEWS_COLLECTOR_CTL_ENROLL_INT_H
#define MEWS_COLLECTOR_CTL_ENROLL_INT_H

#include "collector/ctl/enroll.h"
#include "collector/ctl/pki_int.h"

/* SHA-256 in hexadecimal digits. */
void enroll_digest(struct slice s, char ret[65]);

/* Replace the list, without tokens that are long over. The lock is held. */
int enroll_tokens_write(
    const char *dir, const struct enroll_token *v, int n, time_t now, struct diag *d) MUST_CHECK;

#endif
