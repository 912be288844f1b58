/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plan.c - compare a plan with filter_match(): generated conditions on generated events, the
 * same on every run; and remembered verdicts on a text end with the text.
 */
#include "collector/plan/plan.h"
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdio.h>

enum { WORLDS = 30, CONDITIONS = 60, EVENTS = 120, TEXT_SIZE = 4096 };

/* Every kind of field, key and operator; NUMBERS and NETS are long enough for sets. */
#define NUMBERS "(-9, 0, 1, 2, 3, 5, 7, 10, 20, 30, 34816)"
#define NETS                                                                                    \
	"(10.0.0.0/8, 93.184.216.0/24, 1.0.0.0/8, 2.0.0.0/8, 3.0.0.0/7, 4.0.0.0/6, 5.0.0.0/9, " \
	"6.0.0.0/8, 127.0.0.0/8)"
#define ADDRS \
	"(1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5, 1.1.1.6, 1.1.1.7, 1.1.1.8, 93.184.216.34)"

static const char *const checks[] = {
	"evt.type = openat",
	"evt.type in (execve, close, connect)",
	"evt.type != dup2",
	"evt.type in (getrandom, openat)",
	"evt.type = syscall",
	"evt.type startswith open",
	"evt.type contains execve",
	"evt.dir = <",
	"evt.num = 0",
	"evt.num > 40",
	"evt.num >= 1",
	"evt.failed = true",
	"evt.rawres < 0",
	("evt.rawres in " NUMBERS),
	"evt.is_open_write = true",
	"evt.is_open_read = true",
	"evt.is_open_exec = false",
	"evt.arg.flags contains O_CREAT",
	"evt.rawarg.flags = 1",
	"evt.arg.name exists",
	"evt.arg.path startswith /tmp",
	"proc.name = bash",
	"proc.name != cat",
	"proc.name in (bash, cat, sshd)",
	"proc.name in ()",
	"proc.name intersects (sshd)",
	"proc.name iglob B*",
	"proc.name glob '[a-c]*'",
	"proc.name endswith sh",
	"proc.name = oneof (bash, bash)",
	"proc.name = anyof (bash, bash)",
	"proc.name = allof (bash, bash)",
	"proc.name startswith allof (b, ba)",
	"proc.name startswith anyof (s, c)",
	"proc.name = val(proc.pname)",
	"proc.name regex '(ba|da)?sh.*'",
	"proc.pname exists",
	"proc.pname = sshd",
	"proc.aname = sshd",
	"proc.aname != bash",
	"proc.aname in (init, sshd)",
	"proc.aname[2] = sshd",
	"proc.cmdline contains ' -'",
	"proc.args intersects (-c, /etc)",
	"proc.env[A] = b",
	"proc.exepath pmatch (/usr, /bin/cat)",
	"proc.exepath pmatch (/*/bin)",
	("proc.tty in " NUMBERS),
	"proc.is_exe_writable = true",
	"proc.name = basename(proc.exepath)",
	"tolower(toupper(proc.name)) = cat",
	"len(proc.name) = 4",
	"concat(proc.name, '-', proc.pname) = cat-bash",
	"user.uid = 0",
	"user.name = root",
	"container.id = host",
	"thread.tid > 15",
	("fd.num in " NUMBERS),
	"fd.num >= 5",
	"fd.name startswith /etc",
	"fd.name in (/etc/passwd, /tmp/run)",
	"fd.name pmatch (/etc/, tmp, /var/lib)",
	"fd.name pmatch (/et, /tm)",
	"fd.name pmatch (/*)",
	"fd.name pmatch (/e?c/pass*, /var/*/x)",
	"fd.name glob '/etc/*'",
	"fd.name contains ''",
	"fd.directory = /etc",
	"fd.filename = passwd",
	"fd.typechar = 'f'",
	"fd.types intersects (file, pipe)",
	"fd.ip = 10.0.0.1",
	"fd.ip != 10.0.0.1",
	"fd.ip in (10.0.0.1)",
	("fd.sip in " ADDRS),
	("fd.snet in " NETS),
	"fd.net in (10.0.0.0/8, 1.0.0.0/8)",
	"fd.net = 93.184.216.32/30",
	"fd.port = https",
	"fd.port != 443",
	"fd.sport in (1, 2, 3, 5, 7, 20, 22, 30, 443, 8080)",
};

#define OPEN(fd, name, flags) "fd=" fd ";dirfd=-100;name=" name ";flags=" flags

