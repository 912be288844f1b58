/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_int.h - the state of source_bpf, for its own files: source_bpf.c, bpf_rings.c, bpf_attach.c.
 */
#ifndef MEWS_SENSOR_BPF_INT_H
#define MEWS_SENSOR_BPF_INT_H

#include "sensor/ring.h"
#include "sensor/source.h"
#include <bpf/libbpf.h>
#include <mews.skel.h>
#include <stdbool.h>

#define BPF_LINKS_MAX (4 + DRV_CAPTURE_MAX / 2) /* on_*, and one for each row */

/* What holds an object's programs on their hooks. */
struct hooks {
	struct bpf_link *links[BPF_LINKS_MAX];
	unsigned n;
};

struct source_state {
	struct mews_bpf *skel;
	struct source_opts o;
	struct ring_set rings;
	size_t page;
	uint64_t ring_bytes;
	int *ring_fds;
	void **maps;      /* of each ring: the consumer's page, then the producer's and the data */
	uint64_t *percpu; /* a per-CPU value being read */
	unsigned ncpu;    /* possible ones */
	int epoll_fd, wake_fd;
	struct hooks hooks;
	struct bpf_link *enter; /* the general entry hook; NULL: not attached */
	bool opened;            /* the descriptors above are ours to close */
	bool hot;               /* the last drain found something: pace the next */
};

/* Before loading: how large the rings are, and memory for what is known of each. -ENOMEM. */
int bpf_rings_new(struct source_state *s) MUST_CHECK;

/* After loading: the rings, and what waits for them. -errno. */
int bpf_rings_open(struct source_state *s) MUST_CHECK;

/* Whatever of the two above was done. */
void bpf_rings_close(struct source_state *s);

/* The program 'prefix''name'; NULL: there is none. */
struct bpf_program *bpf_prog_of(const struct bpf_object *obj, const char *prefix, const char *name);

/*
 * Attach an object's programs, found by their names: on_*, and enter_native at the entry of each
 * system call whose capture reads something there. On an error what was attached stays so, until
 * hooks_detach().
 */
int hooks_attach(struct hooks *h, const struct bpf_object *obj, struct diag *d) MUST_CHECK;
int hooks_attach_enters(struct hooks *h, const struct bpf_object *obj) MUST_CHECK;
void hooks_detach(struct hooks *h);

/* Attach all hooks. -errno, and *d says which one failed. */
int bpf_attach_all(struct source_state *s, struct diag *d) MUST_CHECK;

/* Attach the hook that sees all entries, of 32-bit callers too, if it is not yet. */
int bpf_attach_enter_all(struct source_state *s) MUST_CHECK;

#endif
