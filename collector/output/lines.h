/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - alerts as lines on their way into a file descriptor.
 *
 * A line is done when its last byte is written and, if the owner wants that, synced. A write that
 * fails leaves the rest where it is: the line goes on where it stopped. Belongs to one thread.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_LINES_H
#define MEWS_COLLECTOR_OUTPUT_LINES_H

#include "collector/output/output.h"
#include "collector/output/text.h"
#include "common/buf.h"

#define LINES_MAX   512         /* alerts under way */
#define LINES_BYTES (256 << 10) /* enough for now: no further alert */

struct lines {
	struct buf out;
	size_t written; /* of 'out' */
	struct {
		uint64_t rowid;
		size_t end; /* in 'out' */
	} line[LINES_MAX];
	size_t n, settled; /* lines, and how many of them are done */
	output_done_fn *done;
	void *arg;
};

void lines_fini(struct lines *l);

/* 0, -EAGAIN when enough is under way, -ENOMEM. */
int lines_add(struct lines *l, const struct outbox_row *row, enum text_format format) MUST_CHECK;

/* Writes what 'fd' takes: waits up to timeout_ms for it to take something, never longer. 0, or
 * -errno of the write. */
int lines_write(struct lines *l, int fd, int timeout_ms) MUST_CHECK;

/* done() for each line that is written and has not had it. */
void lines_settle(struct lines *l);

/* 'fd' is another file from now on: a line that is half written begins anew. */
void lines_restart(struct lines *l);

/* How many are without done(). */
static inline size_t
lines_left(const struct lines *l)
{
	return l->n - l->settled;
}

#endif
