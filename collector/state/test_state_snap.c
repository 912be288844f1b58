/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdio.h>
#include <string.h>

#define TASK(who, more)                                                                            \
	{                                                                                          \
		EV_TASK, who,                                                                      \
		    "comm=srv;argv=srv|-x|;exepath=/usr/srv;cwd=/var;euid=5;egid=6;"               \
		    "ppid=1;sid=3;pgid=4;vpgid=4;vtgid=10;vpid=10;start_time=1000000000005;env=K=" \
		    "v|;tty=1;loginuid=7;"                                                         \
		    "fdlimit=99;cgroups=cpu=/|;root=/;exe_ino_num=8;cap_effective=3" more,         \
		    ""                                                                             \
	}

/* A quiet node: everything comes from the snapshot. */
static const struct row quiet_rows[] = {
	TASK("10@5^100000", ""),
	{ EV_TASK, "11/10@6^100001",
	    "comm=worker;argv=srv|-x|;exepath=/usr/srv;ppid=1;vtgid=10;vpid=11", "" },
	{ EV_TASK_FILE_REGULAR, "10@5^100001", "fd=3;path=/var/f (deleted);flags=0x1001;ino_num=33",
	    "10:fd3.exec=1" },
	{ EV_TASK_FILE_DIRECTORY, "10@5^100001", "fd=4;path=/var",
	    "10:fd4.type=d;10:fd4.name=/var" },
	{ EV_TASK_FILE_PIPE, "10@5^100001", "fd=5;path=pipe:[9];ino_num=9",
	    "10:fd5.type=p;10:fd5.name=;10:fd5.ino=9" },
	{ EV_TASK_FILE_MEMFD, "10@5^100001", "fd=6;path=/memfd:x;ino_num=9", "10:fd6.type=m" },
	{ EV_TASK_FILE_SOCKET_INET, "10@5^100001",
	    "fd=7;sk_type=1;sk_proto=6;local_ip=10.0.0.1;local_port=443;remote_ip=0.0.0.0;"
	    "remote_port=0",
	    "10:fd7.name=10.0.0.1:443;10:fd7.server=1;10:fd7.l4=2" },
	{ EV_TASK_FILE_SOCKET_INET, "10@5^100001",
	    "fd=8;sk_type=1;sk_proto=6;local_ip=10.0.0.1;local_port=443;remote_ip=10.0.0.9;"
	    "remote_port=5",
	    "10:fd8.name=10.0.0.9:5->10.0.0.1:443;10:fd8.role=2;10:fd8.conn=1" },
	{ EV_TASK_FILE_SOCKET_INET6, "10@5^100001",
	    "fd=9;sk_type=2;sk_proto=17;local_ip=::1;local_port=9;remote_ip=::2;remote_port=53",
	    "10:fd9.name=::1:9->::2:53;10:fd9.role=1;10:fd9.l4=3" },
	{ EV_TASK_FILE_SOCKET_UNIX, "10@5^100001",
	    "fd=10;sk_type=1;sk_pointer=0xab;sun_path=/run/s",
	    "10:fd10.type=u;10:fd10.name=/run/s" },
	{ EV_TASK_FILE_SOCKET_NETLINK, "10@5^100001", "fd=11;sk_type=3", "10:fd11.type=n" },
	{ EV_TASK_FILE_ANON_INODE, "10@5^100001", "fd=12;path=anon_inode:[eventpoll]",
	    "10:fd12.type=l" },
	{ EV_TASK_FILE_ANON_INODE, "10@5^100001", "fd=13;path=anon_inode:[userfaultfd]",
	    "10:fd13.type=u" },
	{ EV_USERADDED, "0@0^100001", "uid=5;gid=6;name=ann;home=/h;shell=/s;container_id=", "" },
	{ EV_USERADDED, "0@0^100001",
	    "uid=5;gid=6;name=bob;home=/h;shell=/s;container_id=0123456789ab", "" },
	{ EV_GROUPADDED, "0@0^100001", "gid=6;name=staff;container_id=", "" },
	{ EV_CONTAINER_INFO, "0@0^100001", "id=host;container_name=odd;traits=3", "" },
	{ SNAPSHOT_DONE, "0", "100000", "" },
	{ EV_OPEN, "10@5^100500", "fd=14;name=rel",
	    "comm=srv;exe=srv;args=-x|;cmdline=srv -x;exepath=/usr/srv;cwd=/var/;uid=5;gid=6;"
	    "ptid=1;sid=3;pgid=4;vpgid=4;clone_ts=1000000000005;env=K=v|;tty=1;loginuid=7;"
	    "fdlimit=99;container=host;root=/;ino=8;capeff=3;placeholder=0;nthreads=2;"
	    "fd.name=/var/rel;user=ann;group=staff;box=odd;10:fd3.name=/var/f" },
	{ EV_CLOSE, "11/10@6^100600", "fd=3",
	    "comm=worker;cwd=/var/;fd.name=/var/f;nthreads=2;placeholder=0;vtid=11" },
	{ EV_USERDELETED, "10@5^100700", "uid=5;container_id=", "user=-;group=staff" },
};

