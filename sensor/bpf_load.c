/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_load.c - load the programs, or take over those that an earlier process has pinned: its maps,
 * its programs by their descriptors, and later its links.
 */
#include "common/log.h"
#include "sensor/bpf_int.h"
#include "sensor/capture_table.h"
#include "sensor/kernel_floor.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mews_preemptible.skel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <xxhash.h>

#define RING_WAKE (64U << 10) /* bytes in a ring that end a rest: an alert waits for them */

static int
fill_programs(struct source_state *s)
{
	static const char *const names[] = {
#define PROGRAM(name) #name,
#include "driver/captures.def"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint32_t key = (uint32_t) i;
		char name[64];
		int fd;

		(void) snprintf(name, sizeof(name), "exit_%s", names[i]);
		fd = bpf_program__fd(bpf_object__find_program_by_name(s->skel->obj, name));
		if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.exits), &key, &fd, BPF_ANY) != 0)
			return -errno;
	}
	return 0;
}

/* Choose the tracepoints of io_uring that this kernel has. Without them its operations are not
 * captured. */
static void
choose_uring(struct source_state *s)
{
	static const char *const submits[] = { "io_uring_submit_req", "io_uring_submit_sqe" };
	struct bpf_program *submit = s->skel->progs.on_uring_submit;
	struct utsname u;

	s->uring = false;
	for (size_t i = 0; i < ARRAY_SIZE(submits) && !s->uring; i++)
		s->uring = bpf_program__set_attach_target(submit, 0, submits[i]) == 0;
	if (uname(&u) != 0 || !kernel_uring_operands(u.release))
		s->uring = false;
	(void) bpf_program__set_autoload(submit, s->uring);
	(void) bpf_program__set_autoload(s->skel->progs.on_uring_complete, s->uring);
	(void) bpf_program__set_autoload(s->skel->progs.on_uring_overflow, s->uring);
	s->skel->rodata->uring_cqe = kernel_uring_cqe(u.release);
}

/* Open the skeleton, like mews_bpf__open(), with the object for this kernel: both objects have the
 * same maps and names. */
static int
skel_open(struct source_state *s)
{
	struct utsname u;
	struct mews_bpf *skel = calloc(1, sizeof(*skel));
	int r = skel == NULL ? -ENOMEM : mews_bpf__create_skeleton(skel);

	if (r == 0 && uname(&u) == 0 && kernel_preempts(u.release)) {
		struct bpf_object_skeleton *k = skel->skeleton;

		k->data = mews_preemptible_bpf__elf_bytes(&k->data_sz);
	}
	if (r == 0)
		r = bpf_object__open_skeleton(skel->skeleton, NULL);
	if (r < 0) {
		mews_bpf__destroy(skel);
		return r;
	}
	s->skel = skel;
	return 0;
}

/* Set everything that is constant while the programs run. */
static int
configure(struct source_state *s)
{
	size_t bad;
	int r;

	choose_uring(s);
	s->skel->rodata->ring_wake = (uint32_t) MIN(s->ring_bytes / 4, RING_WAKE);
	s->skel->rodata->broken_kinds = s->o.broken_kinds;
	s->skel->rodata->broken_cpu = s->o.broken_cpu;
	if (s->o.stashes_max != 0)
		s->skel->rodata->stashes_max = s->o.stashes_max;
	if (s->o.requests_max != 0)
		s->skel->rodata->shorts_max = s->o.requests_max;
	s->skel->rodata->page_kib = (uint32_t) (s->page / 1024);
	r = captures_compile(&s->skel->rodata->table, &bad);
	if (r < 0) {
		log_error("driver/captures.def: the row of %s does not fit its event",
		    captures[bad].call);
		return r;
	}
	r = bpf_map__set_max_entries(s->skel->maps.scratches, s->ncpu);
	if (r == 0)
		r = bpf_map__set_max_entries(s->skel->maps.rings, s->ncpu);
	return r;
}

