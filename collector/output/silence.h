/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silence.h - silences: alerts that outputs for people leave out for a while, on purpose.
 *
 * A silence names a rule, a node, a cluster or a condition on alerts, and has an end, a reason and
 * an author. Alerts stay in the outbox and go to the other outputs; what a silence keeps back is
 * counted. Silences are in a file, which is written whole at each change, so they outlive restarts;
 * counts are written with the next change and at the end. A silence that has ended is listed for a
 * day.
 *
 * Any thread. Locking: one mutex, since output threads, the API and main use it.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_SILENCE_H
#define MEWS_COLLECTOR_OUTPUT_SILENCE_H

#include "collector/alert/alert.h"
#include "collector/output/silence_file.h"
#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>

#define SILENCES_MAX    256
#define SILENCE_SECONDS (366 * 86400ULL) /* the longest */

struct silences;

/* Read the file at 'path', if it is there. Returns a set in any case but -ENOMEM. -EBADMSG and *d:
 * the file is damaged; it is renamed to PATH.damaged, and there are no silences. Another -errno and
 * *d: it cannot be read. */
int silences_open(const char *path, struct silences **ret, struct diag *d) MUST_CHECK;
void silences_close(struct silences *s); /* writes the counts; NULL is nothing */

/* Begin one; *ret is its number. 0 once it is on the disk. -EINVAL and *d: what is wrong with it;
 * -ENOSPC: SILENCES_MAX are there; another -errno: it cannot be written, and is not in force. */
int silences_add(
    struct silences *s, const struct silence_spec *spec, uint64_t *ret, struct diag *d) MUST_CHECK;
/* End one now. -ENOENT: none in force has the number; another -errno as above. */
int silences_end(struct silences *s, uint64_t number) MUST_CHECK;

/* Does a silence cover the alert? Counted, at the oldest one that does. */
bool silences_cover(struct silences *s, const struct alert *a);

/* Append a JSON array: [{"number","rule",...,"until","count","in_force"}]. */
void silences_json(struct silences *s, struct buf *ret);
/* The number of those in force. */
size_t silences_in_force(struct silences *s);

#endif
