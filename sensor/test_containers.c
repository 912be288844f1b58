/* SPDX-License-Identifier: Apache-2.0 */
/* test_containers.c - what waits for a container's files, for how long, and what does not. The test
 * is the worker. */
#include "sensor/containers.h"
#include "sensor/event_build.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int worker = -1, workers; /* the newest worker's end; how many there were */
static char added[256];          /* the ids of the records that were added */

int __wrap_scanner_containers(struct scanner *s);

int
__wrap_scanner_containers(struct scanner *s)
{
	int end[2];

	(void) s;
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end));
	if (worker >= 0)
		(void) close(worker);
	worker = end[1];
	workers++;
	return end[0];
}

static int
add(void *arg, const struct ev_hdr *rec)
{
	struct slice id = record_text(rec, schema_get(EV_CONTAINER_INFO), EVP_CONTAINER_INFO_id);
	size_t n = strlen(added);

	(void) arg;
	(void) snprintf(added + n, sizeof(added) - n, "%.*s ", SLICE_ARG(id));
	return 0;
}

static struct containers *
begin(void)
{
	struct containers *c = NULL;

	added[0] = '\0';
	workers = 0;
	assert_int_equal(0, containers_new(NULL, add, NULL, &c));
	return c;
}

static void
end(struct containers *c)
{
	containers_free(c);
	if (worker >= 0)
		(void) close(worker);
	worker = -1;
}

static const char *comm = "runc";

static const struct ev_hdr *
exec(const char *cgroups, const char *args, size_t nargs, int64_t uid)
{
	static struct rec r;

	rec_begin(&r, EV_EXECVE, 1, 10, 10, 5);
	rec_num(&r, EVP_EXECVE_uid, uid);
	rec_list(&r, EVP_EXECVE_args, (struct slice){ args, nargs });
	rec_text(&r, EVP_EXECVE_comm, slice_str(comm));
	rec_list(&r, EVP_EXECVE_cgroups, (struct slice){ cgroups, strlen(cgroups) + 1 });
	return rec_end(&r);
}

static int
see(struct containers *c, const char *cgroups, bool hurry)
{
	return containers_see(c, exec(cgroups, "x", 2, 0), hurry);
}

static struct container_ask
question(void)
{
	struct container_ask q;

	assert_int_equal(sizeof(q), recv(worker, &q, sizeof(q), MSG_DONTWAIT));
	return q;
}

static bool
asked(void)
{
	char c;

	return worker >= 0 && recv(worker, &c, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

static void
reply(const struct container_ask *q, enum container_fault fault)
{
	static struct rec r;
	struct {
		struct container_answer a;
		char rec[1024];
	} m = { .a = { .serial = q->serial, .fault = fault } };
	size_t n = sizeof(m.a);

	if (fault == CONTAINER_FINE) {
		rec_begin(&r, EV_CONTAINER_INFO, 1, 0, 0, 0);
		rec_text(&r, EVP_CONTAINER_INFO_id, slice_str(q->id));
		(void) rec_end(&r);
		memcpy(m.rec, r.u.bytes, r.n);
		n += r.n;
	}
	assert_int_equal(n, send(worker, &m, n, 0));
}

static void
t_waits(void **state)
{
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	assert_int_equal(0, see(c, "=/init.scope", false));
	assert_false(asked());
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, see(c, "=/init.scope", false)); /* others go on */
	assert_true(containers_tick(c));
	q = question();
	assert_false(asked()); /* once */
	assert_string_equal("001122334455", q.id);
	assert_string_equal(HEX, q.full);
	assert_string_equal("", added);
	reply(&q, CONTAINER_FINE);
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_string_equal("001122334455 ", added); /* before the event */
	assert_false(containers_tick(c));
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_false(asked());
	/* A collector that may not know it: again. */
	containers_forget(c);
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	q = question();
	reply(&q, CONTAINER_MISSING);
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_string_equal("001122334455 ", added);
	end(c);
}

/* In a hurry, or for what may be any folder, nothing waits; the record follows. */
static void
t_follows(void **state)
{
	struct containers *c = begin();
	struct containers_stats st;
	struct container_ask q;

	(void) state;
	assert_int_equal(0, see(c, "=/docker/" HEX, true));
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, see(c, "=/ns/box", false));
	q = question();
	reply(&q, CONTAINER_FINE);
	q = question();
	reply(&q, CONTAINER_FINE);
	(void) containers_tick(c);
	assert_string_equal("001122334455 box ", added);
	/* A wait that is cut short. */
	containers_forget(c);
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, see(c, "=/docker/" HEX, true));
	containers_stats(c, &st);
	assert_int_equal(1, st.late);
	assert_int_equal(2, st.reported);
	end(c);
}

