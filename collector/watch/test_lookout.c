/* SPDX-License-Identifier: Apache-2.0 */
/* test_lookout.c - which nodes are reported, when and how often; what the outbox remembers. */
#include "collector/shard/blind.h"
#include "collector/shard/shard.h"
#include "collector/watch/lookout.h"
#include "common/log.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdlib.h>

#define S NS_PER_S

/* ---- the outbox: records its input as text ---- */

static char said[8192];
static bool full;
static const struct outbox_node *known;

static void
say(const char *what, const char *node)
{
	size_t n = strlen(said);

	(void) snprintf(said + n, sizeof(said) - n, "%s%s %s", n > 0 ? ", " : "", what, node);
}

int
outbox_put(struct outbox *o, struct outbox_txn *t)
{
	(void) o;
	if (full)
		return -EAGAIN;
	assert_true(
	    strcmp(t->alerts->rule, BLIND_SIGHT) == 0 || strcmp(t->alerts->rule, BLIND_HARM) == 0);
	assert_int_equal(PRIO_CRITICAL, t->alerts->priority);
	assert_int_equal(0, t->seq); /* it makes no batch durable */
	say("alert", t->alerts->json);
	alert_free(t->alerts);
	t->done(t, 0);
	return 0;
}

int
outbox_node_put(struct outbox *o, const struct outbox_node *n)
{
	(void) o;
	if (full)
		return -EAGAIN;
	say(n->stopped ? "keep stopped" : "keep", n->id.node);
	return 0;
}

int
outbox_node_forget(struct outbox *o, const struct stream_id *id)
{
	(void) o;
	say("forget", id->node);
	return 0;
}

int
outbox_nodes(struct outbox *o, int (*fn)(void *arg, const struct outbox_node *n), void *arg)
{
	(void) o;
	return known == NULL ? 0 : fn(arg, known);
}

/* ---- */

struct bench {
	struct streams *streams;
	struct lookout w;
	struct stream *st;
	uint64_t began;
};

static void
bench_open(struct bench *b, const struct outbox_node *before, uint64_t forget_ns)
{
	struct diag d = { 0 };

	*b = (struct bench){ .began = clock_mono() };
	said[0] = '\0';
	full = false;
	known = before;
	log_init("test", LOG_ERROR);
	assert_int_equal(0, streams_new(&b->streams));
	assert_int_equal(
	    0, lookout_start(&b->w,
		   &(struct lookout_cfg){ .streams = b->streams, .forget_ns = forget_ns }, &d));
}

static void
bench_close(struct bench *b)
{
	stream_unref(b->st);
	streams_free(b->streams);
}

/* A sensor connects, at second 0. */
static void
connect_sensor(struct bench *b, uint64_t start)
{
	const struct stream_id id = { "c", "n1", "b1", start };

	stream_unref(b->st);
	assert_int_equal(0, stream_get(b->streams, &id, 0, false, NULL, &b->st));
	b->st->heard = b->began;
}

/* The input of the outbox up to this second, with a look every half second. An alert is "alert
 * STATE TIMES". */
static const char *
until(struct bench *b, uint64_t second)
{
	static char text[8192];
	const char *p;

	said[0] = text[0] = '\0';
	for (uint64_t t = b->w.looked == 0 ? b->began : b->w.looked; t <= b->began + second * S;
	     t += S / 2)
		lookout_run(&b->w, t);
	(void) snprintf(text, sizeof(text), "%s", said);
	p = strstr(said, "\"mews.node_state\":\"");
	if (p != NULL) {
		char state[16] = "", times[16] = "";

		(void) sscanf(
		    p, "\"mews.node_state\":\"%15[a-z]\",\"mews.times\":%15[0-9]", state, times);
		*strstr(text, "alert") = '\0';
		(void) snprintf(
		    text + strlen(text), sizeof(text) - strlen(text), "alert %s %s", state, times);
	}
	return text;
}

