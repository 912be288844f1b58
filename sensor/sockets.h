/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets.h - the sockets of network namespaces by inode, from /proc/PID/net.
 *
 * A socket's inode is unique on the machine, so one table holds all namespaces; each is read once,
 * through the first process found in it. Not thread-safe.
 */
#ifndef MEWS_SENSOR_SOCKETS_H
#define MEWS_SENSOR_SOCKETS_H

#include "common/buf.h"
#include "common/hashtable.h"
#include "common/macros.h"
#include "common/slice.h"
#include <stddef.h>
#include <stdint.h>

struct sock_info {
	uint64_t ino;    /* 0: an empty slot */
	uint64_t kernel; /* AF_UNIX: the kernel's address, if shown */
	uint32_t path;   /* AF_UNIX: its path in 'text'; with path_n */
	uint32_t path_n;
	uint8_t local[16], remote[16]; /* network order; IPv4 in the first 4 */
	uint16_t lport, rport;         /* host order */
	uint16_t family, type, proto;
};

struct sockets {
	struct table table; /* of struct sock_info */
	uint64_t *ns;       /* already read */
	size_t nns, ns_cap;
	struct buf text; /* paths */
	struct buf scratch;
};

void sockets_init(struct sockets *s);
void sockets_fini(struct sockets *s);

/* Read the tables of a process's namespace, once. -ENOMEM. Unreadable tables are counted. 'procdir'
 * is an open /proc/PID. */
int sockets_load(struct sockets *s, int procdir, uint64_t ns, uint64_t *unreadable) MUST_CHECK;

/* NULL: unknown. Valid until the next load. */
const struct sock_info *sockets_find(const struct sockets *s, uint64_t ino);

/* The path of an AF_UNIX socket, borrowed; abstract ones begin with '@'. */
struct slice sockets_path(const struct sockets *s, const struct sock_info *k);

#endif
