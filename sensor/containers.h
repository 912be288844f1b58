/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers.h - report each container before its first process.
 *
 * A clone, an exec or a snapshot's task in control groups that are not known yet waits: a worker
 * (container_read.h) is asked, and its record goes into the batch in front of the one that waits,
 * which stays in its ring meanwhile. The wait is bounded: after CONTAINERS_WAIT_NS, or when a ring
 * fills up, events go on, and the record follows when it is there. A worker that does not answer is
 * replaced, and for CONTAINERS_DOUBT_NS nothing waits again.
 *
 * Where a container's files are is seen in the command lines of runtimes (containers_hint.c):
 * root's, and those of the user in whose slice the container is. A user's file system may be one
 * that never answers: then the files of users are not read for CONTAINERS_SHUN_NS. All
 * tables have a fixed size. Belongs to the loop thread; costs a hash of the control groups per
 * clone and exec, and nothing per other event.
 */
#ifndef MEWS_SENSOR_CONTAINERS_H
#define MEWS_SENSOR_CONTAINERS_H

#include "common/clock.h"
#include "common/macros.h"
#include "proto/event.h"
#include "sensor/container_read.h"
#include "sensor/scanner.h"
#include <stdbool.h>
#include <stdint.h>

#define CONTAINERS_WAIT_NS  (500 * NS_PER_MS)
#define CONTAINERS_DOUBT_NS (10 * NS_PER_S)
#define CONTAINERS_KNOWN    4096 /* hashes of control groups; a full table is forgotten */
#define CONTAINERS_HINTS    128
#define CONTAINERS_OF_USERS 32               /* hints of users' runtimes */
#define CONTAINERS_SHUN_NS  (600 * NS_PER_S) /* users' files, after one that did not answer */
#define CONTAINERS_RETRY_NS (35 * NS_PER_S)  /* until a runtime's socket is asked once more */
#define CONTAINERS_ASKED    32

/* Since the start. */
struct containers_stats {
	uint64_t reported; /* records added to batches */
	uint64_t late;     /* of containers whose first events did not wait any longer */
	uint64_t refused;  /* of containers whose files are not to be read */
};

struct containers;

/* Adds a record to the batch. 0; -errno: not now. */
typedef int containers_add_fn(void *arg, const struct ev_hdr *rec);

/* 'scanner' is borrowed. -ENOMEM. */
int containers_new(
    struct scanner *scanner, containers_add_fn *add, void *arg, struct containers **ret) MUST_CHECK;
void containers_free(struct containers *c); /* NULL is allowed */

/* Call before each record goes into a batch. 0: go on. -EAGAIN: offer it again; containers_fd() is
 * readable when that helps. 'hurry': do not wait, a ring is filling up or the sensor stops. */
int containers_see(struct containers *c, const struct ev_hdr *rec, bool hurry) MUST_CHECK;

/* Add answers that have come. Returns whether a record waits for one. */
bool containers_tick(struct containers *c);

/* Poll it while a record waits. -1: none. */
int containers_fd(const struct containers *c);

/* Report all containers again: the collector may not know them any more. */
void containers_forget(struct containers *c);

void containers_stats(const struct containers *c, struct containers_stats *ret); /* c may be NULL */

/* Only these events are looked at. */
static inline bool
containers_looks_at(uint16_t type)
{
	switch (type) {
	case EV_CLONE:
	case EV_CLONE3:
	case EV_FORK:
	case EV_VFORK:
	case EV_EXECVE:
	case EV_EXECVEAT:
	case EV_TASK:
		return true;
	default:
		return false;
	}
}

/* ---- containers_hint.c: where bundles are ---- */

struct container_hint {
	char id[CONTAINER_ID_MAX], bundle[CONTAINER_BUNDLE_MAX];
	uint32_t uid; /* whose command it was */
};

struct container_hints {
	struct container_hint v[CONTAINERS_HINTS], of_users[CONTAINERS_OF_USERS];
	unsigned next, next_user;
};

/* Note the bundle that a runtime's command names. Returns the id of the container that it begins,
 * borrowed, and whose command it was; p is NULL: none. */
struct slice hints_see(struct container_hints *h, const struct ev_hdr *rec, uint32_t *uid);

/* What a user's commands (0: root's) said of a container, by its whole id; NULL: nothing. */
const struct container_hint *hints_find(
    const struct container_hints *h, struct slice full, uint32_t uid);

#endif