static void
test_silent(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	assert_string_equal("keep n1", until(&b, 3));
	assert_string_equal("alert silent 1", until(&b, 5)); /* within five seconds */
	assert_string_equal("", until(&b, 400));             /* once */
	b.st->connected = false; /* the end of its connection is no news */
	assert_string_equal("", until(&b, 410));
	bench_close(&b);
}

static const struct {
	bool bye;
	const char *said;
} end_cases[] = {
	{ false, "alert down 1" },
	{ true, "keep stopped n1, alert stopped 1" },
};

static void
test_ends(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(end_cases); i++) {
		struct bench b;

		bench_open(&b, NULL, 0);
		connect_sensor(&b, 1);
		(void) until(&b, 1);
		b.st->connected = false;
		b.st->said_bye = end_cases[i].bye;
		assert_string_equal(end_cases[i].said, until(&b, 5));
		bench_close(&b);
	}
}

/* A sensor that is back at once was not lost: the loss window reports it. */
static void
test_restart(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	(void) until(&b, 1);
	b.st->connected = false;
	assert_string_equal("", until(&b, 2));
	connect_sensor(&b, 2);
	b.st->heard = b.began + 2 * S;
	assert_string_equal("keep n1", until(&b, 4));
	bench_close(&b);
}

/* The node is heard after the look has read the clock, and disconnects at once. */
static void
test_heard_meanwhile(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	(void) until(&b, 1);
	b.st->heard = b.began + 2 * S;
	b.st->connected = false;
	assert_string_equal("", until(&b, 1)); /* a look of second 1 */
	bench_close(&b);
}

/* A node that comes and goes has one alert in five minutes, which waits if it must, even across a
 * restart of its sensor; the alert counts the losses. */
static void
test_flapping(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	assert_string_equal("keep n1, alert silent 1", until(&b, 5));
	for (uint64_t s = 10; s <= 30; s += 10) {
		connect_sensor(&b, s);
		b.st->heard = b.began + s * S;
		assert_string_equal("keep n1", until(&b, s + 6));
		b.st->connected = false;
	}
	assert_string_equal("", until(&b, 302));
	assert_string_equal("alert down 3", until(&b, 305));
	bench_close(&b);
}

/* An alert that does not fit into the outbox stays owed. */
static void
test_full(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	full = true;
	assert_string_equal("", until(&b, 9));
	full = false;
	assert_string_equal("keep n1, alert silent 1", until(&b, 10));
	bench_close(&b);
}

/* What was done to a sensor: an alert for each kind, that waits for the outbox, and of the same
 * kind another one in five minutes. */
static void
test_harm(void **state)
{
	static const struct {
		uint64_t second;
		enum harm harm;
		uint64_t at;
		bool full;
		const char *name; /* in an alert; NULL: none */
	} steps[] = {
		{ 1, HARM_traced, 0, false, NULL },
		{ 2, HARM_traced, 100 * S, true, NULL },
		{ 3, HARM_traced, 100 * S, false, "traced" },
		{ 4, HARM_traced, 100 * S, false, NULL },
		{ 5, HARM_killed, 101 * S, false, "killed" },
		{ 6, HARM_traced, 102 * S, false, NULL },
		{ 301, HARM_traced, 103 * S, false, NULL },
		{ 304, HARM_traced, 103 * S, false, "traced" },
		{ 305, HARM_unpinned, 104 * S, false, "unpinned" },
	};
	char want[64];
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	(void) until(&b, 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		b.st->heard = b.began + steps[i].second * S;
		b.st->harm.tracer = 4711;
		b.st->harm.at[steps[i].harm] = steps[i].at;
		full = steps[i].full;
		(void) until(&b, steps[i].second);
		(void) snprintf(want, sizeof(want), "\"mews.harm\":\"%s\"", steps[i].name);
		assert_int_equal(steps[i].name != NULL, strstr(said, "alert") != NULL);
		if (steps[i].name == NULL)
			continue;
		assert_non_null(strstr(said, want));
		assert_int_equal(
		    steps[i].harm == HARM_traced, strstr(said, "\"mews.tracer_pid\":4711") != NULL);
		assert_null(strstr(strstr(said, want) + 1, "alert")); /* one */
	}
	bench_close(&b);
}

