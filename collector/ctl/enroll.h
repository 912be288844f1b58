/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enroll.h - tokens by which nodes get their certificates: the folder of an enroller.
 *
 * The folder is that of an authority of its own (pki.h), for nodes only, and has besides:
 *
 *	DIR/fleet.pem, fleet-crl.pem  the fleet's authorities, which vouch for collectors
 *	DIR/trust.pem, trust-crl.pem  both: what nodes and collectors trust
 *	DIR/server.pem, server.key    this server's certificate, of the fleet's authority
 *	DIR/serve.yaml                where it listens, and the collector that nodes are told
 *	DIR/tokens                    one line per token: id, SHA-256 of the secret, nodes, expiry,
 *	                              uses, used, life of a certificate, may it replace one
 *	DIR/node-NAME.pem             the latest certificate of a node
 *
 * A decision reads and changes the folder under its lock: commands and the server can work at the
 * same time. One thread per call.
 */
#ifndef MEWS_COLLECTOR_CTL_ENROLL_H
#define MEWS_COLLECTOR_CTL_ENROLL_H

#include "collector/ctl/pki.h"
#include "common/config.h"
#include "proto/enroll_line.h"
#include <time.h>

struct enroll_options {
	char *address;   /* HOST:PORT of the server, for nodes */
	char *listen;    /* where it listens; default: on every address, at that port */
	char *collector; /* URL of the fleet's collector */
};

/* Make the folder, or renew what it has of the fleet's authority in the folder 'fleet'. Authorities
 * that it has from earlier folders stay trusted, unless 'only' this one shall be. Empty options
 * stay as they are. The server's certificate is noted in 'fleet', unless that is read-only.
 * -EINVAL... and *d. */
int enroll_init(const char *dir, const char *fleet, bool only, const struct enroll_options *o,
    struct diag *d) MUST_CHECK;

/* Read DIR/serve.yaml; the texts live as long as *cfg, which the caller frees. */
int enroll_options_read(
    const char *dir, struct enroll_options *ret, struct cfg **cfg, struct diag *d) MUST_CHECK;

struct enroll_token {
	char id[9];      /* the first digits of the hash: names it in logs */
	char hash[65];   /* SHA-256 of the secret */
	char nodes[256]; /* a pattern as of a shell */
	long expires;    /* seconds since 1970 */
	long uses, used; /* at most, so far */
	long life_s;     /* of the certificates */
	int replace;     /* may it replace valid certificates? */
};

/* Is this a pattern of names? */
bool enroll_nodes_ok(const char *nodes);

/* Make a token with t's nodes, expires, uses, life and replace, and the line for nodes. */
int enroll_token_make(
    const char *dir, struct enroll_token *t, struct enroll_line *ret, struct diag *d) MUST_CHECK;

/* All tokens; the caller frees *ret. A number of them, or -errno and *d. */
int enroll_tokens_read(const char *dir, struct enroll_token **ret, struct diag *d) MUST_CHECK;

struct enroll_answer {
	unsigned status; /* of HTTP: 200, or why not */
	X509 *cert;      /* the caller frees it */
	bool again;      /* the node has it already, and had asked with the same key */
	char token[9];   /* the token's id; "": unknown */
	char why[512];   /* one sentence, unless 200 */
};

/* Answer a node that has a token: 'secret' are its digits, 'key' the node's public key. */
void enroll_node(const char *dir, struct slice secret, const char *node, EVP_PKEY *key, time_t now,
    struct enroll_answer *ret);

/* Answer a node that has shown 'old', its certificate (NULL: none), and wants another for 'key'. On
 * 200 'node' is its name. */
void enroll_renew(
    const char *dir, X509 *old, EVP_PKEY *key, char node[256], struct enroll_answer *ret);

#endif
