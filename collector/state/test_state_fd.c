/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdio.h>

#define SHELL PROGRAM("10", "sh", ";cwd=/root")

#define SIX(x)  x x x x x x
#define NULS127 SIX("|||||||") SIX("|||||||") SIX("|||||||") "|"

static const struct row path_rows[] = {
	SHELL,
	{ EV_OPEN, "10", "fd=3;name=/tmp/random/dir...///../../name/;flags=3;dev=5;ino=77",
	    "fd.name=/tmp/name;fd.raw=/tmp/random/dir.../../../name/;fd.type=f;fd.num=3;"
	    "fd.flags=3;fd.dev=5;fd.ino=77;fd.has=1;fd.changed=1;path=-;raw=-" },
	{ EV_OPEN, "10", "fd=3;name=a/./b/../c", "fd.name=/root/a/c;fd.raw=a/./b/../c" },
	{ EV_OPEN, "10", "fd=3;name=../../../x", "fd.name=/x" },
	{ EV_OPEN, "10", "fd=3;name=/..", "fd.name=/" },
	{ EV_OPEN, "10", "fd=3;name=//", "fd.name=/;fd.raw=/" },
	{ EV_OPEN, "10", "fd=3;name=.", "fd.name=/root" },
	{ EV_OPEN, "10", "fd=3;name=..a/.b", "fd.name=/root/..a/.b" },
	/* A folder, and files opened relative to it. */
	{ EV_OPENAT, "10", "fd=4;dirfd=-100;name=d;flags=0x2401", "fd.name=/root/d;fd.type=d" },
	/* O_TMPFILE makes a file in a folder. */
	{ EV_OPENAT, "10", "fd=5;dirfd=-100;name=d;flags=0x2403", "fd.name=/root/d;fd.type=f" },
	{ EV_OPENAT, "10", "fd=5;dirfd=4;name=e/f", "fd.name=/root/d/e/f;fd.raw=e/f;fd.type=f" },
	{ EV_OPENAT, "10", "fd=5;dirfd=4;name=/e/f", "fd.name=/e/f" },
	{ EV_OPENAT, "10", "fd=5;dirfd=99;name=sub/f", "fd.name=<UNKNOWN>sub/f" },
	{ EV_OPENAT, "10", "fd=5;dirfd=99;name=sub/../../f", "fd.name=<UNKNOWN>f" },
	/* A file that was removed or renamed keeps the name by which it was opened. */
	{ EV_OPENAT, "10", "fd=5;dirfd=-100;name=gone", "fd.name=/root/gone" },
	{ EV_UNLINK, "10", "path=gone", "" },
	{ EV_WRITE, "10", "res=1;data=x;fd=5;size=1", "fd.name=/root/gone;fd.type=f" },
	{ EV_OPENAT, "10", "fd=5;dirfd=-100;name=old", "" },
	{ EV_RENAME, "10", "oldpath=old;newpath=new", "" },
	{ EV_WRITE, "10", "res=1;data=x;fd=5;size=1", "fd.name=/root/old;fd.type=f" },
	{ EV_OPENAT2, "10", "fd=6;dirfd=4;name=g;flags=0x8000;dev=1;ino=2",
	    "fd.name=/root/d/g;fd.upper=1;fd.dev=1;fd.ino=2" },
	{ EV_CREAT, "10", "fd=7;name=new;creat_flags=1;dev=3;ino=4",
	    "fd.name=/root/new;fd.upper=1;fd.dev=3;fd.ino=4" },
	{ EV_OPEN_BY_HANDLE_AT, "10", "fd=8;path=/h/i;flags=1", "fd.name=/h/i" },
	{ EV_OPEN_BY_HANDLE_AT, "10", "fd=8;path=<NA>;flags=1", "fd.name=<NA>" },
	/* Failures: no entry, but a path. */
	{ EV_OPEN, "10", "fd=-2;name=no//pe", "fd.num=-1;fd.name=-;path=/root/no/pe;raw=no/pe" },
	{ EV_OPENAT, "10", "fd=-13;dirfd=4;name=x", "fd.num=-1;path=/root/d/x;raw=x" },
	{ EV_OPENAT, "10", "fd=-9;dirfd=77;name=x", "fd.num=-1;path=<UNKNOWN>x" },
	{ EV_CREAT, "10", "fd=-1;name=/c", "fd.num=-1;path=/c" },
	/* The cwd moves. */
	{ EV_CHDIR, "10", "path=d", "cwd=/root/d/" },
	{ EV_CHDIR, "10", "res=-2;path=/z", "cwd=/root/d/" },
	{ EV_OPEN, "10", "fd=3;name=q", "fd.name=/root/d/q" },
	{ EV_FCHDIR, "10", "fd=4", "cwd=/root/d/;fd.num=4;fd.name=/root/d" },
	/* The kernel knows where a link leads, and what a missed open has opened. */
	{ EV_CHDIR, "10", "path=link;cwd=/srv/x", "cwd=/srv/x/" },
	{ EV_CHDIR, "10", "res=-2;path=link", "cwd=/srv/x/" },
	{ EV_FCHDIR, "10", "fd=77;cwd=/srv/y", "cwd=/srv/y/" },
	{ EV_UNSHARE, "10", "flags=0x20;cwd=/srv/z;root=/", "cwd=/srv/z/;root=/" },
	{ EV_CHDIR, "10", "path=/", "cwd=/" },
	{ EV_OPEN, "10", "fd=3;name=q", "fd.name=/q" },
	{ EV_GETCWD, "10", "res=3;path=/v", "cwd=/v/;fd.has=0" },
	/* Events about folders and files by descriptor. */
	{ EV_UNLINKAT, "10", "dirfd=-100;name=x", "fd.num=-100;fd.name=-;fd.has=1" },
	{ EV_UNLINKAT, "10", "dirfd=4;name=x", "fd.num=4;fd.name=/root/d" },
	{ EV_FCHMOD, "10", "fd=5;mode=0", "fd.num=5" },
	{ EV_PWRITE, "10", "fd=4", "fd.num=4;fd.name=/root/d" },
	{ EV_UNLINK, "10", "path=x", "fd.has=0;fd.name=-" },
};

