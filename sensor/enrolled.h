/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrolled.h - a node's certificate from the fleet's enroller, by a token once and by itself since.
 *
 * A folder of the node's has what came of it:
 *
 *	DIR/node.pem       the certificate and its key, in one file: they change together
 *	DIR/ca.pem, crl.pem  what the node trusts
 *	DIR/enrolled.yaml  the node's name, the server, the collector
 *	DIR/next.key       a key for which the answer has not come yet
 *
 * The key never leaves it. Functions block, for at most ENROLL_CALL_S; one thread. They return 0;
 * -EAGAIN and *d: nobody answers, or not now, so try again; or another -errno and *d.
 */
#ifndef MEWS_SENSOR_ENROLLED_H
#define MEWS_SENSOR_ENROLLED_H

#include "common/config.h"
#include "common/slice.h"
#include "proto/enroll_line.h"

#define ENROLL_CALL_S 60

struct enrolled {
	char *node, *server, *collector; /* owned by the cfg */
};

/* Read DIR/enrolled.yaml into *cfg, which the caller frees. -ENOENT without *d: not enrolled yet.
 */
int enrolled_read(
    const char *dir, struct enrolled *ret, struct cfg **cfg, struct diag *d) MUST_CHECK;

/* Get the first certificate, with a line of 'mewsctl pki token'. */
int enroll(const char *dir, struct slice line, const char *node, struct diag *d) MUST_CHECK;

/* Get what the fleet trusts now, and a new certificate if the present one is in the last third of
 * its life: then *renewed. *changed: this or another file is a new one. */
int enroll_renew(const char *dir, bool *renewed, bool *changed, struct diag *d) MUST_CHECK;

/* mews-sensor enroll: argv[0] is "enroll". Returns an enum app_exit. */
int enroll_main(int argc, char **argv);

/* The name of this machine, in the caller's buffer. */
const char *enroll_host(char ret[256]);

#endif
