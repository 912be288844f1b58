/* SPDX-License-Identifier: Apache-2.0 */
/* listen.h - NNG's part of ingest; for listen.c, listen_tls.c, address.c and nng_errno.c. */
#ifndef MEWS_COLLECTOR_INGEST_LISTEN_H
#define MEWS_COLLECTOR_INGEST_LISTEN_H

#include "collector/ingest/ingest_int.h"
#include <nng/nng.h>

/* A context handles one request at a time, from its arrival to the end of its answer. */
struct job {
	struct ingest *i;
	nng_ctx ctx;
	nng_aio *aio;
	struct conn *conn; /* held while its answer is being sent; else NULL */
	struct reply rep;
};

struct listener {
	nng_socket sock;
	nng_listener listener;
	nng_aio *tick;
	bool tls;
	char local[PEER_TEXT]; /* its address */
	DIR *fds;              /* /proc/self/fd */
	unsigned ending_ticks; /* since when connections have failed to end */
	unsigned njobs;
	struct job jobs[];
};

/* nng_errno.c */
int nng_errno(int rv); /* translate NNG's error number to -errno */

/* address.c: parse 'listen'. -EINVAL and *d. */
enum scheme { SCHEME_TLS, SCHEME_TCP, SCHEME_IPC };
int address_scheme(const struct ingest_cfg *cfg, enum scheme *ret, struct diag *d) MUST_CHECK;
/* Explain why NNG cannot listen there in *d; returns -errno. */
int address_fail(const char *url, int rv, struct diag *d);
/* Can an ipc:// address be listened on? NNG would remove any file in its place. */
int address_probe_ipc(const char *url, struct diag *d) MUST_CHECK;

/* Open the socket of an ipc:// address that is listened on to the members of a group; NULL: to
 * none. -ENOENT: no such group, -EPERM: this user is not in it, and *d. */
int address_share_ipc(const char *url, const char *group, struct diag *d) MUST_CHECK;

/* Read and check the files of 'cfg'. */
int tls_trust(const struct ingest_cfg *cfg, struct trust **ret, struct diag *d) MUST_CHECK;

/* Use these certificates for new connections. */
int tls_set(struct ingest *i, const struct trust *t, struct diag *d) MUST_CHECK;

#endif