/* After half a second it goes, and for a while nothing waits again. */
static void
t_late(void **state)
{
	struct containers *c = begin();
	struct container_ask q;
	uint64_t began = clock_mono();

	(void) state;
	while (see(c, "=/docker/" HEX, false) == -EAGAIN)
		(void) usleep(1000);
	assert_true(clock_mono() - began >= CONTAINERS_WAIT_NS);
	assert_int_equal(0, see(c, "=/libpod-" HEX, false)); /* another one */
	q = question();
	reply(&q, CONTAINER_FINE);
	(void) containers_tick(c);
	assert_string_equal("001122334455 ", added);
	end(c);
}

/* A worker that ends (a file that it cannot survive) takes one question with it. */
static void
t_dead_worker(void **state)
{
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	assert_int_equal(-EAGAIN, see(c, "=/libpod-" HEX, false));
	(void) close(worker);
	worker = -1;
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_int_equal(2, workers);
	assert_int_equal(-EAGAIN, see(c, "=/libpod-" HEX, false));
	q = question();
	reply(&q, CONTAINER_FINE);
	assert_int_equal(0, see(c, "=/libpod-" HEX, false));
	/* Lies: no record, half a record, an unknown question. */
	q.serial = 99;
	reply(&q, CONTAINER_FINE);
	assert_int_equal(-EAGAIN, see(c, "=/docker-" HEX ".scope", false));
	q = question();
	assert_int_equal(
	    100, send(worker, &(struct container_answer){ .serial = q.serial }, 100, 0));
	assert_int_equal(-EAGAIN, see(c, "=/docker-" HEX ".scope", false));
	assert_int_equal(sizeof(struct container_answer),
	    send(worker, &(struct container_answer){ .serial = q.serial },
		sizeof(struct container_answer), 0));
	assert_int_equal(0, see(c, "=/docker-" HEX ".scope", false));
	assert_string_equal("001122334455 ", added);
	end(c);
}

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

/* A container that is made again is read again; a process added to one changes nothing. */
static void
t_restarted(void **state)
{
	static const char create[] = "create\0--bundle\0/b\0" HEX;
	static const char more[] = "-c\0" HEX "\0-b\0/exec\0-e";
	struct containers *c = begin();
	struct container_ask q;

	(void) state;
	assert_int_equal(0, containers_see(c, exec("=/a", more, sizeof(more), 0), false));
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	q = question();
	assert_string_equal("", q.bundle);
	reply(&q, CONTAINER_FINE);
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, containers_see(c, exec("=/a", more, sizeof(more), 0), false));
	assert_int_equal(0, see(c, "=/docker/" HEX, false));
	assert_int_equal(0, containers_see(c, exec("=/a", create, sizeof(create), 0), false));
	assert_int_equal(-EAGAIN, see(c, "=/docker/" HEX, false));
	q = question();
	assert_string_equal("/b", q.bundle);
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

/* More than fits is forgotten, and the table works on. */
static void
t_many(void **state)
{
	struct containers *c = begin();
	char path[128];

	(void) state;
	for (unsigned i = 0; i < 3 * CONTAINERS_KNOWN; i++) {
		(void) snprintf(path, sizeof(path), "=/x.slice/%u.service", i);
		assert_int_equal(0, see(c, path, false));
	}
	for (unsigned i = 0; i < 2 * CONTAINERS_ASKED; i++) { /* no room: not asked, not waiting */
		(void) snprintf(path, sizeof(path), "=/docker/%064x", i);
		assert_int_equal(i < CONTAINERS_ASKED ? -EAGAIN : 0, see(c, path, false));
	}
	end(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_waits),
		cmocka_unit_test(t_follows),
		cmocka_unit_test(t_late),
		cmocka_unit_test(t_dead_worker),
		cmocka_unit_test(t_hints),
		cmocka_unit_test(t_users),
		cmocka_unit_test(t_users_later),
		cmocka_unit_test(t_shunned),
		cmocka_unit_test(t_restarted),
		cmocka_unit_test(t_found_later),
		cmocka_unit_test(t_hint_as_answered),
		cmocka_unit_test(t_foreign_hint),
		cmocka_unit_test(t_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
