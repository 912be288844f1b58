/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.h - text from outside, made safe for a log and a terminal.
 *
 * Every byte of a control character (C0, DEL, C1 in UTF-8), of a character that changes the
 * direction or the line of what follows (bidirectional controls, line separators), of one that
 * cannot be seen (zero width), and of what is not UTF-8 becomes \xNN. A backslash stays: the result
 * is to be read, not to be decoded. Any thread.
 */
#ifndef MEWS_COMMON_ESCAPE_H
#define MEWS_COMMON_ESCAPE_H

#include "common/buf.h"
#include "common/slice.h"
#include <stddef.h>
#include <stdio.h>

/* Append; buf_ok() tells. */
void escape_add(struct buf *b, struct slice s);

/* Write; nothing without memory. */
void escape_print(FILE *f, struct slice s);

/* A text of JSON, whose strings keep their values: what would be \xNN is \uNNNN, and what is not
 * UTF-8 \ufffd. Spaces between its parts stay. */
void escape_json(struct buf *b, struct slice json);

/* Write at most cap - 1 bytes and a NUL, cut between two characters. Returns the length. */
size_t escape_text(char *out, size_t cap, struct slice s);

#endif
