/* SPDX-License-Identifier: Apache-2.0 */
/* scan_proc.c - turn a process and its descriptors into records. */
#include "common/clock.h"
#include "sensor/fdkind.h"
#include "sensor/scan_int.h"
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define TICK_NS (NS_PER_S / 100) /* of /proc/PID/stat, on every machine */

/* ---- threads ---- */

static void
task_numbers(struct scan *s, const struct drv_task *t)
{
	struct rec *r = &s->rec;

	rec_num(r, EVP_TASK_ppid, t->ptid);
	rec_num(r, EVP_TASK_pgid, t->pgid);
	rec_num(r, EVP_TASK_vpgid, t->vpgid);
	rec_num(r, EVP_TASK_sid, t->sid);
	rec_num(r, EVP_TASK_flags, t->exe_flags);
	rec_num(r, EVP_TASK_fdlimit, (int64_t) t->fdlimit);
	rec_num(r, EVP_TASK_euid, t->uid);
	rec_num(r, EVP_TASK_egid, t->gid);
	rec_num(r, EVP_TASK_cap_permitted, (int64_t) t->cap_permitted);
	rec_num(r, EVP_TASK_cap_effective, (int64_t) t->cap_effective);
	rec_num(r, EVP_TASK_cap_inheritable, (int64_t) t->cap_inheritable);
	rec_num(r, EVP_TASK_exe_ino_num, (int64_t) t->exe_ino);
	rec_num(r, EVP_TASK_exe_ino_ctime, (int64_t) t->exe_ctime);
	rec_num(r, EVP_TASK_exe_ino_mtime, (int64_t) t->exe_mtime);
	rec_num(r, EVP_TASK_vm_size, t->vm_size);
	rec_num(r, EVP_TASK_vm_rss, t->vm_rss);
	rec_num(r, EVP_TASK_vm_swap, t->vm_swap);
	rec_num(r, EVP_TASK_pgft_maj, (int64_t) t->pgft_maj);
	rec_num(r, EVP_TASK_pgft_min, (int64_t) t->pgft_min);
	rec_num(r, EVP_TASK_vtgid, t->vpid);
	rec_num(r, EVP_TASK_vpid, t->vtid);
	rec_num(r, EVP_TASK_pidns_init_start_ts, (int64_t) t->pidns_init_start);
	rec_num(r, EVP_TASK_start_time, (int64_t) (clock_real() - clock_boot() + t->start));
	rec_num(r, EVP_TASK_tty, t->tty);
	rec_num(r, EVP_TASK_loginuid, t->loginuid);
}

/* Texts belong to the process: threads share all but their names; env and cwd are added only
 * once. */
static int
add_task(struct scan *s, const struct drv_task *t)
{
	const struct proc_info *p = &s->proc;

	rec_begin(&s->rec, EV_TASK, s->read_at, t->pid, t->tid, t->start);
	task_numbers(s, t);
	rec_text(
	    &s->rec, EVP_TASK_comm, (struct slice){ t->comm, strnlen(t->comm, sizeof(t->comm)) });
	rec_args(&s->rec, EVP_TASK_argv, proc_text(&p->args));
	rec_text(&s->rec, EVP_TASK_exepath, proc_text(&p->exe));
	if (t->tid == t->pid) {
		rec_list(&s->rec, EVP_TASK_env, proc_text(&p->env));
		rec_text(&s->rec, EVP_TASK_cwd, proc_text(&p->cwd));
	}
	rec_list(&s->rec, EVP_TASK_cgroups, proc_text(&p->cgroups));
	rec_text(&s->rec, EVP_TASK_root, proc_text(&p->root));
	s->stats.tasks++;
	return scan_add(s);
}

/* ---- descriptors ---- */

static void
begin_file(struct scan *s, unsigned type)
{
	rec_begin(&s->rec, type, s->read_at, s->proc.pid, s->proc.pid, s->start);
}

static void
inet_record(struct scan *s, const struct proc_fd *f, const struct sock_info *k)
{
	uint32_t local, remote;

	memcpy(&local, k->local, 4);
	memcpy(&remote, k->remote, 4);
	begin_file(s, EV_TASK_FILE_SOCKET_INET);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET_fd, f->fd);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET_sk_type, k->type);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET_sk_proto, k->proto);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET_local_ip, local);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET_local_port, k->lport);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET_remote_ip, remote);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET_remote_port, k->rport);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET_ino_num, (int64_t) k->ino);
}

