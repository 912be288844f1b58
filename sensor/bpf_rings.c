/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_rings.c - create a ring per CPU, map it, pass it to the programs, and watch it.
 */
#include "sensor/bpf_int.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_BYTES  (4ULL << 20)
#define RINGS_BYTES (64ULL << 20)

static uint64_t
ring_size(const struct source_state *s)
{
	uint64_t n = s->o.ring_bytes != 0 ? s->o.ring_bytes : RING_BYTES;
	uint64_t total = s->o.rings_bytes != 0 ? s->o.rings_bytes : RINGS_BYTES;
	uint64_t size = s->page;

	while (size < n)
		size *= 2;
	while (size > s->page && size * s->ncpu > total)
		size /= 2;
	return size;
}

int
bpf_rings_new(struct source_state *s)
{
	s->ring_bytes = ring_size(s);
	s->ring_fds = calloc(s->ncpu, sizeof(*s->ring_fds));
	s->maps = calloc(s->ncpu, 2 * sizeof(*s->maps));
	if (s->ring_fds == NULL || s->maps == NULL)
		return -ENOMEM;
	return rings_new(s->ncpu, &s->rings);
}

static int
ring_open(struct source_state *s, unsigned i)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u32 = i };
	uint32_t size = (uint32_t) s->ring_bytes;
	char *cons, *prod, name[16];
	int fd;

	(void) snprintf(name, sizeof(name), "%u", i);
	fd = s->taken ? pin_get(s->pin, PIN_RING, name)
		      : bpf_map_create(BPF_MAP_TYPE_RINGBUF, "mews_ring", 0, 0, size, NULL);

	if (fd < 0)
		return fd;
	s->ring_fds[i] = fd;
	cons = mmap(NULL, s->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (cons == MAP_FAILED)
		return -errno;
	s->maps[2 * i] = cons;
	prod = mmap(NULL, s->page + 2 * s->ring_bytes, PROT_READ, MAP_SHARED, fd, (off_t) s->page);
	if (prod == MAP_FAILED)
		return -errno;
	s->maps[2 * i + 1] = prod;
	ring_attach(&s->rings, i, cons, prod, prod + s->page, s->ring_bytes);
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

/* Update all entries in one call: each call waits until no running program can see the old map. */
static int
rings_publish(struct source_state *s)
{
	int outer = bpf_driver_map(s, "rings"), r;
	uint32_t keys[DRV_CPU_MAX], n = s->ncpu;

	for (uint32_t i = 0; i < n; i++)
		keys[i] = i;
	r = bpf_map_update_batch(outer, keys, s->ring_fds, &n, NULL);
	if (r == 0)
		return 0;
	r = 0; /* until 5.19 is the floor: one by one */
	for (uint32_t i = 0; r == 0 && i < s->ncpu; i++)
		r = bpf_map_update_elem(outer, &i, &s->ring_fds[i], BPF_ANY);
	return r;
}

int
bpf_rings_open(struct source_state *s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = UINT32_MAX };

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->wake_fd < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->wake_fd, &ev) != 0)
		return -errno;
	for (unsigned i = 0; i < s->ncpu; i++) {
		int r = ring_open(s, i);

		if (r < 0)
			return r;
	}
	s->rings.hold = s->pin != NULL;
	return s->taken ? 0 : rings_publish(s);
}

void
bpf_rings_close(struct source_state *s)
{
	for (unsigned i = 0; i < s->ncpu && s->maps != NULL && s->ring_fds != NULL; i++) {
		if (s->maps[2 * i] != NULL)
			munmap(s->maps[2 * i], s->page);
		if (s->maps[2 * i + 1] != NULL)
			munmap(s->maps[2 * i + 1], s->page + 2 * s->ring_bytes);
		if (s->ring_fds[i] > 0)
			close(s->ring_fds[i]);
	}
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	rings_free(&s->rings);
	free(s->ring_fds);
	free(s->maps);
}
