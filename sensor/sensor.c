/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/log_peer.h"
#include "sensor/privilege.h"
#include "sensor/sensor_int.h"
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#define OVERDUE_MS 1500 /* beyond stop.drain: the kernel needs some time to end the process */

/* The loop does not finish. Whatever it waits for must not keep the machine from shutting down. */
static void
on_overdue(int sig)
{
	static const char text[] = "mews-sensor: the stop takes too long: exiting now\n";

	(void) sig;
	(void) !write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(EXIT_FAILED);
}

static void
arm_overdue(const struct app *a)
{
	uint64_t ms = a->opt.drain + OVERDUE_MS;
	struct itimerval t = { .it_value = {
				   (time_t) (ms / 1000), (suseconds_t) (ms % 1000 * 1000) } };

	(void) signal(SIGALRM, on_overdue);
	(void) setitimer(ITIMER_REAL, &t, NULL);
}

static void *
signal_thread(void *app)
{
	struct app *a = app;
	int sig;

	while (sigwait(&a->signals, &sig) == 0 && !a->quit_signals) {
		if (sig == SIGHUP)
			a->reload = true;
		else if (!atomic_exchange(&a->stop, true))
			arm_overdue(a);
		app_wake(a);
	}
	return NULL;
}

static int
start_signals(void *app)
{
	struct app *a = app;

	sigemptyset(&a->signals);
	sigaddset(&a->signals, SIGHUP);
	sigaddset(&a->signals, SIGINT);
	sigaddset(&a->signals, SIGTERM);
	(void) signal(SIGPIPE, SIG_IGN);
	a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->wake_fd < 0)
		return -errno;
	return -pthread_sigmask(SIG_BLOCK, &a->signals, NULL);
}

static void
stop_signals(void *app)
{
	struct app *a = app;

	(void) close(a->wake_fd);
}

/* Before threads, programs, files and keys exist: the forked process must not inherit them. */
static int
start_scanner(void *app)
{
	struct app *a = app;
	int r;

	if (a->args.replay != NULL || a->args.check)
		return 0;
	r = scanner_start(a->opt.host_root, &a->scanner);
	return r < 0 ? app_fail(a, EXIT_FAILED, &(struct diag){ 0 }, r) : 0;
}

static void
stop_scanner(void *app)
{
	struct app *a = app;

	scanner_stop(a->scanner);
}

static int
start_files(void *app)
{
	struct app *a = app;
	struct diag d = { 0 };
	int r = 0;

	if (a->args.record != NULL)
		r = record_open(a->args.record, &a->record, &d);
	else if (a->args.replay != NULL)
		r = replay_load(a->args.replay, &a->replay, &d);
	return r < 0 ? app_fail(a, EXIT_RECORDING, &d, r) : 0;
}

static void
stop_files(void *app)
{
	struct app *a = app;
	struct diag d = { 0 };
	int r;

	replay_free(a->replay);
	if (a->record == NULL)
		return;
	if (a->stopping)
		log_info("recorded %llu events, %llu bytes, in %s",
		    (unsigned long long) record_events(a->record),
		    (unsigned long long) record_bytes(a->record), a->args.record);
	r = record_close(a->record, &d);
	a->record = NULL;
	if (r < 0)
		(void) app_fail(a, EXIT_RECORDING, &d, r);
}

/* Until the collector sends its interest, capture all events, but no call by name only: those are
 * the calls that a machine makes most. */
static int
capture_all(struct app *a, struct diag *d)
{
	struct interest all = { .lean = { 0 } };
	int r;

	for (size_t i = 0; i < schema_nevents; i++) {
		if (schema_events[i].capture == CAP_EXIT || schema_events[i].capture == CAP_TRACE)
			event_set_add(&all.events, schema_events[i].num);
	}
	event_set_add(&all.events, EV_CONTAINER_INFO); /* events from before have names too */
	r = a->src->set_interest(a->st, &all);
	if (r < 0)
		diag_set(d, 0, 0, "cannot attach to the entries of system calls: %s",
		    strerrordesc_np(-r));
	return r;
}

