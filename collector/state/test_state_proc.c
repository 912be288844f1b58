/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/state_int.h"
#include "collector/state/test_play.h"
#include "common/clock.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>

/* Processes start by fork and exec. */
static const struct row exec_rows[] = {
	{ EV_EXECVE, "10@5",
	    "exe=/bin/sh;args=-c|echo hi|;comm=sh;trusted_exepath=/usr/bin/dash;ptid=1;cwd=/root;"
	    "cgroups=cpu=/|;env=A=1|B=2|;tty=34816;vpgid=10;pgid=10;loginuid=1000;flags=1;"
	    "cap_effective=5;exe_ino=77;uid=0;gid=0;sid=9;vtid=10;vpid=10",
	    "comm=sh;exe=/bin/sh;args=-c|echo hi|;argtext=-c echo hi;cmdline=sh -c echo hi;"
	    "exepath=/usr/bin/dash;cwd=/root/;env=A=1|B=2|;tty=34816;pgid=10;vpgid=10;sid=9;"
	    "uid=0;gid=0;loginuid=1000;flags=1;ino=77;capeff=5;ptid=1;placeholder=0;"
	    "container=host;start=5;nthreads=1" },
	/* No arguments; a deleted executable. */
	{ EV_EXECVE, "10@5", "exe=ls;args=;comm=ls;trusted_exepath=/tmp/x (deleted)",
	    "cmdline=ls;argtext=;exepath=/tmp/x;cwd=/root/;tty=34816" },
	{ EV_EXECVE, "10@5", "exe=ls;args=;comm=ls;trusted_exepath=/tmp/x;cwd=/moved",
	    "cwd=/moved/" },
	{ EV_EXECVE, "10@5", "exe=ls;args=;comm=ls;trusted_exepath=/tmp/x;cwd=<NA>",
	    "cwd=/moved/" },
	/* The container follows the cgroups, alternately. */
	{ EV_EXECVE, "10@5", "exe=ls;args=;comm=ls;cgroups=cpu=/lxc/web|", "container=web" },
	{ EV_EXECVE, "10@5", "exe=ls;args=;comm=ls;cgroups=cpu=/|", "container=host" },
	{ EV_EXECVE, "10@5", "exe=ls;args=;comm=ls;cgroups=cpu=/lxc/web|", "container=web" },
	/* A failure changes nothing. */
	{ EV_EXECVE, "10@5", "res=-2;exe=nope;comm=ls", "comm=ls;exe=ls;cmdline=ls" },
	/* A sensor that does not report the executable's path. */
	{ EV_EXECVE, "10@5", "exe=ls;args=;comm=ls", "exepath=" },
	/* An empty argument is one. */
	{ EV_EXECVEAT, "10@5", "exe=b;args=x||y|;comm=b;trusted_exepath=/b;sid=3",
	    "cmdline=b x  y;sid=3" },
};

