/* SPDX-License-Identifier: Apache-2.0 */
/* test_ps.c - the processes of a node as JSON, and their pages. */
#include "tests/support/test.h"

#include "collector/shard/ps.h"
#include "collector/state/test_play.h"
#include <stdio.h>

static void
expect(struct play *p, struct ps_ask *a, const char *json)
{
	ps_answer(p->s, a);
	assert_true(a->known);
	assert_int_equal(0, buf_ok(&a->json));
	assert_string_equal(json, a->json.p);
	buf_fini(&a->json);
}

static const struct row one[] = {
	{ EV_TASK, "10/10@5^100000",
	    "comm=srv;argv=srv|-x|;exepath=/usr/srv;cwd=/var;euid=5;egid=6;ppid=1;sid=3;pgid=4;"
	    "vpgid=2;vtgid=10;vpid=10;start_time=1000000000005;tty=1;loginuid=7;root=/;"
	    "cgroups=cpu=/|;cap_inheritable=1;cap_permitted=7;cap_effective=3",
	    "" },
	{ EV_TASK, "11/10@6^100001", "comm=worker;argv=srv|-x|;ppid=1;vtgid=10;vpid=11", "" },
	{ EV_TASK_FILE_REGULAR, "10/10@5^100001", "fd=3;path=/var/f;ino_num=33", "" },
	{ EV_USERADDED, "0/0@0^100001", "uid=5;gid=6;name=ann;home=/h;shell=/s;container_id=", "" },
	{ SNAPSHOT_DONE, "0", "100000", "" },
	{ EV_OPENAT, "10/10@5^100500", "fd=4;dirfd=-100;name=/closed;flags=0x1000", "" },
	{ EV_CLOSE, "11/10@6^100600", "res=0;fd=4", "" }, /* gone, although no event follows */
	{ EV_PIPE2, "10/10@5^100700", "res=0;fd1=5;fd2=6;ino=9;flags=0x1000", "" },
};

#define REST \
	",\"args\":[\"-x\"],\"cwd\":\"/var/\",\"root\":\"/\",\"container\":\"host\",\"threads\":2"

static void
test_rows(void **state)
{
	struct play p;
	struct ps_ask a = { .pid = 10, .files = true };

	(void) state;
	play_start(&p, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(one) - 1; i++)
		play_row(&p, &one[i]);
	expect(&p, &a,
	    "\"processes\":[{\"pid\":10,\"tid\":10,\"ppid\":1,\"started\":1000000000005,"
	    "\"comm\":\"srv\",\"exe\":\"srv\",\"exepath\":\"/usr/srv\"" REST
	    ",\"sid\":3,\"pgid\":4,\"vtid\":10,\"vpid\":10,\"vpgid\":2,\"uid\":5,"
	    "\"user\":\"ann\",\"gid\":6,\"loginuid\":7,\"tty\":1,\"cap_inheritable\":1,"
	    "\"cap_permitted\":7,\"cap_effective\":3,\"files\":[{\"fd\":3,\"type\":\"file\","
	    "\"name\":\"/var/f\",\"cloexec\":false,\"ino\":33}]}]");
	play_row(&p, &one[ARRAY_SIZE(one) - 1]);
	ps_answer(p.s, &a);
	assert_non_null(
	    strstr(a.json.p, "\"fd\":6,\"type\":\"pipe\",\"name\":\"\",\"cloexec\":true"));
	assert_null(strstr(a.json.p, "closed"));
	buf_clear(&a.json);
	a.pid = 99;
	expect(&p, &a, "\"processes\":[]");
	a = (struct ps_ask){ .threads = true, .after = 10 };
	ps_answer(p.s, &a);
	assert_non_null(strstr(a.json.p, "{\"pid\":10,\"tid\":11,"));
	assert_null(strstr(a.json.p, "\"tid\":10,"));
	buf_fini(&a.json);
	play_stop(&p);
	a = (struct ps_ask){ 0 };
	ps_answer(NULL, &a);
	assert_false(a.known);
}

/* Page after page names each process once, in order. */
static void
test_pages(void **state)
{
	enum { N = 2 * PS_ROWS + 1, STEP = 7 };
	struct ps_ask a = { 0 };
	int64_t expected = 1;
	struct play p;

	(void) state;
	play_start(&p, NULL);
	for (int i = 0; i < N; i++) { /* in another order */
		char who[32];

		(void) snprintf(who, sizeof(who), "%d", 1 + i * STEP % N);
		play_row(&p, &(struct row){ EV_GETCWD, who, "res=-1", "" });
	}
	for (int page = 0; page < 3; page++) {
		const char *at, *next;

		ps_answer(p.s, &a);
		for (at = a.json.p; (at = strstr(at, "{\"pid\":")) != NULL; at++)
			assert_int_equal(expected++, strtol(at + 7, NULL, 10));
		next = strstr(a.json.p, "],\"next\":");
		assert_true((next == NULL) == (page == 2));
		if (next != NULL)
			a.after = strtol(next + 9, NULL, 10);
		buf_clear(&a.json);
	}
	assert_int_equal(N + 1, expected);
	buf_fini(&a.json);
	play_stop(&p);
}

/* A process with very many files shows some of them; the page ends after PS_BYTES. */
static void
test_bounds(void **state)
{
	struct state_limits limits = { 1000, 2 * PS_FILES, 0, 0 };
	struct ps_ask a = { .files = true };
	struct play p;

	(void) state;
	play_start(&p, &limits);
	for (int pid = 1; pid <= 4; pid++) {
		for (int fd = 0; fd < PS_FILES + 5; fd++) {
			char who[32], params[400];

			(void) snprintf(who, sizeof(who), "%d", pid);
			(void) snprintf(
			    params, sizeof(params), "fd=%d;dirfd=-100;name=/%0250d", fd, fd);
			play_row(&p, &(struct row){ EV_OPENAT, who, params, "" });
		}
	}
	ps_answer(p.s, &a);
	assert_non_null(strstr(a.json.p, ",\"files_left_out\":5}"));
	assert_true(a.json.n > PS_BYTES && a.json.n < 3 * PS_BYTES);
	assert_non_null(strstr(a.json.p, "],\"next\":1"));
	buf_fini(&a.json);
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
