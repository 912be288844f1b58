/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statediff_moves.h - random actions of statediff; for its files.
 *
 *	statediff_pick.c    what an action is about
 *	statediff_files.c   files and other descriptors
 *	statediff_procs.c   processes, threads, programs, ids
 *	statediff_moves.c   the choice among the actions
 */
#ifndef MEWS_TESTS_E2E_STATEDIFF_MOVES_H
#define MEWS_TESTS_E2E_STATEDIFF_MOVES_H

#include "tests/e2e/statediff.h"
#include <sys/syscall.h>

enum { FD_MAX = 90 };

/* The actor of an action, and the data of its arguments. */
struct who {
	struct play *p;
	const struct actor *a;
	int i;
	size_t used;
};

#define CALL(w, name, ...) call((w)->p, (w)->i, #name, SYS_##name, (const long[6]){ __VA_ARGS__ })

bool chance(struct who *w, unsigned percent);
/* Copy bytes to where the actor can read them. Returns the address as an argument. */
long put(struct who *w, const void *data, size_t n);
long put_text(struct who *w, const char *text);
/* The actor's open descriptors from 3 on, in order. Returns their number. */
size_t fds_of(const struct who *w, int v[FD_MAX * 2]);
/* Open, mostly; from 3 on, because a program that gains rights does not start without 0 to 2. */
int pick_fd(struct who *w);
int pick_dirfd(struct who *w); /* of a folder of ours; -1: none */
long cloexec(struct who *w);   /* O_CLOEXEC or 0 */
pid_t pick_pid(struct who *w);
const char *root_of(const struct who *w); /* what leads to our folders */
const char *pick_dir(struct who *w);
void pick_name(struct who *w, char to[NAME]);
/* A path in one of the ways in which a call can take it. */
long pick_path(struct who *w, int *dirfd);
/* A file was renamed: both paths as the director sees them. */
void name_changed(const char *from, const char *to);

typedef void move_fn(struct who *w);
move_fn m_open, m_open_dir, m_open_handle, m_tmpfile, m_close, m_close_range, m_set_cloexec, m_dup,
    m_pipe, m_special, m_kernel;
move_fn m_chdir, m_chroot, m_rename, m_unlink;
move_fn m_socketpair, m_socket, m_tcp, m_pass, m_take;
move_fn m_ids, m_groups, m_capset, m_prctl, m_namespace;
move_fn m_fork, m_vfork, m_exec, m_thread, m_thread_exit, m_exit;

#endif
