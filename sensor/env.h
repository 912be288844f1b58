/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env.h - the machine's description in Hello: kernel, boot, addresses, the schema of captured
 * events.
 *
 * Built once; env_refresh() reads the addresses again before each Hello. Belongs to the loop
 * thread.
 */
#ifndef MEWS_SENSOR_ENV_H
#define MEWS_SENSOR_ENV_H

#include "common/arena.h"
#include "common/macros.h"
#include "proto/wire.h"

struct env {
	Wire__Hello hello;   /* node, cluster, sensor_start and labels are the node's */
	struct arena arena;  /* for data that never changes */
	struct arena ifaces; /* for the addresses */
};

/* 'host_root' is borrowed for the call. -errno of reading the boot id; -ENOMEM. */
int env_init(struct env *e, const char *host_root) MUST_CHECK;
void env_fini(struct env *e);

/* Read the current addresses; on failure keep the old ones. */
void env_refresh(struct env *e);

/* Add a label to the Hello. Copies. -ENOMEM; -E2BIG: too many. */
int env_label(struct env *e, const char *key, const char *value) MUST_CHECK;

#endif
