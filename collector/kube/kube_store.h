/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_store.h - the objects of a cluster: one thread changes them while shards read.
 *
 * There are two indexes of the same objects. A reader enters the one that is in use, for a batch;
 * the writer changes the other one, makes that the one in use, waits until the last reader has left
 * the first, and makes the same changes there. So a look-up takes no lock, and sees no change
 * within a batch. Memory is bounded: beyond it objects are refused, and counted.
 *
 * A deleted object stays for KUBE_KEEP_NS: events of its last moments may arrive late.
 */
#ifndef MEWS_COLLECTOR_KUBE_KUBE_STORE_H
#define MEWS_COLLECTOR_KUBE_KUBE_STORE_H

#include "collector/kube/kube_object.h"
#include "common/clock.h"

#define KUBE_KEEP_NS  (600 * NS_PER_S)
#define KUBE_SERVICES 32 /* of a pod: further ones are not shown */

struct kube_store;
struct kube_side;

/* 'bytes': of all objects. -ENOMEM. */
int kube_store_new(uint64_t bytes, struct kube_store **ret) MUST_CHECK;
void kube_store_free(struct kube_store *s); /* NULL is allowed; no reader is in it */

/* ---- readers, any thread ---- */

/* What is found is valid until kube_leave(). */
const struct kube_side *kube_enter(struct kube_store *s) MUST_CHECK;
void kube_leave(struct kube_store *s, const struct kube_side *side);

/* By the uid that the kubelet uses: of a static pod, that of its mirror. NULL: unknown, counted. */
const struct kube_object *kube_pod(const struct kube_side *side, struct slice uid);

/* An object of a pod as far as it is known: its name and uid come from the reference to it, too.
 * p is NULL in what is unknown. */
struct kube_named {
	struct slice kind, name, uid, labels;
};
/* The pod's own namespace, replica set, deployment, ... False: it has none, or that is not
 * known. */
bool kube_related(const struct kube_side *side, const struct kube_object *pod, enum kube_kind kind,
    struct kube_named *ret);
/* What the pod belongs to: the outermost of its controllers that is known. False: to nothing. */
bool kube_workload(
    const struct kube_side *side, const struct kube_object *pod, struct kube_named *ret);
/* The services that select the pod, by name. Returns their number. */
size_t kube_services(const struct kube_side *side, const struct kube_object *pod,
    const struct kube_object *ret[KUBE_SERVICES]);

/* ---- the writer: one thread ---- */

/* Take over an object. Readers see it after kube_commit(). */
void kube_put(struct kube_store *s, struct kube_object *o);
/* An object with this kind, and uid or name, was deleted. 'now': monotonic ns. */
void kube_delete(struct kube_store *s, const struct kube_object *o, uint64_t now);
/* A complete list begins with kube_list(): objects that are not put until kube_list_end() are
 * deleted then. */
void kube_list(struct kube_store *s, enum kube_kind kind);
void kube_list_end(struct kube_store *s, enum kube_kind kind, uint64_t now);
/* Show the changes to readers, and forget what was deleted long ago. */
void kube_commit(struct kube_store *s, uint64_t now);

struct kube_store_stats {
	uint64_t objects[KUBE_KINDS];
	uint64_t bytes;
	uint64_t refused; /* objects, for lack of room */
	uint64_t misses;  /* look-ups of pods that are not known */
	uint64_t commits;
};
/* Any thread. */
void kube_store_stats(const struct kube_store *s, struct kube_store_stats *ret);

#endif
