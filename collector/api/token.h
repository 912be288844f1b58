/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - the API's tokens: one a line in a file of mode 0600.
 *
 *	[read|operate [NAME]] TOKEN
 *
 * A token without a role has 'operate', one without a name is named after its line. Empty lines
 * and lines that begin with '#' are skipped. All tokens are accepted, so that one can be replaced
 * while clients still use it. A missing file is created with one random token. Reloading and
 * matching may be in different threads.
 */
#ifndef MEWS_COLLECTOR_API_TOKEN_H
#define MEWS_COLLECTOR_API_TOKEN_H

#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"
#include <pthread.h>

/* The default of outbox.path; the tokens are beside it. */
#define OUTBOX_PATH "/var/lib/mews/outbox.db"

enum {
	TOKENS_MAX = 16,
	TOKEN_MIN = 16, /* bytes */
	TOKEN_MAX = 256,
	HOLDER_MAX = 32, /* bytes of a name, with its NUL */
};

enum token_role {
	TOKEN_NONE,
	TOKEN_READ,    /* everything that changes nothing */
	TOKEN_OPERATE, /* and changes */
};
const char *token_role_name(enum token_role r);

/* Who holds a token. */
struct holder {
	enum token_role role;
	char name[HOLDER_MAX];
};

/* Locking: 'lock' guards the rest. */
struct tokens {
	pthread_mutex_t lock;
	size_t n;
	struct {
		struct holder holder;
		size_t n;
		char text[TOKEN_MAX];
	} v[TOKENS_MAX];
};

/* Write the path of the token file to 'ret': 'configured' (http.token_file; NULL or "": not set),
 * or else beside 'outbox' (outbox.path), and return true. */
bool tokens_place(const char *configured, const char *outbox, char *ret, size_t n);

/* Create the file if it is missing (then *made is true), and read it. 0 or -errno, and *d. */
int tokens_init(struct tokens *t, const char *path, bool *made, struct diag *d) MUST_CHECK;
/* Read the file again. On error the old tokens stay. */
int tokens_read(struct tokens *t, const char *path, struct diag *d) MUST_CHECK;
void tokens_fini(struct tokens *t);

/* Would tokens_init() succeed? Changes nothing. 'beside': the folder is the outbox's, whose own
 * check reports its errors. */
int tokens_check(const char *path, bool beside, struct diag *d) MUST_CHECK;

/* Whose token is it? TOKEN_NONE: nobody's. The time does not depend on how much of a token is
 * right. */
struct holder tokens_match(struct tokens *t, struct slice given);
/* The token to send for a person: the first one with the role 'operate', else the first. */
struct slice tokens_best(const struct tokens *t);

#endif
