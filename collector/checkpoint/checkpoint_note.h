/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint_note.h - one small file of the collector itself, beside those of nodes.
 *
 * Unlike those it is durable when it is written: what it says must not be older than the rest. One
 * thread.
 */
#ifndef MEWS_COLLECTOR_CHECKPOINT_CHECKPOINT_NOTE_H
#define MEWS_COLLECTOR_CHECKPOINT_CHECKPOINT_NOTE_H

#include "common/buf.h"
#include "common/macros.h"
#include <stdint.h>

struct checkpoint;

/* Replace the file, or remove it. 'version' is that of the data. -errno. */
int checkpoint_note(struct checkpoint *c, uint32_t version, struct slice data) MUST_CHECK;
int checkpoint_note_remove(struct checkpoint *c) MUST_CHECK;

/* Append its data. -ENOENT: there is none of this version; -EBADMSG: it is damaged; -errno. */
int checkpoint_noted(struct checkpoint *c, uint32_t version, struct buf *data) MUST_CHECK;

#endif
