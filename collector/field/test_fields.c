/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include "collector/filter/test_ask.h"
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdlib.h>

/*
 * Rarely used fields, each after an event that fills it and after one that does not.
 */
/* 1,200 bytes that normalise to nothing, and 1,200 that stay. */
#define TEN(x)   x x x x x x x x x x
#define DOTS     TEN(TEN("/./././././."))
#define NAMES    TEN(TEN("/abcdefghijk"))
#define TOO_LONG "/DIR_TOO_LONG/FILENAME_TOO_LONG"

static const struct {
	struct row event; /* 'expect' is not used */
	struct ask_field fields[16];
} steps[] = {
	{ { EV_EXECVE, "10^5000000000",
	      "res=0;comm=bash;exe=-bash;args=;env=A=1|;cwd=/root;pid=10;tid=10;ptid=1;vtid=10"
	      ";vpid=10;uid=0;gid=0;fdlimit=10;sid=10;vpgid=10;pgid=10",
	      "" },
	    { { "evt.reltime", "000000000" }, { "evt.reltime.s", "0" }, { "evt.deltatime", "0" },
		{ "proc.exepath", "" }, { "util.cnt", "1" }, { "util.cnt", "2" },
		{ "proc.loginshellid", "10" }, { "proc.is_sid_leader", "true" },
		{ "proc.is_pgid_leader", "true" }, { "thread.exectime", "0" },
		{ "fdlist.nums", NULL }, { "evt.asynctype", NULL }, { "evt.is_async", "false" },
		{ "evt.infra.docker.name", NULL }, { "evt.count.exit", "1" } } },
	{ { EV_EXECVE, "10^6500000020", "res=0;comm=ls;exe=ls;args=;trusted_exepath=/bin/ls", "" },
	    { { "proc.exepath", "/bin/ls" }, { "evt.dir", "<" }, { "evt.reltime", "1500000020" },
		{ "evt.reltime.s", "1" }, { "evt.reltime.ns", "500000020" },
		{ "evt.deltatime", "1500000020" }, { "evt.deltatime.s", "1" },
		{ "evt.deltatime.ns", "500000020" } } },
	{ { EV_OPENAT, "10", "fd=3;dirfd=-100;name=/opt/tool;flags=1025;mode=0", "" },
	    { { "fd.typechar", "d" }, { "fd.filename", NULL }, { "fd.directory", "/opt/tool" } } },
	{ { EV_OPEN_E, "10", "name=/opt/was", "" },
	    { { "evt.dir", ">" }, { "evt.count.exit", NULL }, { "evt.type", "open" } } },
	/* Marks of the capture. */
	{ { EV_OPEN, "10!1", "fd=-13;name=/etc/shadow;flags=1;mode=0", "" },
	    { { "mews.cut", "true" }, { "mews.reread", "false" } } },
	{ { EV_OPEN, "10!2", "fd=-13;name=/etc/shadow;flags=1;mode=0", "" },
	    { { "mews.cut", "false" }, { "mews.reread", "true" } } },
	{ { EV_OPEN, "10!8", "fd=-13;name=/etc/shadow;flags=1;mode=0", "" },
	    { { "mews.io_uring", "true" }, { "mews.cut", "false" } } },
	/* Falco's limit applies to the normalised path, not to its original form. */
	{ { EV_OPEN, "10", "fd=90;name=/etc" DOTS "/shadow;flags=1;mode=0", "" },
	    { { "fd.name", "/etc/shadow" }, { "fd.nameraw", "/etc" DOTS "/shadow" } } },
	{ { EV_OPENAT, "10", "fd=90;dirfd=-100;name=.." DOTS "/../etc/shadow;flags=1;mode=0", "" },
	    { { "fd.name", "/etc/shadow" } } },
	{ { EV_OPEN, "10", "fd=90;name=" NAMES ";flags=1;mode=0", "" },
	    { { "fd.name", TOO_LONG }, { "fd.nameraw", NAMES } } },
	/* A loader runs the program given to it. */
	{ { EV_EXECVE, "30",
	      "res=0;comm=ld;exe=ld;trusted_exepath=/usr/lib/ld-linux-x86-64.so.2;cwd=/tmp"
	      ";args=--library-path|/lib|--list|x/../evil|--argv0|",
	      "" },
	    { { "mews.proc.program", "/tmp/evil" },
		{ "proc.exepath", "/usr/lib/ld-linux-x86-64.so.2" } } },
	{ { EV_EXECVE, "30",
	      "res=0;comm=ld;exe=ld;trusted_exepath=/lib/ld-musl-x86_64.so.1;cwd=/tmp"
	      ";args=--argv0|sshd|--|--odd|",
	      "" },
	    { { "mews.proc.program", "/tmp/--odd" } } },
	{ { EV_EXECVE, "30",
	      "res=0;comm=ld;exe=ld;trusted_exepath=/lib/ld-2.31.so;cwd=/tmp;args=--preload|", "" },
	    { { "mews.proc.program", "/lib/ld-2.31.so" } } },
	{ { EV_EXECVE, "30", "res=0;comm=ld;exe=ld;trusted_exepath=/usr/bin/ld;args=/dev/shm/x|",
	      "" },
	    { { "mews.proc.program", "/usr/bin/ld" } } },
	/* A session and a group of unknown leaders have numbers and no names. */
	{ { EV_EXECVE, "31",
	      "res=0;comm=x;exe=x;pid=31;tid=31;vpid=3;vtid=3;sid=500;pgid=501;vpgid=2", "" },
	    { { "proc.sid", "500" }, { "proc.sname", NULL }, { "proc.sid.exe", NULL },
		{ "proc.pgid", "501" }, { "proc.pgid.name", NULL }, { "proc.vpgid", "2" },
		{ "proc.vpgid.name", NULL }, { "proc.is_sid_leader", "false" } } },
	{ { EV_SETSID, "31", "res=3", "" },
	    { { "proc.sid", "31" }, { "proc.sname", "x" }, { "proc.is_sid_leader", "true" },
		{ "proc.is_vpgid_leader", "true" }, { "proc.vpgid.exe", "x" } } },
	/* Our own paths are absolute, whatever the result of the call. */
	{ { EV_LINK, "10", "res=0;oldpath=/etc/../etc/shadow;newpath=x", "" },
	    { { "fs.path.target", "/etc/shadow" }, { "mews.path.target", "/etc/shadow" },
		{ "fs.path.targetraw", "/etc/../etc/shadow" },
		{ "evt.arg.oldpath", "/etc/../etc/shadow" } } },
	{ { EV_LINKAT, "10", "res=-17;olddir=3;oldpath=../x;newdir=-100;newpath=l;flags=0", "" },
	    { { "fs.path.target", NULL }, { "mews.path.target", "/opt/x" },
		{ "mews.path.source", "/root/l" }, { "mews.path.name", NULL } } },
	{ { EV_OPENAT, "10", "fd=-2;dirfd=-100;name=no;flags=1;mode=0", "" },
	    { { "mews.path.name", "/root/no" } } },
	/* Failures by kind. */
	{ { EV_OPEN, "10", "fd=-13;name=/etc/shadow;flags=1;mode=0", "" },
	    { { "evt.count.error", "1" }, { "evt.count.error.file", "1" },
		{ "evt.count.error.net", NULL }, { "evt.count.error.memory", NULL },
		{ "evt.count.error.other", NULL }, { "fd.typechar", "o" }, { "fd.type", NULL },
		{ "fs.path.name", "/etc/shadow" }, { "mews.cut", "false" },
		{ "mews.reread", "false" }, { "mews.io_uring", "false" } } },
	{ { EV_ACCEPT, "10", "fd=-11;tuple=;queuepct=0;queuelen=0;queuemax=0", "" },
	    { { "evt.count.error.net", "1" }, { "evt.count.error.file", NULL },
		{ "fd.name", "NULL" }, { "fd.nameraw", "NULL" }, { "fd.directory", "/" },
		{ "fd.typechar", "4" }, { "fd.filename", NULL }, { "fd.type", NULL } } },
	{ { EV_MUNMAP, "10", "res=-22;addr=1;length=1", "" },
	    { { "evt.count.error.memory", "1" }, { "evt.count.error.other", NULL },
		{ "evt.category", "memory" } } },
	{ { EV_PIPE2, "10", "res=-24;fd1=0;fd2=0;ino=0;flags=0", "" },
	    { { "evt.count.error.other", "1" }, { "fd.num", "-1" }, { "fd.typechar", "p" },
		{ "evt.category", "IPC" } } },
	{ { EV_SYSCALL, "10", "ID=139", "" },
	    { { "evt.failed", NULL }, { "evt.count.error", NULL }, { "evt.args", "" },
		{ "evt.type", "sysfs" }, { "evt.res", NULL } } },
	/* arm64's close, fork's number on x86-64; a number in no table. */
	{ { EV_SYSCALL, "10", "ID=3;nativeID=57", "" },
	    { { "evt.type", "close" }, { "evt.arg.ID", "close" }, { "evt.arg.nativeID", "57" } } },
	{ { EV_SYSCALL, "10", "ID=4000", "" }, { { "evt.type", "syscall" } } },
	/* Values whose type is in their first byte; lists of descriptors. */
	{ { EV_PTRACE, "10", "res=0;addr=|A;data=\001\017;request=8;pid=10", "" },
	    { { "evt.arg.addr", "41" }, { "evt.arg.data", "SIGTERM" } } },
	{ { EV_GETSOCKOPT, "10", "res=0;fd=3;level=1;optname=4;val=\002A;optlen=4", "" },
	    { { "evt.arg.val", "65" } } },
	{ { EV_SETSOCKOPT, "10", "res=0;fd=3;level=1;optname=20;val=\004A;optlen=8", "" },
	    { { "evt.arg.val", "6.5e-08s" } } },
	{ { EV_SETSOCKOPT, "10", "res=0;fd=3;level=1;optname=20;val=|A\001;optlen=8", "" },
	    { { "evt.arg.val", "A." } } },
	{ { EV_KEYCTL, "10",
	      "res=0;operation=10;arg2=|A|||||||;arg3=\001user;arg4=\001gone;arg5=|||||||||", "" },
	    { { "evt.arg.operation", "KEYCTL_SEARCH" }, { "evt.arg.arg2", "65" },
		{ "evt.arg.arg3", "user" }, { "evt.arg.arg5", "0" } } },
	/* Flags that the schema calls an integer. */
	{ { EV_ACCEPT4, "10", "fd=-11;queuepct=0;queuelen=0;queuemax=0;flags=4160", "" },
	    { { "evt.arg.flags", "O_NONBLOCK|O_CLOEXEC" } } },
	{ { EV_POLL, "10", "res=0;fds=\002|\003|||||||\001|\011|||||||\014|;timeout=0", "" },
	    { { "evt.arg.fds", "3:d1 9:?c" } } },
	{ { EV_SOCKET, "10", "fd=6;domain=2;type=3;proto=1;flags=0", "" },
	    { { "fd.typechar", "4" } } },
	{ { EV_SENDTO, "10", "res=3;data=abc;fd=6;size=3;tuple=10.0.0.1:0->10.0.0.2:0", "" },
	    { { "evt.arg.tuple", "10.0.0.1->10.0.0.2" } } },
	/* Types of values that few events have. */
	{ { EV_NANOSLEEP, "10", "res=0;interval=1500000000", "" },
	    { { "evt.arg.interval", "1.5s" }, { "evt.args", "res=0 interval=1500000000(1.5s)" } } },
	{ { EV_NANOSLEEP, "10", "res=0;interval=-1", "" }, { { "evt.arg.interval", "none" } } },
	{ { EV_PPOLL, "10", "res=0;fds=;timeout=0;sigmask=0x10000201", "" },
	    { { "evt.arg.sigmask", "SIGHUP SIGUSR1 SIGIO" }, { "evt.arg.timeout", "0s" } } },
	{ { EV_KILL, "10", "res=0;pid=4;sig=29", "" }, { { "evt.arg.sig", "SIGIO" } } },
	{ { EV_EXECVE, "9",
	      "res=0;comm=c;exe=c;args=;cgroups=cpuset=/a=b|io=/c|mem_cgroup=/d|perf=/e|", "" },
	    { { "thread.cgroups", "cpuset=/a=b blkio=/c memory=/d perf_event=/e" },
		{ "thread.cgroup.cpuset", "/a=b" }, { "thread.cgroup.blkio", "/c" },
		{ "thread.cgroup.memory", "/d" }, { "thread.cgroup.io", NULL } } },
	/* The path in the unified hierarchy belongs to no controller, unless there is no other
	 * hierarchy. */
	{ { EV_EXECVE, "9", "res=0;comm=c;exe=c;args=;cgroups=cpu=/a|=/u|", "" },
	    { { "thread.cgroups", "cpu=/a" }, { "thread.cgroup.memory", NULL } } },
	{ { EV_EXECVE, "9", "res=0;comm=c;exe=c;args=;cgroups==/u|", "" },
	    { { "thread.cgroups", "cpuset=/u cpu=/u cpuacct=/u blkio=/u memory=/u" },
		{ "thread.cgroup.memory", "/u" }, { "thread.cgroup.pids", NULL } } },
	/* An absolute path is not printed twice. */
	{ { EV_UNLINKAT, "10", "res=0;dirfd=3;name=/a/../b//c/;flags=0", "" },
	    { { "evt.arg.name", "/a/../b//c/" },
		{ "evt.args", "res=0 dirfd=3(<d>/opt/tool) name=/a/../b//c/ flags=0" } } },
	/* Events about a descriptor list the descriptors. */
	{ { EV_FSTAT, "10", "res=0;fd=3", "" },
	    { { "fd.types[3]", "(directory)" }, { "fd.types[44]", NULL } } },
	{ { EV_KILL, "10", "res=0;pid=4;sig=9", "" },
	    { { "fd.types", NULL }, { "fd.types[3]", NULL } } },
	/* An unreadable path is not relative to anything. */
	{ { EV_UNLINKAT, "10", "res=0;dirfd=44;name=<NA>;flags=0", "" },
	    { { "evt.arg.name", "<NA>" }, { "evt.args", "res=0 dirfd=44 name=<NA> flags=0" } } },
	{ { EV_CHMOD, "10", "res=-14;filename=<NA>;mode=0", "" },
	    { { "evt.arg.filename", "<NA>" } } },
	/* A raw socket has a transport even without a peer. */
	{ { EV_SOCKET, "10", "fd=5;domain=2;type=3;proto=1;flags=0", "" },
	    { { "fd.l4proto", "raw" }, { "evt.arg.fd", "<4r>" } } },
	/* Lengths count known reads and writes. */
	{ { EV_SOCKET, "10", "fd=5;domain=2;type=2;proto=0;flags=0", "" },
	    { { "fd.l4proto", "<NA>" }, { "evt.arg.fd", "<4>" }, { "fd.sproto", NULL } } },
	{ { EV_SENDTO, "10", "res=3;data=abc;fd=5;size=3;tuple=10.0.0.1:1000->10.0.0.2:53", "" },
	    { { "evt.buflen", "3" }, { "evt.buflen.out", "3" }, { "evt.buflen.in", NULL },
		{ "evt.buflen.net", "3" }, { "evt.buflen.net.out", "3" },
		{ "evt.buflen.file", NULL }, { "evt.buffer", "abc" }, { "evt.io_dir", "write" },
		{ "fd.cproto", "1000" }, { "fd.sproto", "53" }, { "fd.rproto", "1000" },
		{ "fd.lproto", "53" }, { "evt.arg.fd", "<4u>10.0.0.1:1000->10.0.0.2:53" },
		{ "evt.category", "net" } } },
	{ { EV_READ, "10", "res=2;data=ab;fd=99;size=2", "" },
	    { { "evt.buflen", NULL }, { "evt.buffer", "ab" }, { "evt.category", "unknown" } } },
	/* Passed to poll(): 5, 3 and 77. */
	{ { EV_POLL, "10", "res=1;timeout=0;fds=\003|\005|||||||\001|\003|||||||\001|M|||||||\001|",
	      "" },
	    { { "fdlist.nums", "5,3,77" },
		{ "fdlist.names", "10.0.0.1:1000->10.0.0.2:53,/opt/tool,<NA>" },
		{ "fdlist.cips", "10.0.0.1" }, { "fdlist.sips", "10.0.0.2" },
		{ "fdlist.cports", "1000" }, { "fdlist.sports", "53" },
		{ "evt.is_wait", "true" } } },
	/* An IPv4 address mapped to IPv6: the connection has no transport, and no name. */
	{ { EV_SOCKET, "10", "fd=6;domain=10;type=1;proto=0;flags=0", "" },
	    { { "fd.typechar", "6" }, { "fd.sockfamily", "ip" } } },
	{ { EV_CONNECT, "10",
	      "res=0;tuple=::ffff:5.6.7.8:999->::ffff:1.2.3.4:443;fd=6;addr=::ffff:1.2.3.4:443",
	      "" },
	    { { "fd.name", "<unknown>" }, { "fd.sip", "1.2.3.4" }, { "fd.l4proto", "<NA>" },
		{ "evt.arg.addr", "::ffff:1.2.3.4:443" },
		{ "evt.arg.tuple", "5.6.7.8:999->1.2.3.4:443" }, { "fd.type", "ipv4" },
		{ "evt.arg.fd", "<4><unknown>" } } },
	{ { EV_ACCEPT4, "10",
	      "fd=7;tuple=::ffff:5.6.7.8:999->::ffff:1.2.3.4:443;queuepct=0;flags=0", "" },
	    { { "fd.name", "5.6.7.8:999->1.2.3.4:443" }, { "fd.l4proto", "tcp" },
		{ "fd.name_changed", "true" } } },
	{ { EV_BIND, "10", "res=0;addr=10.0.0.1:80;fd=5", "" },
	    { { "fd.name_changed", "true" }, { "fd.name", "10.0.0.1:80" } } },
	/* Paths of *at calls. */
	{ { EV_RENAMEAT, "10", "res=0;olddirfd=3;oldpath=a;newdirfd=-100;newpath=b", "" },
	    { { "evt.abspath", "/opt/tool/a" }, { "evt.abspath.src", "/opt/tool/a" },
		{ "evt.abspath.dst", "/root/b" }, { "fs.path.source", "/opt/tool/a" },
		{ "fs.path.target", "/root/b" } } },
	{ { EV_UNLINKAT, "10", "res=0;dirfd=-100;name=a;flags=0", "" },
	    { { "evt.abspath", "/root/a" }, { "fs.path.name", "<UNKNOWN>a" }, { "fd.name", "" },
		{ "fd.num", "-100" } } },
	{ { EV_UNLINKAT, "10", "res=0;dirfd=44;name=a;flags=0", "" },
	    { { "evt.abspath", "<UNKNOWN>/a" }, { "evt.arg.name", "a" },
		{ "evt.args", "res=0 dirfd=44 name=a(a) flags=0" } } },
	{ { EV_SYMLINKAT, "10", "res=0;target=../x;linkdirfd=3;linkpath=l", "" },
	    { { "fs.path.source", "/opt/tool/l" }, { "fs.path.target", "/opt/x" },
		{ "fs.path.targetraw", "../x" }, { "evt.abspath", "/opt/tool/l" } } },
	/* The link's own folder, which is not the working folder. */
	{ { EV_SYMLINK, "10", "res=0;target=../etc/x;linkpath=/srv/l", "" },
	    { { "mews.path.target", "/etc/x" }, { "mews.path.source", "/srv/l" } } },
	{ { EV_SYMLINK, "10", "res=0;target=x;linkpath=d/l", "" },
	    { { "mews.path.target", "/root/d/x" } } },
	{ { EV_SYMLINKAT, "10", "res=0;target=../../../etc/x;linkdirfd=3;linkpath=d/l", "" },
	    { { "mews.path.target", "/etc/x" }, { "mews.path.source", "/opt/tool/d/l" } } },
	{ { EV_SYMLINKAT, "10", "res=0;target=/etc/x;linkdirfd=44;linkpath=l", "" },
	    { { "mews.path.target", "/etc/x" }, { "mews.path.source", "<UNKNOWN>l" } } },
	{ { EV_SYMLINKAT, "10", "res=0;target=a/../../x;linkdirfd=44;linkpath=l", "" },
	    { { "mews.path.target", "<UNKNOWN>x" } } },
	{ { EV_OPENAT, "10", "fd=-2;dirfd=-100;name=no;flags=1;mode=0", "" },
	    { { "fs.path.name", "<UNKNOWN>" }, { "fs.path.nameraw", "no" },
		{ "fd.name", "/root/no" }, { "evt.abspath", "/root/no" } } },
	{ { EV_OPENAT2, "10", "fd=-2;dirfd=3;name=no;flags=1;mode=0;resolve=0", "" },
	    { { "fs.path.name", "/opt/tool/no" }, { "mews.path.name", "/opt/tool/no" } } },
	{ { EV_OPENAT, "10", "fd=-1;dirfd=-100;name=no;flags=1;mode=0", "" },
	    { { "fs.path.name", NULL }, { "fs.path.nameraw", NULL } } },
	/* Not every event with a path acts on it. */
	{ { EV_CREAT, "10", "fd=9;name=/tmp/c;mode=0", "" },
	    { { "fs.path.name", NULL }, { "fs.path.nameraw", NULL }, { "fd.name", "/tmp/c" } } },
	{ { EV_DUP, "10", "res=10;oldfd=9", "" }, { { "fs.path.name", NULL } } },
	{ { EV_CHDIR, "10", "res=0;path=/", "" },
	    { { "fs.path.name", NULL }, { "proc.cwd", "/" } } },
	{ { EV_CHOWN, "10", "res=0;path=etc/x;uid=0;gid=0", "" },
	    { { "fs.path.name", "/etc/x" }, { "fs.path.nameraw", "etc/x" },
		{ "fs.path.source", NULL } } },
	{ { EV_FCHMOD, "10", "res=0;fd=9;mode=0", "" },
	    { { "fs.path.name", "/tmp/c" }, { "fs.path.nameraw", "/tmp/c" } } },
	/* Names of files, unmodified. */
	{ { EV_MEMFD_CREATE, "10", "fd=8;name=m;flags=0", "" },
	    { { "fd.filename", NULL }, { "fd.directory", NULL }, { "fd.type", "memfd" } } },
	/* Reports rather than actions. */
	{ { EV_USERADDED, "10", "uid=7;gid=7;name=u;home=/u;shell=/s;container_id=", "" },
	    { { "evt.is_async", "true" }, { "evt.asynctype", "useradded" },
		{ "evt.type", "useradded" }, { "evt.source", "syscall" } } },
	{ { EV_ASYNCEVENT, "10", "plugin_id=0;name=tick;data=x", "" },
	    { { "evt.is_async", "true" }, { "evt.asynctype", "tick" }, { "evt.type", "tick" },
		{ "evt.source", "syscall" } } },
	{ { EV_ASYNCEVENT, "10", "plugin_id=9;name=tick;data=x", "" }, { { "evt.source", NULL } } },
	{ { EV_INFRA, "10", "source=docker;name=x;description= ID: 0123456789abcdef ;scope=", "" },
	    { { "evt.infra.docker.container.id", "0123456789ab" },
		{ "evt.infra.docker.container.name", NULL } } },
};

