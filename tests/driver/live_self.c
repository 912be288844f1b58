/* SPDX-License-Identifier: Apache-2.0 */
/* live_self.c - calls about a process itself and about the kernel: ids, namespaces, signals,
 * modules. */
#include "tests/driver/live_rows.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SUCH_PID 0x3ffffff0

/* The values of the parameters for the caller's credentials, by /proc, which shows its user
 * namespace; in another one 'euid' is the machine's, and the group is 0; -1: not in another. */
static const char *
creds(int euid)
{
	static char text[256];
	unsigned uid = 0, gid = 0;
	unsigned long long cap[2] = { 0 };
	char line[256];
	FILE *status = fopen("/proc/thread-self/status", "r");

	while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
		(void) sscanf(line, "Uid: %*u %u", &uid);
		(void) sscanf(line, "Gid: %*u %u", &gid);
		(void) sscanf(line, "CapPrm: %llx", &cap[0]);
		(void) sscanf(line, "CapEff: %llx", &cap[1]);
	}
	if (status != NULL)
		(void) fclose(status);
	(void) snprintf(text, sizeof(text),
	    "host_euid=%u host_egid=%u cap_permitted=%llu cap_effective=%llu",
	    euid < 0 ? uid : (unsigned) euid, euid < 0 ? gid : 0, cap[0], cap[1]);
	return text;
}

static void
must_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t) strlen(text) || close(fd) != 0)
		_exit(1);
}

/* From now on a call that needs CAP_SETGID fails. */
static void
drop_root(void)
{
	if (setresuid(1000, 1000, 1000) != 0)
		_exit(1);
}

#define BIG 0x10005L /* an id whose lower half is another one */

/* It never fails. Root's capabilities over files follow. */
static void
t_setfsuid(struct facts *f)
{
	(void) CALL(f, "setfsuid", BIG);
	WANT(f, "fsuid=%ld %s", live_id(BIG), creds(-1));
	(void) CALL(f, "setfsuid", 0);
	WANT(f, "fsuid=0 %s", creds(-1));
}

static void
t_setfsuid32(struct facts *f)
{
	(void) CALL(f, "setfsuid32", BIG);
	WANT(f, "fsuid=%ld %s", BIG, creds(-1));
}

static void
t_setuid(struct facts *f)
{
	(void) CALL(f, "setuid", BIG);
	WANT(f, "uid=%ld %s", live_id(BIG), creds(-1));
	(void) CALL(f, "setuid", 0);
	WANT(f, "uid=0 %s", creds(-1));
}

static void
t_setuid32(struct facts *f)
{
	(void) CALL(f, "setuid32", BIG);
	WANT(f, "uid=%ld %s", BIG, creds(-1));
	(void) CALL(f, "setuid32", 0);
	WANT(f, "uid=0 %s", creds(-1));
}

static void
t_setgid(struct facts *f)
{
	(void) CALL(f, "setgid", BIG);
	WANT(f, "gid=%ld %s", live_id(BIG), creds(-1));
	drop_root();
	(void) CALL(f, "setgid", 0);
	WANT(f, "gid=0 %s", creds(-1));
}

/* In a user namespace the arguments are its ids. A process with threads cannot enter one. */
static void
t_setreuid(struct facts *f)
{
	if (unshare(CLONE_NEWUSER) == 0) {
		must_write("/proc/self/uid_map", "5 0 1\n");
		(void) CALL(f, "setreuid", 5, 5);
		WANT(f, "ruid=5 euid=5 %s", creds(0));
		(void) CALL(f, "setreuid", 0, 7);
		WANT(f, "ruid=0 euid=7 %s", creds(0));
		return;
	}
	(void) CALL(f, "setreuid", -1, BIG);
	WANT(f, "ruid=0xffffffff euid=%ld %s", live_id(BIG), creds(-1));
	(void) CALL(f, "setreuid", 0xffff, 7);
	WANT(f, "ruid=%ld euid=7 %s", live_id(0xffff), creds(-1));
}

static void
t_setreuid32(struct facts *f)
{
	(void) CALL(f, "setreuid32", -1, BIG);
	WANT(f, "ruid=0xffffffff euid=%ld %s", BIG, creds(-1));
	(void) CALL(f, "setreuid32", 0xffff, 7);
	WANT(f, "ruid=0xffff euid=7 %s", creds(-1));
}

