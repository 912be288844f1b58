/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that a process got from another one. Like a snapshot's, their rows have no rules;
 * unlike those, they come as soon as the kernel has handed the descriptor over.
 */
#include "collector/state/state_int.h"
#include <sys/socket.h>
#include <sys/stat.h>

static void
passed_socket(struct apply *a)
{
	const struct event *ev = a->ev;
	enum fd_type type = type_of(ev_num(ev, EVP_TASK_FILE_PASSED_sk_family));
	struct ends n = ends_of_tuple(ev_text(a->b, ev, EVP_TASK_FILE_PASSED_tuple));
	struct fd_entry *e = snap_fd(a, type, INTERN_NULL);

	if (e == NULL)
		return;
	e->l4 = l4_of(type, ev_num(ev, EVP_TASK_FILE_PASSED_sk_type),
	    ev_num(ev, EVP_TASK_FILE_PASSED_sk_proto));
	if (n.family == AF_INET || n.family == AF_INET6) {
		snap_ends(a, e, &n);
	} else if (n.family == AF_UNIX) {
		e->state |= FDS_CONNECTED;
		(void) fd_set_ends(a, e, &n);
	}
}

/*
 * Is it a file of a file system without folders? Since Linux 6.9 a pidfd is one, with a small
 * number; a namespace is one too, and its number is above.
 */
static bool
is_pidfd(const struct event *ev, struct slice path)
{
	const uint64_t first_namespace = 0xf0000000;

	return path.n == 1 && *path.p == '/' &&
	       (uint64_t) ev_num(ev, EVP_TASK_FILE_PASSED_ino_num) < first_namespace;
}

/* A file without a folder, by the kernel's name. */
static void
passed_nameless(struct apply *a, struct slice name)
{
	const struct slice memfd = SLICE("memfd:");

	if (!slice_starts(name, memfd)) {
		(void) snap_fd(a, snap_anon_type(name), INTERN_EMPTY);
		return;
	}
	name.p += memfd.n; /* as memfd_create() names it */
	name.n -= memfd.n;
	(void) snap_fd(a, FD_MEMFD, intern_put(a->s->pool, name));
}

static void
passed_file(struct apply *a, enum fd_type type)
{
	struct fd_entry *e =
	    snap_fd(a, type, ev_intern(a->s->pool, a->b, a->ev, EVP_TASK_FILE_PASSED_path));

	if (e == NULL)
		return;
	hold(a->s->pool, &e->nameraw, e->name);
	e->dev = (uint32_t) ev_num(a->ev, EVP_TASK_FILE_PASSED_dev);
	e->flags = (uint32_t) ev_num(a->ev, EVP_TASK_FILE_PASSED_flags);
}

void
parse_passed(struct apply *a)
{
	struct slice path = ev_text(a->b, a->ev, EVP_TASK_FILE_PASSED_path);
	unsigned kind = (unsigned) ev_num(a->ev, EVP_TASK_FILE_PASSED_mode) & S_IFMT;
	struct fd_entry *e;

	if (kind == S_IFSOCK)
		passed_socket(a);
	else if (kind == S_IFIFO)
		(void) snap_fd(a, FD_PIPE, INTERN_EMPTY);
	else if (kind == S_IFREG && is_pidfd(a->ev, path))
		(void) snap_fd(a, FD_PIDFD, INTERN_EMPTY);
	else if (path.n == 0 || *path.p != '/')
		passed_nameless(a, path);
	else
		passed_file(a, kind == S_IFDIR ? FD_DIRECTORY : FD_FILE);
	e = fd_edit(a, ev_num(a->ev, EVP_TASK_FILE_PASSED_fd));
	if (e == NULL || e->since != a->ev->ts) /* a newer one */
		return;
	if (e->type == FD_PIDFD)
		e->ino = 0; /* its process is not known */
	e->state &= (uint8_t) ~(FDS_SNAPSHOT | FDS_CLOEXEC);
	if (ev_num(a->ev, EVP_TASK_FILE_PASSED_flags) & NV_open_flags_O_CLOEXEC)
		e->state |= FDS_CLOEXEC;
}