static const struct row fork_rows[] = {
	{ EV_EXECVE, "10", "exe=sh;args=-l|;comm=sh;trusted_exepath=/bin/sh;cwd=/w;uid=7;pgid=3",
	    "" },
	{ EV_OPEN, "10", "fd=4;name=/etc/x;flags=0x1000", "fd.name=/etc/x;fd.exec=1" },
	{ EV_OPEN, "10", "fd=5;name=y", "fd.name=/w/y" },
	{ EV_CLONE, "11@20",
	    "ptid=10;comm=sh;uid=8;gid=9;vtid=1;vpid=1;flags=0x20000000;pidns_init_start_ts=500",
	    "comm=sh;exepath=/bin/sh;cmdline=sh -l;args=-l|;cwd=/w/;ptid=10;uid=8;gid=9;vtid=1;"
	    "vpid=1;pgid=3;start=20;a1.comm=sh;a1.tid=10;a2.tid=-;nthreads=1;nfds=2;"
	    "pidns_ts=1000000000500;clone_ts=1000000004000" },
	/* The tables diverge. */
	{ EV_CLOSE, "11@20", "fd=5", "fd.name=/w/y;11:nfds=2" },
	{ EV_OPEN, "11@20", "fd=6;name=/z",
	    "11:fd6.name=/z;11:fd5.name=-;10:fd5.name=/w/y;10:nfds=2" },
	/* exec drops what is close-on-exec. */
	{ EV_EXECVE, "11@20", "exe=cat;args=a|b|;comm=cat;trusted_exepath=/bin/cat",
	    "11:fd4.name=-;11:fd6.name=/z;10:fd4.name=/etc/x;cmdline=cat a b;pgid=3;"
	    "a1.cmdline=sh -l" },
	/* The kernel's cwd at a fork is also the parent's. */
	{ EV_CLONE, "13@25", "ptid=11;cwd=/else;comm=cat", "cwd=/else/;11:cwd=/else/" },
	/* A log-in is no event; nor does the parent's side know the capabilities in a new user
	 * namespace. */
	{ EV_CLONE, "14@26", "ptid=11;comm=cat;tty=34817;loginuid=77;cap_effective=9",
	    "tty=34817;loginuid=77;capeff=9;11:tty=34817;11:loginuid=77;11:capeff=0" },
	{ EV_CLONE, "15@27", "ptid=10;comm=cat;tty=34818;loginuid=78;flags=0x100",
	    "tty=34818;loginuid=78;10:tty=0;10:loginuid=-1" },
	{ EV_CLONE, "11@20", "res=16;ptid=10;comm=cat;flags=0x100000", "16:tid=-" },
	{ EV_CLONE, "16@28", "ptid=11;comm=cat;flags=0x100000;cap_effective=511",
	    "capeff=511;11:capeff=0" },
	/* The command line follows the name only at clone. */
	{ EV_FORK, "12@30", "ptid=11;comm=renamed",
	    "cmdline=renamed a b;vpid=12;a1.comm=cat;a2.comm=sh" },
};

static const struct row thread_rows[] = {
	PROGRAM("10", "d", ";cwd=/w"),
	{ EV_CLONE3, "11/10@20", "ptid=1;flags=0x2000;comm=d",
	    "comm=d;exepath=/d;ptid=1;cwd=/w/;nthreads=2" },
	{ EV_CLONE3, "12/10@21", "ptid=1;flags=0x2000;comm=d", "nthreads=3" },
	{ EV_OPENAT, "11/10@20", "fd=3;dirfd=-100;name=f", "fd.name=/w/f;10:fd3.name=/w/f" },
	{ EV_CHDIR, "12/10@21", "path=..", "cwd=/;10:cwd=/" },
	/* A child of a thread has the thread as its parent, and the process as its ancestor. */
	{ EV_CLONE, "20@22", "ptid=11;comm=k", "ptid=11;a1.tid=10;20:fd3.name=/w/f" },
	/* A thread is removed after its exit; its children go to another of the group. */
	{ EV_PROCEXIT, "11/10@20", "status=0", "dead=1;nthreads=2;11=1;20:ptid=10" },
	{ EV_GETCWD, "12/10@21", "res=2;path=/q", "11=0;cwd=/q/;nthreads=2" },
	{ EV_CLONE, "21@23", "ptid=12;comm=k", "ptid=12" },
	/* exec by a thread: the others are removed. */
	{ EV_EXECVE, "10", "exe=n;comm=n;trusted_exepath=/n",
	    "nthreads=1;12=0;11=0;20:ptid=10;21:ptid=10" },
};

static const struct state_limits short_grace = { 1000, 1000, 0, 1500 };

