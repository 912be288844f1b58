/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag.h - what is wrong with something that a person wrote, and where.
 *
 * A function that reads a person's text takes a struct diag, and on -EINVAL has set it. The caller
 * prints it: "rules/net.yaml:12:7: unknown field 'exec.nope'", the line, and a caret.
 *
 * The message is for people. Code that must decide by what is wrong reads the code and the origin,
 * so that a better sentence cannot change what happens.
 */
#ifndef MEWS_COMMON_DIAG_H
#define MEWS_COMMON_DIAG_H

#include "common/macros.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stdio.h>

/* What is wrong. DIAG_OTHER unless some code decides by it. */
enum diag_code {
	DIAG_NONE, /* nothing has been said */
	DIAG_OTHER,
	DIAG_UNKNOWN_FIELD,
	DIAG_UNKNOWN_EVENT, /* the name of an event type */
	DIAG_BAD_TOKEN,     /* of an output: what follows a percent sign is no field */
	DIAG_UNKNOWN_MACRO,
};

struct diag {
	enum diag_code code;
	/* The text that line and col count in, if it is not the one that was read: the tree of the
	 * macro (an expr of filter.h) whose condition holds the mistake. NULL: the one read. */
	const void *origin;
	char file[256]; /* "" if the text is not from a file */
	unsigned line;  /* from 1; 0: the whole file */
	unsigned col;   /* from 1; 0: the whole line */
	char msg[512];
	char text[256]; /* the line itself, "" if not known */
};

/* Say it, with DIAG_OTHER and no origin. file and text stay. */
void diag_set(struct diag *d, unsigned line, unsigned col, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Append to the message. */
void diag_add(struct diag *d, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A macro, so that reader and analyzer both see -EINVAL. */
#define diag_fail(d, line, col, ...) (diag_set((d), (line), (col), __VA_ARGS__), -EINVAL)
#define diag_fail_as(d, why, line, col, ...) \
	(diag_set((d), (line), (col), __VA_ARGS__), (d)->code = (why), -EINVAL)

/* Fill d->file, and d->text from the file's content (line d->line of 'content'). */
void diag_place(struct diag *d, const char *file, struct slice content);

/* Print to 'f', with colours when it is a terminal. 'kind': "error" or "warning". */
void diag_print(FILE *f, const struct diag *d, const char *kind);

#endif
