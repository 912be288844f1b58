/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include "collector/filter/test_ask.h"
#include "collector/plan/plan.h"
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdlib.h>

/*
 * A small world: init 1, sshd 10 (by 1), bash 20 (by 10), which runs cat 30 with its own descriptor
 * table. Each event is followed by the values of fields and the verdicts of conditions.
 */

static const struct {
	struct row event; /* 'expect' is not used */
	struct ask_field fields[24];
	struct ask_condition conditions[80];
} steps[] = {
	{ { EV_EXECVE, "10", EXEC_PARAMS("sshd", "/usr/sbin/sshd", "-D|"), "" },
	    { { "proc.name", "sshd" }, { "proc.pname", NULL }, { "evt.type", "execve" } },
	    { { "proc.name = sshd", true }, { "proc.pname = init", false },
		{ "proc.pname != init", false }, { "not proc.pname = init", true },
		{ "proc.pname exists", false }, { "not proc.pname exists", true } } },
	{ { EV_CLONE, "20",
	      "res=0;comm=sshd;exe=/usr/sbin/sshd;args=-D|;tid=20;pid=20;ptid=10;cwd=;uid=0;gid=0"
	      ";vtid=20;vpid=20;flags=0;cgroups=cpu=/|",
	      "" },
	    { { "evt.type", "clone" }, { "proc.pname", "sshd" }, { "evt.rawres", "0" } },
	    { { "evt.type = clone and evt.rawres = 0", true }, { "proc.ppid = 10", true } } },
	{ { EV_EXECVE, "20", EXEC_PARAMS("bash", "/usr/bin/bash", "-c|ls -l /|"), "" },
	    { { "proc.name", "bash" }, { "proc.args", "-c ls -l /" }, { "proc.args[1]", "ls -l /" },
		{ "proc.args[7]", "" }, { "proc.cmdline", "bash -c ls -l /" },
		{ "proc.exeline", "/usr/bin/bash -c ls -l /" }, { "proc.cmdnargs", "2" },
		{ "proc.cmdlenargs", "9" }, { "proc.env[A]", "b" }, { "proc.env[B]", "" },
		{ "proc.env", "HOME=/root A=b" }, { "proc.aname[1]", "sshd" },
		{ "proc.aname[9]", NULL }, { "proc.exepath", "/usr/bin/bash" },
		{ "proc.tty", "34816" }, { "user.uid", "0" }, { "user.name", "root" },
		{ "user.loginuid", "1000" }, { "user.loginname", "<NA>" },
		{ "thread.cap_effective", "CAP_CHOWN CAP_DAC_READ_SEARCH" },
		{ "proc.is_exe_writable", "true" }, { "container.id", "host" },
		{ "thread.cgroup.cpu", "/" }, { "thread.cgroup.memory", NULL } },
	    { { "evt.type = execve", true }, { "evt.type in (open, execve)", true },
		{ "evt.type in ()", false }, { "not evt.type in ()", true },
		{ "evt.type != execve", false }, { "evt.type startswith open", false },
		{ "evt.type contains execve", true }, { "proc.name in (bash, sh)", true },
		{ "proc.name in ()", false }, { "proc.name intersects (bash)", true },
		{ "proc.name < 1", false }, { "proc.name >= 1", true },
		{ "proc.name contains as", true }, { "proc.name contains ''", true },
		{ "proc.name icontains ASH", true }, { "proc.name startswith ba", true },
		{ "proc.name endswith sh", true }, { "proc.name endswith xbash", false },
		{ "proc.name glob b?s[g-i]", true }, { "proc.name glob B*", false },
		{ "proc.name iglob B*", true }, { "proc.name regex 'ba.*'", true },
		{ "proc.name regex 'b'", false }, { "proc.name = oneof (bash, bash)", false },
		{ "proc.name = oneof (bash, sh)", true },
		{ "proc.name startswith anyof (x, b)", true },
		{ "proc.name startswith allof (b, ba)", true },
		{ "proc.name startswith allof (b, x)", false }, { "proc.name = anyof ()", false },
		{ "proc.name = allof ()", false }, { "proc.exepath pmatch (/usr)", true },
		{ "proc.exepath pmatch (usr/bin/)", true }, { "proc.exepath pmatch (/us)", false },
		{ "proc.exepath pmatch usr", true }, { "proc.exepath pmatch us", false },
		{ "proc.exepath pmatch (/)", true }, { "proc.exepath pmatch (/*/bin)", true },
		{ "proc.exepath pmatch (/*)", true },
		{ "proc.exepath pmatch (/*/bin/bash/x)", false },
		{ "proc.exepath pmatch ()", false }, { "proc.aname = sshd", true },
		{ "proc.aname != sshd", false }, { "proc.aname in (x, sshd)", true },
		{ "proc.aname[1] = sshd", true }, { "proc.aname[0] = bash", true },
		{ "proc.aname[-1] = bash", false }, { "proc.tty != 0", true },
		{ "proc.tty > 34815", true }, { "proc.tty in (1, 34816)", true },
		{ "user.uid = -1", false }, { "proc.is_exe_writable = true", true },
		{ "proc.is_exe_writable in (false)", false },
		{ "proc.name = basename(proc.exepath)", true },
		{ "tolower(toupper(proc.name)) = bash", true }, { "len(proc.name) = 4", true },
		{ "concat(proc.name, '-', proc.pname) = bash-sshd", true },
		{ "concat(proc.name, evt.pluginname) exists", false },
		{ "join(',', (proc.name, proc.tty)) = 'bash,34816'", true },
		{ "b64('YmFzaA==') = val(proc.name)", true }, { "evt.num = 0", false },
		{ "evt.dir = <", true }, { "fd.name exists", false }, { "fd.name != x", false },
		{ "evt.rawarg.flags = 1", true }, { "evt.rawarg.flags in (1)", false } } },
	{ { EV_OPENAT, "20",
	      "fd=3;dirfd=-100;name=/etc//../etc/shadow;flags=1;mode=0;dev=2049;ino=7", "" },
	    { { "fd.name", "/etc/shadow" }, { "fd.directory", "/etc" }, { "fd.filename", "shadow" },
		{ "fd.num", "3" }, { "fd.type", "file" }, { "fd.typechar", "f" },
		{ "evt.arg.flags", "O_RDONLY" }, { "evt.arg[3]", "O_RDONLY" },
		{ "evt.rawarg.flags", "1" }, { "evt.arg.fd", "<f>/etc/shadow" },
		{ "evt.res", "SUCCESS" }, { "evt.arg.data", NULL },
		{ "evt.abspath", "/etc/shadow" },
		{ "evt.args",
		    "fd=3(<f>/etc/shadow) dirfd=-100(AT_FDCWD) "
		    "name=/etc//../etc/shadow "
		    "flags=1(O_RDONLY) mode=0 dev=801 ino=7" },
		{ "fs.path.name", "/etc/shadow" }, { "fd.dev", "801" }, { "fd.dev.major", "8" },
		{ "evt.is_open_read", "true" }, { "evt.type.is.openat", "1" },
		{ "fd.types", "(file)" }, { "evt.category", "file" }, { "evt.hostname", "node" } },
	    { { "evt.is_open_read = true and fd.name startswith /etc", true },
		{ "evt.is_open_write = true", false }, { "fd.name pmatch (/etc)", true },
		{ "fd.types intersects (file, pipe)", true }, { "fd.types in (file)", true },
		{ "fd.types in (pipe)", false }, { "evt.arg.flags contains O_RDONLY", true },
		{ "evt.type = openat and (fd.num > 3 or fd.num >= 3) and not fd.num = 4",
		    true } } },
	{ { EV_OPENAT, "20", "fd=-2;dirfd=-100;name=/no/file;flags=3;mode=0", "" },
	    { { "fd.name", "/no/file" }, { "fd.num", "-1" }, { "evt.res", "ENOENT" },
		{ "fd.filename", NULL }, { "fd.directory", "/no" }, { "fd.type", NULL },
		{ "evt.failed", "true" }, { "evt.arg.fd", "ENOENT" },
		{ "fs.path.name", "/no/file" } },
	    { { "evt.rawres < 0", true }, { "evt.is_open_write = true", true },
		{ "fd.num >= 0", false } } },
	{ { EV_SOCKET, "20", "fd=5;domain=2;type=1;proto=0;flags=0", "" },
	    { { "fd.typechar", "4" }, { "fd.name", "" }, { "evt.arg.domain", "AF_INET" } },
	    { { "fd.sip exists", false } } },
	{ { EV_CONNECT, "20",
	      "res=0;tuple=10.0.0.1:40000->93.184.216.34:443;fd=5;addr=93.184.216.34:443", "" },
	    { { "fd.name", "10.0.0.1:40000->93.184.216.34:443" }, { "fd.cip", "10.0.0.1" },
		{ "fd.sip", "93.184.216.34" }, { "fd.sport", "443" }, { "fd.cport", "40000" },
		{ "fd.l4proto", "tcp" }, { "fd.connected", "true" }, { "fd.sockfamily", "ip" },
		{ "fd.directory", NULL }, { "evt.arg.addr", "93.184.216.34:443" },
		{ "evt.arg.fd", "<4t>10.0.0.1:40000->93.184.216.34:443" } },
	    { { "fd.ip = 10.0.0.1", true }, { "fd.ip = 10.0.0.2", false },
		{ "fd.ip != 10.0.0.1", false }, { "fd.ip != 10.0.0.2", true },
		{ "fd.ip in (10.0.0.1)", false }, { "fd.sip = 93.184.216.34", true },
		{ "fd.sip in (1.2.3.4, 93.184.216.34)", true }, { "fd.sip != ::1", true },
		{ "fd.port = 443", true }, { "fd.port = https", true },
		{ "fd.port in (1, 40000)", true }, { "fd.port != 443", false },
		{ "fd.port != 80", true }, { "fd.net = 10.0.0.0/8", true },
		{ "fd.net in (10.0.0.0/8, 1.0.0.0/8)", true },
		{ "fd.net in (1.0.0.0/8, 10.0.0.0/8)", false }, { "fd.net != 10.0.0.0/9", false },
		{ "fd.snet = 93.184.216.0/24", true }, { "fd.snet = 93.184.216.32/30", true },
		{ "fd.snet = 93.184.216.36/30", false },
		{ "fd.snet in (10.0.0.0/8, 93.0.0.0/8)", true }, { "fd.snet = ::/1", false },
		{ "fd.snet != ::/1", true }, { "fd.sport < 1024", true },
		/* many constants */
		{ "fd.sip in (1.2.3.4, 1.2.3.5, 1.2.3.6, 1.2.3.7, 1.2.3.8, 1.2.3.9, ::1, "
		  "93.184.216.34, "
		  "93.184.216.35)",
		    true },
		{ "fd.sip in (1.2.3.4, 1.2.3.5, 1.2.3.6, 1.2.3.7, 1.2.3.8, 1.2.3.9, ::1, "
		  "93.184.216.33, "
		  "93.184.216.35, 93:184:216:34::)",
		    false },
		{ "fd.sport in (1, 2, 3, 4, 5, 6, 7, 8, 443)", true },
		{ "fd.sport in (1, 2, 3, 4, 5, 6, 7, 8, 9, 444)", false },
		{ "fd.num in (-1, 1, 2, 4, 6, 7, 8, 9, 10, 12, 13, 14, 15)", false },
		{ "fd.num in (-1, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15)", true },
		{ "fd.snet in (10.0.0.0/8, 11.0.0.0/8, 12.0.0.0/8, 13.0.0.0/8, 14.0.0.0/8, ::/1, "
		  "93.184.216.0/25, 15.0.0.0/8, 16.0.0.0/8)",
		    true },
		{ "fd.snet in (10.0.0.0/8, 11.0.0.0/8, 12.0.0.0/8, 13.0.0.0/8, 14.0.0.0/8, ::/1, "
		  "93.184.216.128/25, 15.0.0.0/8, 93.184.216.34/32)",
		    true },
		{ "fd.snet in (10.0.0.0/8, 11.0.0.0/8, 12.0.0.0/8, 13.0.0.0/8, 14.0.0.0/8, ::/1, "
		  "93.184.216.128/25, 15.0.0.0/8, 93.184.216.36/31)",
		    false },
		{ "fd.snet in (10.0.0.0/8, 11.0.0.0/8, 12.0.0.0/8, 13.0.0.0/8, 14.0.0.0/8, ::/1, "
		  "93.184.216.128/25, 15.0.0.0/8, 0.0.0.0/0)",
		    true } } },
	{ { EV_CLOSE, "20", "res=0;fd=3", "" },
	    { { "fd.name", "/etc/shadow" }, { "evt.category", "file" } },
	    { { "fd.name = /etc/shadow", true } } },
	{ { EV_LINKAT, "20",
	      "res=0;olddir=-100;oldpath=/etc/shadow;newdir=-100;newpath=/tmp/x;flags=1024", "" },
	    { { "fs.path.source", "/tmp/x" }, { "fs.path.target", "/etc/shadow" },
		{ "fs.path.name", NULL }, { "evt.arg.flags", "AT_SYMLINK_FOLLOW" },
		{ "evt.abspath.src", "/etc/shadow" }, { "evt.abspath.dst", "/tmp/x" },
		{ "evt.arg.olddir", "AT_FDCWD" }, { "fd.name", NULL } },
	    { { "evt.arg.oldpath in (/etc/shadow)", true },
		{ "fs.path.target startswith /etc", true } } },
	{ { EV_LINK, "20", "res=-1;oldpath=/etc/shadow;newpath=/tmp/x", "" },
	    { { "fs.path.source", NULL }, { "evt.arg.res", "EPERM" }, { "evt.arg[0]", "EPERM" },
		{ "evt.args", "res=-1(EPERM) oldpath=/etc/shadow newpath=/tmp/x" } },
	    { { "evt.failed = true", true }, { "evt.count.error = 1", true } } },
	{ { EV_CREAT, "20", "fd=6;name=/tmp/run;mode=493;dev=1;ino=8;creat_flags=0", "" },
	    { { "evt.is_open_exec", "true" }, { "evt.arg.mode", "0755" }, { "fd.name", "/tmp/run" },
		{ "evt.is_open_write", "false" } },
	    { { "evt.is_open_exec = true and evt.arg.name = /tmp/run", true } } },
	{ { EV_DUP2, "20", "res=1;oldfd=6;newfd=1", "" },
	    { { "fd.num", "1" }, { "fd.name", "/tmp/run" }, { "proc.stdout.name", "/tmp/run" },
		{ "proc.stdout.type", "file" }, { "proc.stdin.name", NULL } },
	    { { "fd.num in (0, 1, 2)", true } } },
	{ { EV_CLOSE, "77", "res=-9;fd=4", "" },
	    { { "proc.name", "<NA>" }, { "proc.pname", NULL }, { "proc.pid", "-1" },
		{ "proc.exepath", "" }, { "proc.cwd", "./" }, { "user.uid", "4294967295" },
		{ "user.name", "<NA>" }, { "user.loginuid", "-1" }, { "evt.res", "EBADF" },
		{ "container.id", "host" }, { "proc.vpid", NULL }, { "container.name", "host" },
		{ "container.image.tag", "" }, { "k8s.pod.name", NULL }, { "thread.tid", "77" } },
	    { { "user.uid != 0", true }, { "proc.pname != x", false }, { "user.uid = -1", true },
		{ "container.id != host", false }, { "container.privileged = false", true } } },
	{ { EV_PROCEXIT, "20", "status=0;ret=0;sig=0;core=0;reaper_tid=1", "" },
	    { { "proc.name", "bash" }, { "evt.type", "procexit" }, { "evt.res", NULL },
		{ "evt.rawres", NULL }, { "syscall.type", NULL }, { "evt.source", "syscall" } },
	    { { "evt.type = procexit and proc.name = bash", true },
		{ "evt.rawres >= 0", false } } },
};