static void
t_setregid(struct facts *f)
{
	(void) CALL(f, "setregid", -1, BIG);
	WANT(f, "rgid=0xffffffff egid=%ld %s", live_id(BIG), creds(-1));
	drop_root();
	(void) CALL(f, "setregid", 0xffff, 7);
	WANT(f, "rgid=%ld egid=7 %s", live_id(0xffff), creds(-1));
}

static void
t_setresuid(struct facts *f)
{
	(void) CALL(f, "setresuid", -1, 1001, BIG);
	WANT(f, "ruid=0xffffffff euid=1001 suid=%ld %s", live_id(BIG), creds(-1));
	(void) CALL(f, "setresuid", 0x20007, 7, 8);
	WANT(f, "ruid=%ld euid=7 suid=8 %s", live_id(0x20007), creds(-1));
}

static void
t_setresgid(struct facts *f)
{
	(void) CALL(f, "setresgid", -1, 1001, BIG);
	WANT(f, "rgid=0xffffffff egid=1001 sgid=%ld %s", live_id(BIG), creds(-1));
	drop_root();
	(void) CALL(f, "setresgid", 0x20007, 7, 8);
	WANT(f, "rgid=%ld egid=7 sgid=8 %s", live_id(0x20007), creds(-1));
}

static void
t_setsid(struct facts *f)
{
	(void) CALL(f, "setsid", 0);
	WANT(f, " ");
	(void) CALL(f, "setsid", 0); /* leads its group already */
	WANT(f, " ");
}

static void
t_setpgid(struct facts *f)
{
	(void) CALL(f, "setpgid", 0, 0);
	WANT(f, "pid=0 pgid=0");
	(void) CALL(f, "setpgid", NO_SUCH_PID, -1);
	WANT(f, "pid=%d pgid=-1", NO_SUCH_PID);
}

/* The rest for calls that change namespaces. No thread here inherits capabilities. */
static const char *
folders(const struct facts *f, bool success)
{
	static char text[512];

	(void) snprintf(text, sizeof(text), "cap_inheritable=0 cwd=%s root=%s",
	    success ? f->dir : "-", success ? "/" : "-");
	return text;
}

static void
t_setns(struct facts *f)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	(void) CALL(f, "setns", fd, CLONE_NEWUTS);
	WANT(f, "fd=%d nstype=CLONE_NEWUTS %s %s", fd, creds(-1), folders(f, true));
	(void) CALL(f, "setns", 4711, 0);
	WANT(f, "fd=4711 nstype=0 %s %s", creds(-1), folders(f, false));
}

static void
t_unshare(struct facts *f)
{
	(void) CALL(f, "unshare", CLONE_NEWUTS | CLONE_NEWNET);
	WANT(f, "flags=CLONE_NEWNET|CLONE_NEWUTS %s %s", creds(-1), folders(f, true));
	(void) CALL(f, "unshare", 1);
	WANT(f, "flags=0 %s %s", creds(-1), folders(f, false));
}

static void
t_kill(struct facts *f)
{
	(void) CALL(f, "kill", getpid(), 0);
	WANT(f, "pid=%d sig=0", getpid());
	(void) CALL(f, "kill", NO_SUCH_PID, SIGKILL);
	WANT(f, "pid=%d sig=9", NO_SUCH_PID);
}

static void
t_tkill(struct facts *f)
{
	(void) CALL(f, "tkill", gettid(), 0);
	WANT(f, "tid=%d sig=0", gettid());
	(void) CALL(f, "tkill", NO_SUCH_PID, SIGTERM);
	WANT(f, "tid=%d sig=15", NO_SUCH_PID);
}

static void
t_tgkill(struct facts *f)
{
	(void) CALL(f, "tgkill", getpid(), gettid(), 0);
	WANT(f, "pid=%d tid=%d sig=0", getpid(), gettid());
	(void) CALL(f, "tgkill", getpid(), NO_SUCH_PID, SIGTERM);
	WANT(f, "pid=%d tid=%d sig=15", getpid(), NO_SUCH_PID);
}

