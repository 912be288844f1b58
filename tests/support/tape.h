/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tape.h - write a recording of events made up by a test.
 *
 *	struct tape t;
 *
 *	tape_begin(&t, path, "n1");
 *	evb_begin(&t.e, EV_CLOSE, 10, NS_PER_S);
 *	tape_add(&t);
 *	tape_batch(&t, NULL);        batch 1, a second after boot; the next one a second later
 *	return tape_end(&t);         an exit status; errors are on standard error
 *
 * After an error the rest does nothing.
 */
#ifndef MEWS_TESTS_SUPPORT_TAPE_H
#define MEWS_TESTS_SUPPORT_TAPE_H

#include "proto/batch.h"
#include "proto/recording.h"
#include "proto/wire.h"
#include "tests/support/evbuild.h"

struct tape {
	const char *path;
	struct recorder *w;
	struct batch_enc *enc;
	struct evb e;
	uint64_t seq;
	uint32_t added;
	int r;
};

/* Start the recording with the Hello of a sensor of this node. 'path' is borrowed. */
void tape_begin(struct tape *t, const char *path, const char *node);

/* Add the event in t->e to the batch. */
void tape_add(struct tape *t);

/* Write the batch; 'snapshot' describes the snapshot that its rows belong to, or NULL. */
void tape_batch(struct tape *t, Wire__Snapshot *snapshot);

int tape_end(struct tape *t) MUST_CHECK;

#endif
