/* SPDX-License-Identifier: Apache-2.0 */
/* enroll_call.h - one request to the enroller, over TLS. Blocks; one thread. */
#ifndef MEWS_SENSOR_ENROLL_CALL_H
#define MEWS_SENSOR_ENROLL_CALL_H

#include "common/buf.h"
#include "common/diag.h"
#include "proto/enroll_line.h"
#include <openssl/ssl.h>

struct enroll_call {
	const struct enroll_address *at;
	const char *authority; /* digest of the authority that the server must have, or ... */
	SSL_CTX *tls;          /* ... what the node trusts and shows */
	const char *method, *path;
	struct slice body; /* JSON */
};

struct enroll_reply {
	char *certificate, *ca, *crl, *collector; /* NULL: not in the answer */
};

/* Parse the answer to a request: 0 with at least ca, crl and collector. *d has the server's
 * sentence if it refuses. -EAGAIN: not now; -EACCES: refused; -EPROTO: this is no answer. */
int enroll_reply_parse(struct slice http, struct enroll_reply *ret, struct diag *d) MUST_CHECK;
void enroll_reply_fini(struct enroll_reply *r);

/* Ask, and parse the answer. -EAGAIN also: nobody answers; -EACCES also: the server is another. */
int enroll_ask(const struct enroll_call *c, struct enroll_reply *ret, struct diag *d) MUST_CHECK;

#endif
