/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_canary.c - check that the hooks run, on each CPU that this process may use.
 *
 * The capture thread moves to the CPU and makes one harmless call of each kind. The kernel side
 * counts it where it finds that the thread is excluded, after the same tests as for any other
 * thread. A call is not made if its event is not wanted: the hook would ignore it.
 */
#include "common/buf.h"
#include "common/log.h"
#include "driver/numbers.h"
#include "proto/wire.h"
#include "sensor/bpf_int.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a hook of each kind shows, and the bit that says that it does not. */
static const struct {
	uint64_t blind;
	const char *name;
} kinds[DRV_CANARY_MAX] = {
	[DRV_CANARY_ENTER] = { BLIND_ENTER, "the entry of system calls" },
	[DRV_CANARY_EXIT] = { BLIND_EXIT, "the exit of system calls" },
	[DRV_CANARY_FORK] = { BLIND_FORK, "new processes" },
	[DRV_CANARY_EXEC] = { BLIND_EXEC, "programs started" },
	[DRV_CANARY_END] = { BLIND_END, "ended processes" },
	[DRV_CANARY_SUBMIT] = { BLIND_RING, "operations of io_uring" },
	[DRV_CANARY_COMPLETE] = { BLIND_RING, "results of io_uring" },
};

/* A ring for one request at a time. */
struct canary_ring {
	int fd; /* -1: none */
	void *map;
	size_t size;
	struct io_uring_sqe *sqe;
	unsigned *tail, *head;
};

struct check {
	struct source_state *s;
	struct canary_ring ring;
	struct buf where[DRV_CANARY_MAX]; /* CPUs on which a hook of that kind was silent */
	unsigned cpus, misses;
};

static bool
event_bit(const __u64 *map, unsigned ev)
{
	return map[ev / 64] >> (ev % 64) & 1;
}

static bool
event_wanted(const struct check *k, unsigned ev)
{
	return event_bit(k->s->vars->ctl.events, ev);
}

static uint64_t
seen(const struct check *k, enum drv_canary kind)
{
	return __atomic_load_n(&k->s->vars->canaries[kind], __ATOMIC_RELAXED);
}

/* Note on which CPU the hook was silent since it had counted 'before'. */
static void
compare(struct check *k, enum drv_canary kind, uint64_t before, unsigned cpu)
{
	if (seen(k, kind) != before)
		return;
	k->misses++;
	buf_printf(&k->where[kind], "%s%u", k->where[kind].n > 0 ? ", " : "", cpu);
}

/* A path below a folder that is not open. */
static void
check_call(struct check *k, unsigned cpu)
{
	uint64_t enter = seen(k, DRV_CANARY_ENTER), exited = seen(k, DRV_CANARY_EXIT);

	if (!event_wanted(k, EV_OPENAT))
		return;
	if (syscall(SYS_openat, -1, ".", O_RDONLY | O_CLOEXEC) >= 0)
		return;                                  /* cannot be */
	if (!event_bit(k->s->vars->ctl.lean, EV_OPENAT)) /* else nothing is read at entry */
		compare(k, DRV_CANARY_ENTER, enter, cpu);
	compare(k, DRV_CANARY_EXIT, exited, cpu);
}

static void
check_process(struct check *k, unsigned cpu)
{
	char *const argv[] = { (char[]){ "true" }, NULL }, *const env[] = { NULL };
	uint64_t before[DRV_CANARY_MAX];
	pid_t pid;

	for (enum drv_canary i = DRV_CANARY_FORK; i <= DRV_CANARY_END; i++)
		before[i] = seen(k, i);
	if (!event_wanted(k, EV_EXECVE) || !event_wanted(k, EV_PROCEXIT) ||
	    !event_wanted(k, EV_CLONE) || !event_wanted(k, EV_VFORK))
		return;
	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env) != 0 || waitpid(pid, NULL, 0) < 0)
		return;
	for (enum drv_canary i = DRV_CANARY_FORK; i <= DRV_CANARY_END; i++)
		compare(k, i, before[i], cpu);
}

static void
ring_close(struct canary_ring *r)
{
	if (r->map != NULL)
		(void) munmap(r->map, r->size);
	if (r->sqe != NULL)
		(void) munmap(r->sqe, sizeof(*r->sqe));
	if (r->fd >= 0)
		(void) close(r->fd);
	*r = (struct canary_ring){ .fd = -1 };
}

/* Without a ring (an administrator may forbid them), that kind is not checked. */
static void
ring_open(struct canary_ring *r)
{
	struct io_uring_params p = { .flags = 0 };
	void *sqe;

	*r = (struct canary_ring){ .fd = (int) syscall(SYS_io_uring_setup, 1, &p) };
	if (r->fd < 0)
		return;
	(void) fcntl(r->fd, F_SETFD, FD_CLOEXEC);
	r->size = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	r->map = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	sqe =
	    mmap(NULL, sizeof(*r->sqe), PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQES);
	r->sqe = sqe == MAP_FAILED ? NULL : sqe;
	if (r->map == MAP_FAILED)
		r->map = NULL;
	if (r->map == NULL || r->sqe == NULL) {
		ring_close(r);
		return;
	}
	r->tail = (unsigned *) ((char *) r->map + p.sq_off.tail);
	*(unsigned *) ((char *) r->map + p.sq_off.array) = 0;
}

