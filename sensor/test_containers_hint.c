/* SPDX-License-Identifier: Apache-2.0 */
/* test_containers_hint.c - whose commands say where a container's bundle is, early or late. */
#include "sensor/test_containers_worker.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
	const char *cgroups, *args;
	size_t n;
	int64_t uid;
	const char *bundle;
} hints[] = {
#define ARGS(s) s, sizeof(s)
	{ "=/a", ARGS("--root\0/r\0create\0--bundle\0/b/" HEX "\0--pid-file\0/p\0" HEX), 0,
	    "/b/" HEX },
	{ "=/a", ARGS("run\0-b\0/c\0" HEX), 0, "/c" },
	{ "=/a", ARGS("create\0--bundle=/d\0" HEX), 0, "/d" },
	{ "=/a", ARGS("-c\0" HEX "\0-u\0x\0-b\0/e\0-p\0/p"), 0, "/e" },
	{ "=/a", ARGS("create\0--bundle\0/f\0" HEX), 1000, "" }, /* not root */
	{ "=/a", ARGS("create\0--bundle\0relative\0" HEX), 0, "" },
	{ "=/a", ARGS("--bundle"), 0, "" },
	{ "=/a", ARGS("\0"), 0, "" },
};

static void
t_hints(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		struct containers *c = begin();
		struct container_ask q;

		assert_int_equal(
		    0, containers_see(c,
			   exec(hints[i].cgroups, hints[i].args, hints[i].n, hints[i].uid), true));
		(void) see(c, "=/docker/" HEX, false);
		while (asked())
			q = question();
		assert_string_equal(hints[i].bundle, q.bundle);
		end(c);
	}
}

#define SLICE_OF(uid) \
	"=/user.slice/user-" uid ".slice/user@" uid ".service/user.slice/libpod-" HEX ".scope"

/* A user's runtime speaks for containers in that user's slice only, and root's for all. */
static const struct {
	int64_t uids[2]; /* who begins the container; 0: root; -1: nobody */
	const char *cgroups, *bundle;
	uint32_t owner;
} users[] = {
	{ { 1000, -1 }, SLICE_OF("1000"), "/b1000", 1000 },
	{ { 1001, -1 }, SLICE_OF("1000"), "", 0 },
	{ { 1001, 1000 }, SLICE_OF("1000"), "/b1000", 1000 },
	{ { 1000, 0 }, SLICE_OF("1000"), "/b0", 0 },
	{ { 1000, -1 }, "=/machine.slice/libpod-" HEX ".scope", "", 0 },
	{ { 1000, 0 }, "=/machine.slice/libpod-" HEX ".scope", "/b0", 0 },
	{ { 1000, -1 }, "=/docker/" HEX, "", 0 },
};

static void
begin_as(struct containers *c, int64_t uid)
{
	char args[256];
	int n = snprintf(args, sizeof(args), "-c%c%s%c-b%c/b%d", 0, HEX, 0, 0, (int) uid);

	comm = "conmon";
	assert_int_equal(0, containers_see(c, exec("=/a", args, (size_t) n + 1, uid), true));
	comm = "runc";
}

static void
t_users(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		struct containers *c = begin();
		struct container_ask q;

		for (size_t k = 0; k < ARRAY_SIZE(users[i].uids); k++) {
			if (users[i].uids[k] >= 0)
				begin_as(c, users[i].uids[k]);
		}
		assert_int_equal(-EAGAIN, see(c, users[i].cgroups, false));
		q = question();
		if (strcmp(users[i].bundle, q.bundle) != 0 || q.owner != users[i].owner)
			fail_msg("row %zu: '%s' of %u", i, q.bundle, q.owner);
		reply(&q, CONTAINER_FINE);
		assert_int_equal(0, see(c, users[i].cgroups, false));
		/* Only its owner makes it again. */
		begin_as(c, users[i].owner == 1000 ? 1001 : 1000);
		assert_int_equal(0, see(c, users[i].cgroups, false));
		begin_as(c, users[i].owner);
		assert_int_equal(-EAGAIN, see(c, users[i].cgroups, false));
		end(c);
	}
}

/* The same of a user's, whose runtime's process is seen later. */
static void
t_users_later(void **state)
{
	static const char args[] = "-c\0" HEX "\0-b\0/b";
	static struct rec r;

	(void) state;
	for (int64_t uid = 0; uid <= 1000; uid += 1000) {
		struct containers *c = begin();
		struct container_ask q;

		assert_int_equal(-EAGAIN, see(c, SLICE_OF("1000"), false));
		q = question();
		assert_string_equal("", q.bundle);
		reply(&q, CONTAINER_MISSING);
		if (uid > 0) /* the other answer comes after the runtime's process */
			assert_int_equal(0, see(c, SLICE_OF("1000"), false));
		for (int i = 0; i < 2; i++) { /* the second one changes nothing */
			rec_begin(&r, EV_TASK, 1, 10, 10, 5);
			rec_text(&r, EVP_TASK_comm, SLICE("conmon"));
			rec_list(&r, EVP_TASK_argv, (struct slice){ args, sizeof(args) });
			rec_num(&r, EVP_TASK_euid, uid);
			rec_list(&r, EVP_TASK_cgroups, SLICE("=/a\0"));
			assert_int_equal(0, containers_see(c, rec_end(&r), false));
			assert_int_equal(i == 0 ? -EAGAIN : 0, see(c, SLICE_OF("1000"), false));
			if (i > 0)
				continue;
			q = question();
			assert_string_equal("/b", q.bundle);
			reply(&q, CONTAINER_FINE);
			assert_int_equal(0, see(c, SLICE_OF("1000"), false));
		}
		end(c);
	}
}