static void
t_capset(struct facts *f)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	int64_t header = live_mem(f, &h, sizeof(h));
	char caps[256];

	if (syscall(SYS_capget, &h, d) != 0)
		_exit(1);
	d[0].effective &= ~(1U << CAP_SYS_TIME);
	d[0].inheritable |= 1U << CAP_CHOWN;
	(void) snprintf(caps, sizeof(caps),
	    "cap_inheritable=%llu cap_permitted=%llu cap_effective=%llu",
	    (unsigned long long) d[1].inheritable << 32 | d[0].inheritable,
	    (unsigned long long) d[1].permitted << 32 | d[0].permitted,
	    (unsigned long long) d[1].effective << 32 | d[0].effective);
	(void) CALL(f, "capset", header, live_mem(f, d, sizeof(d)));
	WANT(f, "%s", caps);
	h.pid = NO_SUCH_PID;
	(void) CALL(f, "capset", live_mem(f, &h, sizeof(h)), live_mem(f, d, sizeof(d)));
	WANT(f, "%s", caps); /* unchanged */
}

static void
t_prctl(struct facts *f)
{
	int64_t word = live_mem(f, (int64_t[1]){ 0 }, sizeof(int64_t));

	(void) CALL(f, "prctl", PR_SET_NAME, live_str(f, "kworker"));
	WANT(f, "option=PR_SET_NAME arg2_str=kworker arg2_int=0");
	(void) CALL(f, "prctl", PR_SET_CHILD_SUBREAPER, 1);
	WANT(f, "option=PR_SET_CHILD_SUBREAPER arg2_str=- arg2_int=1");
	(void) CALL(f, "prctl", PR_GET_CHILD_SUBREAPER, word);
	WANT(f, "option=PR_GET_CHILD_SUBREAPER arg2_str=- arg2_int=1");
	(void) CALL(f, "prctl", 4711, 7);
	WANT(f, "option=4711 arg2_str=- arg2_int=7");
}

/* A value of ptrace() in hexadecimal: its kind, then n bytes. */
static const char *
value(char kind, uint64_t v, size_t n)
{
	char bytes[9] = { kind };

	memcpy(bytes + 1, &v, sizeof(v));
	return live_hex(bytes, 1 + n);
}

static void
t_ptrace(struct facts *f)
{
	pid_t child = fork();

	if (child == 0) {
		(void) pause();
		_exit(0);
	}
	(void) CALL(f, "ptrace", PTRACE_SEIZE, child, 0, PTRACE_O_EXITKILL);
	WANT(f, "addr=%s data=%s request=PTRACE_SEIZE pid=%d", value(0, 0, 8),
	    value(0, PTRACE_O_EXITKILL, 8), child);
	(void) CALL(f, "ptrace", PTRACE_CONT, child, 0, SIGTERM); /* it has not stopped */
	WANT(f, "addr=%s data=%s request=PTRACE_CONT pid=%d", value(0, 0, 8), value(1, SIGTERM, 1),
	    child);
	(void) CALL(f, "ptrace", PTRACE_PEEKDATA, child, 4711, 0);
	WANT(f, "addr=%s data=%s request=PTRACE_PEEKDATA pid=%d", value(0, 4711, 8), value(0, 0, 8),
	    child);
	(void) kill(child, SIGKILL);
	(void) waitpid(child, NULL, __WALL);
}

static void
t_setrlimit(struct facts *f)
{
	(void) CALL(
	    f, "setrlimit", RLIMIT_NOFILE, live_words(f, (const int64_t[2]){ 100, 200 }, 2));
	WANT(f, "cur=100 max=200 resource=RLIMIT_NOFILE");
	(void) CALL(f, "setrlimit", RLIMIT_CORE, live_words(f, (const int64_t[2]){ 0, -1 }, 2));
	WANT(f, "cur=0 max=-1 resource=RLIMIT_CORE");
	(void) CALL(f, "setrlimit", RLIMIT_CPU, live_words(f, (const int64_t[2]){ 8, 7 }, 2));
	WANT(f, "cur=8 max=7 resource=RLIMIT_CPU");
}

/* Query a limit that was set, and one that does not exist. */
static void
query_limit(struct facts *f, const char *call)
{
	static const struct rlimit few = { 100, 200 };
	int64_t room = live_mem(f, (int64_t[2]){ 0 }, 2 * sizeof(int64_t));

	if (prlimit(0, RLIMIT_NOFILE, &few, NULL) != 0)
		_exit(1);
	(void) CALL(f, call, RLIMIT_NOFILE, room);
	WANT(f, "cur=100 max=200 resource=RLIMIT_NOFILE");
	(void) CALL(f, call, 4711, room);
	WANT(f, "cur=-1 max=-1 resource=RLIMIT_UNKNOWN");
}

