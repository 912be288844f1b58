/* SPDX-License-Identifier: Apache-2.0 */
/* A host's file tree made in a temporary folder, scanned, decoded and printed in a line per event.
 */
#include "proto/batch.h"
#include "sensor/fdkind.h"
#include "sensor/rec.h"
#include "sensor/snapshot.h"
#include "sensor/users.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/mews-test-snapshot-XXXXXX";

static const char *
at(const char *path)
{
	static char buf[4096];

	(void) snprintf(buf, sizeof(buf), "%s/%s", root, path);
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

static void
descriptor(int fd, const char *target, const char *info)
{
	char path[64];

	(void) snprintf(path, sizeof(path), "proc/100/fd/%d", fd);
	link_to(path, target);
	(void) snprintf(path, sizeof(path), "proc/100/fdinfo/%d", fd);
	put(path, info, strlen(info));
}

#define INET_HEAD "  sl  local_address rem_address   st\n"

static int
setup(void **state)
{
	(void) state;
	assert_non_null(mkdtemp(root));
	make_dir("etc");
	PUT("etc/passwd",
	    "root:x:0:0:root:/root:/bin/bash\n# a remark\n+nis::::::\n"
	    "bad:x:1x:1::/:/bin/sh\nshort:x:1\nweb:x:33:34:,,,:/var/www:/usr/sbin/nologin");
	PUT("etc/group", "root:x:0:\nweb:x:34:a,b\n");
	make_dir("proc");
	make_dir("proc/100");
	make_dir("proc/100/fd");
	make_dir("proc/100/fdinfo");
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
	descriptor(0, "/dev/null", "pos:\t0\nflags:\t0100002\nmnt_id:\t24\nino:\t5\n");
	descriptor(1, "pipe:[8001]", "pos:\t0\nflags:\t01\nmnt_id:\t13\nino:\t8001\n");
	descriptor(3, "/tmp", "pos:\t0\nflags:\t0200000\nmnt_id:\t24\nino:\t2\n");
	descriptor(4, "/memfd:x (deleted)", "flags:\t02\nino:\t44\n");
	descriptor(5, "anon_inode:[eventpoll]", "flags:\t02\nino:\t45\n");
	descriptor(6, "socket:[7001]", "flags:\t02\n");
	descriptor(7, "socket:[7002]", "flags:\t02\n");
	descriptor(8, "socket:[7003]", "flags:\t02\n");
	descriptor(9, "socket:[7004]", "flags:\t02\n");
	descriptor(10, "socket:[7006]", "flags:\t02\n");
	descriptor(11, "socket:[9999]", "flags:\t02\n"); /* no table has it */
	descriptor(12, "/gone/file (deleted)", "flags:\t0102101\nmnt_id:\t25\nino:\t77\n");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void) st;
	(void) type;
	(void) f;
	return remove(path);
}

