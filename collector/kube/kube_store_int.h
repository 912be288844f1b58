/* SPDX-License-Identifier: Apache-2.0 */
/* kube_store_int.h - shared by kube_store.c and kube_look.c: a side, and look-ups in it. */
#ifndef MEWS_COLLECTOR_KUBE_KUBE_STORE_INT_H
#define MEWS_COLLECTOR_KUBE_KUBE_STORE_INT_H

#include "collector/kube/kube_store.h"
#include "common/hashtable.h"
#include <stdatomic.h>

struct kube_slot {
	struct kube_object *o;
	uint64_t hash;
	bool mirror; /* the key is that of a static pod's mirror */
};

struct kube_key {
	enum kube_kind kind;
	struct slice text;
};

struct kube_side {
	_Atomic uint64_t *misses;      /* of the store: look-ups that found no pod */
	struct table table;            /* of slots */
	struct kube_object **services; /* by namespace, then by name */
	size_t nservices, room;
	unsigned readers; /* guarded by the store's lock */
};

struct slice kube_key_text(const struct kube_object *o, bool mirror);
/* The slot for an object: a free one, or with what has its place. NULL: no memory. */
struct kube_slot *kube_slot_put(struct kube_side *side, const struct kube_key *k) MUST_CHECK;
void kube_slot_remove(struct kube_side *side, struct kube_slot *s);
/* NULL: none. */
struct kube_slot *kube_find(const struct kube_side *side, enum kube_kind kind, struct slice text);

/* The first service that is not before this one. */
size_t kube_service_place(const struct kube_side *side, struct slice ns, struct slice name);

#endif
