/* SPDX-License-Identifier: Apache-2.0 */
/* Scan a host's file tree in a temporary folder, and print a line per record. */
#include "common/buf.h"
#include "proto/names.h"
#include "proto/schema.h"
#include "sensor/event_build.h"
#include "sensor/fdkind.h"
#include "sensor/passwd.h"
#include "sensor/scan.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
at(const char *path)
{
	static char buf[4096];

	(void) snprintf(buf, sizeof(buf), "%s/%s", tmpdir, path);
	return buf;
}

static void
put(const char *path, const char *text, size_t n)
{
	int fd = open(at(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(n, write(fd, text, n));
	assert_int_equal(0, close(fd));
}
#define PUT(path, lit) put(path, lit, sizeof(lit) - 1)

static void
make_dir(const char *path)
{
	assert_int_equal(0, mkdir(at(path), 0700));
}

static void
link_to(const char *path, const char *target)
{
	assert_int_equal(0, symlink(target, at(path)));
}

/* A descriptor as the kernel's iterator lists it, and its link's target. */
static void
descriptor(int fd, const char *target)
{
	char path[64];

	(void) snprintf(path, sizeof(path), "proc/100/fd/%d", fd);
	link_to(path, target);
}

#define LARGE NK_open_flags_O_LARGEFILE /* as this architecture has it */
#define F(n, fl, md, in, mg, mnt)                                                                  \
	{                                                                                          \
		.ts = 6000000000 + (n), .start = 5004000000, .pid = 100, .fd = (n), .flags = (fl), \
		.mode = (md), .ino = (in), .magic = (mg), .mnt_id = (mnt)                          \
	}
static const struct drv_file files[] = {
	F(0, LARGE | O_RDWR, S_IFCHR, 5, 0, 24), F(1, 01, S_IFIFO, 8001, PIPEFS_MAGIC, 13),
	F(3, O_DIRECTORY, S_IFDIR, 2, 0, 24), F(4, 02, S_IFREG, 44, 0, 0), F(5, 02, 0, 45, 0, 0),
	F(6, 02, S_IFSOCK, 7001, SOCKFS_MAGIC, 0), F(7, 02, S_IFSOCK, 7002, SOCKFS_MAGIC, 0),
	F(8, 02, S_IFSOCK, 7003, SOCKFS_MAGIC, 0), F(9, 02, S_IFSOCK, 7004, SOCKFS_MAGIC, 0),
	F(10, 02, S_IFSOCK, 7006, SOCKFS_MAGIC, 0),
	F(11, 02, S_IFSOCK, 9999, SOCKFS_MAGIC, 0), /* in no table */
	F(12, LARGE | O_APPEND | O_CREAT | O_WRONLY, S_IFREG, 77, 0, 25),
	F(13, 0, S_IFREG, 78, 0, 25), /* closed meanwhile */
};

#define INET_HEAD "  sl  local_address rem_address   st\n"

static int
setup(void **state)
{
	assert_int_equal(0, tmpdir_begin(state));
	make_dir("etc");
	PUT("etc/passwd",
	    "root:x:0:0:root:/root:/bin/bash\n# a remark\n+nis::::::\n"
	    "bad:x:1x:1::/:/bin/sh\nshort:x:1\nweb:x:33:34:,,,:/var/www:/usr/sbin/nologin");
	PUT("etc/group", "root:x:0:\nweb:x:34:a,b\n");
	make_dir("proc");
	make_dir("proc/100");
	make_dir("proc/100/fd");
	make_dir("proc/100/net");
	make_dir("proc/100/ns");
	PUT("proc/100/cmdline", "/usr/sbin/nginx\0-g\0daemon off");
	PUT("proc/100/environ", "A=1\0B=2\0");
	PUT("proc/100/cgroup", "4:cpu,cpuacct:/web\n1:name=systemd:/sys\n0::/web.slice\n");
	PUT("proc/100/stat",
	    "100 (ng) x (y) S 1 100 100 0 -1 4 1 2 3 4 5 6 7 8 20 0 2 0 500 9 9\n");
	link_to("proc/100/exe", "/usr/sbin/nginx (deleted)");
	link_to("proc/100/cwd", "/var/www");
	link_to("proc/100/root", "/");
	link_to("proc/100/ns/net", "net:[4026531840]");
	PUT("proc/100/net/tcp", INET_HEAD
	    "   0: 0100007F:1F90 00000000:0000 0A 0:0 00:00 00000000     0        0 7001 1 0\n"
	    "   1: 0100007F:1F90 0200000A:C001 01 0:0 00:00 00000000     0        0 7002 1 0\n"
	    "   2: 0100007F:1F90 0200000A:C002 06 0:0 00:00 00000000     0        0 0 1 0\n"
	    "   3: nonsense\n");
	PUT("proc/100/net/udp6", INET_HEAD
	    "  9: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 "
	    "0:0 "
	    "00:00 00000000  0 0 7003 2 0 0\n");
	PUT("proc/100/net/unix",
	    "Num RefCount Protocol Flags Type St Inode Path\n"
	    "00000000000000ab: 00000002 00000000 00010000 0001 01  7004 /run/a b.sock\n"
	    "00000000000000ac: 00000003 00000000 00000000 0002 03  7005\n");
	PUT("proc/100/net/netlink",
	    "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n"
	    "00000000aa 16 0 00000000 0 0 0 2 0 7006\n");
	descriptor(0, "/dev/null");
	descriptor(3, "/tmp");
	descriptor(4, "/memfd:x (deleted)");
	descriptor(5, "anon_inode:[eventpoll]");
	descriptor(12, "/gone/file (deleted)");
	return 0;
}

/* Show a text with NULs as '|' and unprintable bytes in hex. */
static void
show_text(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char) s.p[i];

		if (s.n == 16 && (s.p[0] == 0 || s.p[15] == 0))
			buf_printf(out, "%02x", c);
		else
			buf_char(out, c == 0 ? '|' : (char) c);
	}
}