/* A user's files that do not answer: no user's are read, root's are. */
static void
t_shunned(void **state)
{
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	begin_as(c, 1000);
	while (see(c, SLICE_OF("1000"), false) == -EAGAIN)
		(void) usleep(1000);
	q = question();
	assert_int_equal(1000, q.owner);
	reply(&q, CONTAINER_FINE);
	(void) containers_tick(c);
	begin_as(c, 1000);
	(void) see(c, SLICE_OF("1000"), false);
	q = question();
	assert_int_equal(0, q.owner);
	assert_string_equal("", q.bundle);
	reply(&q, CONTAINER_MISSING);
	begin_as(c, 0);
	(void) see(c, "=/docker/" HEX, false);
	q = question();
	assert_string_equal("/b0", q.bundle);
	end(c);
}

/* The snapshot finds the command of a container's runtime only after events of the container. */
static void
t_found_later(void **state)
{
	static const char shim[] = "-namespace\0default\0-id\0early";
	static struct rec r;

	(void) state;
	for (int answered_first = 0; answered_first < 2; answered_first++) {
		struct containers *c = begin();
		struct container_ask q;

		assert_int_equal(0, see(c, "=/default/early", false));
		q = question();
		assert_string_equal("", q.bundle);
		if (answered_first) {
			reply(&q, CONTAINER_MISSING);
			assert_int_equal(0, see(c, "=/default/early", false));
			assert_false(asked());
		}
		rec_begin(&r, EV_TASK, 1, 20, 20, 5);
		rec_text(&r, EVP_TASK_comm, SLICE("containerd-shim"));
		rec_list(&r, EVP_TASK_argv, (struct slice){ shim, sizeof(shim) });
		rec_num(&r, EVP_TASK_euid, 0);
		rec_text(&r, EVP_TASK_cwd, SLICE("/run/early"));
		rec_list(&r, EVP_TASK_cgroups, (struct slice){ "=/a", 4 });
		assert_int_equal(0, containers_see(c, rec_end(&r), false));
		if (!answered_first) {
			reply(&q, CONTAINER_MISSING);
			(void) containers_tick(c);
		}
		assert_int_equal(-EAGAIN, see(c, "=/default/early", false));
		q = question();
		assert_string_equal("/run/early", q.bundle);
		reply(&q, CONTAINER_FINE);
		assert_int_equal(0, see(c, "=/default/early", false));
		assert_int_equal(0, containers_see(c, rec_end(&r), false));
		assert_int_equal(0, see(c, "=/default/early", false));
		assert_false(asked()); /* what is known is not read again */
		end(c);
	}
}

/* What looks like a container turns out to be none as its command with a bundle is seen. */
static void
t_hint_as_answered(void **state)
{
	static const char conmon[] = "-c\0" HEX "\0-b\0/b";
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	assert_int_equal(0, see(c, "=/libpod_parent/conmon", false));
	q = question();
	reply(&q, CONTAINER_MISSING);
	assert_int_equal(
	    0, containers_see(c, exec("=/libpod_parent/conmon", conmon, sizeof(conmon), 0), false));
	assert_int_equal(-EAGAIN, see(c, "=/libpod-" HEX, false));
	q = question();
	assert_string_equal("/b", q.bundle);
	end(c);
}

/* A command in a container names a bundle for another one. */
static void
t_foreign_hint(void **state)
{
	static const char other[] =
	    "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
	static const char lie[] =
	    "create\0--bundle\0/"
	    "evil\0ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
	struct containers *c = begin();
	struct container_ask q;
	char path[128];

	(void) state;
	(void) snprintf(path, sizeof(path), "=/docker/%s", other);
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, containers_see(c, exec("=/docker/" HEX, lie, sizeof(lie), 0), true));
	q = question();
	reply(&q, CONTAINER_FINE);
	assert_int_equal(0, containers_see(c, exec("=/docker/" HEX, lie, sizeof(lie), 0), false));
	assert_int_equal(-EAGAIN, see(c, path, false));
	q = question();
	assert_string_equal(other, q.full);
	assert_string_equal("", q.bundle);
	end(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_hints),
		cmocka_unit_test(t_users),
		cmocka_unit_test(t_users_later),
		cmocka_unit_test(t_shunned),
		cmocka_unit_test(t_found_later),
		cmocka_unit_test(t_hint_as_answered),
		cmocka_unit_test(t_foreign_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
