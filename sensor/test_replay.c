/* SPDX-License-Identifier: Apache-2.0 */
/* A replay sends the recorded events under a new stream. */
#include "common/clock.h"
#include "sensor/message.h"
#include "sensor/record_file.h"
#include "sensor/replay.h"
#include "tests/support/evbuild.h"
#include "tests/support/test.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/mews-test-replay-XXXXXX";
static struct env env;

static void
on_interest(void *arg, struct node *n, const Wire__Interest *in)
{
	(void) arg;
	(void) n;
	(void) in;
}

static void
on_snapshot(void *arg, struct node *n, uint64_t id)
{
	(void) arg;
	(void) n;
	(void) id;
}

static bool
on_mark(void *arg, const struct source_mark *m)
{
	(void) arg;
	(void) m;
	return false;
}

static void
on_drops(void *arg, struct node_drops *d, bool fresh UNUSED)
{
	node_drop_add(d, EV_OPENAT, DROP_RING_FULL, *(uint64_t *) arg);
}

static void
on_stats(void *arg, Wire__SensorStats *s)
{
	(void) arg;
	(void) s;
}

static void
on_note(void *arg, struct node *n, enum log_level level, const char *text)
{
	(void) arg;
	(void) n;
	(void) level;
	(void) text;
}

static const struct node_owner owner = { .interest = on_interest,
	.snapshot = on_snapshot,
	.mark = on_mark,
	.drops = on_drops,
	.stats = on_stats,
	.note = on_note };
static uint64_t dropped;

static struct options
options(void)
{
	return (struct options){ .interval = 10,
		.batch_bytes = 2048,
		.batch_max = 65536,
		.compression = 1,
		.spool = 8 << 20,
		.window = 4,
		.timeout = 5000,
		.retry_min = 100,
		.retry_max = 1000,
		.retry_slow = 60000 };
}

static uint64_t node_due; /* nobody ticks these nodes */

static struct node *
make_node(const struct options *o, const char *name, const Wire__Hello *hello)
{
	struct node_cfg nc = { .opt = o,
		.name = name,
		.cluster = "lab",
		.boot_id = "b",
		.sensor_start = hello == NULL ? 1000 : 2000,
		.env = &env,
		.hello = hello,
		.owner = &owner,
		.arg = &dropped,
		.due = &node_due };
	struct node *n = NULL;

	assert_int_equal(0, node_new(&nc, &n));
	return n;
}

/* Write 1000 events through a node to the file. Returns the number of batches. */
static uint64_t
write_recording(void)
{
	struct options o = options();
	struct node *n = make_node(&o, "n1", NULL);
	struct record *r = NULL;
	struct buf hello = BUF_INIT;
	struct evb b = { 0 };
	struct diag d;
	uint64_t batches;

	assert_int_equal(0, record_open(path, &r, &d));
	assert_int_equal(0, node_hello(n, &hello));
	assert_int_equal(0, record_hello(r, &hello));
	for (uint64_t i = 0; i < 1000; i++) {
		evb_begin(&b, EV_OPENAT, 10, 1000 + i);
		evb_num(&b, "fd", (int64_t) i);
		evb_text(&b, "name", i % 2 ? "/etc/passwd" : "/etc/group");
		assert_int_equal(0, node_emit(n, evb_end(&b)));
	}
	dropped = 17;
	node_flush(n, 1);
	node_snapshot_begin(n, 1, 100);
	node_snapshot_end(n, 2);
	batches = n->spool.n;
	assert_int_equal(0, record_spool(r, &n->spool));
	assert_int_equal(0, n->spool.n);
	assert_int_equal(1000, record_events(r));
	assert_int_equal(0, record_close(r, &d));
	buf_fini(&hello);
	evb_fini(&b);
	node_free(n);
	return batches;
}

static Wire__Request *
request_of(struct node *n, uint64_t seq)
{
	struct spool_entry *e = spool_get(&n->spool, seq);
	Wire__Request *rq;

	assert_non_null(e);
	rq = wire__request__unpack(NULL, e->n, (uint8_t *) e->msg);
	assert_non_null(rq);
	return rq;
}

/* Count the events in the spool; check numbers and versions on the way. */
static size_t
check_spool(struct node *n, uint64_t first_fd)
{
	size_t events = 0;

	for (uint64_t seq = n->spool.first; seq < spool_next(&n->spool); seq++) {
		Wire__Request *rq = request_of(n, seq);
		struct batch *b = NULL;
		const char *why;

		assert_int_equal(seq, rq->batch->seq);
		assert_int_equal(5, rq->batch->interest);
		assert_in_range(rq->batch->real_ns, clock_real() - 60 * NS_PER_S, clock_real());
		assert_int_equal(0, batch_decode(rq->batch->body, NULL, &b, &why));
		assert_int_equal(rq->batch->events, b->nev);
		for (size_t i = 0; i < b->nev; i++)
			assert_int_equal(first_fd + events + i, ev_num(&b->ev[i], EVP_OPENAT_fd));
		events += b->nev;
		if (seq + 1 == spool_next(&n->spool)) {
			assert_int_equal(1, rq->batch->n_drops);
			assert_int_equal(17, rq->batch->drops[0]->count);
		}
		batch_free(b);
		wire__request__free_unpacked(rq, NULL);
	}
	return events;
}