/* "type pid/tid name=value ..."; a star for values that depend on the machine. A note: "-- step
 * pid". */
static void
show(struct buf *out, const struct ev_hdr *h)
{
	const struct ev_schema *schema = schema_get(h->type);

	buf_printf(out, "%s %u/%u", schema->name, h->pid, h->tid);
	for (unsigned i = 0; i < schema->nparams; i++) {
		const struct ev_param *p = &schema->params[i];

		if (!(h->present >> i & 1))
			continue;
		buf_printf(out, " %s=", p->name);
		if (strcmp(p->name, "start_time") == 0)
			buf_char(out, '*');
		else if (ptype_is_text(p->type))
			show_text(out, record_text(h, schema, i));
		else
			buf_printf(out, "%lld", (long long) record_num(h, schema, i));
	}
	buf_char(out, '\n');
}

static struct drv_task
task(uint32_t pid, uint32_t tid)
{
	return (struct drv_task){ .start = 5004000000ULL,
		.tid = tid,
		.pid = pid,
		.ptid = 1,
		.pgid = 100,
		.vpgid = 100,
		.sid = 100,
		.vtid = tid,
		.vpid = pid,
		.uid = 33,
		.gid = 34,
		.loginuid = 0xffffffff,
		.fdlimit = 1024,
		.exe_ino = 5,
		.comm = "nginx" };
}

/* Make a file with this content, positioned at its beginning. */
static int
file_of(const void *p, size_t n)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fd = dup(fileno(f));
	assert_int_equal(0, fclose(f));
	assert_int_equal(n, n == 0 ? 0 : write(fd, p, n));
	assert_int_equal(0, lseek(fd, 0, SEEK_SET));
	return fd;
}

/* Read scan_run()'s output: all as text; only the notes in *notes; the last note in *end. */
static void
read_output(int fd, struct buf *out, struct buf *notes, struct scan_note *end)
{
	static char bytes[1 << 20] __attribute__((aligned(8)));
	ssize_t n;

	assert_int_equal(0, lseek(fd, 0, SEEK_SET));
	n = read(fd, bytes, sizeof(bytes));
	assert_true(n >= 0);
	for (size_t at = 0; at < (size_t) n;) {
		const struct ev_hdr *h = (const void *) (bytes + at);

		at += h->len;
		if (h->type != 0) {
			assert_int_equal(0, record_check(h, h->len));
			show(out, h);
			continue;
		}
		assert_int_equal(sizeof(*end), h->len);
		memcpy(end, h, sizeof(*end));
		buf_printf(notes, "%d/%u ", (int) end->step, h->pid);
	}
}

