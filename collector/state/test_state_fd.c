/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdio.h>

#define SHELL                                                                                     \
	{                                                                                         \
		EV_EXECVE, "10", "res=0;exe=sh;comm=sh;trusted_exepath=/bin/sh;cwd=/root;ptid=1", \
		    ""                                                                            \
	}

#define SIX(x)  x x x x x x
#define NULS127 SIX("|||||||") SIX("|||||||") SIX("|||||||") "|"

static const struct row path_rows[] = {
	SHELL,
	{ EV_OPEN, "10", "fd=3;name=/tmp/random/dir...///../../name/;flags=3;dev=5;ino=77",
	    "fd.name=/tmp/name;fd.raw=/tmp/random/dir.../../../name/;fd.type=f;fd.num=3;fd.flags=3;"
	    "fd.dev=5;fd.ino=77;fd.has=1;fd.changed=1;path=-;raw=-" },
	{ EV_OPEN, "10", "fd=3;name=a/./b/../c", "fd.name=/root/a/c;fd.raw=a/./b/../c" },
	{ EV_OPEN, "10", "fd=3;name=../../../x", "fd.name=/x" },
	{ EV_OPEN, "10", "fd=3;name=/..", "fd.name=/" },
	{ EV_OPEN, "10", "fd=3;name=//", "fd.name=/;fd.raw=/" },
	{ EV_OPEN, "10", "fd=3;name=.", "fd.name=/root" },
	{ EV_OPEN, "10", "fd=3;name=..a/.b", "fd.name=/root/..a/.b" },
	/* A folder, and files opened relative to it. */
	{ EV_OPENAT, "10", "fd=4;dirfd=-100;name=d;flags=0x2400", "fd.name=/root/d;fd.type=d" },
	{ EV_OPENAT, "10", "fd=5;dirfd=4;name=e/f", "fd.name=/root/d/e/f;fd.raw=e/f;fd.type=f" },
	{ EV_OPENAT, "10", "fd=5;dirfd=4;name=/e/f", "fd.name=/e/f" },
	{ EV_OPENAT, "10", "fd=5;dirfd=99;name=sub/f", "fd.name=<UNKNOWN>sub/f" },
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
	{ EV_CHDIR, "10", "res=0;path=d", "cwd=/root/d/" },
	{ EV_CHDIR, "10", "res=-2;path=/z", "cwd=/root/d/" },
	{ EV_OPEN, "10", "fd=3;name=q", "fd.name=/root/d/q" },
	{ EV_FCHDIR, "10", "res=0;fd=4", "cwd=/root/d/;fd.num=4;fd.name=/root/d" },
	{ EV_CHDIR, "10", "res=0;path=/", "cwd=/" },
	{ EV_OPEN, "10", "fd=3;name=q", "fd.name=/q" },
	{ EV_GETCWD, "10", "res=3;path=/v", "cwd=/v/;fd.has=0" },
	/* Events about folders and files by descriptor. */
	{ EV_UNLINKAT, "10", "res=0;dirfd=-100;name=x", "fd.num=-100;fd.name=-;fd.has=1" },
	{ EV_UNLINKAT, "10", "res=0;dirfd=4;name=x", "fd.num=4;fd.name=/root/d" },
	{ EV_FCHMOD, "10", "res=0;fd=5;mode=0", "fd.num=5" },
	{ EV_PWRITE, "10", "res=0;fd=4", "fd.num=4;fd.name=/root/d" },
	{ EV_UNLINK, "10", "res=0;path=x", "fd.has=0;fd.name=-" },
};