static const struct row leader_exit_rows[] = {
	PROGRAM("10@3", "d", ""),
	{ EV_CLONE3, "11/10@20", "ptid=1;flags=0x2000;comm=d", "" },
	/* The main thread stays until the group is empty. */
	{ EV_PROCEXIT, "10@3", "status=0", "nthreads=1" },
	{ EV_CHDIR, "11/10@20", "path=/a", "10=1;cwd=/a/;10:dead=1" },
	{ EV_PROCEXIT, "11/10@20", "status=0", "10=1;11=1;nthreads=0" },
	{ EV_CLOSE, "99", "fd=1", "10=0;11=0" },
	/* An unknown thread outlives the known ones. */
	PROGRAM("40@3", "d", ";cwd=/w"),
	{ EV_PROCEXIT, "40@3", "status=0", "" },
	{ EV_OPEN, "41/40@4", "fd=3;name=x", "comm=d;fd.name=/w/x;nthreads=1;40=1;40:dead=1" },
	{ EV_PROCEXIT, "41/40@4", "status=0", "" },
	{ EV_CLOSE, "99", "fd=1", "40=0;41=0" },
	/* exec by a thread whose main thread has already exited. */
	PROGRAM("30@3", "d", ""),
	{ EV_CLONE3, "31/30@20", "ptid=1;flags=0x2000;comm=d", "" },
	{ EV_CLONE, "32@21", "ptid=30;comm=child", "" },
	{ EV_PROCEXIT, "30@3", "reaper_tid=31", "32:ptid=31" },
	/* A child that it makes then, and its end. */
	{ EV_CLONE3, "33/30@22", "ptid=1;flags=0x2000;comm=d", "" },
	{ EV_CLONE, "34@23", "ptid=30;comm=child", "" },
	{ EV_PROCEXIT, "33/30@22", "reaper_tid=31", "34:ptid=31;32:ptid=31" },
	{ EV_EXECVE, "30@3", "exe=e;comm=e;trusted_exepath=/e",
	    "dead=0;31=0;nthreads=1;comm=e;32:ptid=30" },
	{ EV_CLOSE, "30@3", "fd=1", "comm=e;30=1" },
};

static const struct row reparent_rows[] = {
	{ EV_EXECVE, "1", "exe=init;comm=init;trusted_exepath=/init;ptid=0;sid=1", "a1.comm=-" },
	{ EV_CLONE, "10@2", "ptid=1;comm=a", "" },
	{ EV_CLONE, "20@3", "ptid=10;comm=b", "" },
	{ EV_CLONE, "30@4", "ptid=20;comm=c", "a3.comm=init;a4.comm=-" },
	{ EV_CLONE, "40@5", "ptid=30;comm=e", "" },
	/* The kernel reports the new parent. */
	{ EV_PROCEXIT, "30@4", "reaper_tid=10", "40:ptid=10;30=1" },
	{ EV_CLOSE, "40@5", "fd=9", "30=0;a1.comm=a;a2.comm=init" },
	/* It does not: the nearest subreaper, or init. */
	{ EV_PRCTL, "10@2", "option=0x24;arg2_int=1", "" },
	{ EV_CLONE, "50@6", "ptid=20;comm=f", "" },
	{ EV_PROCEXIT, "20@3", "status=0", "50:ptid=10" },
	{ EV_PROCEXIT, "10@2", "reaper_tid=999", "50:ptid=1;40:ptid=1" },
	{ EV_PROCEXIT, "1", "status=0", "50:ptid=0" },
	{ EV_CLOSE, "50@6", "fd=9", "a1.comm=-" },
	/* A new parent without an entry, and nobody else. */
	{ EV_CLONE, "60@8", "ptid=50;comm=g", "" },
	{ EV_PROCEXIT, "50@6", "reaper_tid=998", "60:ptid=998" },
	/* A new parent that has just exited, too. */
	{ EV_CLONE, "70@9", "ptid=60;comm=h", "" },
	{ EV_CLONE, "71@9", "ptid=70;comm=i", "" },
	{ EV_PROCEXIT, "60@8", "reaper_tid=998", "70:ptid=998" },
	{ EV_PROCEXIT, "70@9", "reaper_tid=60", "71:ptid=0" },
};

