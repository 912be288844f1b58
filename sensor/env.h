/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env.h - what a Hello says of the machine: kernel, boot, addresses, the schema of what is
 * captured.
 *
 * Made once; the addresses are read anew by env_refresh(), before each Hello. Belongs to the loop
 * thread.
 */
#ifndef MEWS_SENSOR_ENV_H
#define MEWS_SENSOR_ENV_H

#include "common/arena.h"
#include "common/macros.h"
#include "proto/wire.h"

struct env {
	Wire__Hello hello;   /* node, cluster, sensor_start and labels are the node's */
	struct arena arena;  /* of what never changes */
	struct arena ifaces; /* of the addresses */
};

/* 'host_root' is borrowed for the call. -errno of reading the boot id; -ENOMEM. */
int env_init(struct env *e, const char *host_root) MUST_CHECK;
void env_fini(struct env *e);

/* Addresses as they are now; on failure the old ones stay. */
void env_refresh(struct env *e);

/* Labels, added to the Hello. Copies. -ENOMEM; -E2BIG: too many. */
int env_label(struct env *e, const char *key, const char *value) MUST_CHECK;

#endif
