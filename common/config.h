/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - a YAML file as dotted keys, bound to tables of options.
 *
 * Reading a file gives entries: "outbox.path" -> "/var/lib/mews/outbox.db", each with its place. An
 * element of a list is a separate entry with the list's key; if it is a mapping, its keys follow
 * its number ("append_output.0.extra_output": for cfg_each()). A program's options are a table of
 * struct opt (from a .def file), which cfg_bind() uses to fill a struct, with range checks. A key
 * that no table has is an error with its place. Values may contain ${NAME}, an environment
 * variable, or ${file:/path}, the first line of a file (secrets).
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
	size_t n, cap;
};

struct opt {
	const char *key;
	const char *def; /* as written in the file; NULL: empty */
	const char *help;
	enum opt_type type;
	size_t offset;     /* in the struct to fill */
	uint64_t min, max; /* of numbers, in the type's unit */
};

/* Create an empty configuration, or read a file. -EINVAL and *d; -ENOMEM; -errno of reading, and
 * *d. */
int cfg_new(struct cfg **ret) MUST_CHECK;
int cfg_load(const char *path, struct cfg **ret, struct diag *d) MUST_CHECK;
/* Read a program's configuration: the file 'path'; if NULL, the file 'usual', or an empty
 * configuration if that does not exist. Of sensor.yaml also all *.yaml of the folder sensor.d
 * beside it, by name: each replaces values and lists of the same keys before it, and adds to lists
 * of mappings. */
int cfg_open(const char *path, const char *usual, struct cfg **ret, struct diag *d) MUST_CHECK;
int cfg_parse(const char *name, struct slice yaml, struct cfg **ret, struct diag *d) MUST_CHECK;
void cfg_free(struct cfg *c);

/* Add "key=value" from a command line, which overrides the file. For a list, the first one replaces
 * the file's list, further ones add. "key[]=VALUE" adds an element to a list of mappings, written
 * as YAML or JSON: "append_output[]={extra_output: 'pid=%proc.pid'}". */
int cfg_override(struct cfg *c, const char *assignment, struct diag *d) MUST_CHECK;

/*
 * Fill 'base' from the entries, defaults first. Strings live as long as the cfg. -EINVAL and *d for
 * a bad value. After all binds, cfg_check_unknown() reports a key that was not bound, with the
 * nearest known key as a suggestion.
 */
int cfg_bind(
    struct cfg *c, const struct opt *opts, size_t n, void *base, struct diag *d) MUST_CHECK;
int cfg_check_unknown(const struct cfg *c, struct diag *d) MUST_CHECK;

/* The same for every unknown key: call tell() for each. 0 or -EINVAL. */
int cfg_tell_unknown(
    const struct cfg *c, void (*tell)(void *arg, const struct diag *d), void *arg) MUST_CHECK;
/* Is it a falco.yaml? Call it before the first cfg_bind(), whose messages would mislead. -EINVAL
 * and *d. */
int cfg_check_foreign(const struct cfg *c, struct diag *d) MUST_CHECK;

/* A list of mappings can stand where a section can: "outputs.webhook" has as many elements, 0 if it
 * is no such list. While one of them is selected, a key "outputs.webhook.url" in cfg_bind(),
 * cfg_each(), cfg_has() and cfg_place() is that of this element. Prefix NULL: none is. */
size_t cfg_elements(const struct cfg *c, const char *prefix);
void cfg_select(struct cfg *c, const char *prefix, size_t element);

/* A copy that lives as long as the cfg; NULL: no memory. */
char *cfg_copy(struct cfg *c, const char *text);

/* Call fn for each entry "prefix.REST" and mark it as known. */
int cfg_each(struct cfg *c, const char *prefix,
    int (*fn)(void *arg, const char *rest, const char *value, struct diag *d), void *arg,
    struct diag *d) MUST_CHECK;

/* Is there any entry below this prefix? */
bool cfg_has(const struct cfg *c, const char *prefix);

/* Set d->file, line and col to the place of a key, for an error found later (0 if not from a
 * file). */
void cfg_place(const struct cfg *c, const char *key, struct diag *d);

/* Is a value of this key, or a part of one, from ${file:...}? */
bool cfg_is_secret(const struct cfg *c, const char *key);

/* Report at the place of a key that it must be 'what', such as "json or text", and not 'value'
 * (NULL: empty), which is not shown if it is a secret. Returns -EINVAL. */
int cfg_wrong(
    const struct cfg *c, const char *key, const char *what, const char *value, struct diag *d);

/* Print one line per option, for --help. */
void opt_print(FILE *f, const struct opt *opts, size_t n);

#endif
