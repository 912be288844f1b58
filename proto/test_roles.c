/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of every event in events.def, and the roles of its parameters. */
#include "common/buf.h"
#include "proto/schema.h"
#include "tests/support/test.h"

/* Our own flags, then roles in the order of enum ev_role. */
static const struct {
	uint16_t event;
	const char *is;
} cases[] = {
	{ EV_SYSCALL, "" },
	{ EV_OPEN_E, "entry PATH=name OPEN_FLAGS=flags MODE=mode" },
	{ EV_OPEN,
	    "fs_path RESULT=fd FD=fd PATH=name OPEN_FLAGS=flags MODE=mode DEV=dev INO=ino "
	    "REAL=realname" },
	{ EV_CLOSE, "RESULT=res FD=fd" },
	{ EV_READ, "RESULT=res FD=fd DATA=data" },
	{ EV_WRITE, "RESULT=res FD=fd DATA=data" },
	{ EV_SOCKET, "RESULT=fd FD=fd OPEN_FLAGS=flags" },
	{ EV_BIND, "RESULT=res FD=fd" },
	{ EV_CONNECT_E, "entry FD=fd" },
	{ EV_CONNECT, "RESULT=res FD=fd TUPLE=tuple" },
	{ EV_LISTEN, "RESULT=res FD=fd" },
	{ EV_SEND, "RESULT=res FD=fd DATA=data TUPLE=tuple" },
	{ EV_SENDTO, "RESULT=res FD=fd DATA=data TUPLE=tuple" },
	{ EV_RECV, "RESULT=res FD=fd DATA=data TUPLE=tuple" },
	{ EV_RECVFROM, "RESULT=res FD=fd DATA=data TUPLE=tuple" },
	{ EV_SHUTDOWN, "RESULT=res FD=fd" },
	{ EV_GETSOCKNAME, "" },
	{ EV_GETPEERNAME, "" },
	{ EV_SOCKETPAIR, "RESULT=res FD=res" },
	{ EV_SETSOCKOPT, "RESULT=res FD=fd" },
	{ EV_GETSOCKOPT, "RESULT=res FD=fd" },
	{ EV_SENDMSG, "RESULT=res FD=fd DATA=data TUPLE=tuple" },
	{ EV_SENDMMSG, "RESULT=res FD=fd DATA=data TUPLE=tuple" },
	{ EV_RECVMSG, "RESULT=res FD=fd DATA=data TUPLE=tuple" },
	{ EV_RECVMMSG, "RESULT=res FD=fd DATA=data TUPLE=tuple" },
	{ EV_CREAT_E, "entry PATH=name MODE=mode" },
	{ EV_CREAT, "RESULT=fd FD=fd PATH=name MODE=mode DEV=dev INO=ino REAL=realname" },
	{ EV_PIPE, "RESULT=res FD=res INO=ino" },
	{ EV_EVENTFD, "RESULT=res FD=res" },
	{ EV_FUTEX, "RESULT=res" },
	{ EV_STAT, "RESULT=res PATH=path" },
	{ EV_LSTAT, "RESULT=res PATH=path" },
	{ EV_FSTAT, "RESULT=res FD=fd" },
	{ EV_STAT64, "RESULT=res PATH=path" },
	{ EV_LSTAT64, "RESULT=res PATH=path" },
	{ EV_FSTAT64, "RESULT=res" },
	{ EV_EPOLL_WAIT, "RESULT=res" },
	{ EV_POLL, "RESULT=res FDS=fds" },
	{ EV_SELECT, "RESULT=res" },
	{ EV_LSEEK, "RESULT=res FD=fd" },
	{ EV_LLSEEK, "RESULT=res FD=fd" },
	{ EV_GETCWD, "RESULT=res PATH=path" },
	{ EV_CHDIR, "RESULT=res PATH=path" },
	{ EV_FCHDIR, "RESULT=res FD=fd" },
	{ EV_PREAD, "RESULT=res FD=fd DATA=data" },
	{ EV_PWRITE, "RESULT=res FD=fd DATA=data" },
	{ EV_READV, "RESULT=res FD=fd DATA=data" },
	{ EV_WRITEV, "RESULT=res FD=fd DATA=data" },
	{ EV_PREADV, "RESULT=res FD=fd DATA=data" },
	{ EV_PWRITEV, "RESULT=res FD=fd DATA=data" },
	{ EV_SIGNALFD, "RESULT=res FD=res" },
	{ EV_KILL, "RESULT=res" },
	{ EV_TKILL, "RESULT=res" },
	{ EV_TGKILL, "RESULT=res" },
	{ EV_NANOSLEEP, "RESULT=res" },
	{ EV_TIMERFD_CREATE, "RESULT=res FD=res" },
	{ EV_INOTIFY_INIT, "RESULT=res FD=res" },
	{ EV_GETRLIMIT, "RESULT=res" },
	{ EV_SETRLIMIT, "RESULT=res" },
	{ EV_PRLIMIT, "RESULT=res" },
	{ EV_DROP_E, "async" },
	{ EV_DROP, "async" },
	{ EV_FCNTL, "RESULT=res FD=fd" },
	{ EV_SWITCH, "" },
	{ EV_BRK, "RESULT=res" },
	{ EV_MMAP, "RESULT=res FD=fd" },
	{ EV_MMAP2, "RESULT=res FD=fd" },
	{ EV_MUNMAP, "RESULT=res" },
	{ EV_SPLICE, "RESULT=res FD=fd_in" },
	{ EV_PTRACE, "RESULT=res" },
	{ EV_IOCTL, "RESULT=res FD=fd" },
	{ EV_RENAME, "fs_path RESULT=res SOURCE=oldpath TARGET=newpath" },
	{ EV_RENAMEAT, "fs_path RESULT=res SOURCE=oldpath TARGET=newpath" },
	{ EV_SYMLINK, "fs_path RESULT=res SOURCE=linkpath TARGET=target" },
	{ EV_SYMLINKAT, "fs_path RESULT=res FD=linkdirfd SOURCE=linkpath TARGET=target" },
	{ EV_PROCEXIT, "" },
	{ EV_SENDFILE, "RESULT=res FD=out_fd" },
	{ EV_QUOTACTL, "fs_path RESULT=res PATH=special" },
	{ EV_SETRESUID, "RESULT=res" },
	{ EV_SETRESGID, "RESULT=res" },
	{ EV_SCAPEVENT, "async" },
	{ EV_SETUID, "RESULT=res" },
	{ EV_SETGID, "RESULT=res" },
	{ EV_GETUID, "" },
	{ EV_GETEUID, "" },
	{ EV_GETGID, "" },
	{ EV_GETEGID, "" },
	{ EV_GETRESUID, "RESULT=res" },
	{ EV_GETRESGID, "RESULT=res" },
	{ EV_CLONE, "RESULT=res" },
	{ EV_FORK, "RESULT=res" },
	{ EV_VFORK, "RESULT=res" },
	{ EV_SIGNALDELIVER, "" },
	{ EV_PROCINFO, "async" },
	{ EV_GETDENTS, "RESULT=res FD=fd" },
	{ EV_GETDENTS64, "RESULT=res FD=fd" },
	{ EV_SETNS, "RESULT=res FD=fd" },
	{ EV_FLOCK, "RESULT=res FD=fd" },
	{ EV_CPU_HOTPLUG, "async" },
	{ EV_ACCEPT, "RESULT=fd FD=fd TUPLE=tuple" },
	{ EV_SEMOP, "RESULT=res" },
	{ EV_SEMCTL, "RESULT=res" },
	{ EV_PPOLL, "RESULT=res FDS=fds" },
	{ EV_MOUNT, "fs_path RESULT=res SOURCE=dev TARGET=dir" },
	{ EV_SEMGET, "RESULT=res" },
	{ EV_ACCESS, "RESULT=res PATH=name" },
	{ EV_CHROOT, "RESULT=res PATH=path" },
	{ EV_SETSID, "RESULT=res" },
	{ EV_MKDIR, "fs_path RESULT=res PATH=path" },
	{ EV_RMDIR, "fs_path RESULT=res PATH=path" },
	{ EV_NOTIFICATION, "async" },
	{ EV_UNSHARE, "RESULT=res" },
	{ EV_INFRA, "async" },
	{ EV_PAGE_FAULT, "" },
	{ EV_EXECVE_E, "entry PATH=filename" },
	{ EV_EXECVE, "RESULT=res PATH=filename REAL=trusted_exepath" },
	{ EV_SETPGID, "RESULT=res" },
	{ EV_SECCOMP, "RESULT=res" },
	{ EV_UNLINK, "fs_path RESULT=res PATH=path" },
	{ EV_UNLINKAT, "fs_path RESULT=res FD=dirfd PATH=name" },
	{ EV_MKDIRAT, "fs_path RESULT=res FD=dirfd PATH=path" },
	{ EV_OPENAT_E, "entry FD=dirfd PATH=name OPEN_FLAGS=flags MODE=mode" },
	{ EV_OPENAT,
	    "fs_path RESULT=fd FD=fd PATH=name OPEN_FLAGS=flags MODE=mode DEV=dev INO=ino "
	    "REAL=realname" },
	{ EV_LINK, "fs_path RESULT=res SOURCE=newpath TARGET=oldpath" },
	{ EV_LINKAT, "fs_path RESULT=res SOURCE=newpath TARGET=oldpath" },
	{ EV_FCHMODAT, "fs_path RESULT=res FD=dirfd PATH=filename MODE=mode" },
	{ EV_CHMOD, "fs_path RESULT=res PATH=filename MODE=mode" },
	{ EV_FCHMOD, "fs_path RESULT=res FD=fd MODE=mode" },
	{ EV_RENAMEAT2, "fs_path RESULT=res SOURCE=oldpath TARGET=newpath" },
	{ EV_USERFAULTFD, "RESULT=res FD=res OPEN_FLAGS=flags" },
	{ EV_PLUGINEVENT, "" },
	{ EV_CONTAINER, "async" },
	{ EV_OPENAT2_E, "entry FD=dirfd PATH=name OPEN_FLAGS=flags MODE=mode" },
	{ EV_OPENAT2,
	    "fs_path RESULT=fd FD=fd PATH=name OPEN_FLAGS=flags MODE=mode DEV=dev INO=ino "
	    "REAL=realname" },
	{ EV_MPROTECT, "RESULT=res" },
	{ EV_EXECVEAT_E, "entry PATH=pathname" },
	{ EV_EXECVEAT, "RESULT=res REAL=trusted_exepath" },
	{ EV_COPY_FILE_RANGE, "RESULT=res FD=fdout" },
	{ EV_CLONE3, "RESULT=res" },
	{ EV_OPEN_BY_HANDLE_AT, "RESULT=fd FD=fd PATH=path OPEN_FLAGS=flags DEV=dev INO=ino" },
	{ EV_IO_URING_SETUP, "RESULT=res FD=res" },
	{ EV_IO_URING_ENTER, "RESULT=res FD=fd" },
	{ EV_IO_URING_REGISTER, "RESULT=res FD=fd" },
	{ EV_MLOCK, "RESULT=res" },
	{ EV_MUNLOCK, "RESULT=res" },
	{ EV_MLOCKALL, "RESULT=res" },
	{ EV_MUNLOCKALL, "RESULT=res" },
	{ EV_CAPSET, "RESULT=res" },
	{ EV_USERADDED, "async" },
	{ EV_USERDELETED, "async" },
	{ EV_GROUPADDED, "async" },
	{ EV_GROUPDELETED, "async" },
	{ EV_DUP2, "RESULT=res FD=res" },
	{ EV_DUP3, "RESULT=res FD=res OPEN_FLAGS=flags" },
	{ EV_DUP, "RESULT=res FD=res" },
	{ EV_BPF, "RESULT=fd FD=fd" },
	{ EV_MLOCK2, "RESULT=res" },
	{ EV_FSCONFIG, "RESULT=res FD=fd" },
	{ EV_EPOLL_CREATE, "RESULT=res FD=res" },
	{ EV_EPOLL_CREATE1, "RESULT=res FD=res" },
	{ EV_CHOWN, "fs_path RESULT=res PATH=path" },
	{ EV_LCHOWN, "fs_path RESULT=res PATH=path" },
	{ EV_FCHOWN, "fs_path RESULT=res FD=fd" },
	{ EV_FCHOWNAT, "fs_path RESULT=res FD=dirfd PATH=pathname" },
	{ EV_UMOUNT, "fs_path RESULT=res PATH=name" },
	{ EV_ACCEPT4, "RESULT=fd FD=fd OPEN_FLAGS=flags TUPLE=tuple" },
	{ EV_UMOUNT2, "fs_path RESULT=res PATH=name" },
	{ EV_PIPE2, "RESULT=res FD=res OPEN_FLAGS=flags INO=ino" },
	{ EV_INOTIFY_INIT1, "RESULT=res FD=res OPEN_FLAGS=flags" },
	{ EV_EVENTFD2, "RESULT=res FD=res OPEN_FLAGS=flags" },
	{ EV_SIGNALFD4, "RESULT=res FD=res OPEN_FLAGS=flags" },
	{ EV_PRCTL, "RESULT=res" },
	{ EV_ASYNCEVENT, "async" },
	{ EV_MEMFD_CREATE, "RESULT=fd FD=fd" },
	{ EV_PIDFD_GETFD, "RESULT=fd FD=fd" },
	{ EV_PIDFD_OPEN, "RESULT=fd FD=fd" },
	{ EV_INIT_MODULE, "RESULT=res" },
	{ EV_FINIT_MODULE, "RESULT=res FD=fd" },
	{ EV_MKNOD, "RESULT=res PATH=path MODE=mode" },
	{ EV_MKNODAT, "RESULT=res FD=dirfd PATH=path MODE=mode" },
	{ EV_NEWFSTATAT, "RESULT=res FD=dirfd PATH=path" },
	{ EV_PROCESS_VM_READV, "RESULT=res" },
	{ EV_PROCESS_VM_WRITEV, "RESULT=res" },
	{ EV_DELETE_MODULE, "RESULT=res" },
	{ EV_SETREUID, "RESULT=res" },
	{ EV_SETREGID, "RESULT=res" },
	{ EV_TASK, "PATH=exepath" },
	{ EV_TASK_FILE_PIPE, "PATH=path INO=ino_num" },
	{ EV_TASK_FILE_MEMFD, "PATH=path INO=ino_num" },
	{ EV_TASK_FILE_REGULAR, "PATH=path INO=ino_num" },
	{ EV_TASK_FILE_DIRECTORY, "PATH=path INO=ino_num" },
	{ EV_TASK_FILE_SOCKET_INET, "INO=ino_num" },
	{ EV_TASK_FILE_SOCKET_INET6, "INO=ino_num" },
	{ EV_TASK_FILE_SOCKET_UNIX, "PATH=sun_path INO=ino_num" },
	{ EV_TASK_FILE_SOCKET_NETLINK, "INO=ino_num" },
	{ EV_TASK_FILE_ANON_INODE, "PATH=path INO=ino_num" },
	{ EV_CLOSE_RANGE, "RESULT=res" },
	{ EV_KEYCTL, "RESULT=res" },
	{ EV_TASK_FILE_PASSED,
	    "PATH=path OPEN_FLAGS=flags MODE=mode DEV=dev INO=ino_num TUPLE=tuple" },
	{ EV_SETFSUID, "RESULT=res" },
	{ EV_CONTAINER_INFO, "async" },
};