/* A collector that was itself suspended has heard no node, and reports none. */
static void
test_overslept(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	(void) until(&b, 1);
	said[0] = '\0';
	lookout_run(&b.w, b.began + 60 * S);
	assert_string_equal("", said);
	assert_string_equal("", until(&b, 62));
	assert_string_equal("alert silent 1", until(&b, 64));
	bench_close(&b);
}

static void
test_missing(void **state)
{
	const struct outbox_node before = { .id = { "c", "n1", "b1", 1 }, .seen = 7 * S };
	struct bench b;

	(void) state;
	bench_open(&b, &before, 0);
	assert_string_equal("", until(&b, 29)); /* sensors need time to find it */
	assert_string_equal("alert missing 1", until(&b, 32));
	connect_sensor(&b, 2);
	b.st->heard = b.began + 32 * S;
	assert_true(b.st->restarted);
	assert_string_equal("keep n1", until(&b, 34));
	bench_close(&b);
}

/* Calls whose entry could not be kept: logged when they begin, then once a minute while they
 * last. */
static void
test_unstashed(void **state)
{
	static const struct {
		uint64_t second, unstashed, told;
	} rows[] = { { 1, 0, 0 }, { 2, 5, 5 }, { 3, 9, 5 }, { 60, 9, 5 }, { 62, 9, 9 },
		{ 200, 9, 9 }, { 201, 10, 10 }, { 300, 3, 3 } /* the sensor restarted */ };
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		b.st->unstashed = rows[i].unstashed;
		b.st->heard = b.began + rows[i].second * S;
		(void) until(&b, rows[i].second);
		assert_int_equal(rows[i].told, b.st->told.unstashed);
	}
	bench_close(&b);
}

/* What a sensor cannot see is logged once for each part, again after it was seen meanwhile. */
static void
test_blind(void **state)
{
	static const uint64_t rows[] = { 0, 1, 5, 4, 5, 0 };
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 0);
	connect_sensor(&b, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		b.st->blind = rows[i];
		b.st->heard = b.began + (i + 1) * S;
		(void) until(&b, i + 1);
		assert_int_equal(rows[i], b.st->told.blind);
	}
	bench_close(&b);
}

static void
test_forget_after(void **state)
{
	const struct outbox_node recent = { .id = { "c", "n1", "b1", 1 },
		.seen = clock_real() - 3500 * S };
	const struct outbox_node old = { .id = { "c", "n1", "b1", 1 },
		.seen = clock_real() - 3601 * S };
	struct bench b;

	(void) state;
	bench_open(&b, NULL, 3600 * S);
	connect_sensor(&b, 1);
	(void) until(&b, 1);
	b.st->connected = false;
	b.st->heard = b.began + S;
	assert_string_equal("alert down 1", until(&b, 5));
	b.st->last_seen = clock_real() - 7200 * S; /* the clock was set ahead */
	assert_string_equal("", until(&b, 3600));
	b.st->last_seen = clock_real() + 7200 * S; /* back */
	assert_string_equal("forget n1", until(&b, 3602));
	assert_string_equal("", until(&b, 3603));
	bench_close(&b);

	/* Not heard by this collector: only the wall clock knows since when. */
	bench_open(&b, &recent, 3600 * S);
	assert_string_equal("", until(&b, 1));
	bench_close(&b);
	bench_open(&b, &old, 3600 * S);
	assert_string_equal("forget n1", until(&b, 1));
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_heard_meanwhile),
		cmocka_unit_test(test_flapping),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_harm),
		cmocka_unit_test(test_overslept),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_unstashed),
		cmocka_unit_test(test_blind),
		cmocka_unit_test(test_forget_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