static const struct row session_rows[] = {
	{ EV_EXECVE, "1", "exe=init;comm=init;trusted_exepath=/init;ptid=0;sid=0;vtid=1;vpid=1",
	    "" },
	{ EV_CLONE, "10@2", "ptid=1;comm=login", "" },
	{ EV_SETSID, "10@2", "res=10", "sid=10;sl.comm=login" },
	{ EV_CLONE, "11@3", "ptid=10;comm=bash", "sid=10;sl.comm=login" },
	{ EV_EXECVE, "11@3", "exe=b;comm=b;trusted_exepath=/b;pgid=11;vpgid=11",
	    "pl.comm=b;vl.comm=b;sl.tid=10" },
	{ EV_CLONE, "12@4", "ptid=11;comm=x", "pl.tid=11" },
	/* The leader has exited: the session keeps its number, the leader has no names. */
	{ EV_PROCEXIT, "10@2", "reaper_tid=1", "sl.tid=10" },
	{ EV_CLOSE, "12@4", "fd=1", "sid=10;sl.tid=-;pl.tid=11;vl.tid=11" },
	/* A new group: by itself, by the parent for the child, with the number of another. */
	{ EV_SETPGID, "12@4", "pid=0;pgid=0", "pgid=12;vpgid=12;pl.tid=12" },
	{ EV_SETPGID, "11@3", "pid=12;pgid=11", "12:pgid=11;12:vpgid=11;pgid=11" },
	{ EV_SETPGID, "11@3", "res=-1;pid=12;pgid=12", "12:pgid=11" },
	{ EV_PROCEXIT, "11@3", "reaper_tid=1", "" },
	{ EV_CLOSE, "12@4", "fd=1", "pgid=11;pl.tid=-;vpgid=11;vl.tid=-" },
	/* All threads are in the new session, without the terminal. */
	{ EV_CLONE3, "13/12@5", "ptid=1;flags=0x2000;comm=x", "sid=10" },
	{ EV_EXECVE, "11@9", "exe=b;comm=b;trusted_exepath=/b;tty=34816;sid=10", "tty=34816" },
	{ EV_SETSID, "11@9", "res=11", "sid=11;tty=0" },
	{ EV_SETSID, "13/12@5", "res=12",
	    "sid=12;pgid=12;vpgid=12;sl.tid=12;12:sid=12;12:pgid=12;12:vpgid=12" },
	{ EV_CHROOT, "13/12@5", "path=/j", "root=/j;12:root=/j" },
	{ EV_SETUID, "12@4", "uid=500", "uid=500" },
	{ EV_SETUID, "12@4", "res=-1;uid=0", "uid=500" },
	{ EV_SETRESUID, "12@4", "ruid=1;euid=2;suid=3", "uid=2" },
	{ EV_SETRESUID, "12@4", "ruid=1;euid=-1;suid=3", "uid=2" },
	{ EV_SETREGID, "12@4", "rgid=1;egid=6", "gid=6" },
	/* The kernel's, where the arguments are of a user namespace. */
	{ EV_SETUID, "12@4",
	    "uid=0;host_euid=100000;host_egid=100001;cap_permitted=9;cap_effective=8",
	    "uid=100000;gid=100001;capeff=8" },
	{ EV_SETRESGID, "12@4", "egid=1;host_euid=7;host_egid=100002;cap_effective=3",
	    "uid=7;gid=100002;capeff=3" },
	{ EV_SETREUID, "12@4", "res=-1;ruid=1;euid=1;host_euid=9;host_egid=9", "uid=7" },
	{ EV_UNSHARE, "12@4",
	    "flags=0x100000;host_euid=7;host_egid=8;cap_permitted=5;cap_effective=5",
	    "uid=7;gid=8;capeff=5" },
	/* The result of setfsuid() is the id from before; the effective id stays. */
	{ EV_SETFSUID, "12@4",
	    "res=500;fsuid=1;host_euid=7;host_egid=8;cap_permitted=5;cap_effective=4",
	    "uid=7;gid=8;capeff=4" },
	{ EV_UNSHARE, "12@4", "flags=0x100000", "capeff=2199023255551" },
	{ EV_CAPSET, "12@4", "cap_effective=1", "capeff=1" },
	{ EV_CHROOT, "12@4", "path=/jail/", "root=/jail" },
	{ EV_SETRLIMIT, "12@4", "cur=64;max=64;resource=7", "fdlimit=64" },
	{ EV_GETRLIMIT, "12@4", "cur=70;max=70;resource=7", "fdlimit=70" },
	{ EV_GETRLIMIT, "12@4", "cur=-1;max=-1;resource=7", "fdlimit=70" },
	{ EV_GETRLIMIT, "12@4", "cur=7;max=70;resource=1", "fdlimit=70" },
	{ EV_SETRLIMIT, "12@4", "cur=64;max=64;resource=7", "fdlimit=64" },
	{ EV_MMAP, "12@4", "vm_size=9;vm_rss=8;vm_swap=7", "vmsize=9;vmrss=8" },
	{ EV_BRK, "12@4", "vm_rss=5", "vmsize=9;vmrss=5" },
	{ EV_PRLIMIT, "12@4", "newcur=65;newmax=64;pid=11;resource=7", "fdlimit=64;11:fdlimit=65" },
};

