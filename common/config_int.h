/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_int.h - shared by config.c (files to entries), config_dir.c (more files),
 * config_override.c (command lines to entries) and config_bind.c (entries to structs).
 */
#ifndef MEWS_COMMON_CONFIG_INT_H
#define MEWS_COMMON_CONFIG_INT_H

#include "common/arena.h"
#include "common/config.h"

struct cfg_file {
	const char *name;
	struct slice content;
};

struct cfg_entry {
	const char *key;
	char *value;                 /* NULL: a key without value, or an empty list */
	unsigned line, col;          /* of the value; 0: from the command line */
	unsigned kline, kcol;        /* of the key */
	bool list;                   /* an element of a list, or an empty one */
	bool known;                  /* a table has it */
	bool secret;                 /* from ${file:...}: no message shows it */
	const struct cfg_file *file; /* NULL: that of the cfg */
};

struct cfg {
	struct arena arena; /* owns everything below */
	const char *name;   /* the file's, or "" */
	struct slice content;
	struct cfg_entry *entry; /* heap */
	size_t n, cap;
	const char *
	    *key; /* heap: keys that tables know, for suggestions; borrowed from the tables */
	size_t nkey, key_cap;
	const char *list; /* the list of which an element is selected, borrowed; NULL: none */
	char element[80]; /* "LIST.N" */
};

/* config.c: add an entry (-ENOMEM); make 's', with ${...} expanded, the value of one that has its
 * place (-EINVAL and *d). */
int cfg_add(struct cfg *c, struct cfg_entry e) MUST_CHECK;
int cfg_value(struct cfg *c, struct slice s, struct cfg_entry *e, struct diag *d) MUST_CHECK;

/* Set d's place to that of an entry: its value, or its key. */
void cfg_entry_place(const struct cfg *c, const struct cfg_entry *e, bool key, struct diag *d);

#endif