static const struct row close_rows[] = {
	SHELL,
	{ EV_OPEN, "10", "fd=3;name=/a;flags=0x1001", "fd.exec=1" },
	{ EV_OPEN, "10", "fd=4;name=/b", "" },
	/* Rules on the close see the descriptor; the next event does not. */
	{ EV_CLOSE, "10", "fd=3", "fd.name=/a;fd.num=3;10:nfds=2" },
	{ EV_FSTAT, "10", "fd=3", "fd.name=-;fd.num=3;10:nfds=1" },
	{ EV_CLOSE, "10", "res=-9;fd=4", "fd.name=/b" },
	{ EV_FSTAT, "10", "fd=4", "fd.name=/b" },
	{ EV_OPEN, "10", "fd=3;name=/a;flags=0x1001", "10:nfds=2" },
	/* Copies. */
	{ EV_DUP, "10", "res=5;oldfd=3", "fd.num=5;fd.name=/a;fd.exec=0;10:fd3.exec=1" },
	{ EV_DUP2, "10", "res=4;oldfd=3;newfd=4", "fd.num=4;fd.name=/a" },
	{ EV_DUP2, "10", "res=3;oldfd=3;newfd=3", "fd.num=3;fd.name=/a;fd.exec=1" },
	{ EV_DUP3, "10", "res=6;oldfd=5;newfd=6;flags=0x1000", "fd.num=6;fd.name=/a;fd.exec=1" },
	{ EV_DUP2, "10", "res=-9;oldfd=5;newfd=99999", "fd.num=5;fd.name=/a" },
	{ EV_DUP, "10", "res=20;oldfd=19", "fd.num=20;fd.name=-" },
	{ EV_FCNTL, "10", "res=7;fd=6;cmd=1;arg=0", "fd.num=7;fd.name=/a;fd.exec=0" },
	{ EV_FCNTL, "10", "res=8;fd=6;cmd=0x1a;arg=0", "fd.num=8;fd.exec=1" },
	{ EV_FCNTL, "10", "fd=7;cmd=3;arg=1", "fd.num=7;fd.exec=1" },
	{ EV_FCNTL, "10", "fd=7;cmd=3;arg=0", "fd.exec=0" },
	{ EV_CLOSE_RANGE, "10", "first=4;last=5;flags=0x4",
	    "10:fd4.exec=1;10:fd5.exec=1;10:nfds=6" },
	{ EV_CLOSE_RANGE, "10", "first=5;last=0xffffffff;flags=0", "10:nfds=6" },
	{ EV_FSTAT, "10", "fd=7", "10:nfds=2;10:fd3.name=/a;10:fd4.name=/a;fd.name=-" },
	/* A descriptor number is reused. */
	{ EV_OPEN, "10", "fd=4;name=/new", "fd.name=/new;fd.exec=0" },
};