static void
t_getrlimit(struct facts *f)
{
	query_limit(f, "getrlimit");
}

static void
t_ugetrlimit(struct facts *f)
{
	query_limit(f, "ugetrlimit");
}

static void
t_prlimit64(struct facts *f)
{
	static const int64_t few[] = { 100, 200 }, fewer[] = { 50, 60 };
	int64_t at = live_mem(f, few, sizeof(few)), next = live_mem(f, fewer, sizeof(fewer));

	(void) CALL(f, "prlimit64", 0, RLIMIT_NOFILE, at, 0);
	WANT(f, "newcur=100 newmax=200 oldcur=-1 oldmax=-1 pid=0 resource=RLIMIT_NOFILE");
	(void) CALL(
	    f, "prlimit64", getpid(), RLIMIT_NOFILE, next, live_mem(f, fewer, sizeof(fewer)));
	WANT(
	    f, "newcur=50 newmax=60 oldcur=100 oldmax=200 pid=%d resource=RLIMIT_NOFILE", getpid());
	(void) CALL(f, "prlimit64", NO_SUCH_PID, RLIMIT_CPU, at, next);
	WANT(
	    f, "newcur=100 newmax=200 oldcur=-1 oldmax=-1 pid=%d resource=RLIMIT_CPU", NO_SUCH_PID);
}

static void
t_init_module(struct facts *f)
{
	(void) CALL(f, "init_module", live_str(f, "no-module"), 9, live_str(f, "debug=1"));
	WANT(f, "img=no-module length=9 uargs=debug=1");
}

static void
t_finit_module(struct facts *f)
{
	int fd = open("a", O_CREAT | O_RDWR, 0600);

	(void) CALL(f, "finit_module", fd, live_str(f, "debug=1"), 1);
	WANT(f, "fd=%d uargs=debug=1 flags=MODULE_INIT_IGNORE_MODVERSIONS", fd);
}

static void
t_delete_module(struct facts *f)
{
	(void) CALL(f, "delete_module", live_str(f, "no_such"), O_NONBLOCK);
	WANT(f, "name=no_such flags=O_NONBLOCK");
}

static void
t_bpf(struct facts *f)
{
	static const uint32_t attr[16];

	(void) CALL(f, "bpf", BPF_PROG_GET_NEXT_ID, live_mem(f, attr, sizeof(attr)), sizeof(attr));
	WANT(f, "cmd=BPF_PROG_GET_NEXT_ID");
	(void) CALL(f, "bpf", BPF_MAP_CREATE, live_mem(f, attr, sizeof(attr)), sizeof(attr));
	WANT(f, "cmd=BPF_MAP_CREATE");
}

static void
t_seccomp(struct facts *f)
{
	static const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	(void) CALL(
	    f, "seccomp", SECCOMP_GET_ACTION_AVAIL, 0, live_mem(f, &action, sizeof(action)));
	WANT(f, "op=2 flags=0");
	(void) CALL(f, "seccomp", 77, 5);
	WANT(f, "op=77 flags=5");
}

const struct live_row self_rows[] = {
	LIVE_ROW(setuid),
	LIVE_ROW(setuid32),
	LIVE_ROW(setgid),
	LIVE_ROW(setreuid),
	LIVE_ROW(setreuid32),
	LIVE_ROW(setregid),
	LIVE_ROW(setresuid),
	LIVE_ROW(setresgid),
	LIVE_ROW_ONE(setfsuid, "it returns the id from before, also when it changes nothing"),
	LIVE_ROW_ONE(setfsuid32, "the same"),
	LIVE_ROW(setsid),
	LIVE_ROW(setpgid),
	LIVE_ROW(setns),
	LIVE_ROW(unshare),
	LIVE_ROW(kill),
	LIVE_ROW(tkill),
	LIVE_ROW(tgkill),
	LIVE_ROW(capset),
	LIVE_ROW(prctl),
	LIVE_ROW(ptrace),
	LIVE_ROW(setrlimit),
	LIVE_ROW(getrlimit),
	LIVE_ROW(ugetrlimit),
	LIVE_ROW(prlimit64),
	LIVE_ROW_ONE(init_module, "no module that may be loaded"),
	LIVE_ROW_ONE(finit_module, "no module that may be loaded"),
	LIVE_ROW_ONE(delete_module, "no module that may be removed"),
	LIVE_ROW(bpf),
	LIVE_ROW(seccomp),
	{ .name = NULL },
};
