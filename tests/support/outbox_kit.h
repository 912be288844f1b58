/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_kit.h - an outbox in a temporary folder, alerts to put into it, and failing disks.
 *
 * Link with -Wl,--wrap=sqlite3_step.
 */
#ifndef MEWS_TESTS_SUPPORT_OUTBOX_KIT_H
#define MEWS_TESTS_SUPPORT_OUTBOX_KIT_H

#include "collector/outbox/outbox.h"
#include "tests/support/test.h"
#include <semaphore.h>
#include <stdatomic.h>

extern char kit_path[64]; /* of the outbox under test */

/* How far all files together may exceed max_bytes. */
#define KIT_BEYOND (64ULL << 20)
extern const struct stream_id node1, node2;

/* cmocka setup: use another path. */
int kit_setup(void **state);
/* Group setup and teardown: the folder. */
int kit_begin(void **state);
int kit_end(void **state);

/* sqlite3_step() returns 'rc' for statements that begin with 'what', at most 'times'; NULL:
 * stop. */
void kit_fail(const char *what, int rc, int times);

/* Open it; with noutputs 1, the output "kafka" must have alerts before they are pruned. */
struct outbox *open_it(uint64_t max_bytes, size_t noutputs);

struct alert *make(
    unsigned id, const char *rule, const char *node, enum priority prio, size_t json_len);

/* A transaction to wait for. */
struct ticket {
	struct outbox_txn txn;
	_Atomic int state; /* 1: done */
	sem_t done;
	int r;
};
void ticket_init(struct ticket *k, const struct stream_id *s, uint64_t seq, struct alert *alerts);
void ticket_put(struct outbox *o, struct ticket *k, const struct stream_id *s, uint64_t seq,
    struct alert *alerts);
int ticket_wait(struct ticket *k);
/* Put and wait. */
int put(struct outbox *o, const struct stream_id *s, uint64_t seq, struct alert *alerts);

uint64_t seq_of(struct outbox *o, const struct stream_id *s);
struct outbox_stats stats(struct outbox *o);

/* The numbers read, as text: "1 2 3". */
struct seen {
	char text[4096];
	size_t n;
	unsigned stop_after;
};
bool see(void *arg, const struct outbox_row *row);

#endif
