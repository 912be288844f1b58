/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact.h - find secrets in arguments and environments, by the patterns of redact.def.
 *
 * Only the value is replaced, by REDACT_MARK, so that names, options and the words around it can
 * still be matched. URLs lose the password of 'scheme://user:password@host', and a PEM private key
 * its content. One pass, in time linear in the text; no allocation but in redact_new(). A set is
 * immutable: any thread may use it.
 *
 * Patterns can't know every secret, nor tell a secret from what only looks like one: who can choose
 * arguments can hide a word behind 'password='.
 */
#ifndef MEWS_PROTO_REDACT_H
#define MEWS_PROTO_REDACT_H

#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stddef.h>

#define REDACT_MARK "<redacted>"

enum {
	REDACT_MAX = 64,       /* values in a list; whatever follows the last is one */
	REDACT_NAMES_MAX = 64, /* names and prefixes that the configuration adds */
	REDACT_NAME_MAX = 32,  /* bytes of one */
};

enum redact_kind {
	REDACT_ARGS, /* strings, each with its NUL; an option's value may be the next one */
	REDACT_ENV,  /* NAME=VALUE, each with its NUL */
	REDACT_TEXT, /* one text */
};

struct redact;

/* The table's patterns and the configured ones: "NAME" as KEY(), "PREFIX*" as TOKEN() of at least
 * eight bytes, "!NAME" removes one. -EINVAL and *d; -ENOMEM. */
int redact_new(const char *const *v, size_t n, struct redact **ret, struct diag *d) MUST_CHECK;
void redact_free(struct redact *r); /* NULL is nothing */

/* A value's place, without its NUL. */
struct redact_edit {
	size_t from, to;
};

/* Find the values in a list, in order. 'program': the path or name of the arguments' program, p
 * NULL if unknown. Returns their number. */
size_t redact_find(const struct redact *r, struct slice list, enum redact_kind kind,
    struct slice program, struct redact_edit v[REDACT_MAX]);

/* Copy 'list' with its values replaced, at most 'cap' bytes: what is too long is cut, and a list
 * still ends with a NUL. Returns the size. */
size_t redact_apply(
    struct slice list, const struct redact_edit *v, size_t n, char *out, size_t cap, bool *cut);

/* Would values under this name be replaced? */
bool redact_is_secret(const struct redact *r, struct slice name);
/* Does a word that begins so look like a token? */
bool redact_is_token(const struct redact *r, struct slice word);

#endif
