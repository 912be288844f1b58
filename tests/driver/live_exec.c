/* SPDX-License-Identifier: Apache-2.0 */
/* live_exec.c - execve and execveat, compared with /proc of the program that runs. */
#include "tests/driver/live_exec.h"
#include "tests/driver/live_procfs.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void
reap(int64_t pid)
{
	while (waitpid((pid_t) pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

void
take_terminal(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY), slave;

	if (setsid() < 0 || fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0)
		_exit(1);
	slave = open(ptsname(fd), O_RDWR | O_NOCTTY);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) != 0)
		_exit(1);
}

/* Set one inheritable capability and another effective user, so that all sets and ids differ. */
static void
take_credentials(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) != 0)
		_exit(1);
	d[0].inheritable = 1 << CAP_CHOWN;
	if (syscall(SYS_capset, &h, d) != 0 || setgroups(0, NULL) != 0 ||
	    setresgid(56, 57, 58) != 0 || setresuid(0, 1234, 0) != 0)
		_exit(1);
}

/*
 * A is the first process of a new pid namespace and leads a group; B is in that group and runs cat,
 * which waits for its input until /proc has been read. Both are in the trigger's session.
 */
void
d_exec(struct facts *f)
{
	char **argv = STRINGS("cat0", "-u", "-", NULL), **env = STRINGS("A=1", "B=two", NULL);
	struct rlimit lim = { 333, 444 };
	pid_t pid;

	take_terminal();
	(void) setrlimit(RLIMIT_NOFILE, &lim);
	if (unshare(CLONE_NEWPID) != 0)
		_exit(1);
	pid = fork();
	if (pid == 0) {
		(void) setpgid(0, 0);
		for (;;)
			(void) pause();
	}
	f->n[0] = pid;
	(void) setpgid(pid, 0);
	pid = fork();
	if (pid == 0) {
		int fd;

		if (setpgid(0, 1) != 0)
			_exit(1);
		do
			fd = open("fifo", O_RDONLY);
		while (fd < 0);
		(void) dup2(fd, 0);
		(void) fcntl(fd, F_SETFD, FD_CLOEXEC);
		take_credentials();
		(void) execve("/bin/../bin/cat", argv, env);
		_exit(1);
	}
	f->n[1] = pid;
	reap(pid);
	(void) kill((pid_t) f->n[0], SIGKILL);
	reap(f->n[0]);
}

/* Read the open descriptors as bits, as many as the process has room for; returns the size. */
static size_t
read_open_fds(pid_t pid, char *to)
{
	size_t room = (size_t) proc_status(pid, "FDSize", 0, 10);
	char path[64];

	memset(to, 0, room / 8);
	for (size_t fd = 0; fd < room; fd++) {
		(void) snprintf(path, sizeof(path), "/proc/%d/fd/%zu", pid, fd);
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			to[fd / 8] |= (char) (1 << fd % 8);
	}
	return room / 8;
}

/* Once cat runs, read n[] and s[] from its /proc. */
void
m_exec(struct live *l)
{
	struct facts *f = l->f;
	char path[512], call[256];
	struct stat st;
	ssize_t n;
	pid_t pid;
	int fd;

	(void) snprintf(path, sizeof(path), "%s/fifo", f->dir);
	if (mkfifo(path, 0666) != 0)
		abort();
	fd = open(path, O_RDWR); /* does not block */
	while ((pid = (pid_t) * (volatile int64_t *) &f->n[1]) == 0 && !live_gone(l))
		(void) sched_yield();
	do /* until it reads its input */
		(void) read_proc(pid, "syscall", call, sizeof(call));
	while (strncmp(call, "0 0x0 ", 6) != 0 && !live_gone(l));
	if (live_gone(l))
		return;
	f->n[10] = proc_stat(pid, 10);
	f->n[11] = proc_stat(pid, 12);
	f->n[12] = proc_status(pid, "VmPeak", 0, 10);
	f->n[13] = proc_status(pid, "VmHWM", 0, 10);
	f->n[14] = proc_stat(pid, 7);
	f->n[15] = proc_status(pid, "NSpgid", 1, 10);
	f->n[16] = proc_status(pid, "CapInh", 0, 16);
	f->n[17] = proc_status(pid, "CapPrm", 0, 16);
	f->n[18] = proc_status(pid, "CapEff", 0, 16);
	f->n[19] = proc_status(pid, "Uid", 1, 10);
	f->n[20] = proc_status(pid, "Gid", 1, 10);
	f->n[21] = proc_stat(pid, 5);
	f->n[22] = proc_stat(pid, 6);
	f->n[23] = proc_status(pid, "NStgid", 1, 10);
	f->n[24] = proc_stat((pid_t) f->n[0], 22);
	f->n[25] = proc_stat(pid, 22);
	f->n[26] = (int64_t) read_cgroups(pid, f->s[0], sizeof(f->s[0]));
	f->n[27] = (int64_t) read_open_fds(pid, f->s[3]);
	(void) read_proc(pid, "loginuid", f->s[1], sizeof(f->s[1]));
	(void) snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, f->s[2], sizeof(f->s[2]) - 1);
	f->s[2][n < 0 ? 0 : n] = '\0';
	if (stat(path, &st) != 0)
		abort();
	f->n[30] = (int64_t) st.st_ino;
	f->n[31] = st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	f->n[32] = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	f->n[33] = (int64_t) (major(st.st_dev) << 8 | (minor(st.st_dev) & 0xff));
	close(fd);
}

