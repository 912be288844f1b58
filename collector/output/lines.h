/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - write alerts as lines to a file descriptor.
 *
 * A line is done when its last byte is written and, if the owner requires it, synced. After a
 * failed write the line continues where it stopped. Belongs to one thread.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_LINES_H
#define MEWS_COLLECTOR_OUTPUT_LINES_H

#include "collector/output/output.h"
#include "collector/output/template.h"
#include "collector/output/text.h"
#include "common/buf.h"

#define LINES_MAX   512         /* alerts under way */
#define LINES_BYTES (256 << 10) /* above this no further alert is accepted */

struct lines {
	struct buf out;
	size_t written; /* of 'out' */
	struct {
		uint64_t rowid;
		size_t end; /* in 'out' */
	} line[LINES_MAX];
	size_t n, settled;         /* lines, and how many of them are done */
	struct template *template; /* of a line, set by the owner; NULL: the format says */
	output_done_fn *done;
	void *arg;
};

void lines_fini(struct lines *l);

/* Append an alert's line, with its end. -ENOMEM. */
int lines_render(const struct lines *l, const struct alert *a, enum text_format format,
    struct buf *ret) MUST_CHECK;

/* Add an alert. 0, -EAGAIN when enough is under way, -ENOMEM. */
int lines_add(struct lines *l, const struct outbox_row *row, enum text_format format) MUST_CHECK;

/* Write as much as 'fd' takes; wait at most timeout_ms until it takes something. 0, or -errno of
 * the write. */
int lines_write(struct lines *l, int fd, int timeout_ms) MUST_CHECK;

/* Call done() for each line that is written and has not had it. */
void lines_settle(struct lines *l);

/* The same for each line that ends within the first 'upto' bytes written. */
void lines_settle_to(struct lines *l, size_t upto);

/* Call done() for the oldest line without it; there is one. */
void lines_end(struct lines *l, enum output_result result, const char *why);

/* Call done(OUTPUT_RETRY) for all lines without it, and forget them. */
void lines_give_up(struct lines *l, const char *why);

/* 'fd' is another file now: start a half-written line again. */
void lines_restart(struct lines *l);

/* The number of lines without done(). */
static inline size_t
lines_left(const struct lines *l)
{
	return l->n - l->settled;
}

/* The number of these that are written. */
static inline size_t
lines_told(const struct lines *l)
{
	size_t i = l->settled;

	while (i < l->n && l->line[i].end <= l->written)
		i++;
	return i - l->settled;
}

#endif