/* A container: its own ids, which mean other processes on the host. */
static const struct row pidns_rows[] = {
	{ EV_EXECVE, "1", "exe=init;comm=init;trusted_exepath=/init;ptid=0;sid=1;vtid=1;vpid=1",
	    "" },
	{ EV_EXECVE, "7", "exe=host7;comm=host7;trusted_exepath=/h;ptid=1;sid=7", "" },
	{ EV_CLONE, "100@2", "ptid=1;vtid=1;vpid=1;sid=1;flags=0x20000000;comm=c1",
	    "pidns_ts=0" }, /* not reported */
	{ EV_CLONE, "101@3", "ptid=100;vtid=7;vpid=7;sid=1;flags=0x20000000;comm=c7", "" },
	/* The result of setsid() is its own number; the session's is the host's. */
	{ EV_SETSID, "101@3", "res=7", "sid=101;pgid=101;vpgid=7;sl.comm=c7" },
	{ EV_CLONE, "102@4", "ptid=101;vtid=8;vpid=8;sid=101;pgid=101;flags=0x20000000;comm=c8",
	    "sl.comm=c7;pl.comm=c7;vl.comm=c7;a1.comm=c7;a2.comm=c1;a3.comm=init" },
	/* So are the numbers of setpgid(): a child's, an ancestor's group, an unknown one's. */
	{ EV_SETPGID, "101@3", "pid=8;pgid=8", "102:pgid=102;102:vpgid=8;pgid=101" },
	{ EV_SETPGID, "101@3", "pid=8;pgid=7", "102:pgid=101;102:vpgid=7" },
	{ EV_SETPGID, "102@4", "pid=8;pgid=8", "pgid=102;vpgid=8;vl.comm=c8" },
	{ EV_SETPGID, "102@4", "pid=0;pgid=44", "pgid=-1;vpgid=44;pl.tid=-" },
	{ EV_SETPGID, "101@3", "pid=8;pgid=8", "102:pgid=102;7=1" },
	/* And those of prlimit(): not the host's process 7. */
	{ EV_PRLIMIT, "102@4", "newcur=65;newmax=64;pid=7;resource=7", "7:fdlimit=0" },
	{ EV_PRLIMIT, "101@3", "newcur=66;newmax=66;pid=8;resource=7", "102:fdlimit=66" },
	/* On the host the leader is found by its id, whatever the parent. */
	{ EV_CLONE, "50@5", "ptid=1;sid=7;comm=d", "sl.comm=host7" },
	/* Orphans stay in their namespace: with its init, or without a parent. */
	{ EV_PROCEXIT, "101@3", "status=0", "102:ptid=100" },
	{ EV_PROCEXIT, "100@2", "status=0", "102:ptid=0" },
};