/* Is the thread one of 'tids'? */
static const struct row deeds[] = {
	{ EV_EXECVE, "", EXEC_PARAMS("bash", "/usr/bin/bash", "-c|ls /etc|"), "" },
	{ EV_EXECVE, "", EXEC_PARAMS("cat", "/bin/cat", "/etc|"), "" },
	{ EV_EXECVE, "", EXEC_PARAMS("sshd", "/usr/sbin/sshd", "-D|"), "" },
	{ EV_CLONE, "",
	    "res=0;comm=bash;exe=/usr/bin/bash;args=-c|;tid=30;pid=30;ptid=20;cwd=;uid=0;gid=0"
	    ";vtid=30;vpid=30;flags=0;cgroups=cpu=/|",
	    "" },
	{ EV_CLONE, "",
	    "res=0;comm=sshd;exe=/usr/sbin/sshd;args=-D|;tid=20;pid=20;ptid=10;cwd=;uid=7;gid=0"
	    ";vtid=20;vpid=20;flags=0;cgroups=cpu=/|",
	    "" },
	{ EV_OPENAT, "", OPEN("3", "/etc/passwd", "1"), "" },
	{ EV_OPENAT, "", OPEN("4", "/etc/passwd", "2"), "" },
	{ EV_OPENAT, "", OPEN("5", "/tmp/run", "4099"), "" },
	{ EV_OPENAT, "", OPEN("3", "lib/x", "1"), "" },
	{ EV_OPENAT, "", OPEN("-2", "/etc//passwd/", "1"), "" },
	{ EV_OPENAT, "", OPEN("-13", "/var/lib/x", "2"), "" },
	{ EV_CREAT, "", "fd=6;name=/tmp/run;mode=493;dev=1;ino=8;creat_flags=0", "" },
	{ EV_SOCKET, "", "fd=5;domain=2;type=1;proto=0;flags=0", "" },
	{ EV_CONNECT, "", "res=0;tuple=10.0.0.1:40000->93.184.216.34:443;fd=5", "" },
	{ EV_CONNECT, "", "res=-9;fd=5;tuple=10.0.0.2:20->1.1.1.7:30", "" },
	{ EV_DUP2, "", "res=1;oldfd=3;newfd=1", "" },
	{ EV_CLOSE, "", "res=0;fd=3", "" },
	{ EV_CLOSE, "", "res=0;fd=5", "" },
	{ EV_CLOSE, "", "res=-9;fd=44", "" },
	{ EV_CHDIR, "", "res=0;path=/var", "" },
	{ EV_MKDIR, "", "res=0;path=/tmp/x;mode=1", "" },
	{ EV_SYSCALL, "", "ID=318", "" },
	{ EV_SYSCALL, "", "ID=139", "" },
	{ EV_PROCEXIT, "", "status=0;ret=0;sig=0;core=0;reaper_tid=1", "" },
};

static const char *const tids[] = { "1", "10", "20", "30" };

static unsigned
pick(uint64_t *seed, size_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned) ((*seed >> 33) % n);
}

static void
make_up(struct buf *out, uint64_t *seed, unsigned depth)
{
	static const char *const joins[] = { " and ", " or " };
	unsigned n = 2 + pick(seed, 3);
	const char *join = joins[pick(seed, 2)];

	buf_str(out, pick(seed, 4) == 0 ? "not " : "");
	if (depth == 0 || pick(seed, 4) == 0) {
		buf_str(out, checks[pick(seed, ARRAY_SIZE(checks))]);
		return;
	}
	buf_char(out, '(');
	for (unsigned i = 0; i < n; i++) {
		buf_str(out, i > 0 ? join : "");
		make_up(out, seed, depth - 1);
	}
	buf_char(out, ')');
}

struct world {
	struct arena a;
	struct fscratch *fs;
	struct plan_run *run;
	struct plan_item item[CONDITIONS];
	struct event_set events[CONDITIONS];
	const char *text[CONDITIONS];
	size_t n;
	bool hit[CONDITIONS];
	unsigned hits;
};

static void
plan_one(struct world *w, const char *condition)
{
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };

	if (expr_parse(slice_str(condition), &w->a, &e, &d) < 0 ||
	    filter_compile(e, &w->a, &f, &d) < 0)
		fail_msg("%s: %s", condition, d.msg);
	filter_events(f, &w->events[w->n]);
	w->item[w->n] = (struct plan_item){ f, &w->events[w->n] };
	w->text[w->n++] = arena_strdup(&w->a, slice_str(condition));
}

