/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl.h - shared by the commands of mewsctl: their table's shape and their exit codes.
 *
 * mewsctl is one thread; a command owns the process while it runs. Results go to standard output,
 * everything else to standard error.
 */
#ifndef MEWS_COLLECTOR_CTL_CTL_H
#define MEWS_COLLECTOR_CTL_CTL_H

#include "common/buf.h"
#include "common/cmdline.h"
#include "common/macros.h"

enum ctl_exit {
	CTL_OK = 0,
	CTL_FAIL = 1,        /* valid request, negative answer: the reason is on standard error */
	CTL_USAGE = 2,       /* usage error: reported */
	CTL_UNSEEN = 3,      /* valid request, and a node is not seen */
	CTL_HAPPENED = 4,    /* 'absence': it did happen ... */
	CTL_UNKNOWN = 5,     /* ... may have happened unseen ... */
	CTL_NOT_WATCHED = 6, /* ... is not looked for */
};

struct ctl_command {
	const char *name, *help;
	int (*run)(int argc, char **argv);
};

#define COMMAND(name, help) int ctl_##name(int argc, char **argv);
#include "collector/ctl/commands.def"

/* Print "mewsctl: ..." and a newline on standard error. Returns CTL_FAIL. */
int ctl_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The same, with a pointer to --help. Returns CTL_USAGE. 'command' may be NULL. */
int ctl_usage(const char *command, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Report "unknown command 'stauts'; did you mean 'status'?", choosing from 'v'. Returns
 * CTL_USAGE. */
int ctl_unknown(
    const char *command, const char *word, const struct ctl_command *v, size_t n) MUST_CHECK;

/* A command that has commands of its own. */
struct ctl_group {
	const char *name;
	const char *about,
	    *end; /* of its help: above the commands, and after the line below them */
	const struct ctl_command *v;
	size_t n;
};

/* Run the command that argv[1] names, or print the help. Its exit code. */
int ctl_group_run(const struct ctl_group *g, int argc, char **argv);

/* Escape a text of a rule file or an event for display (common/escape.h), cut to fit; returns
 * 'buf'. Texts of the API's answers are escaped already: see ctl_http.h. */
#define CTL_SAFE 1024
const char *ctl_safe(const char *text, char buf[CTL_SAFE]);

/* Print a JSON text and a newline on standard output; its strings keep their values. */
int ctl_print_json(struct slice json);

/* Append a piece of a JSON object: 'name' verbatim ("{\"rule\":"), then the value, NULL as null. */
void ctl_key(struct buf *b, const char *name, const char *value);

#endif
