/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evbuild.h - build events for tests by the names of their parameters.
 *
 *	struct evb b = { 0 };
 *
 *	evb_begin(&b, EV_OPENAT, 100, 5);
 *	evb_num(&b, "fd", 3);
 *	evb_text(&b, "name", "/etc/shadow");
 *	rec = evb_end(&b);           a checked record, valid until the next evb_begin()
 *	evb_add(&b);                 or: add it to the batch
 *	batch = evb_batch(&b);       all events added, through the wire and back; batch_free() it
 *	evb_fini(&b);
 *
 * A name that the event does not have, and any other misuse, aborts with a message. Texts are
 * borrowed until evb_end() copies them.
 */
#ifndef MEWS_TESTS_SUPPORT_EVBUILD_H
#define MEWS_TESTS_SUPPORT_EVBUILD_H

#include "proto/batch.h"
#include "proto/compose.h"
#include "proto/event.h"
#include "proto/schema.h"

struct evb {
	struct composer c;
	union ev_record rec;
	struct batch_enc *enc;
};

/* Begin an event of the main thread 'tid' (pid is tid, start is 1), with all parameters absent. */
void evb_begin(struct evb *b, unsigned type, uint32_t tid, uint64_t ts);

/* Set another thread group, another start time. */
void evb_task(struct evb *b, uint32_t pid, uint64_t start);

void evb_num(struct evb *b, const char *name, int64_t v);
void evb_text(struct evb *b, const char *name, const char *text);
void evb_bytes(struct evb *b, const char *name, const void *p, size_t n);

const struct ev_hdr *evb_end(struct evb *b);

void evb_add(struct evb *b);
struct batch *evb_batch(struct evb *b);
void evb_fini(struct evb *b);

/* Get parameter 'name' of a decoded event: its text, or NULL (valid until the next call from this
 * thread); its number. */
const char *evb_str(const struct batch *b, const struct event *ev, const char *name);
int64_t evb_int(const struct event *ev, const char *name);

#endif
