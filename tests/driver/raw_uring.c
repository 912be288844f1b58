/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/driver/raw_uring.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *
map(int fd, size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);

	if (p == MAP_FAILED)
		_exit(1);
	return p;
}

void
ring_open(struct ring *r, unsigned entries, unsigned flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 1000 };
	char *sq, *cq;
	unsigned *array;

	r->fd = (int) syscall(SYS_io_uring_setup, entries, &p);
	if (r->fd < 0)
		_exit(1);
	sq = map(r->fd, p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	cq = map(
	    r->fd, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	r->sqes = map(r->fd, p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	r->flags = flags;
	r->sq_tail = (unsigned *) (sq + p.sq_off.tail);
	r->sq_flags = (unsigned *) (sq + p.sq_off.flags);
	r->cq_head = (unsigned *) (cq + p.cq_off.head);
	r->cq_tail = (unsigned *) (cq + p.cq_off.tail);
	r->sq_mask = p.sq_entries - 1;
	r->cq_mask = p.cq_entries - 1;
	r->cqes = (struct io_uring_cqe *) (cq + p.cq_off.cqes);
	array = (unsigned *) (sq + p.sq_off.array);
	for (unsigned i = 0; i < p.sq_entries; i++)
		array[i] = i;
}

void
ring_register(struct ring *r, const int32_t *fds, unsigned n)
{
	if (syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_FILES, fds, n) < 0)
		_exit(1);
}

void
ring_put(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned tail = *r->sq_tail;

	r->sqes[tail & r->sq_mask] = *sqe;
	/* in order with ring_enter()'s load of the flags; thread sanitizers know no fences */
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_SEQ_CST);
}

void
ring_enter(struct ring *r, unsigned submit, unsigned wait)
{
	unsigned flags = IORING_ENTER_GETEVENTS;

	if (r->flags & IORING_SETUP_SQPOLL) {
		if (__atomic_load_n(r->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
			flags |= IORING_ENTER_SQ_WAKEUP;
	}
	if (syscall(SYS_io_uring_enter, r->fd, submit, wait, flags, NULL, 0) < 0)
		_exit(1);
}

int
ring_result(struct ring *r)
{
	unsigned head = *r->cq_head;
	int res;

	while (__atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) == head)
		ring_enter(r, 0, 1);
	res = r->cqes[head & r->cq_mask].res;
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return res;
}

int
ring_do(struct ring *r, const struct io_uring_sqe *sqe)
{
	ring_put(r, sqe);
	ring_enter(r, 1, 1);
	return ring_result(r);
}

int
ring_path(struct ring *r, uint8_t opcode, int dir, const char *path, unsigned len, unsigned flags)
{
	return ring_do(r, &(struct io_uring_sqe){ .opcode = opcode,
			      .fd = dir,
			      .addr = (uintptr_t) path,
			      .len = len,
			      .open_flags = flags });
}

int
ring_paths(struct ring *r, uint8_t opcode, int olddir, const char *oldpath, int newdir,
    const char *newpath, unsigned flags)
{
	return ring_do(r, &(struct io_uring_sqe){ .opcode = opcode,
			      .fd = olddir,
			      .addr = (uintptr_t) oldpath,
			      .len = (unsigned) newdir,
			      .addr2 = (uintptr_t) newpath,
			      .rename_flags = flags });
}
