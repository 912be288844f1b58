/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_attach.c - attach the capture programs. The hooks at the entries of single calls are
 * bpf_entries.c's.
 */
#include "common/log.h"
#include "sensor/bpf_int.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_KIND DRV_CANARY_MAX /* of hook that is checked */

static int
attach_failed(const char *hook, int r, struct diag *d)
{
	diag_set(d, 0, 0,
	    "cannot attach to %s: %s; does another tool hold it, or is the kernel locked down?",
	    hook, strerrordesc_np(-r));
	return r;
}

static int
hook_add(struct hooks *h, const struct progs *progs, enum prog prog, unsigned kind)
{
	int link = pin_get(h->pin, PIN_LINK, prog_name(prog));

	if (link < 0)
		link = bpf_raw_tracepoint_open(NULL, progs->fd[prog]);
	if (link < 0)
		return link;
	h->links[h->n] = link;
	h->progs[h->n] = prog;
	h->kinds[h->n++] = kind == NO_KIND ? 0 : 1U << kind;
	return 0;
}

int
hooks_attach(struct hooks *h, const struct progs *progs, struct diag *d)
{
	static const struct {
		const char *hook;
		enum prog prog;
		unsigned kind; /* enum drv_canary */
		bool optional;
	} rows[] = {
		{ "sys_exit", PROG_on_sys_exit, DRV_CANARY_EXIT, false },
		{ "sched_process_fork", PROG_on_fork, DRV_CANARY_FORK, false },
		{ "sched_process_exec", PROG_on_exec, DRV_CANARY_EXEC, false },
		{ "sched_process_exit", PROG_on_exit, DRV_CANARY_END, false },
		{ "signal_deliver", PROG_on_signal, NO_KIND, false },
		{ "io_uring_complete", PROG_on_uring_complete, DRV_CANARY_COMPLETE, true },
		{ "io_uring_cqe_overflow", PROG_on_uring_overflow, NO_KIND, true },
		{ "io_uring_submit_req", PROG_on_uring_submit, DRV_CANARY_SUBMIT, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r;

		if (rows[i].optional && progs->fd[rows[i].prog] < 0)
			continue;
		r = hook_add(h, progs, rows[i].prog, rows[i].kind);
		if (r < 0)
			return attach_failed(rows[i].hook, r, d);
	}
	return 0;
}

bool
hooks_renew(struct hooks *h, const struct progs *progs, unsigned kinds)
{
	bool some = false;

	for (unsigned i = 0; i < h->n; i++) {
		if (!(h->kinds[i] & kinds))
			continue;
		pin_drop(h->pin, PIN_LINK, prog_name(h->progs[i]));
		if (h->links[i] >= 0)
			(void) close(h->links[i]);
		h->links[i] = bpf_raw_tracepoint_open(NULL, progs->fd[h->progs[i]]);
		pin_put(h->pin, PIN_LINK, prog_name(h->progs[i]), h->links[i]);
		some |= h->links[i] >= 0;
	}
	return some;
}

void
hooks_detach(struct hooks *h)
{
	entries_detach(&h->entries);
	while (h->n > 0) {
		if (h->links[--h->n] >= 0)
			(void) close(h->links[h->n]);
	}
}

static int
order_int(const void *a, const void *b)
{
	int x = *(const int *) a, y = *(const int *) b;

	return (x > y) - (x < y);
}

/* In a child: close everything but the sorted 'fds', so that nobody waits for our pipes and
 * sockets; then wait for the end of the pipe, whose first end is one of them. Its other end is
 * closed first: it can have the number of a link in 'fds' that was being closed when the pipe was
 * made. Only async-signal-safe calls. */
static void
keep_links(const int *fds, size_t n, const int end[2])
{
	unsigned next = 0;
	char c;

	(void) close(end[1]);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned) fds[i] > next)
			(void) close_range(next, (unsigned) fds[i] - 1, 0);
		next = (unsigned) fds[i] + 1;
	}
	(void) close_range(next, ~0U, 0);
	while (read(end[0], &c, 1) < 0 && errno == EINTR)
		;
}

void
hooks_leave(struct hooks *h)
{
	int fds[LINKS_MAX + ENTRIES_KEPT_MAX + 1], end[2] = { -1, -1 };
	size_t n = entries_fds(&h->entries, fds, ENTRIES_KEPT_MAX);
	pid_t child = -1;

	for (unsigned i = 0; i < h->n; i++) {
		if (h->links[i] >= 0)
			fds[n++] = h->links[i];
	}
	if (pipe2(end, O_CLOEXEC) == 0) {
		fds[n++] = end[0];
		qsort(fds, n, sizeof(*fds), order_int);
		child = _Fork();
		if (child == 0) {
			if (_Fork() == 0)
				keep_links(fds, n, end);
			_exit(0); /* closes the links last: the kernel removes the hooks */
		}
		(void) close(end[0]);
	}
	if (child > 0)
		(void) waitpid(child, NULL, 0);
	hooks_detach(h);
	if (end[1] >= 0)
		(void) close(end[1]);
}

int
bpf_attach_enter_all(struct source_state *s)
{
	if (s->enter >= 0)
		return 0;
	s->enter = bpf_raw_tracepoint_open(NULL, s->progs.fd[PROG_on_sys_enter]);
	pin_put(s->pin, PIN_LINK, prog_name(PROG_on_sys_enter), s->enter);
	return MIN(s->enter, 0);
}

/* Attach the hook on all entries instead of those on single calls, which fail with 'why'. */
static int
enter_instead(struct source_state *s, int why)
{
	log_warn(
	    "cannot attach to the entries of single system calls (%s): falling back to a "
	    "hook on all entries, which slows every system call of the machine; %s",
	    strerrordesc_np(-why),
	    why == -EACCES ? "set kernel.perf_event_paranoid to 2 (sysctl), or give this program "
			     "CAP_SYS_ADMIN while it starts"
			   : "run as root, with tracefs");
	s->vars->ctl.enter_native = 1;
	return bpf_attach_enter_all(s);
}

int
bpf_attach_all(struct source_state *s, struct diag *d)
{
	int r;

	s->hooks.pin = s->hooks.entries.pin = s->pin;
	s->enter = pin_get(s->pin, PIN_LINK, prog_name(PROG_on_sys_enter));
	r = hooks_attach(&s->hooks, &s->progs, d);
	if (r < 0)
		return r;
	r = entries_find(&s->hooks.entries);
	if (r < 0)
		r = enter_instead(s, r);
	else
		entries_adopt(&s->hooks.entries);
	return r < 0 ? attach_failed("sys_enter", r, d) : 0;
}

int
bpf_attach_entries(struct source_state *s, const struct drv_control *wanted)
{
	int r = 0;

	if (s->vars->ctl.enter_native == 0)
		r = entries_attach(&s->hooks.entries, &s->progs, wanted);
	return r < 0 ? enter_instead(s, r) : 0;
}

void
bpf_detach_entries(struct source_state *s, const struct drv_control *wanted)
{
	const struct drv_control none = { 0 };

	entries_drop(&s->hooks.entries, s->vars->ctl.enter_native == 0 ? wanted : &none);
}
