/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag.h - an error in user input, and its place.
 *
 * A function that reads user input takes a struct diag, and sets it on -EINVAL. The caller prints
 * it: "rules/net.yaml:12:7: unknown field 'exec.nope'", the line, and a caret.
 *
 * The message is for people. Code decides only by the code and the origin, so that a better message
 * cannot change its behaviour.
 */
#ifndef MEWS_COMMON_DIAG_H
#define MEWS_COMMON_DIAG_H

#include "common/macros.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stdio.h>

/* The kind of error. DIAG_OTHER unless some code depends on it. */
enum diag_code {
	DIAG_NONE, /* no error */
	DIAG_OTHER,
	DIAG_UNKNOWN_FIELD,
	DIAG_UNKNOWN_EVENT, /* the name of an event type */
	DIAG_BAD_TOKEN,     /* of an output: no field follows a percent sign */
	DIAG_UNKNOWN_MACRO,
};

struct diag {
	enum diag_code code;
	/* The text that line and col refer to: the tree of the macro (an expr of filter.h) whose
	 * condition has the error. NULL: the text that was read. */
	const void *origin;
	char file[256]; /* "" if the text is not from a file */
	unsigned line;  /* from 1; 0: the whole file */
	unsigned col;   /* from 1; 0: the whole line */
	char msg[512];
	char text[256]; /* the line itself, "" if not known */
};

/* Set the message, with DIAG_OTHER and no origin. file and text stay. */
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