static const struct row close_rows[] = {
	SHELL,
	{ EV_OPEN, "10", "fd=3;name=/a;flags=0x1001", "fd.exec=1" },
	{ EV_OPEN, "10", "fd=4;name=/b", "" },
	/* Rules on the close see the descriptor; the next event does not. */
	{ EV_CLOSE, "10", "res=0;fd=3", "fd.name=/a;fd.num=3;10:nfds=2" },
	{ EV_FSTAT, "10", "res=0;fd=3", "fd.name=-;fd.num=3;10:nfds=1" },
	{ EV_CLOSE, "10", "res=-9;fd=4", "fd.name=/b" },
	{ EV_FSTAT, "10", "res=0;fd=4", "fd.name=/b" },
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
	{ EV_FCNTL, "10", "res=0;fd=7;cmd=3;arg=1", "fd.num=7;fd.exec=1" },
	{ EV_FCNTL, "10", "res=0;fd=7;cmd=3;arg=0", "fd.exec=0" },
	{ EV_CLOSE_RANGE, "10", "res=0;first=4;last=5;flags=0x4",
	    "10:fd4.exec=1;10:fd5.exec=1;10:nfds=6" },
	{ EV_CLOSE_RANGE, "10", "res=0;first=5;last=0xffffffff;flags=0", "10:nfds=6" },
	{ EV_FSTAT, "10", "res=0;fd=7", "10:nfds=2;10:fd3.name=/a;10:fd4.name=/a;fd.name=-" },
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
	{ EV_EXECVE, "10", "res=0;exe=sh;comm=sh;open_fds=\060|",
	    "10:nfds=2;10:fd4.name=/kept;10:fd5.name=/e" },
	/* Fewer bits than the maximum: there are no more descriptors. */
	{ EV_OPEN, "10", "fd=3000;name=/high", "10:nfds=3" },
	{ EV_EXECVE, "10", "res=0;exe=sh;comm=sh;open_fds=\060", "10:nfds=2" },
	/* As many as the maximum: beyond them, by the mark. */
	{ EV_OPEN, "10", "fd=3000;name=/high", "" },
	{ EV_OPEN, "10", "fd=3001;name=/marked;flags=0x1001", "10:nfds=4" },
	{ EV_EXECVE, "10", "res=0;exe=sh;comm=sh;open_fds=\040" NULS127,
	    "10:nfds=2;10:fd5.name=/e;10:fd3000.name=/high" },
	/* A sensor that does not report them, and an execveat: by the mark. */
	{ EV_EXECVE, "10", "res=0;exe=sh;comm=sh", "10:nfds=2" },
	{ EV_EXECVEAT, "10", "res=0;exe=sh;comm=sh", "10:nfds=2" },
	/* A thread that unshares its descriptors closes its own copies. */
	{ EV_CLONE, "11/10@2", "res=0;tid=11;pid=10;ptid=1;flags=0x2000;comm=sh", "nthreads=2" },
	{ EV_CLOSE_RANGE, "11/10@2", "res=0;first=3;last=0xffffffff;flags=2", "" },
	{ EV_FSTAT, "10", "res=0;fd=5", "10:nfds=2" },
	{ EV_CLOSE_RANGE, "11/10@2", "res=0;first=3;last=0xffffffff;flags=0", "" },
	{ EV_FSTAT, "10", "res=0;fd=5", "10:nfds=0" },
};

static const struct row kind_rows[] = {
	SHELL,
	{ EV_PIPE, "10", "res=0;fd1=3;fd2=4;ino=9",
	    "fd.num=4;fd.type=p;fd.name=;fd.ino=9;10:fd3.type=p;fd.raw=;fd.changed=0" },
	{ EV_PIPE2, "10", "res=0;fd1=5;fd2=6;ino=9;flags=0x1000",
	    "fd.num=6;fd.exec=1;10:fd5.exec=1" },
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
	{ EV_EXECVE, "20", "res=0;exe=t;comm=t;trusted_exepath=/t", "" },
	{ EV_OPEN, "20", "fd=3;name=/theirs", "" },
	{ EV_PIDFD_OPEN, "10", "fd=16;pid=20", "fd.type=P;fd.name=" },
	{ EV_PIDFD_GETFD, "10", "fd=17;pid_fd=16;target_fd=3",
	    "fd.type=f;fd.name=/theirs;fd.num=17" },
	{ EV_EPOLL_CREATE, "10", "res=-24", "fd.num=-1;fd.type=-" },
};