static void
inet6_record(struct scan *s, const struct proc_fd *f, const struct sock_info *k)
{
	begin_file(s, EV_TASK_FILE_SOCKET_INET6);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET6_fd, f->fd);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET6_sk_type, k->type);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET6_sk_proto, k->proto);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET6_local_port, k->lport);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET6_remote_port, k->rport);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_INET6_ino_num, (int64_t) k->ino);
	rec_text(&s->rec, EVP_TASK_FILE_SOCKET_INET6_local_ip,
	    (struct slice){ (const char *) k->local, 16 });
	rec_text(&s->rec, EVP_TASK_FILE_SOCKET_INET6_remote_ip,
	    (struct slice){ (const char *) k->remote, 16 });
}

static void
unix_record(struct scan *s, const struct proc_fd *f, const struct sock_info *k)
{
	begin_file(s, EV_TASK_FILE_SOCKET_UNIX);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_UNIX_fd, f->fd);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_UNIX_sk_type, k->type);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_UNIX_sk_proto, k->proto);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_UNIX_sk_pointer, (int64_t) k->kernel);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_UNIX_ino_num, (int64_t) k->ino);
	rec_text(&s->rec, EVP_TASK_FILE_SOCKET_UNIX_sun_path, sockets_path(&s->sockets, k));
}

static void
netlink_record(struct scan *s, const struct proc_fd *f, const struct sock_info *k)
{
	begin_file(s, EV_TASK_FILE_SOCKET_NETLINK);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_NETLINK_fd, f->fd);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_NETLINK_sk_type, k->type);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_NETLINK_sk_proto, k->proto);
	rec_num(&s->rec, EVP_TASK_FILE_SOCKET_NETLINK_ino_num, (int64_t) k->ino);
}

/* Count and skip a socket that no table shows (another family, closed meanwhile). */
static int
add_socket(struct scan *s, const struct proc_fd *f)
{
	const struct sock_info *k = sockets_find(&s->sockets, f->ino);

	if (k == NULL) {
		s->stats.unreadable++;
		return 0;
	}
	if (k->family == AF_INET)
		inet_record(s, f, k);
	else if (k->family == AF_INET6)
		inet6_record(s, f, k);
	else if (k->family == AF_UNIX)
		unix_record(s, f, k);
	else
		netlink_record(s, f, k);
	s->stats.files++;
	return scan_add(s);
}

/* Pipe, memfd and directory have the same parameters, in the same positions. */
static void
plain_record(struct scan *s, unsigned type, const struct proc_fd *f, struct slice path)
{
	_Static_assert(
	    EVP_TASK_FILE_PIPE_ino_num == (int) EVP_TASK_FILE_MEMFD_ino_num &&
		(int) EVP_TASK_FILE_MEMFD_ino_num == (int) EVP_TASK_FILE_DIRECTORY_ino_num,
	    "the same positions");
	begin_file(s, type);
	rec_num(&s->rec, EVP_TASK_FILE_PIPE_fd, f->fd);
	rec_num(&s->rec, EVP_TASK_FILE_PIPE_ino_num, (int64_t) f->ino);
	rec_text(&s->rec, EVP_TASK_FILE_PIPE_path, path);
}

