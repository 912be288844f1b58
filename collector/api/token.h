/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - the secrets that let a request through: one a line in a file of mode 0600.
 *
 * Empty lines and those that begin with '#' are skipped; each other line is a token, and all of
 * them are accepted, so that one can be replaced while clients still use it. A file that is not
 * there is made, with one random token. Reading anew and matching may be in different threads.
 */
#ifndef MEWS_COLLECTOR_API_TOKEN_H
#define MEWS_COLLECTOR_API_TOKEN_H

#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"
#include <pthread.h>

/* Where the outbox is if nobody says (outbox.path), and the tokens are beside it. */
#define OUTBOX_PATH "/var/lib/mews/outbox.db"

enum {
	TOKENS_MAX = 16,
	TOKEN_MIN = 16, /* bytes */
	TOKEN_MAX = 256,
};

/* Locking: 'lock' guards the rest. */
struct tokens {
	pthread_mutex_t lock;
	size_t n;
	struct {
		size_t n;
		char text[TOKEN_MAX];
	} v[TOKENS_MAX];
};

/* Where the tokens are, into 'ret': at 'configured' (http.token_file; NULL or "": nowhere), or else
 * beside 'outbox' (outbox.path), and true. */
bool tokens_place(const char *configured, const char *outbox, char *ret, size_t n);

/* Make the file if it is missing (*made says so), and read it. 0 or -errno, and *d. */
int tokens_init(struct tokens *t, const char *path, bool *made, struct diag *d) MUST_CHECK;
/* Read the file anew. On error the old tokens stay. */
int tokens_read(struct tokens *t, const char *path, struct diag *d) MUST_CHECK;
void tokens_fini(struct tokens *t);

/* Would tokens_init() succeed? Changes nothing. 'beside': the folder is the outbox's, which says
 * itself what is wrong with it. */
int tokens_check(const char *path, bool beside, struct diag *d) MUST_CHECK;

/* The time does not depend on how much of a token was guessed. */
bool tokens_match(struct tokens *t, struct slice given);

#endif