static void
word(struct buf *b, const char *text)
{
	if (b->n > 0)
		buf_char(b, ' ');
	buf_str(b, text);
}

static void
what_it_is(const struct ev_schema *s, struct buf *b)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} flags[] = {
		{ EF_ENTRY, "entry" },
		{ EF_ASYNC, "async" },
		{ EF_FS_PATH, "fs_path" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (s->flags & flags[i].flag)
			word(b, flags[i].word);
	}
	for (unsigned r = 0; r < EV_ROLES; r++) {
		if (!schema_has_role(s, r))
			continue;
		assert_true(s->role[r] < s->nparams);
		word(b, schema_role_names[r]);
		buf_char(b, '=');
		buf_str(b, s->params[s->role[r]].name);
	}
	buf_char(b, '\0');
	assert_int_equal(0, buf_ok(b));
}

static void
roles(void **state)
{
	struct buf b = BUF_INIT;

	(void) state;
	assert_int_equal(schema_nevents, ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct ev_schema *s = schema_get(cases[i].event);

		assert_ptr_equal(&schema_events[i], s);
		b.n = 0;
		what_it_is(s, &b);
		if (strcmp(cases[i].is, b.p) != 0)
			fail_msg("%s (%u) is '%s', not '%s'", s->name, s->num, b.p, cases[i].is);
	}
	buf_fini(&b);
}