static void
test_rows(void **state)
{
	struct ask a;

	(void) state;
	ask_start(&a);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		ask_fields(&a, &steps[i].event, steps[i].fields, ARRAY_SIZE(steps[i].fields));
	ask_stop(&a);
}

/* A row for each source: the field waits unless the source's event is captured. */
static void
test_waits(void **state)
{
	static const struct {
		const char *field;
		enum fsource source;
		uint16_t event; /* 0: of no event */
		const char *missing;
	} rows[] = {
		{ "fd.name", FROM_ANYTHING, 0, NULL },
		{ "evt.pluginname", FROM_PLUGINS, 0, "plugins" },
		{ "evt.asynctype", FROM_ASYNC, EV_ASYNCEVENT, "asynchronous events" },
		{ "evt.infra.docker.name", FROM_INFRA, EV_INFRA, "infrastructure events" },
		{ "evt.buffer", FROM_DATA, EV_WRITE, "reads and writes" },
		{ "evt.io_dir", FROM_IO, EV_WRITE, "reads and writes" },
		{ "evt.buflen.in", FROM_READS, EV_READ, "reads" },
		{ "evt.buflen.out", FROM_WRITES, EV_WRITE, "writes" },
		{ "fd.l4proto", FROM_SOCKET, EV_SOCKET, "the creation of sockets" },
		{ "fdlist.names", FROM_POLL, EV_POLL, "poll" },
		{ "thread.exectime", FROM_SWITCH, EV_SWITCH, "switches of CPUs" },
		{ "k8s.ns.labels", FROM_KUBE, 0,
		    "the API server of Kubernetes (kubernetes.enabled)" },
		{ "thread.cpu", FROM_CPU_SAMPLES, 0, "samples of CPU use" },
		{ "fd.sip.name", FROM_NAMES, 0, "look-ups of names" },
	};

	(void) state;
	assert_int_equal(FROM_MAX, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool waits = rows[i].missing != NULL &&
			     (rows[i].event == 0 || schema_get(rows[i].event)->capture == CAP_NOT);
		const struct field *f = fields;

		while (f < fields + nfields && strcmp(f->name, rows[i].field) != 0)
			f++;
		assert_true(f < fields + nfields);
		assert_int_equal(i, rows[i].source);
		assert_int_equal(rows[i].source, FF_SOURCE(f->flags));
		if (waits)
			assert_string_equal(rows[i].missing, field_waits(f));
		else
			assert_null(field_waits(f));
	}
}

/* A field that no getter fills has a source to wait for. */
static void
test_null_waits(void **state)
{
	(void) state;
	for (const struct field *f = fields; f < fields + nfields; f++) {
		struct getter g;

		field_getter_of(f, &g);
		if (g.get == get_null && field_waits(f) == NULL)
			fail_msg("%s has neither a getter nor a source", f->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_null_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