static const struct row client_rows[] = {
	SHELL,
	{ EV_SOCKET, "10", "fd=4;domain=2;type=1;proto=0;flags=0x1000",
	    "fd.type=4;fd.name=;fd.conn=0;fd.role=0;fd.exec=1;fd.l4=2" },
	{ EV_CONNECT, "10", "res=0;tuple=4,172.40.111.222:54321>142.251.111.147:443;fd=4",
	    "fd.name=172.40.111.222:54321->142.251.111.147:443;fd.changed=1;fd.conn=1;fd.role=1;fd."
	    "l4=2;"
	    "fd.sip=172.40.111.222;fd.dip=142.251.111.147;fd.sport=54321;fd.dport=443" },
	/* Again: the same name is no change; a failure changes nothing. */
	{ EV_CONNECT, "10", "res=0;tuple=4,172.40.111.222:54321>142.251.111.147:443;fd=4",
	    "fd.changed=0" },
	{ EV_CONNECT, "10", "res=-2;tuple=4,1.1.1.1:1>2.2.2.2:2;fd=4",
	    "fd.name=172.40.111.222:54321->142.251.111.147:443;fd.conn=1" },
	{ EV_CLOSE, "10", "res=0;fd=4", "fd.dport=443" },
	/* IPv6, without brackets. */
	{ EV_SOCKET, "10", "fd=5;domain=10;type=2;proto=0", "fd.type=6;fd.l4=3" },
	{ EV_CONNECT, "10", "res=0;tuple=6,::1:54321>2001:4860:4860::8888:443;fd=5",
	    "fd.name=::1:54321->2001:4860:4860::8888:443;fd.type=6" },
	{ EV_SENDTO, "10", "res=5;fd=5;size=5;tuple=",
	    "fd.name=::1:54321->2001:4860:4860::8888:443;fd.changed=0" },
	/* IPv4 in IPv6 has addresses and no name. */
	{ EV_CONNECT, "10", "res=0;tuple=6,::ffff:10.0.0.1:1234>::ffff:10.0.0.2:80;fd=5",
	    "fd.name=<unknown>;fd.type=4;fd.sip=10.0.0.1;fd.dip=10.0.0.2;fd.dport=80;fd.sport="
	    "1234" },
	/* Under way, then done. */
	{ EV_SOCKET, "10", "fd=6;domain=2;type=1;proto=6", "" },
	{ EV_CONNECT, "10", "res=-115;tuple=4,10.0.0.1:1>10.0.0.2:80;fd=6",
	    "fd.name=10.0.0.1:1->10.0.0.2:80;fd.conn=1;fd.role=1" },
	{ EV_GETSOCKOPT, "10", "res=0;fd=6;level=1;optname=4;val=\001||||||||", "fd.conn=1" },
	{ EV_CONNECT, "10", "res=-115;tuple=4,10.0.0.1:1>10.0.0.2:80;fd=6", "fd.conn=1" },
	{ EV_GETSOCKOPT, "10", "res=0;fd=6;level=1;optname=4;val=\001o|||||||", "fd.conn=0" },
	/* No tuple: the requested address. */
	{ EV_CONNECT, "10", "res=0;tuple=;addr=4,10.9.9.9:53;fd=7",
	    "fd.name=0.0.0.0:0->10.9.9.9:53;fd.type=4" },
	{ EV_SOCKET, "10", "fd=8;domain=2;type=3;proto=1", "fd.l4=5" },
	{ EV_CONNECT, "10", "res=0;tuple=4,10.0.0.1:0>10.0.0.2:0;fd=8",
	    "fd.name=10.0.0.1->10.0.0.2" },
	/* A stream that was bound before is still a client; a datagram socket is not. */
	{ EV_SOCKET, "10", "fd=10;domain=2;type=1", "" },
	{ EV_BIND, "10", "res=0;addr=4,10.0.0.1:700;fd=10", "fd.role=2" },
	{ EV_CONNECT, "10", "res=0;tuple=4,10.0.0.1:700>10.0.0.2:514;fd=10",
	    "fd.name=10.0.0.1:700->10.0.0.2:514;fd.role=1" },
	{ EV_SOCKET, "10", "fd=11;domain=2;type=2", "" },
	{ EV_BIND, "10", "res=0;addr=4,10.0.0.1:701;fd=11", "fd.role=2" },
	{ EV_CONNECT, "10", "res=0;tuple=4,10.0.0.1:701>10.0.0.2:514;fd=11",
	    "fd.name=10.0.0.2:514->10.0.0.1:701;fd.role=2" },
	{ EV_SOCKET, "10", "fd=-1;domain=2;type=3;proto=1", "fd.num=-1;fd.type=-" },
	/* A transport without a name. */
	{ EV_SOCKET, "10", "fd=9;domain=2;type=1;proto=132", "fd.l4=0" },
	{ EV_CONNECT, "10", "res=0;tuple=4,10.0.0.1:7>10.0.0.2:8;fd=9",
	    "fd.name=<unknown>;fd.sip=10.0.0.1;fd.dport=8" },
	{ EV_SOCKET, "10", "fd=9;domain=2;type=3;proto=6", "fd.l4=5" },
	{ EV_SOCKET, "10", "fd=9;domain=2;type=2;proto=1", "fd.l4=4" },
	/* A socket that is read or written is connected. */
	{ EV_SOCKET, "10", "fd=9;domain=2;type=1;proto=0", "fd.conn=0" },
	{ EV_READ, "10", "res=-11;fd=9;size=1", "fd.conn=0" },
	{ EV_WRITE, "10", "res=1;fd=9;size=1", "fd.conn=1" },
	/* Unix. */
	{ EV_SOCKET, "10", "fd=9;domain=1;type=1", "fd.type=u;fd.name=;fd.l4=1" },
	{ EV_CONNECT, "10", "res=0;tuple=u,ffff1>ffff2 /run/x.sock;fd=9",
	    "fd.name=ffff1->ffff2 /run/x.sock;fd.type=u;fd.conn=1" },
	{ EV_SOCKETPAIR, "10", "res=0;fd1=20;fd2=21;source=0xa;peer=0xb;domain=1;type=1",
	    "fd.num=21;fd.name=;10:fd20.name=;fd.type=u;fd.conn=0" },
	{ EV_SOCKET, "10", "fd=22;domain=16;type=3", "fd.type=n" },
	{ EV_SOCKET, "10", "fd=23;domain=17;type=3", "fd.type=o" },
};