static const struct row unknown_rows[] = {
	{ EV_CLOSE, "10", "fd=3",
	    "placeholder=1;comm=<NA>;exe=<NA>;cmdline=<NA>;exepath=;argtext=;uid=-1;loginuid=-1;"
	    "tty=0;cwd=./;vpid=-1;container=host;a1.comm=-;fd.num=3;fd.name=-" },
	{ EV_OPEN, "10", "fd=3;name=rel", "fd.name=rel" },
	/* A thread of a known process is not a placeholder. */
	PROGRAM("20", "d", ";cwd=/w;uid=4"),
	{ EV_OPEN, "21/20@9", "fd=3;name=rel",
	    "placeholder=0;comm=d;uid=4;fd.name=/w/rel;20:fd3.name=/w/rel" },
	/* The tid is reused: another thread, with nothing of the old one. */
	{ EV_OPEN, "20@77", "fd=4;name=/n", "placeholder=1;comm=<NA>;nfds=1;start=77;21=0" },
	/* An event of the earlier holder belongs to no entry. */
	{ EV_OPEN, "20@1", "fd=5;name=/n", "placeholder=1;20:nfds=1;20:start=77" },
	/* The exit of an unknown process. */
	{ EV_PROCEXIT, "50", "status=0", "placeholder=1;50=0;tid=50" },
};

/* The parent's side of a clone. */
static const struct row parent_side_rows[] = {
	PROGRAM("10", "d", ";cwd=/w;uid=4"),
	{ EV_CLONE, "10", "res=11;flags=0",
	    "tid=10;11=1;11:comm=d;11:ptid=10;11:cwd=/w/;11:start=0" },
	/* The child's own event only identifies it. */
	{ EV_CLONE, "11@9", "ptid=10;comm=zzz", "comm=d;start=9" },
	{ EV_CLONE, "10", "res=12;flags=0x40", "12=0" },
	{ EV_CLONE, "10", "res=12;flags=0x8000000", "12=0" },
	{ EV_CLONE, "10", "res=-11;flags=0", "comm=d" },
	{ EV_PROCEXIT, "13@50", "status=0", "" },
	{ EV_CLONE, "10", "res=13;flags=0", "13=0" },
	{ EV_VFORK, "10", "res=14;flags=0", "14=0" },
	/* Values in the event override known ones; of an unknown caller all are taken. */
	{ EV_CLONE, "10", "res=15;flags=0;exe=e;comm=f;args=x|;uid=9;fdlimit=12",
	    "comm=d;15:comm=f;15:exe=e;15:cmdline=f x;15:uid=9;15:fdlimit=12;15:exepath=/d" },
	{ EV_CLONE, "70@9", "res=71;flags=0;exe=u;comm=u;pid=70;ptid=10;vtid=70;vpid=70",
	    "placeholder=0;comm=u;ptid=10;vpid=70;a1.comm=d;71:comm=u;71:ptid=70" },
};

/* An earlier holder of the child's tid, whose exit was missed, is not the child. */
static const struct row reused_rows[] = {
	PROGRAM("10", "d", ""),
	{ EV_EXECVE, "16", "exe=old;comm=old;trusted_exepath=/old", "comm=old" },
	{ EV_CLONE, "10^9000000000", "res=16;flags=0", "16:comm=d;16:ptid=10;16:exepath=/d" },
	{ EV_CLONE, "17", "ptid=10;comm=own", "comm=own" },
	{ EV_CLONE, "10", "res=17;flags=0", "17:comm=own" },
	{ EV_OPEN, "18@8999999000", "fd=4;name=/n", "placeholder=1" },
	{ EV_CLONE, "10", "res=18;flags=0", "18:start=8999999000;18:nfds=1" },
};

/* A thread of an unknown process identifies the process. */
static const struct row leader_rows[] = {
	PROGRAM("10", "d", ""),
	{ EV_CLONE, "81/80", "ptid=10;comm=w;exe=x;args=y|;flags=0x2000",
	    "comm=w;a1.comm=d;80:comm=w;80:exe=x;80:cmdline=w y;80:ptid=10;80:vpid=80" },
	{ EV_CLOSE, "80", "fd=1", "placeholder=0;a1.comm=d" },
};

