/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_syscall.c - the cost that the sensor adds to a system call.
 *
 *   bench_syscall [--rounds N] [--json]
 *
 * Each round measures three loads in three states, every second one in the opposite order: nothing
 * attached, empty programs on the same hooks, the sensor's own programs. The loads are getppid(),
 * which is not captured, a failing mkdirat(), whose path would be read at entry but which is not
 * wanted either, and an open() and close(), both captured while another CPU drains the rings.
 * Differences are taken within a round, and their median and quartiles shown. The time is the CPU
 * time of the calling thread: preemption by other processes is not counted. Needs root and two
 * CPUs.
 */
#include "common/clock.h"
#include "proto/schema.h"
#include "sensor/bpf_int.h"
#include <empty.skel.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS   300
#define PATH     "/etc/passwd"
#define PATIENCE (2 * NS_PER_S)

enum load { UNWANTED, UNWANTED_PATH, OPEN_CLOSE, LOADS };
enum state { NOTHING, EMPTY, MEWS, STATES };

/* Repetitions of a load in one measurement, and before it, to warm the caches. */
static const unsigned turns[LOADS] = { 20000, 20000, 2000 },
		      warm_turns[LOADS] = { 2000, 2000, 200 };

/* The measured process; not the one that loads the programs, because that one is excluded. */
struct worker {
	pid_t pid;
	int fd;
	struct report {
		enum load load; /* requested load */
		double ns;      /* time of one turn; below 0: the file cannot be opened */
	} * report;             /* shared */
};

struct bench {
	unsigned rounds;
	bool json;
	int cpu[2]; /* of the worker, of everything else */
	struct worker worker;
	struct source_state source;
	struct progs empty;         /* programs that do nothing */
	enum state state;           /* the attached programs, */
	struct hooks hooks[STATES]; /* and their links */
	pthread_t drain;
	atomic_bool stop;
	atomic_uint seen;          /* records of the worker's load */
	double *ns[LOADS][STATES]; /* by round */
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "bench_syscall: ");
	va_start(ap, fmt);
	(void) vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	_exit(1); /* without waiting for the draining thread */
}

/* ---- the worker ---- */

static int
work(enum load load, unsigned n)
{
	for (; n > 0; n--) {
		int fd;

		if (load == UNWANTED) {
			(void) getppid();
			continue;
		}
		if (load == UNWANTED_PATH) {
			(void) syscall(SYS_mkdirat, -1, "", 0);
			continue;
		}
		fd = open(PATH, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || close(fd) != 0)
			return -1;
	}
	return 0;
}

static void
measure(struct report *r)
{
	uint64_t from;
	int failed = work(r->load, warm_turns[r->load]);

	from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	failed |= work(r->load, turns[r->load]);
	r->ns = (double) (clock_ns(CLOCK_THREAD_CPUTIME_ID) - from) / turns[r->load];
	if (failed != 0)
		r->ns = -1;
}

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		die("cannot stay on CPU %d: %s", cpu, strerrordesc_np(errno));
}