/* Descriptors open after an exec: the kernel's bits override the known marks. */
static const struct row exec_rows[] = {
	SHELL,
	{ EV_OPEN, "10", "fd=3;name=/marked", "" },
	{ EV_OPEN, "10", "fd=4;name=/kept;flags=0x1001", "fd.exec=1" },
	{ EV_OPEN, "10", "fd=5;name=/e", "" },
	{ EV_OPEN, "10", "fd=9;name=/closed", "10:nfds=4" },
	{ EV_EXECVE, "10", "exe=sh;comm=sh;open_fds=\060|",
	    "10:nfds=2;10:fd4.name=/kept;10:fd5.name=/e" },
	/* Fewer bits than the maximum: there are no more descriptors. */
	{ EV_OPEN, "10", "fd=3000;name=/high", "10:nfds=3" },
	{ EV_EXECVE, "10", "exe=sh;comm=sh;open_fds=\060", "10:nfds=2" },
	/* As many as the maximum: beyond them, by the mark. */
	{ EV_OPEN, "10", "fd=3000;name=/high", "" },
	{ EV_OPEN, "10", "fd=3001;name=/marked;flags=0x1001", "10:nfds=4" },
	{ EV_EXECVE, "10", "exe=sh;comm=sh;open_fds=\040" NULS127,
	    "10:nfds=2;10:fd5.name=/e;10:fd3000.name=/high" },
	/* A sensor that does not report them, and an execveat: by the mark. */
	{ EV_EXECVE, "10", "exe=sh;comm=sh", "10:nfds=2" },
	{ EV_EXECVEAT, "10", "exe=sh;comm=sh", "10:nfds=2" },
	/* A thread that unshares its descriptors closes its own copies. */
	{ EV_CLONE, "11/10@2", "ptid=1;flags=0x2000;comm=sh", "nthreads=2" },
	{ EV_CLOSE_RANGE, "11/10@2", "first=3;last=0xffffffff;flags=2", "" },
	{ EV_FSTAT, "10", "fd=5", "10:nfds=2" },
	{ EV_CLOSE_RANGE, "11/10@2", "first=3;last=0xffffffff;flags=0", "" },
	{ EV_FSTAT, "10", "fd=5", "10:nfds=0" },
};

