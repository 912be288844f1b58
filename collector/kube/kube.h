/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube.h - what the API servers of clusters say of pods, and of what they belong to.
 *
 * Each cluster has a thread, which lists the objects of kube.def and then watches them: from the
 * version of the list on, again from the last version seen when a watch ends, with a new list when
 * that version is no longer there. Failures are retried with back-off for ever; meanwhile what is
 * known stays. The thread logs where trouble begins and ends; kube_stats() has the same. It needs
 * no more than 'list' and 'watch' of these resources; what it may not see is missing, the rest
 * works.
 *
 * Without a cluster in the configuration there is no thread, and nothing is allocated.
 */
#ifndef MEWS_COLLECTOR_KUBE_KUBE_H
#define MEWS_COLLECTOR_KUBE_KUBE_H

#include "collector/kube/kube_store.h"
#include "common/config.h"

enum { KUBES_MAX = 16 }; /* clusters */

struct kubes;

/* Read and check the configuration; starts nothing. -EINVAL and *d, -ENOMEM. *ret: NULL if no
 * cluster is enabled. The texts live as long as the cfg. */
int kubes_new(struct cfg *cfg, struct kubes **ret, struct diag *d) MUST_CHECK;
void kubes_help(FILE *f);
/* Start the threads, and wait for their first lists as long as the configuration says. -errno. */
int kubes_start(struct kubes *k) MUST_CHECK;
/* Stop the threads; what is known stays. NULL is allowed here and below. */
void kubes_stop(struct kubes *k);
void kubes_free(struct kubes *k);

/* The objects for the nodes of a cluster, as Mews calls it; NULL: it is not watched. Any thread. */
struct kube;
struct kube *kubes_of(struct kubes *k, const char *cluster);
struct kube_store *kube_objects(struct kube *k);
/* How out of date what is known may be, in s, from 10 s on; 0: it is up to date. Any thread. */
uint64_t kube_stale(const struct kube *k);

struct kube_stats {
	const char *cluster; /* as configured; "": all nodes */
	struct kube_store_stats store;
	uint64_t up;     /* 1: what may be watched is watched */
	uint64_t synced; /* 1: everything was listed once */
	uint64_t stale;  /* kube_stale() */
	uint64_t lists, watches, changes, errors, expired;
	uint64_t denied[KUBE_KINDS]; /* 1: we may not list it */
	char trouble[256];           /* "": none */
};
size_t kubes_count(const struct kubes *k);
/* Any thread. */
void kube_stats(struct kubes *set, size_t i, struct kube_stats *ret);

#endif