/* A hash of all that two processes must have in common to use the same driver: programs and
 * constants, the rings, the journal. */
static uint64_t
driver_hash(const struct source_state *s)
{
	const struct bpf_object_skeleton *k = s->skel->skeleton;
	const uint64_t rest[] = { XXH3_64bits(k->data, k->data_sz),
		XXH3_64bits(s->skel->rodata, sizeof(*s->skel->rodata)), s->ring_bytes, s->ncpu,
		s->page, JOURNAL_VERSION };

	return XXH3_64bits(rest, sizeof(rest));
}

static int
load_new(struct source_state *s)
{
	int r = mews_bpf__load(s->skel);

	if (r == 0)
		r = progs_of(&s->progs, s->skel->obj);
	return r == 0 ? fill_programs(s) : r;
}

/* ---- take over ---- */

/* Open the map that is pinned instead of this one. -ESTALE: it is another one. */
static int
open_map(struct source_state *s, const struct bpf_map *map)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = pin_get(s->pin, PIN_MAP, bpf_map__name(map)), r;

	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (r == 0 &&
	    (info.type != bpf_map__type(map) || info.value_size != bpf_map__value_size(map) ||
		info.max_entries != bpf_map__max_entries(map)))
		r = -ESTALE;
	if (r == 0)
		return fd;
	(void) close(fd);
	return r;
}

static int
open_maps(struct source_state *s, int fds[MAPS_MAX])
{
	const struct bpf_map *map;
	unsigned n = 0;

	bpf_object__for_each_map(map, s->skel->obj)
	{
		if (n == MAPS_MAX)
			return -E2BIG;
		fds[n] = open_map(s, map);
		if (fds[n] < 0)
			return fds[n];
		n++;
	}
	return 0;
}

static int
reuse_maps(struct source_state *s, const int fds[MAPS_MAX])
{
	struct bpf_map *map;
	unsigned n = 0;
	int r = 0;

	bpf_object__for_each_map(map, s->skel->obj)
	{
		if (r == 0)
			r = bpf_map__reuse_fd(map, fds[n++]);
	}
	return r;
}

static int
reuse_progs(struct source_state *s)
{
	for (enum prog i = 0; i < PROG_MAX; i++) {
		const struct bpf_program *p =
		    bpf_object__find_program_by_name(s->skel->obj, prog_name(i));

		if (p == NULL || !bpf_program__autoload(p))
			continue;
		s->progs.fd[i] = pin_get(s->pin, PIN_PROG, prog_name(i));
		if (s->progs.fd[i] < 0)
			return s->progs.fd[i];
	}
	return 0;
}

/* Of the process that is gone. */
static void
reset_control(struct drv_control *ctl)
{
	__atomic_store_n(&ctl->canary, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ctl->kicked, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ctl->news, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&ctl->dropped, 1, __ATOMIC_SEQ_CST);
}

/* Load the object with these maps, and without programs: that maps the variables. */
static int
load_taken(struct source_state *s, const int fds[MAPS_MAX])
{
	struct bpf_program *p;
	int r = reuse_maps(s, fds);

	bpf_object__for_each_program(p, s->skel->obj)
	{
		r = r == 0 ? bpf_program__set_autoload(p, false) : r;
	}
	return r == 0 ? mews_bpf__load(s->skel) : r;
}

/* -errno: what is pinned cannot be used; 's->taken': and the object has been changed. */
static int
take_over(struct source_state *s)
{
	int fds[MAPS_MAX], r;

	memset(fds, -1, sizeof(fds));
	r = journal_take(s);
	if (r == 0)
		r = reuse_progs(s);
	if (r == 0)
		r = open_maps(s, fds);
	s->taken = r == 0;
	if (s->taken)
		r = load_taken(s, fds);
	for (unsigned i = 0; i < MAPS_MAX && fds[i] >= 0; i++)
		(void) close(fds[i]);
	return r;
}

