/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - a YAML file as dotted keys, and tables that say which keys there are.
 *
 * A file is read into entries: "outbox.path" -> "/var/lib/mews/outbox.db", each with its place;
 * an element of a list is an entry of its own with the list's key, and if it is a mapping, its keys
 * follow its number ("append_output.0.extra_output": for cfg_each()). A program's options are a
 * table of struct opt (written once, in a .def file), which cfg_bind() fills into a struct, with
 * range checks. A key that no table knows is an error with its place. Values may say ${NAME} for an
 * environment variable, or ${file:/path} for the first line of a file (secrets).
 */
#ifndef MEWS_COMMON_CONFIG_H
#define MEWS_COMMON_CONFIG_H

#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cfg;

enum opt_type {
	OPT_STR,  /* char *, owned by the cfg */
	OPT_BOOL, /* bool: true, false, yes, no */
	OPT_U64,  /* uint64_t */
	OPT_SIZE, /* uint64_t bytes: 512, 64KiB, 8MiB, 2GiB */
	OPT_MSEC, /* uint64_t milliseconds: 250ms, 10s, 5m, 2h, 7d */
	OPT_LIST, /* struct opt_list: repeated values */
};

struct opt_list {
	char **v; /* owned by the cfg */
	size_t n;
};

struct opt {
	const char *key;
	const char *def; /* as it would stand in the file; NULL: empty */
	const char *help;
	enum opt_type type;
	size_t offset;     /* in the struct to fill */
	uint64_t min, max; /* of numbers, in the type's unit */
};

/* An empty configuration, or that of a file. -EINVAL and *d; -ENOMEM; -errno of reading, and *d. */
int cfg_new(struct cfg **ret) MUST_CHECK;
int cfg_load(const char *path, struct cfg **ret, struct diag *d) MUST_CHECK;
/* What a program starts with: the file that was asked for; if none was (path NULL), the usual one,
 * and an empty configuration where that is missing. */
int cfg_open(const char *path, const char *usual, struct cfg **ret, struct diag *d) MUST_CHECK;
int cfg_parse(const char *name, struct slice yaml, struct cfg **ret, struct diag *d) MUST_CHECK;
void cfg_free(struct cfg *c);

/* "key=value" from a command line, which wins over the file; a list key's first such replaces the
 * file's list, further ones add. "key[]=VALUE" adds an element to a list of mappings, written as
 * YAML or JSON: "append_output[]={extra_output: 'pid=%proc.pid'}". */
int cfg_override(struct cfg *c, const char *assignment, struct diag *d) MUST_CHECK;

/*
 * Fill 'base' from the entries, defaults first. Strings live as long as the cfg. -EINVAL and *d for
 * a bad value, and, once cfg_check_unknown() is called after all binds, for a key nobody bound
 * (with the nearest known key as a suggestion).
 */
int cfg_bind(
    struct cfg *c, const struct opt *opts, size_t n, void *base, struct diag *d) MUST_CHECK;
int cfg_check_unknown(const struct cfg *c, struct diag *d) MUST_CHECK;

/* The same for every such key: tell() for each. 0 or -EINVAL. */
int cfg_tell_unknown(
    const struct cfg *c, void (*tell)(void *arg, const struct diag *d), void *arg) MUST_CHECK;
/* Is it a falco.yaml? To be asked before the first cfg_bind(), whose sentences would mislead.
 * -EINVAL and *d. */
int cfg_check_foreign(const struct cfg *c, struct diag *d) MUST_CHECK;

/* Free-form keys: calls fn for each entry "prefix.REST" and marks it as known. */
int cfg_each(struct cfg *c, const char *prefix,
    int (*fn)(void *arg, const char *rest, const char *value, struct diag *d), void *arg,
    struct diag *d) MUST_CHECK;

/* Is there any entry below this prefix? */
bool cfg_has(const struct cfg *c, const char *prefix);

/* The place of a key, for an error found later: fills d->file, line, col (0 if from no file). */
void cfg_place(const struct cfg *c, const char *key, struct diag *d);

/* One line per option, for --help. */
void opt_print(FILE *f, const struct opt *opts, size_t n);

#endif