static int
run(const struct scan_order *o, const struct drv_task *tasks, size_t ntasks, struct buf *out,
    struct buf *notes, struct scan_note *end)
{
	int t = file_of(tasks, ntasks * sizeof(*tasks)), f = file_of(files, sizeof(files));
	int to = file_of(NULL, 0), r = scan_run(tmpdir, o, t, f, to);

	*end = (struct scan_note){ 0 };
	read_output(to, out, notes, end);
	(void) close(t);
	(void) close(f);
	(void) close(to);
	return r;
}

static const char want_users[] =
    "useradded 0/0 uid=0 gid=0 name=root home=/root shell=/bin/bash container_id=\n"
    "useradded 0/0 uid=33 gid=34 name=web home=/var/www shell=/usr/sbin/nologin container_id=\n"
    "groupadded 0/0 gid=0 name=root container_id=\n"
    "groupadded 0/0 gid=34 name=web container_id=\n";

#define OWN_TEXT "env=A=1|B=2| cwd=/var/www "
#define TASK_TEXT(OWN)                                                                      \
	"ppid=1 pgid=100 vpgid=100 sid=100 comm=nginx argv=/usr/sbin/nginx|-g|daemon off| " \
	"exepath=/usr/sbin/nginx flags=0 " OWN                                              \
	"fdlimit=1024 euid=33 egid=34 "                                                     \
	"cap_permitted=0 cap_effective=0 cap_inheritable=0 exe_ino_num=5 exe_ino_ctime=0 "  \
	"exe_ino_mtime=0 vm_size=0 vm_rss=0 vm_swap=0 pgft_maj=0 pgft_min=0 "

static const char *const want_lines[] = {
	"task 100/100 " TASK_TEXT(OWN_TEXT)
	"vtgid=100 vpid=100 pidns_init_start_ts=0 "
	"cgroups=cpu=/web|cpuacct=/web|name=systemd=/sys|=/web.slice| root=/ start_time=* tty=0 "
	"loginuid=4294967295\n",
	"task 100/101 " TASK_TEXT("")
	"vtgid=100 vpid=101 pidns_init_start_ts=0 "
	"cgroups=cpu=/web|cpuacct=/web|name=systemd=/sys|=/web.slice| root=/ start_time=* tty=0 "
	"loginuid=4294967295\n",
	"task_file_regular 100/100 fd=0 path=/dev/null flags=2051 mnt_id=24 ino_num=5\n",
	"task_file_pipe 100/100 fd=1 path=pipe:[8001] ino_num=8001\n",
	"task_file_directory 100/100 fd=3 path=/tmp ino_num=2\n",
	"task_file_memfd 100/100 fd=4 path=/memfd:x ino_num=44\n",
	"task_file_anon_inode 100/100 fd=5 fd_type=12 path=anon_inode:[eventpoll] ino_num=45\n",
	"task_file_socket_inet 100/100 fd=6 sk_type=1 sk_proto=6 local_ip=16777343 local_port=8080 "
	"remote_ip=0 remote_port=0 ino_num=7001\n",
	"task_file_socket_inet 100/100 fd=7 sk_type=1 sk_proto=6 local_ip=16777343 local_port=8080 "
	"remote_ip=33554442 remote_port=49153 ino_num=7002\n",
	"task_file_socket_inet6 100/100 fd=8 sk_type=2 sk_proto=17 "
	"local_ip=00000000000000000000000000000001 local_port=53 "
	"remote_ip=00000000000000000000000000000000 remote_port=0 ino_num=7003\n",
	"task_file_socket_unix 100/100 fd=9 sk_type=1 sk_proto=0 sk_pointer=171 "
	"sun_path=/run/a b.sock ino_num=7004\n",
	"task_file_socket_netlink 100/100 fd=10 sk_type=3 sk_proto=16 ino_num=7006\n",
	"task_file_regular 100/100 fd=12 path=/gone/file flags=2062 mnt_id=25 ino_num=77\n",
};