static void
start(struct world *w)
{
	struct plan *plan = NULL;

	assert_int_equal(0, plan_new(w->item, w->n, &w->a, &plan));
	assert_int_equal(0, plan_run_new(plan, &w->run));
	assert_int_equal(0, fscratch_new(&w->fs));
}

static void
stop(struct world *w)
{
	plan_run_free(w->run);
	fscratch_free(w->fs);
	arena_fini(&w->a);
}

static bool
on_hit(void *arg, uint32_t item)
{
	struct world *w = arg;

	assert_false(w->hit[item]);
	w->hit[item] = true;
	w->hits++;
	return true;
}

static void
check_event(struct world *w, const struct view *v)
{
	memset(w->hit, 0, sizeof(w->hit));
	plan_event(w->run, v, w->fs, on_hit, w);
	for (size_t i = 0; i < w->n; i++) {
		fscratch_reset(w->fs);
		if (filter_match(w->item[i].filter, v, w->fs) != w->hit[i])
			fail_msg("event %lu, %s: the plan says %d: %s", (unsigned long) v->num,
			    v->ev->schema->name, w->hit[i], w->text[i]);
	}
}

/* Each event twice, the second time from memory. */
static void
test_made_up(void **state UNUSED)
{
	static struct world w;
	unsigned hits = 0;

	for (uint64_t seed = 1; seed <= WORLDS; seed++) {
		uint64_t s = seed;
		struct play p;

		memset(&w, 0, sizeof(w));
		arena_init(&w.a, 0);
		for (unsigned i = 0; i < CONDITIONS; i++) {
			CLEANUP(buf_fini) struct buf text = BUF_INIT;

			make_up(&text, &s, 3);
			plan_one(&w, text.p);
		}
		start(&w);
		play_start(&p, NULL);
		for (unsigned i = 0; i < EVENTS; i++) {
			struct row row = deeds[pick(&s, ARRAY_SIZE(deeds))];
			struct batch *b;
			struct view v;

			row.who = tids[pick(&s, ARRAY_SIZE(tids))];
			b = play_event(&p, &row, &v);
			v.num = i + 1;
			state_apply(p.s, b, b->ev, &v);
			check_event(&w, &v);
			check_event(&w, &v);
			batch_free(b);
		}
		hits += w.hits;
		play_stop(&p);
		stop(&w);
	}
	assert_in_range(hits, WORLDS * EVENTS, WORLDS * EVENTS * CONDITIONS * 2);
}

static bool
on_name(void *arg, uint32_t item)
{
	*(unsigned *) arg += item + 1;
	return true;
}

/* Memoized verdicts on a text end with it: its id may later belong to another text. */
static void
test_evicted(void **state UNUSED)
{
	static const struct state_limits limits = { 10, 10, 0, 0 };
	const struct event ev = { .schema = schema_get(EV_CLOSE) };
	static struct world w;
	struct intern *pool = NULL;
	struct thread t = { 0 };
	unsigned hits = 0, gen, n = 0;
	struct view v = { .ev = &ev, .thread = &t, .main = &t };
	char text[32];

	arena_init(&w.a, 0);
	plan_one(&w, "evt.type = close and proc.name = dog");
	plan_one(&w, "evt.type = close and proc.name startswith cat");
	start(&w);
	assert_int_equal(0, intern_new(1 << 14, &pool));
	assert_int_equal(0, state_new(pool, &limits, &v.state));
	t.comm = intern_put(pool, SLICE("dog"));
	gen = intern_gen(pool, t.comm);
	plan_event(w.run, &v, w.fs, on_name, &hits);
	plan_event(w.run, &v, w.fs, on_name, &hits);
	assert_int_equal(2, hits);
	while (intern_gen(pool, t.comm) == gen || intern_get(pool, t.comm).p == NULL) {
		intern_tick(pool);
		(void) snprintf(text, sizeof(text), "cat %u", n++);
		(void) intern_put(pool, slice_str(text));
	}
	hits = 0;
	t.tid++; /* another thread: nothing is remembered about it */
	plan_event(w.run, &v, w.fs, on_name, &hits);
	assert_int_equal(2, hits); /* the second condition, and not the first */
	stop(&w);
	state_free(v.state);
	intern_free(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_evicted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