static void
check_ids(struct live *l, const struct ev_hdr *r)
{
	const struct facts *f = l->f;
	uint32_t pids[2] = { (uint32_t) f->n[1], (uint32_t) f->n[23] };
	int64_t tick = 1000000000 / sysconf(_SC_CLK_TCK);

	live_num(l, r, "tid", f->n[1]);
	live_num(l, r, "pid", f->n[1]);
	live_num(l, r, "ptid", l->child);
	live_num(l, r, "tty", f->n[14]);
	live_that(l, f->n[14] != 0, "it has a terminal");
	live_num(l, r, "vpgid", f->n[15]);
	live_num(l, r, "pgid", f->n[21]);
	live_that(l, f->n[21] == f->n[0] && f->n[15] == 1, "its group is led by another");
	live_num(l, r, "vtid", f->n[23]);
	live_num(l, r, "vpid", f->n[23]);
	live_num(l, r, "sid", f->n[22]);
	live_range(l, r, "cgroup_id", 1, INT64_MAX);
	live_bytes(l, r, "ns_pids", pids, sizeof(pids));
	live_range(l, r, "pidns_init_start_ts", f->n[24] * tick, (f->n[24] + 1) * tick);
	live_range(l, r, "start_time", f->n[25] * tick, (f->n[25] + 1) * tick);
	live_that(l,
	    r != NULL &&
		(int64_t) r->start == record_num(r, schema_get(EV_EXECVE), EVP_EXECVE_start_time),
	    "the header has the start too");
}

void
c_exec(struct live *l)
{
	const struct facts *f = l->f;
	const struct ev_hdr *r = live_rec_of(l, EV_EXECVE, f->n[1]);

	live_num(l, r, "res", 0);
	live_text(l, r, "exe", "cat0");
	live_bytes(l, r, "args", "-u\0-", 5);
	live_text(l, r, "cwd", f->dir);
	live_num(l, r, "fdlimit", 333);
	live_range(l, r, "pgft_maj", 0, f->n[11]);
	live_range(l, r, "pgft_min", 1, f->n[10]);
	live_range(l, r, "vm_size", 100, f->n[12]);
	live_range(l, r, "vm_rss", 0, f->n[13]);
	live_num(l, r, "vm_swap", 0);
	live_text(l, r, "comm", "cat");
	live_bytes(l, r, "cgroups", f->s[0], (size_t) f->n[26]);
	live_bytes(l, r, "env", "A=1\0B=two", 10);
	live_num(l, r, "loginuid", strtoll(f->s[1], NULL, 10));
	live_num(l, r, "flags", 0);
	live_num(l, r, "cap_inheritable", f->n[16]);
	live_num(l, r, "cap_permitted", f->n[17]);
	live_num(l, r, "cap_effective", f->n[18]);
	live_that(l, f->n[16] == 1 && f->n[17] != 1 && f->n[18] == 0, "the sets differ");
	live_num(l, r, "exe_ino", f->n[30]);
	live_num(l, r, "exe_ino_ctime", f->n[31]);
	live_num(l, r, "exe_ino_mtime", f->n[32]);
	live_num(l, r, "uid", f->n[19]);
	live_num(l, r, "uid", 1234);
	live_text(l, r, "trusted_exepath", f->s[2]);
	live_num(l, r, "gid", f->n[20]);
	live_text(l, r, "filename", "/bin/../bin/cat");
	live_num(l, r, "exe_dev", f->n[33]);
	live_bytes(l, r, "open_fds", f->s[3], (size_t) f->n[27]);
	check_ids(l, r);
}

static void
copy_file(const char *from, int to)
{
	char buf[8192];
	int fd = open(from, O_RDONLY);
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (write(to, buf, (size_t) n) != n)
			_exit(1);
	}
	close(fd);
}

void
d_memfd(struct facts *f)
{
	char **argv = STRINGS("ghost", NULL), **env = STRINGS(NULL);
	int fd = memfd_create("payload", MFD_CLOEXEC);

	(void) f;
	copy_file("/bin/true", fd);
	(void) syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
	_exit(1);
}

