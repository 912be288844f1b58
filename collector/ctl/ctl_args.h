/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_args.h - the options of a command of mewsctl: one table, which parses them and prints --help.
 */
#ifndef MEWS_COLLECTOR_CTL_CTL_ARGS_H
#define MEWS_COLLECTOR_CTL_CTL_ARGS_H

#include "collector/ctl/ctl.h"
#include <stddef.h>

struct ctl_option {
	const char *name;  /* "rules" for --rules */
	char letter;       /* 'r' for -r; 0: none */
	const char *value; /* in --help: "FILE"; NULL: the option takes no value */
	const char *help;  /* lines, with a newline between them */
	/* Set the member at offset 'at' of the command's arguments; 'value' is NULL without one.
	 * CTL_OK; CTL_USAGE, reported. */
	int (*set)(const char *command, const char *value, void *member);
	size_t at;
};

/* Values for 'set'. */
int ctl_set_flag(const char *command, const char *value, void *member); /* a bool, to true */
int ctl_set_text(const char *command, const char *value, void *member); /* a const char * */

struct ctl_syntax {
	const char *command; /* "rules check" */
	const struct ctl_option *options;
	size_t n;
	const char *before, *after; /* --help before and after the options */
};

/* Parse the command line into 'args'. true: continue, with the arguments from optind on; false:
 * exit with *code, after --help or a wrong option. */
bool ctl_args(int argc, char **argv, const struct ctl_syntax *s, void *args, int *code) MUST_CHECK;

#endif