static void
test_world(void **state)
{
	struct ask a;

	(void) state;
	ask_start(&a);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		ask_both(&a, &steps[i].event, steps[i].fields, ARRAY_SIZE(steps[i].fields),
		    steps[i].conditions, ARRAY_SIZE(steps[i].conditions));
	ask_stop(&a);
}

/* ---- a plan agrees with the conditions ---- */

enum { PLANNED_MAX = 4096 };

struct planned {
	struct plan_item item[PLANNED_MAX];
	struct event_set events[PLANNED_MAX];
	const char *text[PLANNED_MAX];
	size_t n;
	bool hit[PLANNED_MAX];
};

static void
plan_one(struct planned *all, const char *condition, struct arena *a)
{
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d;

	assert_true(all->n < PLANNED_MAX);
	assert_int_equal(0, expr_parse(slice_str(condition), a, &e, &d));
	assert_int_equal(0, filter_compile(e, a, &f, &d));
	filter_events(f, &all->events[all->n]);
	all->item[all->n] = (struct plan_item){ f, &all->events[all->n] };
	all->text[all->n++] = arena_strdup(a, slice_str(condition));
}

/* Plan each condition of the world, and each combined with the previous one, so that plans split
 * them. */
static void
plan_all(struct planned *all, struct arena *a)
{
	static const struct {
		const char *before, *between, *after;
	} ways[] = { { "(", ") and not (", ")" }, { "(", ") or (", ")" },
		{ "not ((", ") and (", " or proc.name = cat))" },
		{ "(", " and fd.num >= 0) or (evt.type = openat and ", ")" } };
	const char *last = "evt.num = 0";
	char text[1024];

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(steps[i].conditions); k++) {
			const char *c = steps[i].conditions[k].condition;

			if (c == NULL)
				break;
			plan_one(all, c, a);
			for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
				(void) snprintf(text, sizeof(text), "%s%s%s%s%s", ways[w].before,
				    last, ways[w].between, c, ways[w].after);
				plan_one(all, text, a);
			}
			last = c;
		}
	}
}

