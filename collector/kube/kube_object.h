/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_object.h - an object of Kubernetes: the parts of it that fields show.
 *
 * Made from the JSON of the API server, and not changed any more, except by the store.
 */
#ifndef MEWS_COLLECTOR_KUBE_KUBE_OBJECT_H
#define MEWS_COLLECTOR_KUBE_KUBE_OBJECT_H

#include "common/macros.h"
#include "common/slice.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum kube_kind {
#define KUBE(ID, resource, path, whole) KUBE_##ID,
#include "collector/kube/kube.def"
	KUBE_KINDS
};

#define KUBE_LIST_MAX                                                               \
	(64u << 10) /* bytes of an object's labels, or of a selector: the rest goes \
		     */

/* What an object says of another one; all empty: nothing. */
struct kube_owner {
	struct slice kind, name, uid; /* "ReplicaSet", ... */
};

struct kube_object {
	enum kube_kind kind;
	struct slice uid, name, ns;
	struct slice labels;     /* "key=value", each with its NUL */
	struct kube_owner owner; /* its controller */
	struct slice mirror;     /* of a pod: the uid under which the kubelet runs a static pod */
	struct slice ip;         /* of a pod: its first address */
	struct slice probes;     /* of a pod: see kube_probe_in() */
	struct slice selector;   /* of a service: as labels; empty: it selects no pods */
	size_t size;             /* bytes of memory */
	/* Of the store, whose thread alone uses them. */
	unsigned refs;
	uint64_t listed; /* the newest list of its kind that had it */
	bool gone;       /* was deleted, and is kept for a while */
	char text[];
};

/* 0; -EINVAL: it has no name or no uid; -ENOMEM. refs is 1. */
int kube_object_new(enum kube_kind kind, const json_t *o, struct kube_object **ret) MUST_CHECK;
void kube_object_unref(struct kube_object *o); /* NULL is allowed */

/* Do both have the same content? */
bool kube_object_same(const struct kube_object *a, const struct kube_object *b);

/* Are all members of the selector among the labels? An empty selector selects nothing. */
bool kube_selects(struct slice selector, struct slice labels);

/* Commands that the kubelet runs in a pod's containers. */
enum kube_probe { KUBE_LIVENESS, KUBE_READINESS };

/* The command of a container's probe, words each with its NUL, in a pod's list of them: each is
 * "WHICH NUMBER_OF_WORDS CONTAINER", then its words. p is NULL: none. */
struct slice kube_probe_in(struct slice probes, struct slice container, enum kube_probe which);

/* The text of a member of an object in JSON; p is NULL: there is none. */
struct slice kube_text(const json_t *o, const char *key);

#endif