static int
teardown(void **state)
{
	(void) state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A text with its NULs shown as '|', bytes that do not print in hex. */
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

/* "type pid/tid name=value ..."; a star for what this machine decides. */
static void
show(struct buf *out, const struct batch *b, const struct event *ev)
{
	buf_printf(out, "%s %u/%u", ev->schema->name, ev->pid, ev->tid);
	for (unsigned i = 0; i < ev->schema->nparams; i++) {
		const struct ev_param *p = &ev->schema->params[i];

		if (!ev_has(ev, i))
			continue;
		buf_printf(out, " %s=", p->name);
		if (strcmp(p->name, "start_time") == 0 ||
		    (strcmp(p->name, "ino_num") == 0 && (ev_num(ev, 0) == 0 || ev_num(ev, 0) == 3)))
			buf_char(out, '*');
		else if (ptype_is_text(p->type))
			show_text(out, ev_text(b, ev, i));
		else
			buf_printf(out, "%lld", (long long) ev_num(ev, i));
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

/* All parts, in order, as text; the sum of their sizes is of no interest. */
static void
scan(struct snap_tasks *tasks, size_t part_bytes, struct buf *out, struct snap_stats *st,
    size_t *nparts)
{
	struct snap_cfg cfg = {
		.host_root = root, .id = 7, .part_bytes = part_bytes, .compression = 1
	};
	struct link_parts ps = { NULL, 0 };

	assert_int_equal(0, snapshot_scan(&cfg, tasks, &ps, st));
	for (size_t i = 0; i < ps.n; i++) {
		Wire__Request *rq = wire__request__unpack(NULL, ps.v[i].n, (uint8_t *) ps.v[i].p);
		struct batch *b = NULL;
		const char *why;

		assert_non_null(rq);
		assert_int_equal(7, rq->snapshot->id);
		assert_int_equal(i, rq->snapshot->part);
		assert_int_equal(i + 1 == ps.n, rq->snapshot->last);
		assert_int_equal(0, batch_decode(rq->snapshot->body, NULL, &b, &why));
		for (size_t k = 0; k < b->nev; k++)
			show(out, b, &b->ev[k]);
		batch_free(b);
		wire__request__free_unpacked(rq, NULL);
	}
	*nparts = ps.n;
	link_parts_free(&ps);
}

static const char want_users[] =
    "useradded 0/0 uid=0 gid=0 name=root home=/root shell=/bin/bash container_id=\n"
    "useradded 0/0 uid=33 gid=34 name=web home=/var/www shell=/usr/sbin/nologin container_id=\n"
    "groupadded 0/0 gid=0 name=root container_id=\n"
    "groupadded 0/0 gid=34 name=web container_id=\n";

#define TASK_TEXT                                                                                 \
	"ppid=1 pgid=100 vpgid=100 sid=100 comm=nginx argv=/usr/sbin/nginx|-g|daemon off| "       \
	"exepath=/usr/sbin/nginx flags=0 env=A=1|B=2| cwd=/var/www fdlimit=1024 euid=33 egid=34 " \
	"cap_permitted=0 cap_effective=0 cap_inheritable=0 exe_ino_num=5 exe_ino_ctime=0 "        \
	"exe_ino_mtime=0 vm_size=0 vm_rss=0 vm_swap=0 pgft_maj=0 pgft_min=0 "

static const char *const want_lines[] = {
	"task 100/100 " TASK_TEXT
	"vtgid=100 vpid=100 pidns_init_start_ts=0 "
	"cgroups=cpu=/web|cpuacct=/web|name=systemd=/sys|=/web.slice| root=/ start_time=* tty=0 "
	"loginuid=4294967295\n",
	"task 100/101 " TASK_TEXT
	"vtgid=100 vpid=101 pidns_init_start_ts=0 "
	"cgroups=cpu=/web|cpuacct=/web|name=systemd=/sys|=/web.slice| root=/ start_time=* tty=0 "
	"loginuid=4294967295\n",
	"task_file_regular 100/100 fd=0 path=/dev/null flags=2051 mnt_id=24 ino_num=*\n",
	"task_file_pipe 100/100 fd=1 path=pipe:[8001] ino_num=8001\n",
	"task_file_directory 100/100 fd=3 path=/tmp ino_num=*\n",
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
test_scan(void **state)
{
	struct drv_task v[4] = { task(100, 101), task(100, 100), task(200, 200), task(100, 100) };
	struct snap_tasks tasks = { v, 3, 3 };
	struct buf out = BUF_INIT;
	struct snap_stats st = { 0 };
	size_t lines = 0, nparts;

	(void) state;
	scan(&tasks, 1 << 20, &out, &st, &nparts);
	assert_int_equal(1, nparts);
	assert_int_equal(0, strncmp(out.p, want_users, sizeof(want_users) - 1));
	for (size_t i = 0; i < ARRAY_SIZE(want_lines); i++) {
		if (strstr(out.p, want_lines[i]) == NULL)
			fail_msg("missing: %sin:\n%s", want_lines[i], out.p);
	}
	for (size_t i = 0; i < out.n; i++)
		lines += out.p[i] == '\n';
	assert_int_equal(4 + ARRAY_SIZE(want_lines), lines); /* and nothing else */
	assert_int_equal(2, st.tasks);
	assert_int_equal(11, st.files);
	assert_int_equal(1, st.unreadable); /* the socket that no table has; 200 is just gone */
	buf_fini(&out);
}

/* Small parts hold the same. */
static void
test_parts(void **state)
{
	struct drv_task v[2] = { task(100, 100), task(100, 101) };
	struct snap_tasks tasks = { v, 2, 2 };
	struct buf one = BUF_INIT, many = BUF_INIT;
	struct snap_stats st;
	size_t n;

	(void) state;
	scan(&tasks, 1 << 20, &one, &st, &n);
	scan(&tasks, 100, &many, &st, &n);
	assert_true(n > 3);
	assert_string_equal(one.p, many.p);
	buf_fini(&one);
	buf_fini(&many);
}

/* The pid belongs to another process by now: nothing of it is told. */
static void
test_reused_pid(void **state)
{
	struct drv_task v = task(100, 100);
	struct snap_tasks tasks = { &v, 1, 1 };
	struct buf out = BUF_INIT;
	struct snap_stats st;
	size_t n;

	(void) state;
	v.start = 4000000000ULL;
	scan(&tasks, 1 << 20, &out, &st, &n);
	assert_string_equal(want_users, out.p);
	buf_fini(&out);
}

static void
test_no_memory(void **state)
{
	struct snap_cfg cfg = { .host_root = root, .id = 7, .part_bytes = 300, .compression = 0 };
	struct drv_task v = task(100, 100);
	struct snap_tasks tasks = { &v, 1, 1 };
	unsigned refused = 0;

	(void) state;
	for (unsigned n = 0;; n++) {
		struct link_parts ps = { NULL, 0 };
		struct snap_stats st;
		int r;

		fault_arm_nth(n);
		r = snapshot_scan(&cfg, &tasks, &ps, &st);
		if (!fault_disarm()) {
			assert_int_equal(0, r);
			link_parts_free(&ps);
			break;
		}
		assert_true(
		    r == -ENOMEM || r == 0); /* 0: what memory was for counts as unreadable */
		refused += r == -ENOMEM;
		link_parts_free(&ps);
	}
	assert_true(refused > 10);
}

/* A record made here passes the check for records from outside; a long text is cut, and it says so.
 */
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
	rec_list(&r, EVP_TASK_argv, (struct slice){ big, sizeof(big) });
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
	assert_int_equal(0x2 | 0x10, fd_open_flags(O_WRONLY | O_DSYNC));
	assert_int_equal(0x3 | 0x2000 | 0x400, fd_open_flags(O_RDWR | O_TMPFILE));
	assert_int_equal(0x1 | 0x400, fd_open_flags(O_DIRECTORY));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_reused_pid),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_rec),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