static const struct state_limits long_grace = { 1000, 1000, 0, 500000 };

/* Orphans go to a thread of the subreaper that has not exited; those that have are known for a
 * while. */
static const struct row subreaper_rows[] = {
	{ EV_CLONE, "10@2", "ptid=1;comm=a", "" },
	{ EV_PRCTL, "10@2", "option=0x24;arg2_int=1", "" },
	{ EV_CLONE3, "11/10@3", "ptid=1;flags=0x2000;comm=a", "" },
	{ EV_CLONE3, "12/10@4", "ptid=1;flags=0x2000;comm=a", "" },
	{ EV_CLONE, "20@5", "ptid=10;comm=b", "" },
	{ EV_CLONE, "30@6", "ptid=20;comm=c", "" },
	{ EV_PROCEXIT, "11/10@3", "status=0", "" },
	{ EV_PROCEXIT, "10@2", "reaper_tid=12", "20:ptid=12" },
	{ EV_PROCEXIT, "20@5", "reaper_tid=10", "30:ptid=12" },
};

/* A dead process serves late events and children for its grace, but no look-up by number. */
static const struct row grace_rows[] = {
	{ EV_EXECVE, "1", "exe=init;comm=init;trusted_exepath=/init;ptid=0", "" },
	PROGRAM("10@3", "d", ";cwd=/w"),
	{ EV_PROCEXIT, "10@3", "status=0", "10=1" },
	{ EV_CLOSE, "10@3", "fd=1", "comm=d;dead=1;10=0" },
	{ EV_CLONE, "11@4", "ptid=10;comm=d", "cwd=/w/;a1.comm=d;10=0" },
	{ EV_CLOSE, "11@4^900000", "fd=1", "a1.comm=-" },
};

/* A row with a wall clock that is ahead by so much. */
static void
play_ahead(struct play *p, const struct row *r, uint64_t ahead)
{
	struct view v;
	struct batch *b = play_event(p, r, &v);

	v.time += ahead;
	state_apply(p->s, b, b->ev, &v);
	batch_free(b);
}

/* A namespace's start does not depend on how the node reads its clocks; setting a clock moves it
 * for all its processes. */
static void
t_pidns_clock(void **st)
{
	static const struct row host[] = {
		{ EV_CLONE, "10@2", "ptid=1;comm=a", "" },
		{ EV_CLONE, "11@3", "ptid=1;comm=a", "" },
		{ EV_EXECVE, "12", "exe=a;comm=a;pidns_init_start_ts=7;vtid=12;vpid=12", "" },
	};
	struct play p;

	(void) st;
	play_start(&p, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(host); i++)
		play_ahead(&p, &host[i], i * 137);
	for (int64_t tid = 10; tid <= 12; tid++)
		assert_int_equal(TEST_EPOCH, state_pidns_start(p.s, state_thread(p.s, tid)));
	play_ahead(&p, &(struct row){ EV_CLOSE, "10@2", "fd=1", "" }, NS_PER_S);
	for (int64_t tid = 10; tid <= 12; tid++)
		assert_int_equal(
		    TEST_EPOCH + NS_PER_S, state_pidns_start(p.s, state_thread(p.s, tid)));
	play_stop(&p);
}