static bool
on_planned(void *arg, uint32_t item)
{
	struct planned *all = arg;

	assert_false(all->hit[item]);
	all->hit[item] = true;
	return true;
}

static void
check_planned(struct planned *all, struct plan_run *run, const struct view *v, struct fscratch *fs)
{
	memset(all->hit, 0, sizeof(all->hit));
	plan_event(run, v, fs, on_planned, all);
	for (size_t i = 0; i < all->n; i++) {
		bool match = event_set_has(&all->events[i], v->ev->schema->num);

		fscratch_reset(fs);
		match = match && filter_match(all->item[i].filter, v, fs);
		if (match != all->hit[i])
			ask_wrong("a plan says otherwise of %s", all->text[i]);
	}
}

/* Play the world to a plan of these, each event twice; returns the number of checks run. */
static uint64_t
play_planned(struct planned *all, struct fscratch *fs, struct arena *a)
{
	struct plan_counts counts;
	struct plan_run *run = NULL;
	struct plan *plan = NULL;
	uint64_t checks = 0;
	struct play p;

	assert_int_equal(0, plan_new(all->item, all->n, a, &plan));
	assert_int_equal(0, plan_run_new(plan, &run));
	play_start(&p, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct view v;
		struct batch *b = play_event(&p, &steps[i].event, &v);

		state_apply(p.s, b, b->ev, &v);
		for (unsigned again = 0; again < 2; again++) /* from memory, the second time */
			check_planned(all, run, &v, fs);
		batch_free(b);
	}
	for (uint32_t i = 0; i < all->n; i++) {
		plan_run_counts(run, i, &counts);
		checks += counts.checks;
	}
	plan_run_free(run);
	play_stop(&p);
	return checks;
}