static void
check_ring(struct check *k, unsigned cpu)
{
	uint64_t submit = seen(k, DRV_CANARY_SUBMIT), complete = seen(k, DRV_CANARY_COMPLETE);
	struct canary_ring *r = &k->ring;

	if (!k->s->uring || !event_wanted(k, EV_OPENAT))
		return;
	ring_open(r);
	if (r->fd < 0)
		return;
	*r->sqe = (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
		.fd = -1,
		.addr = (uintptr_t) ".",
		.open_flags = O_RDONLY };
	__atomic_store_n(r->tail, *r->tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1) {
		compare(k, DRV_CANARY_SUBMIT, submit, cpu);
		compare(k, DRV_CANARY_COMPLETE, complete, cpu);
	}
	ring_close(r);
}

/* Check on each CPU of 'mine'. Returns the kinds that were silent somewhere, as bits. */
static unsigned
check_cpus(struct check *k, const cpu_set_t *mine, size_t size)
{
	unsigned silent = 0;

	for (unsigned i = 0; i < DRV_CANARY_MAX; i++)
		k->where[i].n = 0;
	k->cpus = k->misses = 0;
	for (unsigned cpu = 0; cpu < k->s->ncpu; cpu++) {
		cpu_set_t *one = CPU_ALLOC(k->s->ncpu);

		if (one == NULL || !CPU_ISSET_S(cpu, size, mine)) {
			CPU_FREE(one);
			continue;
		}
		CPU_ZERO_S(size, one);
		CPU_SET_S(cpu, size, one);
		if (sched_setaffinity(0, size, one) == 0) {
			k->cpus++;
			check_call(k, cpu);
			check_process(k, cpu);
			check_ring(k, cpu);
		}
		CPU_FREE(one);
	}
	for (unsigned i = 0; i < DRV_CANARY_MAX; i++)
		silent |= (unsigned) (k->where[i].n > 0) << i;
	return silent;
}

/* Attach again what was silent: a link may be gone, or the kernel may have lost its probe on some
 * CPU. Returns whether that is worth another check. */
static bool
attach_again(struct check *k, unsigned silent)
{
	for (unsigned i = 0; i < DRV_CANARY_MAX; i++) {
		if (silent >> i & 1 && i != DRV_CANARY_ENTER)
			log_warn(
			    "the kernel does not run the hook for %s on CPU %.*s: attaching it "
			    "again; what happened there since the last check was not seen",
			    kinds[i].name, (int) k->where[i].n, k->where[i].p);
	}
	return hooks_renew(&k->s->hooks, &k->s->progs, silent);
}

/* Say which hooks are silent, and return them as BLIND_*. */
static uint64_t
tell_silent(const struct check *k, unsigned silent, bool tell)
{
	uint64_t blind = 0;

	for (unsigned i = 0; i < DRV_CANARY_MAX; i++) {
		if (!(silent >> i & 1))
			continue;
		blind |= kinds[i].blind;
		if (tell)
			log_warn(
			    "the kernel does not run the hook for %s on CPU %.*s: what happens "
			    "there is not seen; restart the sensor, and report it with the "
			    "kernel's version if that does not help",
			    kinds[i].name, (int) k->where[i].n, k->where[i].p);
	}
	return blind;
}

/* Take the other flavour of hook at entries. */
static bool
enter_otherwise(struct check *k)
{
	struct source_state *s = k->s;

	if (s->enter >= 0 && s->vars->ctl.enter_native != 0)
		return false;
	if (bpf_attach_enter_all(s) < 0)
		return false;
	__atomic_store_n(&s->vars->ctl.enter_native, 1, __ATOMIC_RELAXED);
	log_warn(
	    "the kernel does not run the hooks for the entry of single system calls on CPU "
	    "%.*s: using the hook on all entries, which slows every system call",
	    (int) k->where[DRV_CANARY_ENTER].n, k->where[DRV_CANARY_ENTER].p);
	return true;
}

bool
bpf_unsettled(void *st)
{
	struct source_state *s = st;

	return entries_busy(&s->hooks.entries);
}

uint64_t
bpf_canary(void *st)
{
	struct source_state *s = st;
	struct check k = { .s = s, .ring = { .fd = -1 } };
	cpu_set_t *mine = CPU_ALLOC(s->ncpu);
	size_t size = CPU_ALLOC_SIZE(s->ncpu);
	uint64_t blind = s->uring ? 0 : BLIND_IO_URING;
	unsigned silent, first;
	bool again = false;

	if (mine == NULL || sched_getaffinity(0, size, mine) < 0) {
		CPU_FREE(mine);
		return blind | s->blind;
	}
	__atomic_store_n(&s->vars->ctl.canary, (uint32_t) gettid(), __ATOMIC_SEQ_CST);
	silent = check_cpus(&k, mine, size);
	first = silent;
	s->silences += k.misses;
	if ((silent >> DRV_CANARY_ENTER & 1) && enter_otherwise(&k))
		again = true;
	if ((silent & ~(1U << DRV_CANARY_ENTER)) != 0 && attach_again(&k, silent))
		again = true;
	if (again)
		silent = check_cpus(&k, mine, size);
	__atomic_store_n(&s->vars->ctl.canary, 0, __ATOMIC_SEQ_CST);
	(void) sched_setaffinity(0, size, mine);
	if (s->ncpu > k.cpus && !s->checked)
		log_info("hooks are checked on %u of %u CPUs: those that this process may use",
		    k.cpus, s->ncpu);
	blind |= tell_silent(&k, silent, silent != s->silent);
	if (silent == 0 && (first | s->silent) != 0)
		log_info("the kernel runs all hooks again");
	s->silent = silent;
	s->misses = k.misses;
	s->checked = true;
	s->blind = blind;
	for (unsigned i = 0; i < DRV_CANARY_MAX; i++)
		buf_fini(&k.where[i]);
	CPU_FREE(mine);
	return blind;
}
