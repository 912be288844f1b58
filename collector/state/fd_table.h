/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd_table.h - the open descriptors of a process.
 *
 * Open addressing by descriptor: descriptor k is at slot k (modulo the size) or soon after, so an
 * ordinary table is an array. A fork shares its parent's table (fdt_ref); the first writer gets a
 * copy. An entry moves when its table is written to: a pointer is valid until then.
 *
 * Owner: the main threads that hold a reference. All of a node's tables count into its fd_space.
 */
#ifndef MEWS_COLLECTOR_STATE_FD_TABLE_H
#define MEWS_COLLECTOR_STATE_FD_TABLE_H

#include "collector/state/state.h"

struct fd_space {
	struct intern *pool;
	uint32_t max; /* entries per table */
	uint64_t n;   /* entries in all tables */
	uint64_t refused;
};

/* The ports of a process's bound internet sockets, in order, each as often as it is bound. */
struct fd_ports {
	uint16_t *v;
	size_t n, room;
};

struct fd_table {
	uint32_t refs;
	uint32_t n;
	uint32_t mask;
	struct fd_ports ports;
	struct fd_entry e[]; /* fd is -1 in a free slot */
};

struct fd_table *fdt_ref(struct fd_table *t); /* NULL gives NULL */
void fdt_unref(struct fd_space *sp, struct fd_table *t);

const struct fd_entry *fdt_get(const struct fd_table *t, int64_t fd);

/* The writable entry of a descriptor; *t may be NULL, and changes. fdt_put() creates it if needed,
 * and clears it; its names are released. NULL: no memory, or over the limit (counted). Without
 * memory to change a shared table, the process loses its table: no stale entry may remain. */
struct fd_entry *fdt_put(struct fd_space *sp, struct fd_table **t, int64_t fd);
struct fd_entry *fdt_edit(struct fd_space *sp, struct fd_table **t, int64_t fd);

void fdt_del(struct fd_space *sp, struct fd_table **t, int64_t fd);

/* Is a socket of the table bound to the port? */
bool fdt_serves(const struct fd_table *t, uint16_t port);

/* Call after making a writable entry of *t that of a bound socket (FD_IPV4_SERVER...), and before
 * making it another: they keep the ports up to date. Without memory fdt_serves() does not find the
 * port, which is counted as refused. */
void fdt_serve(struct fd_space *sp, struct fd_table *t, const struct fd_entry *e);
void fdt_unserve(struct fd_table *t, const struct fd_entry *e);

/* Add or drop a reference to each text of an entry. */
void fd_names_ref(struct intern *pool, const struct fd_entry *e);
void fd_names_unref(struct intern *pool, const struct fd_entry *e);

/* Walk, highest slot first. *pos is 0 at the start. */
const struct fd_entry *fdt_next(const struct fd_table *t, size_t *pos);

/* Remove entries for which 'drop' returns true. Without memory for a copy the table stays
 * unchanged. */
void fdt_filter(struct fd_space *sp, struct fd_table **t,
    bool (*drop)(const struct fd_entry *e, const void *arg), const void *arg);

#endif