static const struct row server_rows[] = {
	SHELL,
	{ EV_SOCKET, "10", "fd=4;domain=2;type=1", "" },
	{ EV_BIND, "10", "res=0;addr=4,142.251.111.147:443;fd=4",
	    "fd.name=142.251.111.147:443;fd.server=1;fd.dip=142.251.111.147;fd.dport=443;fd.role="
	    "2" },
	{ EV_LISTEN, "10", "res=0;fd=4;backlog=5", "fd.name=142.251.111.147:443;fd.conn=0" },
	{ EV_ACCEPT, "10", "fd=6;tuple=4,172.40.111.222:54321>142.251.111.147:443",
	    "fd.name=172.40.111.222:54321->142.251.111.147:443;fd.sip=172.40.111.222;fd.dport=443;"
	    "fd.role=2;fd.l4=2;fd.conn=1;fd.changed=1;fd.num=6" },
	{ EV_ACCEPT4, "10", "fd=7;tuple=u,a>b /s;flags=0x1000",
	    "fd.name=a->b /s;fd.exec=1;fd.type=u" },
	{ EV_ACCEPT, "10", "fd=-11;tuple=", "fd.num=-1;fd.name=-" },
	/* A path may have the NUL that ends it. */
	{ EV_BIND, "10", "res=0;addr=u,/run/y|;fd=7", "fd.name=/run/y;fd.changed=1" },
	{ EV_BIND, "10", "res=0;addr=4,0.0.0.0:0;fd=4", "fd.name=0.0.0.0:0;fd.dport=443" },
	{ EV_SOCKET, "10", "fd=20;domain=10;type=1", "" },
	{ EV_BIND, "10", "res=0;addr=6,::ffff:10.0.0.1:88;fd=20",
	    "fd.name=::ffff:10.0.0.1:88;fd.type=4;fd.dip=10.0.0.1;fd.dport=88;fd.l4=2" },
	{ EV_ACCEPT, "10", "fd=21;tuple=", "fd.num=21;fd.name=-" },
	/* A bound datagram socket is the server for every peer. */
	{ EV_SOCKET, "10", "fd=8;domain=2;type=2", "" },
	{ EV_BIND, "10", "res=0;addr=4,10.0.0.1:53;fd=8", "fd.name=10.0.0.1:53" },
	{ EV_RECVFROM, "10", "res=5;tuple=4,10.0.0.9:999>10.0.0.1:53;fd=8",
	    "fd.name=10.0.0.9:999->10.0.0.1:53;fd.role=2;fd.changed=1" },
	{ EV_SENDTO, "10", "res=5;tuple=4,10.0.0.1:53>10.0.0.9:999;fd=8",
	    "fd.name=10.0.0.9:999->10.0.0.1:53;fd.role=2;fd.changed=0" },
	/* A socket that sends first is a client, in whichever direction data flows. */
	{ EV_SENDMSG, "10", "res=5;tuple=4,10.0.0.1:4000>10.0.0.2:53;fd=9",
	    "fd.name=10.0.0.1:4000->10.0.0.2:53;fd.role=1;fd.l4=3;fd.type=4;fd.conn=1" },
	{ EV_RECVMSG, "10", "res=5;tuple=4,10.0.0.2:53>10.0.0.1:4000;fd=9",
	    "fd.name=10.0.0.1:4000->10.0.0.2:53;fd.role=1" },
	{ EV_SENDTO, "10", "res=-11;tuple=4,10.0.0.1:4000>10.0.0.7:53;fd=9",
	    "fd.name=10.0.0.1:4000->10.0.0.2:53" },
	/* Sending on a stream does not rename it. */
	{ EV_SENDTO, "10", "res=5;tuple=4,1.1.1.1:1>2.2.2.2:2;fd=6",
	    "fd.name=172.40.111.222:54321->142.251.111.147:443" },
};