static int
start_source(void *app)
{
	struct app *a = app;
	struct source_opts so = {
		.leave = true,
		.ring_bytes = a->opt.ring,
		.rings_bytes = a->opt.rings,
		.exclude_pid = (uint32_t) a->opt.exclude_pid,
		.scanner_pid = a->scanner == NULL ? 0 : scanner_pid(a->scanner),
		.pin =
		    a->record == NULL && !a->args.check && is_set(a->opt.pin) ? a->opt.pin : NULL,
	};
	struct source_past past;
	struct diag d = { 0 };
	bool killed = false;
	int r;

	if (a->args.replay != NULL)
		return 0;
	r = privilege_check(a->opt.host_root, &d);
	if (r < 0)
		return app_fail(a, EXIT_KERNEL, &d, r);
	a->src = &source_bpf;
	a->st = calloc(1, a->src->state_size);
	r = a->st == NULL ? -ENOMEM : a->src->open(a->st, &so, &d);
	if (r == 0 && so.exclude_pid != 0 && kill((pid_t) so.exclude_pid, 0) != 0 && errno == ESRCH)
		log_warn("local_collector: there is no process %u to exclude", so.exclude_pid);
	if (r == 0)
		killed = a->src->past(a->st, &past);
	if (r == 0 && !a->args.check && !killed)
		r = capture_all(a, &d);
	if (r == 0) {
		guard_open(&a->guard, killed);
		(void) malloc_trim(0); /* return what loading the programs took */
		return 0;
	}
	if (a->st != NULL)
		a->src->close(a->st);
	free(a->st);
	a->src = NULL;
	return app_fail(a, EXIT_KERNEL, &d, r);
}

static void
stop_source(void *app)
{
	struct app *a = app;
	const struct source_ops *src = a->src;

	if (src == NULL)
		return;
	a->src = NULL;
	guard_close(&a->guard);
	src->close(a->st);
	free(a->st);
}

static int
start_privileges(void *app)
{
	struct app *a = app;
	struct diag d = { 0 };
	int r = privilege_drop(a->src != NULL ? PRIVILEGE_CAPTURE : PRIVILEGE_NONE, &d);

	return r < 0 ? app_fail(a, EXIT_KERNEL, &d, r) : 0;
}

/* Start the first other threads, after dropping privileges: threads inherit them. */
static int
start_threads(void *app)
{
	struct app *a = app;
	unsigned dialers = a->args.nodes > 8 ? 8 : (unsigned) MAX(a->args.nodes, 1);
	struct diag d = { 0 };
	int r = -pthread_create(&a->signal_thread, NULL, signal_thread, a);

	if (r < 0)
		return app_fail(a, EXIT_FAILED, &d, r);
	a->have_signal_thread = true;
	if (a->record == NULL)
		r = xport_new(dialers, app_wake, a, &a->xport);
	return r < 0 ? app_fail(a, EXIT_FAILED, &d, r) : 0;
}

static void
stop_threads(void *app)
{
	struct app *a = app;

	xport_free(a->xport);
	log_peer_flush();
	a->quit_signals = true;
	(void) pthread_kill(a->signal_thread, SIGHUP);
	(void) pthread_join(a->signal_thread, NULL);
}

/* Stages start top to bottom and stop bottom to top. */
const struct stage app_stages[] = {
	{ "signals", start_signals, stop_signals }, { "scanner", start_scanner, stop_scanner },
	{ "files", start_files, stop_files }, /* while every file can still be opened */
	{ "identities", app_start_identities, app_stop_identities },
	{ "source", start_source, stop_source },
	{ "privileges", start_privileges,
	    NULL }, /* after the programs are loaded, before threads */
	{ "threads", start_threads, stop_threads },
	{ "nodes", app_start_nodes, app_stop_nodes }, /* last: they connect */
};
const size_t app_nstages = ARRAY_SIZE(app_stages);
const size_t app_ncheck = 5; /* up to and including the source */