/* An entry event is followed by the exit of the same call. */
static void
entries(void **state)
{
	(void) state;
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];

		if (!(s->flags & EF_ENTRY))
			continue;
		assert_int_equal(0, s->num % 2);
		assert_non_null(schema_get(s->num + 1u));
		assert_string_equal(s->name, schema_get(s->num + 1u)->name);
	}
}

static const struct {
	uint16_t event;
	const char *path, *dirfd; /* NULL: the working directory */
} below[] = {
	{ EV_OPENAT, "name", "dirfd" },
	{ EV_OPEN, "name", NULL },
	{ EV_SYMLINKAT, "linkpath", "linkdirfd" },
	{ EV_SYMLINKAT, "target", NULL },
	{ EV_RENAMEAT2, "newpath", "newdirfd" },
	{ EV_LINKAT, "oldpath", "olddir" },
	{ EV_EXECVEAT_E, "pathname", "dirfd" },
	{ EV_SYSCALL, "ID", NULL },
};

static void
dirfds(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		const struct ev_schema *s = schema_get(below[i].event);
		int path = schema_param(s, slice_str(below[i].path));
		unsigned k;

		assert_true(path >= 0);
		k = schema_dirfd(s, (unsigned) path);
		if (below[i].dirfd == NULL)
			assert_int_equal(EV_ABSENT, k);
		else
			assert_string_equal(below[i].dirfd, s->params[k].name);
	}
	assert_int_equal(EV_ABSENT, schema_dirfd(schema_get(EV_OPENAT), EV_ABSENT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles),
		cmocka_unit_test(entries),
		cmocka_unit_test(dirfds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