/* Descriptors got from another process: the kernel's rows, after the event. */
static const struct row passed_rows[] = {
	SHELL,
	{ EV_OPEN, "10", "fd=5;name=/stale", "" },
	{ EV_RECVMSG, "10", "res=1;fd=4", "" },
	{ EV_TASK_FILE_PASSED, "10", "fd=5;path=/run/x;flags=0x1003;mode=0100644;dev=5;ino_num=7",
	    "10:fd5.name=/run/x;10:fd5.raw=/run/x;10:fd5.type=f;10:fd5.exec=1;10:fd5.flags=4099"
	    ";10:fd5.dev=5;10:fd5.ino=7" },
	{ EV_TASK_FILE_PASSED, "10", "fd=6;path=/run;flags=0x401;mode=0040755;ino_num=8",
	    "10:fd6.name=/run;10:fd6.type=d;10:fd6.exec=0" },
	{ EV_TASK_FILE_PASSED, "10", "fd=7;mode=0010600;ino_num=9", "10:fd7.type=p;10:fd7.name=" },
	{ EV_TASK_FILE_PASSED, "10", "fd=8;path=memfd:m;mode=0100777;ino_num=10",
	    "10:fd8.type=m;10:fd8.name=m" },
	{ EV_TASK_FILE_PASSED, "10", "fd=9;path=[eventfd];mode=0600;ino_num=11", "10:fd9.type=e" },
	{ EV_TASK_FILE_PASSED, "10", "fd=9;path=/;mode=0100700;ino_num=300",
	    "10:fd9.type=P;10:fd9.ino=0" },
	{ EV_TASK_FILE_PASSED, "10", "fd=9;path=[new];mode=0600;ino_num=12", "10:fd9.type=o" },
	{ EV_TASK_FILE_PASSED, "10",
	    "fd=10;mode=0140777;ino_num=13;sk_family=2;sk_type=1;sk_proto=6"
	    ";tuple=10.0.0.1:80->10.0.0.2:9",
	    "10:fd10.type=4;10:fd10.name=10.0.0.1:80->10.0.0.2:9;10:fd10.l4=2;10:fd10.role=1;10:"
	    "fd10.conn=1" },
	{ EV_TASK_FILE_PASSED, "10",
	    "fd=11;mode=0140777;ino_num=14;sk_family=10;sk_type=1;sk_proto=6;tuple=::1:80->:::0",
	    "10:fd11.name=::1:80;10:fd11.server=1;10:fd11.role=2" },
	{ EV_TASK_FILE_PASSED, "10",
	    "fd=12;mode=0140777;ino_num=15;sk_family=1;sk_type=1;tuple=a->b /s",
	    "10:fd12.type=u;10:fd12.name=a->b /s" },
	{ EV_TASK_FILE_PASSED, "10", "fd=13;mode=0140777;ino_num=16;sk_family=16;sk_type=3",
	    "10:fd13.type=n;10:fd13.name=" },
	/* A later event wins. */
	{ EV_OPEN, "10", "fd=14;name=/later", "" },
	{ EV_TASK_FILE_PASSED, "10^5", "fd=14;path=/run/x;flags=0x1003;mode=0100644;ino_num=7",
	    "10:fd14.name=/later;10:fd14.exec=0" },
};