static void
test_whole(void **state)
{
	struct drv_task v[4] = { task(100, 101), task(100, 100), task(200, 200), task(2, 2) };
	struct buf out = BUF_INIT, notes = BUF_INIT;
	struct scan_note end;
	size_t lines = 0;

	(void) state;
	v[3].exe_ino = 0; /* a kernel thread */
	assert_int_equal(0, run(&(struct scan_order){ 0 }, v, 4, &out, &notes, &end));
	assert_int_equal(0, strncmp(out.p, want_users, sizeof(want_users) - 1));
	for (size_t i = 0; i < ARRAY_SIZE(want_lines); i++) {
		if (strstr(out.p, want_lines[i]) == NULL)
			fail_msg("missing: %sin:\n%s", want_lines[i], out.p);
	}
	for (size_t i = 0; i < out.n; i++)
		lines += out.p[i] == '\n';
	assert_int_equal(4 + ARRAY_SIZE(want_lines), lines); /* and nothing else */
	assert_string_equal("0/0 1/0 2/100 2/200 3/0 3/100 4/0 ", notes.p);
	assert_int_equal(2, end.stats.tasks);
	assert_int_equal(11, end.stats.files);
	assert_int_equal(1, end.stats.unreadable); /* the socket; ended processes do not count */
	buf_fini(&out);
	buf_fini(&notes);
}

/* Restarted after a stuck read: nothing is reported twice, the muted texts are not read, and the
 * process is still reported. */
static const struct {
	struct scan_order order;
	const char *notes;
	const char *first; /* the beginning of the output */
	const char *lacks, *has;
} orders[] = {
	{ { SCAN_GROUPS, 0, 0 }, "1/0 2/100 3/0 3/100 4/0 ", "groupadded", "useradded",
	    "task 100/100" },
	{ { SCAN_TASKS, 0, 0 }, "2/100 3/0 3/100 4/0 ", "task 100/100", "groupadded", "argv=" },
	{ { SCAN_TASKS, 100, 100 }, "2/100 3/0 3/100 4/0 ", "task 100/100",
	    "argv=", "exepath=/usr/sbin/nginx" },
	{ { SCAN_TASKS, 101, 0 }, "3/0 3/100 4/0 ", "task_file_regular 100/100 fd=0", "task 100",
	    "fd=12" },
	{ { SCAN_FILES, 100, 0 }, "3/0 3/100 4/0 ", "task_file_regular 100/100 fd=0", "task 100",
	    "fd=12" },
	{ { SCAN_FILES, 101, 0 }, "3/0 4/0 ", "", "fd=", "" },
};

static void
test_orders(void **state)
{
	struct drv_task v = task(100, 100);

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct buf out = BUF_INIT, notes = BUF_INIT;
		struct scan_note end;

		buf_str(&out, "");
		assert_int_equal(0, buf_reserve(&out, 1));
		out.p[0] = '\0';
		assert_int_equal(0, run(&orders[i].order, &v, 1, &out, &notes, &end));
		assert_string_equal(orders[i].notes, notes.p);
		if (strncmp(out.p, orders[i].first, strlen(orders[i].first)) != 0 ||
		    strstr(out.p, orders[i].lacks) != NULL || strstr(out.p, orders[i].has) == NULL)
			fail_msg("order %zu:\n%s", i, out.p);
		buf_fini(&out);
		buf_fini(&notes);
	}
}

/* The pid now belongs to another process: none of it is reported. */
static void
test_reused_pid(void **state)
{
	struct drv_task v = task(100, 100);
	struct buf out = BUF_INIT, notes = BUF_INIT;
	struct scan_order o = { .step = SCAN_TASKS };
	struct scan_note end;

	(void) state;
	v.start = 4000000000ULL;
	assert_int_equal(0, run(&o, &v, 1, &out, &notes, &end));
	assert_null(strstr(out.p, "task 100/100"));
	assert_int_equal(0, end.stats.tasks);
	buf_fini(&out);
	buf_fini(&notes);
}