/* A number to which a call gives a new meaning never keeps the old one, known or not. */
static const struct row reused_rows[] = {
	SHELL,
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_DUP2, "10", "res=3;oldfd=19;newfd=3", "fd.num=3;fd.type=-;fd.name=-;10:nfds=0" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_DUP3, "10", "res=3;oldfd=19;newfd=3;flags=0x1000", "fd.type=-;fd.name=-" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_DUP2, "10", "res=-9;oldfd=19;newfd=3", "10:fd3.name=/old" },
	{ EV_DUP, "10", "res=3;oldfd=19", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_FCNTL, "10", "res=3;fd=19;cmd=1;arg=0", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_FCNTL, "10", "res=3;fd=19;cmd=0x1a;arg=0", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_FCNTL, "10", "res=3;fd=3;cmd=1;arg=0", "10:fd3.name=/old" },
	/* From an unknown pidfd, from one of an unknown process, from an unknown descriptor. */
	{ EV_PIDFD_GETFD, "10", "fd=3;pid_fd=16;target_fd=3", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_PIDFD_OPEN, "10", "fd=16;pid=20", "" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_PIDFD_GETFD, "10", "fd=3;pid_fd=16;target_fd=3", "fd.type=-;fd.name=-" },
	{ EV_EXECVE, "20", "res=0;exe=t;comm=t;trusted_exepath=/t", "" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_PIDFD_GETFD, "10", "fd=3;pid_fd=16;target_fd=3", "fd.type=-;fd.name=-" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_PIDFD_GETFD, "10", "fd=-9;pid_fd=16;target_fd=3", "10:fd3.name=/old" },
	/* From its own process, over an entry whose close was missed. */
	{ EV_PIDFD_OPEN, "10", "fd=17;pid=10", "" },
	{ EV_PIDFD_GETFD, "10", "fd=3;pid_fd=17;target_fd=3", "fd.name=/old" },
	/* Accepted: of a kind without ends. */
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_ACCEPT, "10", "fd=3;tuple=", "fd.num=3;fd.type=-;fd.name=-" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_ACCEPT4, "10", "fd=-11;tuple=;flags=0", "10:fd3.name=/old" },
	{ EV_ACCEPT4, "10", "fd=3;tuple=;flags=0", "fd.type=-;fd.name=-" },
	/* Used as a socket: its close and its socket() were missed. */
	{ EV_OPEN, "10", "fd=3;name=/old;flags=0x8001;ino=7", "" },
	{ EV_CONNECT, "10", "res=0;tuple=;addr=;fd=3", "fd.type=o;fd.name=;fd.upper=0;fd.ino=0" },
	{ EV_OPEN, "10", "fd=3;name=/old;flags=0x8001;ino=7", "" },
	{ EV_CONNECT, "10", "res=0;tuple=4,10.0.0.1:1>10.0.0.2:80;fd=3",
	    "fd.type=4;fd.name=10.0.0.1:1->10.0.0.2:80;fd.upper=0;fd.ino=0" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_CONNECT, "10", "res=-2;tuple=;addr=4,10.0.0.2:80;fd=3", "fd.name=/old" },
	{ EV_BIND, "10", "res=0;addr=u,/run/y;fd=3", "fd.type=u;fd.name=/run/y" },
	{ EV_OPEN, "10", "fd=3;name=/old", "" },
	{ EV_SENDTO, "10", "res=5;tuple=;fd=3", "fd.type=-;fd.name=-" },
	/* Another process that has it open keeps it. */
	{ EV_OPEN, "20", "fd=5;name=/theirs", "" },
	{ EV_CLONE, "30", "res=0;exe=t;ptid=20;pid=30;tid=30;vtid=30;vpid=30", "" },
	{ EV_DUP2, "30", "res=5;oldfd=9;newfd=5", "fd.name=-;20:fd5.name=/theirs" },
	/* A result that is not a descriptor. */
	{ EV_OPEN, "10", "fd=0;name=/in", "" },
	{ EV_BPF, "10", "fd=0;cmd=2", "10:fd0.name=/in" },
	{ EV_FCNTL, "10", "res=0;fd=3;cmd=3;arg=1", "10:fd0.name=/in" },
};