static void
test_plan(void **state)
{
	static struct planned all;
	struct fscratch *fs = NULL;
	struct arena a;

	(void) state;
	arena_init(&a, 0);
	assert_int_equal(0, fscratch_new(&fs));
	plan_all(&all, &a);
	assert_true(play_planned(&all, fs, &a) > 0);
	fscratch_free(fs);
	arena_fini(&a);
	assert_int_equal(0, ask_differences);
}

/* 1566230400 is 2019-08-19 16:00:00 in UTC. */
static void
test_time(void **state)
{
	static const struct {
		const char *field, *text;
	} rows[] = {
		{ "evt.time", "16:00:00.010000002" },
		{ "evt.time.s", "16:00:00" },
		{ "evt.time.iso8601", "2019-08-19T16:00:00.010000002+0000" },
		{ "evt.datetime", "2019-08-19 16:00:00.010000002" },
		{ "evt.datetime.s", "2019-08-19 16:00:00" },
		{ "evt.rawtime", "1566230400010000002" },
		{ "evt.rawtime.s", "1566230400" },
		{ "evt.rawtime.ns", "010000002" },
		{ "evt.num", "7" },
	};
	const struct event ev = { .schema = schema_get(EV_CLOSE) };
	struct thread t = { 0 };
	struct view v = { .ev = &ev,
		.thread = &t,
		.main = &t,
		.time = 1566230400010000002,
		.num = 7,
		.node = "n" };
	struct fscratch *fs = NULL;
	struct play p;

	(void) state;
	play_start(&p, NULL);
	v.state = p.s;
	assert_int_equal(0, setenv("TZ", "UTC", 1));
	assert_int_equal(0, fscratch_new(&fs));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ask_field(rows[i].field, rows[i].text, &v, fs);
	ask_condition("evt.around[1566230400000000000] = 11", true, &v, fs);
	ask_condition("evt.around[1566230400000000000] = 10", false, &v, fs);
	ask_condition("evt.rawtime > 1566230400000000000", true, &v, fs);
	fscratch_free(fs);
	play_stop(&p);
	assert_int_equal(0, ask_differences);
}

/* More than a block, and nested texts: returned texts stay until the reset. */
static void
test_scratch(void **state)
{
	struct fscratch *fs = NULL;
	char *p[40];

	(void) state;
	assert_int_equal(0, fscratch_new(&fs));
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
			p[i] = fscratch_alloc(fs, 1000 * i + 1);
			assert_non_null(p[i]);
			memset(p[i], (int) i, 1000 * i + 1);
		}
		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			assert_int_equal((char) i, p[i][1000 * i]);
		fscratch_reset(fs);
	}
	fscratch_free(fs);
	fscratch_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_world),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