static void
test_no_memory(void **state)
{
	struct drv_task v = task(100, 100);
	unsigned refused = 0;

	(void) state;
	for (unsigned n = 0;; n++) {
		int t = file_of(&v, sizeof(v)), f = file_of(files, sizeof(files)),
		    to = file_of(NULL, 0);
		bool fired;
		int r;

		fault_arm_nth(n);
		r = scan_run(tmpdir, &(struct scan_order){ 0 }, t, f, to);
		fired = fault_disarm();
		(void) close(t);
		(void) close(f);
		(void) close(to);
		assert_true(r == 0 || (fired && r == -ENOMEM)); /* 0: counted as unreadable */
		refused += r < 0;
		if (!fired)
			break;
	}
	assert_true(refused > 5);
}

/* A record made here passes the check for records from outside; a long text is cut and marked. */
static void
test_rec(void **state)
{
	static char big[EV_TEXT_MAX + 10];
	const struct ev_hdr *h;
	struct rec r;

	(void) state;
	memset(big, 'x', sizeof(big));
	rec_begin(&r, EV_TASK, 1, 2, 3, 4);
	rec_num(&r, EVP_TASK_ppid, -1);
	rec_num(&r, EVP_TASK_loginuid, 5);
	rec_text(&r, EVP_TASK_comm, SLICE("c"));
	rec_args(&r, EVP_TASK_argv, (struct slice){ big, sizeof(big) });
	rec_text(&r, EVP_TASK_exepath, (struct slice){ NULL, 0 });
	rec_text(&r, EVP_TASK_cwd, SLICE(""));
	h = rec_end(&r);
	assert_int_equal(0, record_check(h, h->len));
	assert_int_equal(EVF_CUT, h->flags);
	assert_int_equal(-1, record_num(h, r.schema, EVP_TASK_ppid));
	assert_int_equal(5, record_num(h, r.schema, EVP_TASK_loginuid));
	assert_int_equal(EV_TEXT_MAX, record_text(h, r.schema, EVP_TASK_argv).n);
	assert_int_equal('\0', record_text(h, r.schema, EVP_TASK_argv).p[EV_TEXT_MAX - 1]);
	assert_null(record_text(h, r.schema, EVP_TASK_exepath).p);
	assert_non_null(record_text(h, r.schema, EVP_TASK_cwd).p);
}

static const struct {
	const char *link;
	uint32_t mode;
	enum fd_kind kind;
} kinds[] = {
	{ "/etc/passwd", S_IFREG, FDK_REGULAR },
	{ "/etc", S_IFDIR, FDK_DIRECTORY },
	{ "/run/fifo", S_IFIFO, FDK_PIPE },
	{ "/dev/tty", S_IFCHR, FDK_REGULAR },
	{ "/memfd:a (deleted)", S_IFREG, FDK_MEMFD },
	{ "socket:[1]", S_IFSOCK, FDK_SOCKET },
	{ "pipe:[1]", S_IFIFO, FDK_PIPE },
	{ "anon_inode:inotify", 0, FDK_INOTIFY },
	{ "anon_inode:bpf-map", 0, FDK_BPF },
	{ "anon_inode:[timerfd]", 0, FDK_TIMERFD },
	{ "anon_inode:[perf_event]", 0, FDK_UNSUPPORTED },
	{ "net:[4026531840]", S_IFREG, FDK_UNSUPPORTED },
	{ "", 0, FDK_UNSUPPORTED },
};

static void
test_kinds(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (fd_kind(slice_str(kinds[i].link), kinds[i].mode) != kinds[i].kind)
			fail_msg("%s", kinds[i].link);
	}
	assert_int_equal(0x1, fd_open_flags(O_RDONLY));
	assert_int_equal(0x3 | 0x1000 | 0x80 | 0x10, fd_open_flags(O_RDWR | O_CLOEXEC | O_SYNC));
	assert_int_equal(0x2 | 0x80 | 0x10, fd_open_flags(O_WRONLY | O_DSYNC));
	assert_int_equal(0x3 | 0x2000 | 0x400, fd_open_flags(O_RDWR | O_TMPFILE));
	assert_int_equal(0x1 | 0x2000 | 0x400, fd_open_flags(O_DIRECTORY));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_reused_pid),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_rec),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, setup, tmpdir_end);
}
