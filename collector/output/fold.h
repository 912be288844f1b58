/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold.h - repeats of one deed become one notification, with an exact count (repeats.h).
 *
 * A deed is what has the same rule, node, cluster and the same values of some fields. Its first
 * alert is sent at once, and begins a window; those within the window are held, and are one
 * notification at its end, which begins the next window. One without an alert ends the deed. Rows
 * that are held have not ended: the outbox still has them.
 *
 * Bounded: FOLD_ROWS rows of a deed, FOLD_HELD of all, FOLD_DEEDS deeds; what is full is due at
 * once. One thread.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_FOLD_H
#define MEWS_COLLECTOR_OUTPUT_FOLD_H

#include "collector/outbox/outbox.h"
#include "collector/output/repeats.h"
#include "common/macros.h"

#define FOLD_ROWS  500
#define FOLD_HELD  1500 /* less than the rows that an output may have in flight */
#define FOLD_DEEDS 256

struct fold;

/* 'by': names of fields, or "RULE: FIELD" of those that count for this rule instead; they live as
 * long as the fold. If none is for all rules: container.id and proc.pname. -ENOMEM. */
int fold_new(uint64_t window_ns, const char *const *by, size_t nby, struct fold **ret) MUST_CHECK;
void fold_free(struct fold *f); /* NULL is nothing */

/* Decide about an alert. 1: it is held; 0: send it now; -EAGAIN: something is due first; -ENOMEM.
 * 'now': monotonic ns. */
int fold_take(struct fold *f, const struct outbox_row *row, uint64_t now) MUST_CHECK;

/* A notification that is due. */
struct fold_note {
	const struct alert *alert; /* the latest one; valid until fold_sent() */
	struct repeats repeats;
	uint64_t rows[FOLD_ROWS];
	size_t nrows;
};
/* Get one that is due at 'now'; 'all': any that is held. 'ret' may be NULL. false: none. */
bool fold_due(struct fold *f, uint64_t now, bool all, struct fold_note *ret);
/* What fold_due() returned last is on its way. */
void fold_sent(struct fold *f, uint64_t now);

/* The number of rows that are held. */
size_t fold_held(const struct fold *f);

/* Forget all deeds. Calls 'fn' for each row that was held. */
void fold_clear(struct fold *f, void (*fn)(void *arg, uint64_t rowid), void *arg);

#endif
