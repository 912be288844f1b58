/* SPDX-License-Identifier: Apache-2.0 */
/* container_id.h - find the container of a process by the paths of its control groups. */
#ifndef MEWS_COMMON_CONTAINER_ID_H
#define MEWS_COMMON_CONTAINER_ID_H

#include "common/slice.h"
#include <stdint.h>

#define CONTAINER_ID_MAX 128 /* of a whole id */

/* Both are borrowed from the list. */
struct container_ids {
	struct slice id;   /* as container.id shows it: 12 characters, or a name */
	struct slice full; /* the whole id, or the same name */
};

/* Search a list of cgroups ("subsys=/path", each with its NUL). False: on the host, *ret is
 * unchanged. */
bool container_find(struct slice cgroups, struct container_ids *ret);

/* Its id; p is NULL: on the host. */
struct slice container_id_of(struct slice cgroups);

/* The id of the container in which that container runs; p is NULL: on the host, or none. */
struct slice container_parent_of(struct slice cgroups);

/* The runtime that names its groups so, where only one does; p is NULL: none, or unknown. */
struct slice container_runtime_of(struct slice cgroups);

/* The user of the host in whose slice the container's group is, so that he could have made it
 * (rootless podman); 0: none, root alone could. */
uint32_t container_user_of(struct slice cgroups);

#endif