/* Events that arrived before the snapshot, and are newer than its reading. */
static const struct row race_rows[] = {
	/* A placeholder that events have changed since. */
	{ EV_SETUID, "10@5^2000", "uid=44", "placeholder=1;uid=44" },
	{ EV_CHDIR, "10@5^2001", "path=/new", "cwd=/new/" },
	{ EV_OPEN, "10@5^2002", "fd=3;name=/young", "" },
	{ EV_OPEN, "10@5^2003", "fd=4;name=/closed", "" },
	{ EV_CLOSE, "10@5^2004", "fd=4", "" },
	/* A process that has executed another program since. */
	PROGRAM("20@6^2005", "now", ""),
	/* A process that has exited since. */
	PROGRAM("30@7^2006", "was", ""),
	{ EV_PROCEXIT, "30@7^2007", "status=0", "" },
	/* Exited, never seen before. */
	{ EV_PROCEXIT, "31@7^2008", "status=0", "" },
	/* A tid that has been reused since. */
	{ EV_CLONE, "40@1800^2009", "ptid=20;comm=heir", "" },
	TASK("10@5^1000", ""),
	{ EV_TASK_FILE_REGULAR, "10@5^1000", "fd=3;path=/old", "10:fd3.name=/young" },
	{ EV_TASK_FILE_REGULAR, "10@5^1000", "fd=4;path=/closed", "10:fd4.name=-" },
	{ EV_TASK_FILE_REGULAR, "10@5^1000", "fd=5;path=/old5", "10:fd5.name=/old5" },
	TASK("20@6^1000", ""),
	{ EV_TASK_FILE_REGULAR, "20@6^1000", "fd=5;path=/old5", "20:fd5.name=/old5" },
	TASK("30@7^1000", ""),
	{ EV_TASK_FILE_REGULAR, "30@7^1000", "fd=5;path=/old5", "" },
	TASK("31@7^1000", ""),
	TASK("40@7^1000", ""),
	{ SNAPSHOT_DONE, "0", "900", "" },
	{ EV_GETCWD, "10@5^3000", "res=-1",
	    "uid=44;cwd=/new/;comm=srv;cmdline=srv -x;sid=3;ptid=1;placeholder=0;30=0;31=0;20=1;"
	    "40=1" },
	{ EV_GETCWD, "20@6^3000", "res=-1",
	    "comm=now;exepath=/now;cmdline=now;sid=3;uid=5;cwd=/var/" },
	{ EV_GETCWD, "40@1800^3000", "res=-1", "comm=heir;start=1800" },
};

/* The next snapshot removes what it does not name. */
static const struct row resync_rows[] = {
	TASK("10@5^1000000000000", ""),
	{ EV_TASK_FILE_REGULAR, "10@5^1000000000000", "fd=3;path=/a", "" },
	{ EV_TASK_FILE_REGULAR, "10@5^1000000000000", "fd=4;path=/b", "" },
	TASK("20@6^1000000000000", ""),
	TASK("21@6^1000000000000", ""),
	{ SNAPSHOT_DONE, "0", "900000000000", "20=1" },
	{ EV_OPEN, "10@5^1500000000000", "fd=5;name=/c;flags=0x1001;ino=7", "" },
	{ EV_OPEN, "10@5^5500000000000", "fd=6;name=/d", "" },
	{ EV_GETCWD, "21@6^5600000000000", "res=-1", "" },
	/* Read at 5000, reported to begin later: 20 does not exist any more, 21 has exited since,
	 * but existed. */
	TASK("10@5^5000000000000", ""),
	{ EV_TASK_FILE_REGULAR, "10@5^5000000000000", "fd=3;path=/a", "" },
	{ EV_TASK_FILE_REGULAR, "10@5^5000000000000", "fd=5;path=/c;ino_num=7", "" },
	{ SNAPSHOT_DONE, "0", "6000000000000",
	    "20=0;21=1;10:fd3.name=/a;10:fd4.name=-;10:fd5.flags=4097;10:fd6.name=/d" },
};