static void
worker_start(struct bench *b)
{
	struct worker *w = &b->worker;
	int fds[2];
	char c;

	w->report = mmap(
	    NULL, sizeof(*w->report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->report == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		die("cannot share memory with a process: %s", strerrordesc_np(errno));
	w->pid = fork();
	if (w->pid < 0)
		die("cannot start a process: %s", strerrordesc_np(errno));
	w->fd = fds[w->pid == 0];
	close(fds[w->pid != 0]);
	if (w->pid != 0)
		return;
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(b->cpu[0]);
	while (read(w->fd, &c, 1) == 1) {
		measure(w->report);
		if (write(w->fd, &c, 1) != 1)
			break;
	}
	_exit(0);
}

static double
worker_measure(struct worker *w, enum load load)
{
	char c = 0;

	w->report->load = load;
	if (write(w->fd, &c, 1) != 1 || read(w->fd, &c, 1) != 1)
		die("the process that is measured has ended");
	if (w->report->ns < 0)
		die("cannot open " PATH);
	return w->report->ns;
}

/* ---- capture ---- */

static int
on_record(void *arg, const struct ev_hdr *rec)
{
	struct bench *b = arg;

	if (rec->pid == (uint32_t) b->worker.pid &&
	    (rec->type == EV_OPENAT || rec->type == EV_CLOSE))
		atomic_fetch_add_explicit(&b->seen, 1, memory_order_relaxed);
	return 0;
}

static void *
drain(void *arg)
{
	struct bench *b = arg;

	while (!atomic_load(&b->stop)) {
		if (source_bpf.poll(&b->source, 100, 0, false, on_record, b) < 0)
			die("cannot read the rings");
	}
	return NULL;
}

/* Capture everything but mkdirat. */
static void
want_most(struct source_state *s)
{
	struct interest most = { .lean = { 0 } };

	for (size_t i = 0; i < schema_nevents; i++) {
		if (schema_events[i].num != EV_MKDIRAT &&
		    (schema_events[i].capture == CAP_EXIT || schema_events[i].capture == CAP_TRACE))
			event_set_add(&most.events, schema_events[i].num);
	}
	if (source_bpf.set_interest(s, &most) < 0 || s->enter >= 0)
		die("cannot attach to the entry of single system calls");
}

static void
capture_start(struct bench *b)
{
	struct source_opts o = { 0 };
	struct empty_bpf *empty;
	struct diag d = { 0 };

	if (source_bpf.open(&b->source, &o, &d) < 0)
		die("%s", d.msg);
	want_most(&b->source);
	hooks_detach(&b->source.hooks);
	progs_init(&b->empty);
	empty = empty_bpf__open_and_load();
	if (empty == NULL || progs_of(&b->empty, empty->obj) < 0)
		die("this kernel does not accept the empty programs: %s", strerrordesc_np(errno));
	empty_bpf__destroy(empty);
	if (pthread_create(&b->drain, NULL, drain, b) != 0)
		die("cannot start a thread");
}

static void
capture_stop(struct bench *b)
{
	atomic_store(&b->stop, true);
	source_bpf.wake(&b->source);
	pthread_join(b->drain, NULL);
	progs_close(&b->empty);
	source_bpf.close(&b->source);
}

/* A turn is two events. A dropped event costs less than a captured one, so all must be there. Drops
 * of other processes' events do not matter. */
static void
check_captured(struct bench *b)
{
	unsigned want = 2 * (turns[OPEN_CLOSE] + warm_turns[OPEN_CLOSE]);
	uint64_t end = clock_mono() + PATIENCE;

	while (atomic_load(&b->seen) < want && clock_mono() < end)
		(void) usleep(100);
	if (atomic_load(&b->seen) != want)
		die("of %u events %u were captured: the figure is invalid", want,
		    atomic_load(&b->seen));
	if (b->source.enter >= 0)
		die("a 32-bit program ran, and its hook was attached: the figure is invalid");
	atomic_store(&b->seen, 0);
}

/* ---- rounds ---- */

static void *
link_free(void *link)
{
	(void) close(*(const int *) link);
	return NULL;
}

static void *
at_entry_free(void *entry)
{
	entry_free(entry);
	return NULL;
}

/* Like hooks_detach(), but in parallel: the kernel waits for a while on each link. */
static void
detach(struct hooks *h)
{
	pthread_t threads[LINKS_MAX + ENTRIES_MAX];
	unsigned n = 0;

	for (; h->n > 0; h->n--) {
		if (pthread_create(&threads[n++], NULL, link_free, &h->links[h->n - 1]) != 0)
			die("cannot start a thread");
	}
	for (unsigned i = 0; i < ENTRIES_MAX; i++) {
		if (h->entries.at[i] == NULL)
			continue;
		if (pthread_create(&threads[n++], NULL, at_entry_free, h->entries.at[i]) != 0)
			die("cannot start a thread");
		h->entries.at[i] = NULL;
	}
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

/* Attach the next state before detaching the last one, so that common hooks need not be set up
 * again. */
static void
change(struct bench *b, enum state to)
{
	const struct progs *progs = to == MEWS ? &b->source.progs : &b->empty;
	struct hooks *next = &b->hooks[to];
	struct diag d = { 0 };

	if (to == b->state)
		return;
	if (to != NOTHING && hooks_attach(next, progs, &d) < 0)
		die("%s", d.msg);
	if (to != NOTHING && (entries_find(&next->entries) < 0 ||
				 entries_attach(&next->entries, progs, &b->source.vars->ctl) < 0))
		die("cannot attach to the entry of single system calls");
	detach(&b->hooks[b->state]);
	b->state = to;
}

/* Every second round goes through the states backwards. */
static void
run(struct bench *b)
{
	for (unsigned round = 0; round < b->rounds; round++) {
		for (unsigned i = 0; i < STATES; i++) {
			enum state state = (enum state)(round % 2 == 0 ? i : STATES - 1 - i);

			change(b, state);
			for (unsigned load = 0; load < LOADS; load++)
				b->ns[load][state][round] =
				    worker_measure(&b->worker, (enum load) load);
			if (state == MEWS)
				check_captured(b);
		}
		if ((round + 1) % 50 == 0)
			fprintf(stderr, "bench_syscall: %u of %u rounds\n", round + 1, b->rounds);
	}
	change(b, NOTHING);
}

/* ---- figures ---- */

static int
order(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Quartiles of 'a' minus 'b', by round; of 'a' itself if they are the same. */
static void
quartiles(const double *a, const double *b, unsigned n, double ret[3])
{
	double *v = calloc(n, sizeof(*v));

	if (v == NULL)
		die("no memory");
	for (unsigned i = 0; i < n; i++)
		v[i] = a == b ? a[i] : a[i] - b[i];
	qsort(v, n, sizeof(*v), order);
	for (unsigned i = 0; i < 3; i++)
		ret[i] = v[(uint64_t) (n - 1) * (i + 1) / 4];
	free(v);
}

static double
median(const struct bench *b, enum load load, enum state a, enum state less)
{
	double q[3];

	quartiles(b->ns[load][a], b->ns[load][less], b->rounds, q);
	return q[1];
}

static void
print_json(const struct bench *b)
{
	printf(
	    "{\"syscall_unwanted_ns\":%.1f,\"empty_hooks_ns\":%.1f,\"path_unwanted_ns\":%.1f,"
	    "\"open_close_captured_ns\":%.1f,\"empty_hooks_open_close_ns\":%.1f}\n",
	    median(b, UNWANTED, MEWS, NOTHING), median(b, UNWANTED, EMPTY, NOTHING),
	    median(b, UNWANTED_PATH, MEWS, NOTHING), median(b, OPEN_CLOSE, MEWS, NOTHING),
	    median(b, OPEN_CLOSE, EMPTY, NOTHING));
}

static void
print_table(const struct bench *b)
{
	static const char *const names[LOADS] = { "getppid", "mkdirat", "open+close" };
	static const struct {
		const char *name;
		enum state a, less;
	} columns[] = { { "nothing", NOTHING, NOTHING }, { "+ empty", EMPTY, NOTHING },
		{ "+ mews", MEWS, NOTHING }, { "mews - empty", MEWS, EMPTY } };

	printf("ns, median (quartiles) of %u rounds\n%-10s", b->rounds, "");
	for (unsigned c = 0; c < ARRAY_SIZE(columns); c++)
		printf(" %27s", columns[c].name);
	for (unsigned load = 0; load < LOADS; load++) {
		printf("\n%-10s", names[load]);
		for (unsigned c = 0; c < ARRAY_SIZE(columns); c++) {
			double q[3];

			quartiles(
			    b->ns[load][columns[c].a], b->ns[load][columns[c].less], b->rounds, q);
			printf(" %8.1f (%7.1f..%7.1f)", q[1], q[0], q[2]);
		}
	}
	printf("\n");
}

static void
options(struct bench *b, int argc, char **argv)
{
	static const struct option longs[] = { { "rounds", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 } };
	int c;

	b->rounds = ROUNDS;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'r')
			b->rounds = (unsigned) strtoul(optarg, NULL, 10);
		else if (c == 'j')
			b->json = true;
		else
			b->rounds = 0;
	}
	if (optind < argc || b->rounds < 4 || b->rounds > 1000000)
		die("usage: bench_syscall [--rounds N] [--json], N of 4 and more");
}

static void
choose_cpus(struct bench *b)
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		die("cannot determine the CPUs: %s", strerrordesc_np(errno));
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++) {
		if (CPU_ISSET(i, &set))
			b->cpu[n++] = i;
	}
	if (n < 2)
		die("two CPUs are needed: one to measure, one to drain the rings");
}

int
main(int argc, char **argv)
{
	static struct bench b;

	options(&b, argc, argv);
	choose_cpus(&b);
	for (unsigned i = 0; i < LOADS * STATES; i++) {
		double *v = calloc(b.rounds, sizeof(*v));

		if (v == NULL)
			die("no memory");
		b.ns[i / STATES][i % STATES] = v;
	}
	worker_start(&b);
	pin(b.cpu[1]);
	capture_start(&b);
	run(&b);
	capture_stop(&b);
	if (b.json)
		print_json(&b);
	else
		print_table(&b);
	for (unsigned i = 0; i < LOADS * STATES; i++)
		free(b.ns[i / STATES][i % STATES]);
	return 0;
}