static const struct row kind_rows[] = {
	SHELL,
	{ EV_PIPE, "10", "fd1=3;fd2=4;ino=9",
	    "fd.num=4;fd.type=p;fd.name=;fd.ino=9;10:fd3.type=p;fd.raw=;fd.changed=0" },
	{ EV_PIPE2, "10", "fd1=5;fd2=6;ino=9;flags=0x1000", "fd.num=6;fd.exec=1;10:fd5.exec=1" },
	{ EV_PIPE2, "10", "res=-24", "fd.num=-1;fd.name=-" },
	{ EV_EVENTFD2, "10", "res=7;flags=0x1000", "fd.type=e;fd.name=;fd.exec=1" },
	{ EV_SIGNALFD, "10", "res=8;fd=-1", "fd.type=s;fd.num=8" },
	{ EV_SIGNALFD4, "10", "res=8;fd=8;flags=0", "fd.type=s;fd.num=8" },
	{ EV_TIMERFD_CREATE, "10", "res=9", "fd.type=t" },
	{ EV_EPOLL_CREATE1, "10", "res=10;flags=1", "fd.type=l;fd.exec=1" },
	{ EV_INOTIFY_INIT, "10", "res=11", "fd.type=i" },
	{ EV_USERFAULTFD, "10", "res=12", "fd.type=u" },
	{ EV_IO_URING_SETUP, "10", "res=13", "fd.type=r" },
	{ EV_BPF, "10", "fd=14;cmd=5", "fd.type=b" },
	{ EV_BPF, "10", "fd=0;cmd=2", "10:fd0.type=-" },
	{ EV_MEMFD_CREATE, "10", "fd=15;name=test_name;flags=1",
	    "fd.type=m;fd.name=test_name;fd.exec=1" },
	PROGRAM("20", "t", ""),
	{ EV_OPEN, "20", "fd=3;name=/theirs", "" },
	{ EV_PIDFD_OPEN, "10", "fd=16;pid=20", "fd.type=P;fd.name=" },
	{ EV_PIDFD_GETFD, "10", "fd=17;pid_fd=16;target_fd=3",
	    "fd.type=f;fd.name=/theirs;fd.num=17" },
	{ EV_EPOLL_CREATE, "10", "res=-24", "fd.num=-1;fd.type=-" },
};

static const struct row open_rows[] = {
	SHELL,
	{ EV_OPEN, "10", "fd=0;name=/in", "" },
	{ EV_OPEN, "10", "fd=3;name=/old;flags=0x8001;ino=7", "10:nfds=2" },
};

/* A number to which a call gives a new meaning never keeps the old one, known or not. Each row
 * follows open_rows. */
static const struct row reused_rows[] = {
	{ EV_DUP2, "10", "res=3;oldfd=19;newfd=3", "fd.num=3;fd.type=-;fd.name=-;10:nfds=1" },
	{ EV_DUP3, "10", "res=3;oldfd=19;newfd=3;flags=0x1000", "fd.type=-;fd.name=-" },
	{ EV_DUP2, "10", "res=-9;oldfd=19;newfd=3", "10:fd3.name=/old" },
	{ EV_DUP, "10", "res=3;oldfd=19", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_FCNTL, "10", "res=3;fd=19;cmd=1;arg=0", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_FCNTL, "10", "res=3;fd=19;cmd=0x1a;arg=0", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_FCNTL, "10", "res=3;fd=3;cmd=1;arg=0", "10:fd3.name=/old" },
	/* From an unknown pidfd. */
	{ EV_PIDFD_GETFD, "10", "fd=3;pid_fd=16;target_fd=3", "fd.num=3;fd.type=-;fd.name=-" },
	/* Accepted: of a kind without ends. */
	{ EV_ACCEPT, "10", "fd=3;tuple=", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_ACCEPT4, "10", "fd=-11;tuple=;flags=0", "10:fd3.name=/old" },
	{ EV_ACCEPT4, "10", "fd=3;tuple=;flags=0", "fd.type=-;fd.name=-" },
	/* Used as a socket: its close and its socket() were missed. */
	{ EV_CONNECT, "10", "tuple=;addr=;fd=3", "fd.type=o;fd.name=;fd.upper=0;fd.ino=0" },
	{ EV_CONNECT, "10", "tuple=10.0.0.1:1->10.0.0.2:80;fd=3",
	    "fd.type=4;fd.name=10.0.0.1:1->10.0.0.2:80;fd.upper=0;fd.ino=0" },
	{ EV_CONNECT, "10", "res=-2;tuple=;addr=10.0.0.2:80;fd=3", "fd.name=/old" },
	{ EV_BIND, "10", "addr=/run/y;fd=3", "fd.type=u;fd.name=/run/y" },
	{ EV_SENDTO, "10", "res=5;tuple=;fd=3", "fd.type=-;fd.name=-" },
	/* A result that is not a descriptor. */
	{ EV_BPF, "10", "fd=0;cmd=2", "10:fd0.name=/in" },
	{ EV_FCNTL, "10", "fd=3;cmd=3;arg=1", "10:fd0.name=/in" },
};