void
c_memfd(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_EXECVE, 0);

	live_num(l, r, "res", 0);
	live_text(l, r, "exe", "ghost");
	live_bytes(l, r, "args", "", 0);
	live_bytes(l, r, "env", "", 0);
	live_num(l, r, "flags", 0x1 | 0x4); /* its owner could write it */
	live_text(l, r, "trusted_exepath", "memfd:payload");
	live_that(l, WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0, "it ran");
}

static int64_t
run(const char *path, const char *dir)
{
	char **argv = STRINGS("x", NULL), **env = STRINGS(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		if (dir != NULL && chroot(dir) != 0)
			_exit(1);
		(void) execve(path, argv, env);
		_exit(1);
	}
	reap(pid);
	return pid;
}

void
d_exec_overlay(struct facts *f)
{
	int fd;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("t", f->dir, "tmpfs", 0, NULL) != 0 || chdir(f->dir) != 0)
		_exit(1);
	(void) mkdir("low", 0755);
	(void) mkdir("up", 0755);
	(void) mkdir("work", 0755);
	(void) mkdir("all", 0755);
	fd = open("low/old", O_CREAT | O_WRONLY, 0755);
	copy_file(MEWS_COMPAT32, fd); /* needs no loader */
	close(fd);
	f->n[2] = mount("o", "all", "overlay", 0, "lowerdir=low,upperdir=up,workdir=work");
	fd = open("all/new", O_CREAT | O_WRONLY, 0755);
	copy_file(MEWS_COMPAT32, fd);
	close(fd);
	f->n[0] = run("all/old", NULL);
	f->n[1] = run("all/new", NULL);
	f->n[3] = run("/new", "all");
}

void
c_exec_overlay(struct live *l)
{
	char path[300];
	const struct ev_hdr *r = live_rec_of(l, EV_EXECVE, l->f->n[0]);

	live_that(l, l->f->n[2] == 0, "overlayfs works here");
	live_num(l, r, "flags", 0x1 | 0x8);
	(void) snprintf(path, sizeof(path), "%s/all/old", l->f->dir);
	live_text(l, r, "trusted_exepath", path);
	r = live_rec_of(l, EV_EXECVE, l->f->n[1]);
	live_num(l, r, "flags", 0x1 | 0x2);
	live_text(l, r, "filename", "all/new");
	r = live_rec_of(l, EV_EXECVE, l->f->n[3]);
	(void) snprintf(path, sizeof(path), "%s/all/new", l->f->dir);
	live_text(l, r, "trusted_exepath", path); /* not the path that the program itself sees */
}

void
d_exec_fail(struct facts *f)
{
	char **argv = STRINGS("zero", "one", "", "three 3", NULL),
	     **env = STRINGS("X=y", "Z=", NULL);

	(void) setpgid(0, 0);
	f->n[0] = open(f->dir, O_RDONLY | O_DIRECTORY);
	(void) syscall(SYS_execve, "/no/such/program", argv, env);
	(void) syscall(SYS_execveat, f->n[0], "nor/this", argv, env, 0);
	(void) syscall(SYS_execve, f->dir, NULL, NULL);
	(void) syscall(SYS_execve, (char *) 8, argv, env);
}

static void
check_attempt(struct live *l, const struct ev_hdr *r)
{
	char exe[512] = "";
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n < 0 ? 0 : n] = '\0';
	live_num(l, r, "res", -ENOENT);
	live_text(l, r, "exe", "zero");
	live_bytes(l, r, "args", "one\0\0three 3", 13);
	live_num(l, r, "tid", l->child);
	live_num(l, r, "pid", l->child);
	live_num(l, r, "ptid", getpid());
	live_text(l, r, "cwd", l->f->dir);
	live_bytes(l, r, "env", "X=y\0Z=", 7);
	live_num(l, r, "vpgid", l->child);
	live_num(l, r, "pgid", l->child);
	live_text(l, r, "trusted_exepath", exe);
	live_num(l, r, "uid", 0);
	live_num(l, r, "gid", 0);
}

void
c_exec_fail(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_EXECVE, 0);
	const uint32_t pids[] = { (uint32_t) l->child };

	check_attempt(l, r);
	live_text(l, r, "filename", "/no/such/program");
	live_bytes(l, r, "ns_pids", pids, sizeof(pids));
	r = live_rec(l, EV_EXECVEAT, 0);
	check_attempt(l, r);
	live_num(l, r, "vtid", l->child); /* there is no filename */
	live_bytes(l, r, "ns_pids", pids, sizeof(pids));
	r = live_rec(l, EV_EXECVE, 1);
	live_num(l, r, "res", -EACCES);
	live_absent(l, r, "exe");
	live_text(l, r, "filename", l->f->dir);
	r = live_rec(l, EV_EXECVE, 2);
	live_num(l, r, "res", -EFAULT);
	live_absent(l, r, "filename");
	live_text(l, r, "exe", "zero");
}