#define PLAY(rows) play(rows, ARRAY_SIZE(rows), NULL)

static void
t_paths(void **st)
{
	(void) st;
	PLAY(path_rows);
}

static void
t_close(void **st)
{
	(void) st;
	PLAY(close_rows);
	PLAY(exec_rows);
}

static void
t_kinds(void **st)
{
	(void) st;
	PLAY(kind_rows);
}

static void
t_reused(void **st)
{
	(void) st;
	PLAY(reused_rows);
}

static void
t_clients(void **st)
{
	(void) st;
	PLAY(client_rows);
}

static void
t_servers(void **st)
{
	(void) st;
	PLAY(server_rows);
}

/* A path at the cap, and one beyond it. */
static void
t_long_path(void **st)
{
	char params[2048], expect[2048], name[1100];
	struct play p;

	(void) st;
	play_start(&p, NULL);
	for (int len = 1023; len <= 1024; len++) {
		memset(name, 'a', sizeof(name));
		name[0] = '/';
		name[len] = '\0';
		(void) snprintf(params, sizeof(params), "fd=3;name=%s", name);
		(void) snprintf(expect, sizeof(expect), "fd.name=%s",
		    len < 1024 ? name : "/DIR_TOO_LONG/FILENAME_TOO_LONG");
		play_row(&p, &(struct row){ EV_OPEN, "10", params, expect });
	}
	play_stop(&p);
}