/* The longest idle is removed, and counted; the table does not grow beyond its bound. */
static void
t_bound(void **st)
{
	static const struct state_limits limits = { 4, 4, 0, 1000000000 };
	struct state_stats stats;
	struct play p;
	char who[32];

	(void) st;
	play_start(&p, &limits);
	for (unsigned i = 0; i < 4; i++) {
		(void) snprintf(who, sizeof(who), "%u", 10 + i);
		play_row(&p, &(struct row){ EV_CLOSE, who, "res=0;fd=1", "" });
	}
	play_row(&p, &(struct row){ EV_CLOSE, "10", "fd=1", "" });
	play_row(&p, &(struct row){ EV_CLOSE, "20", "fd=1", "10=1;11=0;12=1;13=1" });
	for (unsigned i = 0; i < 100; i++) {
		(void) snprintf(who, sizeof(who), "%u/%u@1", 100 + i, 20);
		play_row(&p, &(struct row){ EV_CLOSE, who, "res=0;fd=1", "20=1" });
	}
	state_stats(p.s, &stats);
	assert_int_equal(4, stats.threads);
	assert_int_equal(101, stats.threads_evicted);
	assert_null(p.s->slabs->next); /* evicted entries are reused */
	for (unsigned i = 0; i < 6; i++)
		play_printed(&p, EV_OPEN, "20", "", "fd=%u;name=/x", i);
	state_stats(p.s, &stats);
	assert_int_equal(4, stats.fds);
	assert_int_equal(2, stats.fds_refused);
	play_stop(&p);
}

/* Forks, execs and exits of many processes: all tables stay consistent, nothing is leaked. */
static void
t_churn(void **st)
{
	static const struct state_limits limits = { 600, 64, 0, 3000 };
	struct state_stats stats;
	struct play p;
	uint32_t seed = 7;

	(void) st;
	play_start(&p, &limits);
	play_row(&p, &(struct row){ EV_EXECVE, "1", "exe=i;comm=i;trusted_exepath=/i", "" });
	for (unsigned i = 0; i < 20000; i++) {
		char who[32];

		seed = seed * 1103515245u + 12345u;
		(void) snprintf(who, sizeof(who), "%u@%u", 2 + (seed >> 16) % 700, i + 2);
		play_printed(
		    &p, EV_CLONE, who, "", "ptid=%u;comm=c%u", 1 + (seed >> 8) % 50, seed % 13);
		play_printed(&p, EV_OPEN, who, "", "fd=%u;name=/f%u", (seed >> 4) % 90, seed % 17);
		play_printed(&p, EV_CLOSE, who, "", "fd=%u", (seed >> 9) % 90);
		if (seed & 0x10000)
			play_row(&p, &(struct row){ EV_PROCEXIT, who, "status=0", "" });
	}
	state_stats(p.s, &stats);
	assert_true(stats.threads <= 600);
	play_stop(&p);
}

/* Each allocation fails once: the state stays consistent, and releases what it holds. */
static void
t_no_memory(void **st)
{
	bool fired = true;

	(void) st;
	for (unsigned n = 0; fired; n++) {
		struct play p = { 0 };
		struct state *s = NULL;
		int r;

		assert_int_equal(0, intern_new(1 << 20, &p.pool));
		fault_arm_nth(n);
		r = state_new(p.pool, &(struct state_limits){ 100, 100, 0, 0 }, &s);
		fired = fault_disarm();
		assert_int_equal(fired ? -ENOMEM : 0, r);
		assert_true(fired == (s == NULL));
		p.s = s;
		play_stop(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(exec_rows, NULL),
		PLAY(fork_rows, NULL),
		PLAY(parent_side_rows, NULL),
		PLAY(reused_rows, NULL),
		PLAY(leader_rows, NULL),
		PLAY(thread_rows, NULL),
		PLAY(leader_exit_rows, &short_grace),
		PLAY(reparent_rows, NULL),
		PLAY(session_rows, NULL),
		PLAY(pidns_rows, NULL),
		PLAY(unknown_rows, NULL),
		PLAY(grace_rows, &long_grace),
		PLAY(subreaper_rows, &long_grace),
		cmocka_unit_test(t_pidns_clock),
		cmocka_unit_test(t_bound),
		cmocka_unit_test(t_churn),
		cmocka_unit_test(t_no_memory),
		PLAY_NO_MEMORY(exec_rows),
		PLAY_NO_MEMORY(fork_rows),
		PLAY_NO_MEMORY(thread_rows),
		PLAY_NO_MEMORY(reparent_rows),
		PLAY_NO_MEMORY(session_rows),
		PLAY_NO_MEMORY(pidns_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