void
bpf_unload(struct source_state *s)
{
	progs_close(&s->progs);
	mews_bpf__destroy(s->skel);
	s->skel = NULL;
	if (s->vars != NULL)
		(void) munmap(s->vars, sizeof(*s->vars));
	s->vars = NULL;
	for (unsigned i = 0; i < s->ndriver_maps; i++)
		(void) close(s->driver_maps[i].fd);
	s->ndriver_maps = 0;
	journal_close(s);
	s->taken = false;
}

/* Take over what is pinned; what is useless is removed, and everything made ready for a new
 * beginning. */
static int
try_pins(struct source_state *s)
{
	int r;

	if (pin_open(s->o.pin, driver_hash(s), &s->pin) < 0)
		return 0;
	r = take_over(s);
	if (r == 0)
		return 0;
	if (pin_clear(s->pin) > 0)
		log_warn(
		    "capture.pin: what is pinned in %s cannot be used (%s): it is removed, and "
		    "capture begins anew",
		    s->o.pin, strerrordesc_np(-r));
	/* Another object is opened only if this one has been changed: libbpf 1.1 leaks 6 MB of one
	 * that is not loaded. */
	if (!s->taken) {
		progs_close(&s->progs);
		journal_close(s);
		return 0;
	}
	bpf_unload(s);
	r = skel_open(s);
	return r < 0 ? r : configure(s);
}

/* ---- what stays ---- */

int
bpf_driver_map(const struct source_state *s, const char *name)
{
	for (unsigned i = 0; i < s->ndriver_maps; i++) {
		if (strcmp(s->driver_maps[i].name, name) == 0)
			return s->driver_maps[i].fd;
	}
	return -1;
}

static int
keep_maps(struct source_state *s)
{
	const struct bpf_map *map;

	bpf_object__for_each_map(map, s->skel->obj)
	{
		struct driver_map *m = &s->driver_maps[s->ndriver_maps];

		if (s->ndriver_maps == MAPS_MAX)
			return -E2BIG;
		m->fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0);
		if (m->fd < 0)
			return -errno;
		(void) snprintf(m->name, sizeof(m->name), "%s", bpf_map__name(map));
		s->ndriver_maps++;
	}
	return 0;
}

/* The driver's variables, in a mapping that outlives the skeleton. */
static int
keep_vars(struct source_state *s)
{
	int fd = bpf_map__fd(s->skel->maps.bss);
	void *p = mmap(NULL, sizeof(*s->vars), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	s->vars = p;
	return 0;
}

/*
 * After loading: keep descriptors, and give up the memory that the object took: 1.6 MB of copies of
 * programs and types, 1.7 MB of pages of this program's file. A page that is read again comes from
 * the file.
 */
static void
forget_object(struct source_state *s)
{
	struct bpf_object_skeleton k = *s->skel->skeleton;
	size_t before = -(uintptr_t) k.data & (s->page - 1); /* of a page shared with others */

	mews_bpf__destroy(s->skel);
	s->skel = NULL;
	if (k.data_sz > before)
		(void) madvise(
		    (char *) k.data + before, (k.data_sz - before) & ~(s->page - 1), MADV_DONTNEED);
}

int
bpf_load(struct source_state *s)
{
	int r = skel_open(s);

	if (r == 0)
		r = configure(s);
	if (r == 0 && s->o.pin != NULL)
		r = try_pins(s);
	if (r == 0 && !s->taken)
		r = load_new(s);
	if (r == 0)
		r = keep_maps(s);
	if (r == 0)
		r = keep_vars(s);
	if (r < 0)
		return r;
	if (s->taken)
		reset_control(&s->vars->ctl);
	__atomic_store_n(&s->vars->ctl.scanner, s->o.scanner_pid, __ATOMIC_RELAXED);
	forget_object(s);
	return 0;
}