static int
add_file(struct scan *s, const struct proc_fd *f)
{
	struct slice path = { f->link, f->n };
	enum fd_kind kind = fd_kind(path, f->mode);

	if (slice_ends(path, SLICE(" (deleted)")))
		path.n -= sizeof(" (deleted)") - 1;
	switch (kind) {
	case FDK_SOCKET:
		return add_socket(s, f);
	case FDK_PIPE:
		plain_record(s, EV_TASK_FILE_PIPE, f, path);
		break;
	case FDK_MEMFD:
		plain_record(s, EV_TASK_FILE_MEMFD, f, path);
		break;
	case FDK_DIRECTORY:
		plain_record(s, EV_TASK_FILE_DIRECTORY, f, path);
		break;
	case FDK_REGULAR:
		begin_file(s, EV_TASK_FILE_REGULAR);
		rec_num(&s->rec, EVP_TASK_FILE_REGULAR_fd, f->fd);
		rec_num(&s->rec, EVP_TASK_FILE_REGULAR_flags, fd_open_flags(f->flags));
		rec_num(&s->rec, EVP_TASK_FILE_REGULAR_mnt_id, f->mnt_id);
		rec_num(&s->rec, EVP_TASK_FILE_REGULAR_ino_num, (int64_t) f->ino);
		rec_text(&s->rec, EVP_TASK_FILE_REGULAR_path, path);
		break;
	default:
		begin_file(s, EV_TASK_FILE_ANON_INODE);
		rec_num(&s->rec, EVP_TASK_FILE_ANON_INODE_fd, f->fd);
		rec_num(&s->rec, EVP_TASK_FILE_ANON_INODE_fd_type, kind);
		rec_num(&s->rec, EVP_TASK_FILE_ANON_INODE_ino_num, (int64_t) f->ino);
		rec_text(&s->rec, EVP_TASK_FILE_ANON_INODE_path, path);
		break;
	}
	s->stats.files++;
	return scan_add(s);
}

/* ---- processes ---- */

/* Has another process reused this pid? /proc counts in ticks, and rounds down. */
static bool
is_another(const struct proc_info *p, uint64_t start)
{
	uint64_t from = p->start_ticks * TICK_NS;

	return p->start_ticks != 0 && (start < from || start - from >= 2 * TICK_NS);
}

/* Open the process's folder. False if it has ended, its pid was reused, or (counted) on error. */
static bool
open_process(struct scan *s, uint32_t pid, uint64_t start)
{
	int r = proc_open(&s->proc, s->host_root, pid);

	s->start = start;
	s->gone = r < 0 || is_another(&s->proc, start);
	s->stats.unreadable += r < 0 && r != -ENOENT && r != -ESRCH;
	return !s->gone;
}

/* Kernel threads and zombies have no program. */
static bool
has_program(const struct drv_task *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (t[i].exe_ino != 0 || t[i].vm_size != 0)
			return true;
	}
	return false;
}

int
scan_process(struct scan *s, const struct drv_task *t, size_t n)
{
	int r;

	if (!has_program(t, n))
		return 0;
	r = scan_at(s, SCAN_TASKS, t->pid);
	if (r < 0 || !open_process(s, t->pid, t->start))
		return r;
	s->read_at = clock_boot();
	r = proc_texts(&s->proc, t->pid != s->order.mute);
	s->stats.unreadable += s->proc.unreadable + (t->pid == s->order.mute);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_task(s, &t[i]);
	return r;
}

/* ---- descriptors ---- */

/* Open the next process's folder, and load the sockets of its network namespace. */
static int
next_process(struct scan *s, const struct drv_file *f)
{
	int r = scan_at(s, SCAN_FILES, f->pid);

	if (r < 0 || !open_process(s, f->pid, f->start))
		return r;
	return sockets_load(&s->sockets, s->proc.dirfd, s->proc.net_ns, &s->stats.unreadable);
}

int
scan_file(struct scan *s, const struct drv_file *f)
{
	struct proc_fd fd = { .fd = (int) f->fd,
		.flags = f->flags,
		.mnt_id = f->mnt_id,
		.ino = f->ino,
		.mode = f->mode };
	int r = 0;

	if (f->pid != s->proc.pid)
		r = next_process(s, f);
	if (r < 0 || s->gone)
		return r;
	s->read_at = f->ts;
	if (f->magic == SOCKFS_MAGIC || f->magic == PIPEFS_MAGIC)
		r = snprintf(fd.link, sizeof(fd.link), "%s:[%llu]",
		    f->magic == SOCKFS_MAGIC ? "socket" : "pipe", (unsigned long long) f->ino);
	else
		r = proc_fd_link(&s->proc, &fd);
	if (r < 0) { /* usually closed meanwhile */
		s->stats.unreadable += r != -ENOENT && r != -ESRCH;
		return 0;
	}
	fd.n = (size_t) r;
	return add_file(s, &fd);
}
