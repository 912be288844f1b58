/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.h - make text from outside safe for a log and a terminal.
 *
 * Each byte becomes \xNN if it belongs to a control character (C0, DEL, C1 in UTF-8), to a
 * character that changes the direction or line of the following text (bidirectional controls, line
 * separators), to an invisible one (zero width), or to invalid UTF-8. Backslashes stay: the result
 * is for reading, not for decoding. Any thread.
 */
#ifndef MEWS_COMMON_ESCAPE_H
#define MEWS_COMMON_ESCAPE_H

#include "common/buf.h"
#include "common/slice.h"
#include <stddef.h>
#include <stdio.h>

/* Append; check with buf_ok(). */
void escape_add(struct buf *b, struct slice s);

/* Write; nothing if there is no memory. */
void escape_print(FILE *f, struct slice s);

/* Append JSON text, whose strings keep their values: \uNNNN instead of \xNN, and \ufffd for invalid
 * UTF-8. Whitespace between its tokens stays. */
void escape_json(struct buf *b, struct slice json);

/* Write at most cap - 1 bytes and a NUL; cut between characters. Returns the length. */
size_t escape_text(char *out, size_t cap, struct slice s);

#endif
