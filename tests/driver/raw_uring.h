/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_uring.h - a ring of io_uring, by its raw system calls.
 *
 * Errors exit the process. Not thread-safe. A ring lives as long as its process.
 */
#ifndef MEWS_TESTS_DRIVER_RAW_URING_H
#define MEWS_TESTS_DRIVER_RAW_URING_H

#include <linux/io_uring.h>
#include <stdint.h>

/* Operations that the header may not have yet. */
#define RING_OP_FIXED_FD_INSTALL 54
#define RING_OP_BIND             56
#define RING_OP_LISTEN           57

struct ring {
	int fd;
	unsigned flags;
	unsigned *sq_tail, *sq_flags, *cq_head, *cq_tail;
	unsigned sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

/* 'flags' as for io_uring_setup(). */
void ring_open(struct ring *r, unsigned entries, unsigned flags);

/* Give the ring a table of its own files. */
void ring_register(struct ring *r, const int32_t *fds, unsigned n);

/* Queue a request; submit that many and wait for that many completions (a timeout ends the wait);
 * take the next result, once there is one. */
void ring_put(struct ring *r, const struct io_uring_sqe *sqe);
void ring_enter(struct ring *r, unsigned submit, unsigned wait);
int ring_result(struct ring *r);

/* Do one request; returns its result. */
int ring_do(struct ring *r, const struct io_uring_sqe *sqe);

/* Requests with one path and with two; 'len' and 'flags' as each takes them. */
int ring_path(
    struct ring *r, uint8_t opcode, int dir, const char *path, unsigned len, unsigned flags);
int ring_paths(struct ring *r, uint8_t opcode, int olddir, const char *oldpath, int newdir,
    const char *newpath, unsigned flags);

#endif
