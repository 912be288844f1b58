/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag.h - what is wrong with something that a person wrote, and where.
 *
 * A function that reads a person's text takes a struct diag, and on -EINVAL has set it. The caller
 * prints it: "rules/net.yaml:12:7: unknown field 'exec.nope'", the line, and a caret.
 */
#ifndef MEWS_COMMON_DIAG_H
#define MEWS_COMMON_DIAG_H

#include "common/macros.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stdio.h>

struct diag {
	char file[256]; /* "" if the text is not from a file */
	unsigned line;  /* from 1; 0: the whole file */
	unsigned col;   /* from 1; 0: the whole line */
	char msg[512];
	char text[256]; /* the line itself, "" if not known */
};

void diag_set(struct diag *d, unsigned line, unsigned col, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* A macro, so that reader and analyzer both see -EINVAL. */
#define diag_fail(d, line, col, ...) (diag_set((d), (line), (col), __VA_ARGS__), -EINVAL)

/* Fill d->file, and d->text from the file's content (line d->line of 'content'). */
void diag_place(struct diag *d, const char *file, struct slice content);

/* Print to 'f', with colours when it is a terminal. 'kind': "error" or "warning". */
void diag_print(FILE *f, const struct diag *d, const char *kind);

#endif