static const struct row shared_rows[] = {
	SHELL,
	/* From a pidfd of an unknown process, an unknown descriptor of a known one. */
	{ EV_PIDFD_OPEN, "10", "fd=16;pid=20", "" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_PIDFD_GETFD, "10", "fd=3;pid_fd=16;target_fd=3", "fd.type=-;fd.name=-" },
	PROGRAM("20", "t", ""),
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_PIDFD_GETFD, "10", "fd=3;pid_fd=16;target_fd=3", "fd.type=-;fd.name=-" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_PIDFD_GETFD, "10", "fd=-9;pid_fd=16;target_fd=3", "10:fd3.name=/old" },
	/* From its own process, over an entry whose close was missed. */
	{ EV_PIDFD_OPEN, "10", "fd=17;pid=10", "" },
	{ EV_PIDFD_GETFD, "10", "fd=3;pid_fd=17;target_fd=3", "fd.name=/old" },
	/* Another process that has it open keeps it. */
	{ EV_OPEN, "20", "fd=5;name=/theirs", "" },
	{ EV_CLONE, "30", "exe=t;ptid=20;vtid=30;vpid=30", "" },
	{ EV_DUP2, "30", "res=5;oldfd=9;newfd=5", "fd.name=-;20:fd5.name=/theirs" },
};

/* A path at the cap, and one beyond it. */
static void
t_long_path(void **st)
{
	char expect[1200], name[1100];
	struct play p;

	(void) st;
	play_start(&p, NULL);
	for (int len = 1023; len <= 1024; len++) {
		memset(name, 'a', sizeof(name));
		name[0] = '/';
		name[len] = '\0';
		(void) snprintf(expect, sizeof(expect), "fd.name=%s",
		    len < 1024 ? name : "/DIR_TOO_LONG/FILENAME_TOO_LONG");
		play_printed(&p, EV_OPEN, "10", expect, "fd=3;name=%s", name);
	}
	play_stop(&p);
}

/* The walk returns each once, highest first. */
static void
t_walk(void **st)
{
	static const int64_t fds[] = { 0, 1, 2, 40, 17, 33, 5 };
	static const int64_t order[] = { 40, 33, 17, 5, 2, 1, 0 };
	const struct fd_entry *e;
	const struct thread *t;
	uint64_t seen = 0;
	size_t pos = 0, n = 0;
	struct play p;

	(void) st;
	play_start(&p, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		play_printed(&p, EV_OPEN, "10", "", "fd=%d;name=/x", (int) fds[i]);
	t = state_thread(p.s, 10);
	assert_int_equal(ARRAY_SIZE(fds), state_fd_count(p.s, t));
	while ((e = state_fd_next(p.s, t, &pos)) != NULL) {
		seen |= 1ULL << e->fd;
		n++;
	}
	assert_int_equal(ARRAY_SIZE(order), n);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_true(seen >> order[i] & 1);
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(path_rows, NULL),
		PLAY(close_rows, NULL),
		PLAY(exec_rows, NULL),
		PLAY(kind_rows, NULL),
		PLAY(passed_rows, NULL),
		PLAY_EACH(reused_rows, open_rows),
		PLAY(shared_rows, NULL),
		cmocka_unit_test(t_long_path),
		cmocka_unit_test(t_walk),
		PLAY_NO_MEMORY(path_rows),
		PLAY_NO_MEMORY(close_rows),
		PLAY_NO_MEMORY(kind_rows),
		PLAY_NO_MEMORY(passed_rows),
		PLAY_EACH_NO_MEMORY(reused_rows, open_rows),
		PLAY_NO_MEMORY(shared_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