static Wire__Interface
iface(uint8_t *addr, size_t n, uint32_t prefix)
{
	Wire__Interface f = WIRE__INTERFACE__INIT;

	f.address.data = addr;
	f.address.len = n;
	f.prefix = prefix;
	return f;
}

/* The node's addresses: which are local, and which replace an unspecified address. */
static void
t_interfaces(void **st)
{
	static uint8_t lo[] = { 127, 0, 0, 1 }, lan[] = { 10, 1, 2, 3 }, wan[] = { 192, 168, 7, 1 };
	static uint8_t six[16] = { 0x20, 0x01, 0xd, 0xb8, [15] = 1 };
	static uint8_t other[16] = { 0x20, 0x01, 0xd, 0xb8, [15] = 9 };
	Wire__Interface v[] = { iface(lo, 4, 8), iface(wan, 4, 24), iface(lan, 4, 20),
		iface(six, 16, 64) };
	Wire__Interface *const list[] = { &v[0], &v[1], &v[2], &v[3] };
	static const struct {
		const char *tuple, *name;
	} cases[] = {
		{ "4,0.0.0.0:9>10.1.15.1:53", "10.1.2.3:9->10.1.15.1:53" },
		{ "4,0.0.0.0:9>10.1.16.1:53", "192.168.7.1:9->10.1.16.1:53" },
		{ "4,0.0.0.0:9>127.0.0.1:53", "127.0.0.1:9->127.0.0.1:53" },
		{ "4,5.5.5.5:9>8.8.8.8:53", "5.5.5.5:9->8.8.8.8:53" },
	};
	struct play p;

	(void) st;
	play_start(&p, NULL);
	assert_int_equal(0, state_set_interfaces(p.s, list, ARRAY_SIZE(list)));
	assert_true(state_is_local(p.s, lan, 4));
	assert_false(state_is_local(p.s, (const uint8_t[]){ 10, 1, 2, 4 }, 4));
	assert_true(state_is_local(p.s, other, 16)); /* the same network */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char params[256], expect[256];

		(void) snprintf(params, sizeof(params), "res=0;fd=4;tuple=%s", cases[i].tuple);
		(void) snprintf(expect, sizeof(expect), "fd.name=%s", cases[i].name);
		play_row(&p, &(struct row){ EV_CONNECT, "10", params, expect });
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
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		char params[64];

		(void) snprintf(params, sizeof(params), "fd=%d;name=/x", (int) fds[i]);
		play_row(&p, &(struct row){ EV_OPEN, "10", params, "" });
	}
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

static void
t_no_memory(void **st)
{
	(void) st;
	play_no_memory(path_rows, ARRAY_SIZE(path_rows));
	play_no_memory(close_rows, ARRAY_SIZE(close_rows));
	play_no_memory(kind_rows, ARRAY_SIZE(kind_rows));
	play_no_memory(reused_rows, ARRAY_SIZE(reused_rows));
	play_no_memory(client_rows, ARRAY_SIZE(client_rows));
	play_no_memory(server_rows, ARRAY_SIZE(server_rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_paths),
		cmocka_unit_test(t_close),
		cmocka_unit_test(t_kinds),
		cmocka_unit_test(t_reused),
		cmocka_unit_test(t_clients),
		cmocka_unit_test(t_servers),
		cmocka_unit_test(t_long_path),
		cmocka_unit_test(t_interfaces),
		cmocka_unit_test(t_walk),
		cmocka_unit_test(t_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