static void
test_round_trip(void **state)
{
	struct options o = options();
	uint64_t batches = write_recording();
	struct replay *r = NULL;
	Wire__Request *rq;
	struct node *n;
	struct diag d;

	(void) state;
	assert_true(batches > 3);
	assert_int_equal(0, replay_load(path, &r, &d));
	assert_string_equal("n1", replay_hello(r)->node);
	assert_int_equal(1000, replay_events(r));
	n = make_node(&o, "other", replay_hello(r));
	n->interest = 5;
	n->cursor.fast = true;
	n->link.snap_id = 44;
	assert_int_equal(UINT64_MAX, replay_feed(r, &n->cursor, n, 1));
	assert_true(replay_fed(r, &n->cursor));
	assert_int_equal(batches, n->spool.n);
	assert_int_equal(1000, check_spool(n, 0));
	rq = request_of(n, batches); /* the end of the snapshot, in its own batch */
	assert_int_equal(44, rq->batch->snapshot->id);
	assert_int_equal(0, rq->batch->snapshot->part);
	assert_int_equal(100, rq->batch->snapshot->began_ns);
	assert_true(rq->batch->snapshot->last);
	wire__request__free_unpacked(rq, NULL);
	rq = request_of(n, batches - 1);
	assert_null(rq->batch->snapshot);
	wire__request__free_unpacked(rq, NULL);
	node_free(n);
	replay_free(r);
}

/* At the recorded pace a batch waits for its time; a full spool also makes it wait. */
static void
test_pace_and_room(void **state)
{
	struct options o = options();
	struct replay *r = NULL;
	struct node *n;
	struct diag d;
	uint64_t now = 1000 * NS_PER_S, due;

	(void) state;
	(void) write_recording();
	assert_int_equal(0, replay_load(path, &r, &d));
	n = make_node(&o, "n", replay_hello(r));
	due = replay_feed(r, &n->cursor, n, now);
	assert_int_equal(1, n->spool.n); /* time starts with the first */
	assert_true(due > now && due != UINT64_MAX);
	(void) replay_feed(r, &n->cursor, n, due);
	assert_true(n->spool.n > 1);
	(void) replay_feed(r, &n->cursor, n, due + 3600 * NS_PER_S);
	assert_true(replay_fed(r, &n->cursor));
	node_free(n);

	o.spool = 1 << 20; /* no room for the largest message */
	n = make_node(&o, "n", replay_hello(r));
	n->cursor.fast = true;
	n->spool.bytes = 1;
	n->spool.n = 0;
	assert_int_not_equal(UINT64_MAX, replay_feed(r, &n->cursor, n, now));
	assert_int_equal(0, n->cursor.next);
	n->spool.bytes = 0;
	node_free(n);
	replay_free(r);
}

static const struct {
	const char *text;
	size_t n;
	const char *says;
} bad[] = {
	{ "hello, world", 12, "not a recording" },
	{ "", 0, "not a recording" },
	{ "MEWSREC3", 8, "empty" },
	{ "MEWSREC3\x05\0\0\0ab", 14, "damaged at byte 8" },
	{ "MEWSREC3\x02\0\0\0\xff\xff", 14, "damaged at byte 8" },
};

static void
test_bad(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct replay *r = NULL;
		struct diag d = { 0 };

		assert_int_equal(bad[i].n, write(fd, bad[i].text, bad[i].n));
		(void) close(fd);
		assert_true(replay_load(path, &r, &d) < 0);
		assert_null(r);
		if (strstr(d.msg, bad[i].says) == NULL)
			fail_msg("'%s' does not say '%s'", d.msg, bad[i].says);
	}
	{
		struct replay *r = NULL;
		struct diag d = { 0 };

		assert_int_equal(-ENOENT, replay_load("/no/such", &r, &d));
		assert_non_null(strstr(d.msg, "/no/such"));
	}
}

static int
setup(void **state)
{
	int fd = mkstemp(path);

	(void) state;
	if (fd < 0)
		return -1;
	(void) close(fd);
	return env_init(&env, "/");
}

static int
teardown(void **state)
{
	(void) state;
	env_fini(&env);
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_pace_and_room),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
