/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs.h - what /proc says of one process, read once.
 *
 * Texts are as the kernel gives them; what cannot be read has p == NULL. The root of the file
 * system may be anywhere, so that tests bring their own. Not thread-safe.
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

/* One process; its buffers are used again for the next. */
struct proc_info {
	int dirfd;                       /* of /proc/PID; -1: not open */
	uint32_t pid;                    /* opened last, or tried; 0: none */
	struct proc_text args;           /* each with its NUL */
	struct proc_text env;            /* the same */
	struct proc_text cgroups;        /* "subsystem=/path", the same */
	struct proc_text exe, cwd, root; /* links; " (deleted)" is taken off */
	uint64_t start_ticks;            /* 1/100 s since boot; 0: not known */
	uint64_t net_ns;                 /* inode; 0: not known */
	unsigned unreadable;             /* how many of these could not be read */
};

void proc_init(struct proc_info *p);
void proc_fini(struct proc_info *p);

/* Open a process's folder: start and network namespace are known. -ENOENT, -ESRCH: there is no such
 * process (any more). Closes the one before. Waits for nobody. */
int proc_open(struct proc_info *p, const char *host_root, uint32_t pid) MUST_CHECK;
void proc_close(struct proc_info *p);

/* The texts of the open process. 'memory': also arguments and environment, which are read from its
 * memory, and waited for as long as another holds that. -ENOMEM. */
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
	char link[4096 + 1]; /* what it points to, with NUL */
	size_t n;
	uint32_t flags; /* as open() has them */
	uint32_t mnt_id;
	uint64_t ino;
	uint32_t mode; /* st_mode; 0: not known */
};

/* Where the descriptor f->fd points to, into f->link: its length. -errno. It is the kernel's own
 * record of the path: the file system is not asked. */
int proc_fd_link(const struct proc_info *p, struct proc_fd *f) MUST_CHECK;

/* A whole file below a folder, appended. -errno. */
int proc_file(int dirfd, const char *path, size_t max, struct buf *out) MUST_CHECK;

#endif