/* An unknown user has no name; a container has its own users. */
static void
t_users(void **st)
{
	struct thread host = { 0 }, box = { 0 };
	struct play p;
	char name[16];

	(void) st;
	play_start(&p, NULL);
	host.container_id = intern_put(p.pool, SLICE("host"));
	box.container_id = intern_put(p.pool, SLICE("0123456789ab"));
	assert_null(state_user(p.s, &host, 0));
	for (unsigned i = 0; i < 300; i++)
		play_printed(&p, EV_USERADDED, "0", "", "uid=%u;name=u%u;container_id=", i, i);
	play_row(
	    &p, &(struct row){ EV_USERADDED, "0", "uid=7;name=box;container_id=0123456789ab", "" });
	for (unsigned i = 0; i < 300; i += 2)
		play_printed(&p, EV_USERDELETED, "1", "", "uid=%u;container_id=", i);
	for (unsigned i = 0; i < 300; i++) {
		const struct user_info *u = state_user(p.s, &host, i);

		(void) snprintf(name, sizeof(name), "u%u", i);
		assert_true((u == NULL) == (i % 2 == 0));
		assert_true(u == NULL || slice_eq(intern_get(p.pool, u->name), slice_str(name)));
	}
	assert_non_null(state_user(p.s, &box, 7));
	assert_null(state_user(p.s, &box, 9));
	play_stop(&p);
}

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Make any event with any values, as a malicious sensor could send it. */
static void
any_event(struct evb *b, uint32_t *seed, char texts[][64])
{
	static const int64_t nums[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1, -2, -100, -115, 24,
		100, 1 << 20, UINT32_MAX, INT32_MAX, INT64_MAX, INT64_MIN, 0x2000, 0x20000000,
		0x1001 };
	static const char *const words[] = { "", "/", "..", "a/../../b", "/a/b|c", "cpu=/docker/x|",
		"\002abcdefghijkl", "\nabcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
		"\001abcdefghijklmnopq" };
	const struct ev_schema *e = &schema_events[next(seed) % schema_nevents];
	uint32_t tid = next(seed) % 12;

	evb_begin(b, e->num, tid, 1000 + next(seed) % 100000);
	evb_task(b, next(seed) % 3 == 0 ? next(seed) % 12 : tid, next(seed) % 4);
	for (unsigned i = 0; i < e->nparams; i++) {
		const char *name = e->params[i].name;

		if (next(seed) % 5 == 0)
			continue;
		if (!ptype_is_text(e->params[i].type)) {
			evb_num(b, name, nums[next(seed) % ARRAY_SIZE(nums)]);
			continue;
		}
		(void) snprintf(texts[i], 64, "%s", words[next(seed) % ARRAY_SIZE(words)]);
		evb_bytes(b, name, texts[i], next(seed) % (strlen(texts[i]) + 1));
	}
}

static void
t_anything(void **st)
{
	static const struct state_limits limits = { 10, 6, 0, 2000 };
	static char texts[EV_PARAM_MAX][64];
	struct state_stats stats;
	struct play p;
	uint32_t seed = 1;

	(void) st;
	play_start(&p, &limits);
	for (unsigned n = 0; n < 40000; n++) {
		struct view v;
		struct batch *b;

		any_event(&p.b, &seed, texts);
		b = play_built(&p, &v);
		if (next(&seed) % 4 == 0)
			state_snapshot(p.s, b, &b->ev[0]);
		else
			state_apply(p.s, b, &b->ev[0], &v);
		if (next(&seed) % 64 == 0)
			play_snapshot_end(&p, next(&seed));
		batch_free(b);
		state_stats(p.s, &stats);
		assert_true(stats.threads <= limits.threads);
	}
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(quiet_rows, NULL),
		PLAY(race_rows, NULL),
		PLAY(resync_rows, NULL),
		cmocka_unit_test(t_anything),
		cmocka_unit_test(t_users),
		PLAY_NO_MEMORY(quiet_rows),
		PLAY_NO_MEMORY(race_rows),
		PLAY_NO_MEMORY(resync_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
