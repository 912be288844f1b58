/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs.h - read what /proc shows of one process.
 *
 * Texts are as the kernel gives them; p is NULL for what cannot be read. The root of the file
 * system may be anywhere, so that tests can bring their own. Not thread-safe.
 */
#ifndef MEWS_SENSOR_PROCFS_H
#define MEWS_SENSOR_PROCFS_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stdint.h>

struct proc_text {
	struct buf b;
	bool have;
};

/* One process; the buffers are reused for the next. */
struct proc_info {
	int dirfd;                       /* of /proc/PID; -1: not open */
	uint32_t pid;                    /* last opened or tried; 0: none */
	struct proc_text args;           /* each with its NUL */
	struct proc_text env;            /* the same */
	struct proc_text cgroups;        /* "subsystem=/path", each with its NUL */
	struct proc_text exe, cwd, root; /* links, without " (deleted)" */
	uint64_t start_ticks;            /* 1/100 s since boot; 0: unknown */
	uint64_t net_ns;                 /* inode; 0: unknown */
	unsigned unreadable;             /* how many of these could not be read */
};

void proc_init(struct proc_info *p);
void proc_fini(struct proc_info *p);

/* Open a process's folder and read its start and network namespace. Closes the previous one. Never
 * blocks on another process. -ENOENT, -ESRCH: no such process (any more). */
int proc_open(struct proc_info *p, const char *host_root, uint32_t pid) MUST_CHECK;
void proc_close(struct proc_info *p);

/* Read the texts of the open process. 'memory': also arguments and environment, which blocks while
 * another process holds its memory lock. -ENOMEM. */
int proc_texts(struct proc_info *p, bool memory) MUST_CHECK;

static inline struct slice
proc_text(const struct proc_text *t)
{
	return t->have ? (struct slice){ t->b.p == NULL ? "" : t->b.p, t->b.n }
		       : (struct slice){ NULL, 0 };
}

/* An open descriptor. */
struct proc_fd {
	int fd;
	char link[4096 + 1]; /* the link's target, with NUL */
	size_t n;
	uint32_t flags; /* as in open() */
	uint32_t mnt_id;
	uint64_t ino;
	uint32_t mode; /* st_mode; 0: unknown */
};

/* Read the target of descriptor f->fd into f->link; return its length. -errno. The kernel keeps the
 * path itself: no access to the file system. */
int proc_fd_link(const struct proc_info *p, struct proc_fd *f) MUST_CHECK;

/* Append a whole file below a folder. -errno. */
int proc_file(int dirfd, const char *path, size_t max, struct buf *out) MUST_CHECK;

#endif
