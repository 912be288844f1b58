/* SPDX-License-Identifier: Apache-2.0 */
/* test_standing.c - an established connection: its certificate expires, or it sends too much. */
#include "collector/ingest/test_ingest_kit.h"
#include <stdio.h>
#include <unistd.h>

static void
connect_new(struct room *w)
{
	room_connect(w, "192.0.2.1:1234");
	kit_hello(&w->out, "n", "c", 7);
	room_say(w);
}

static void
begin(struct room *w)
{
	room_init(w, 0, 0);
	w->i->admit = (struct bucket){ .per_s = 1000000, .burst = 1000000 };
	connect_new(w);
}

/* At its expiry the certificate stops working: the sensor is told why, it is counted, and the
 * message is ignored. */
static void
test_expired(void **state)
{
	char log[4096];
	struct room w;

	(void) state;
	begin(&w);
	assert_non_null(w.rep.msg.welcome);
	w.c->term.until = clock_real() + 3600 * NS_PER_S;
	kit_batch(&w.out, 1, 0);
	room_say(&w);
	assert_null(w.rep.msg.reject);
	w.c->term.until = clock_real() - 1;
	kit_batch(&w.out, 2, 0);
	room_say(&w);
	assert_non_null(w.rep.msg.reject);
	assert_int_equal(WIRE__REJECT__CODE__IDENTITY, w.rep.reject.code);
	assert_non_null(strstr(w.rep.reject.text, "has expired"));
	assert_int_equal(1, w.i->refused_identity);
	assert_false(w.c->stream->connected);
	assert_true(w.c->close_at != 0);
	kit_shard_log(&w.shard, log);
	assert_string_equal("H B1", log);
	room_say(&w);
	assert_int_equal(WIRE__REJECT__CODE__NOT_WELCOME, w.rep.reject.code);
	room_fini(&w);
}

/* Count the log lines that 'flood' causes. */
static unsigned
lines_of(void (*flood)(struct room *w), struct room *w)
{
	int saved = dup(STDERR_FILENO), c;
	FILE *f = tmpfile();
	unsigned lines = 0;

	assert_non_null(f);
	assert_true(saved >= 0);
	(void) fflush(stderr);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	flood(w);
	(void) fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void) close(saved);
	rewind(f);
	while ((c = fgetc(f)) != EOF)
		lines += c == '\n';
	(void) fclose(f);
	return lines;
}

enum { FLOOD = 20000 };

static void
gaps(struct room *w)
{
	for (uint64_t k = 1; k <= FLOOD; k++) {
		kit_poll(&w->out, 0, 10 * k);
		room_say(w);
	}
	assert_int_equal(FLOOD, w->i->gaps);
}

static void
garbage(struct room *w)
{
	for (unsigned k = 0; k < FLOOD; k++) {
		buf_clear(&w->out);
		buf_str(&w->out, "\xff\xff\xff");
		room_say(w);
	}
	assert_int_equal(FLOOD, w->i->malformed);
}

static void
reconnects(struct room *w)
{
	for (unsigned k = 0; k < FLOOD; k++) {
		connect_new(w);
		assert_non_null(w->rep.msg.welcome);
		if (k > 0)
			conn_remove(w->i, w->pipe - 1);
	}
}

/* One peer causes a few lines at once and one a second, whatever it does. The second is stretched
 * many times for slow machines. */
static void
test_flood(void **state)
{
	static void (*const floods[])(struct room * w) = { gaps, garbage, reconnects };
	struct room w;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(floods); k++) {
		uint64_t began, seconds;
		unsigned lines;

		begin(&w);
		began = clock_mono();
		lines = lines_of(floods[k], &w);
		seconds = (clock_mono() - began) / NS_PER_S + 1;
		if (lines > LOG_PEER_BURST + seconds * LOG_PEER_PER_S)
			fail_msg("flood %zu: %u lines in %lu s", k, lines, (unsigned long) seconds);
		room_fini(&w);
	}
}

/* The sensor returns with an interest that was in force meanwhile. */
static const struct {
	const char *what;
	uint32_t version, offset; /* of the Hello: this, or the first of ours and so many */
	bool known;               /* still, when it confirmed the one in force */
} returns[] = {
	{ "its own default", 0, 0, true },
	{ "ours", 0, 1, true },
	{ "an earlier collector's", 77, 0, true },
	{ "a foreign one", 78, 0, false },
	{ "one that we did not give out yet", 0, 3, false },
};

static void
test_return(void **state)
{
	static const struct interest none = { .lean = { 0 } };
	struct room w;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(returns); k++) {
		Wire__Request q = WIRE__REQUEST__INIT;
		Wire__Hello h = WIRE__HELLO__INIT;
		uint32_t version = returns[k].version;
		bool known = false;

		begin(&w);
		w.i->cfg.versions.v[5] = 77;
		(void) ingest_set_interest(w.i, &none);
		kit_poll(&w.out, w.i->interest, 0);
		room_say(&w);
		if (returns[k].offset > 0)
			version = w.i->first + returns[k].offset - 1;
		h.protocol = WIRE_PROTOCOL;
		h.node = (char *) "n";
		h.cluster = (char *) "c";
		h.boot_id = (char *) KIT_BOOT;
		h.sensor_start = 7;
		h.version = (char *) "0";
		h.interest = version;
		q.body_case = WIRE__REQUEST__BODY_HELLO;
		q.hello = &h;
		room_connect(&w, "192.0.2.1:1234");
		kit_pack(&q, &w.out);
		room_say(&w);
		assert_non_null(w.rep.msg.welcome);
		for (size_t i = 0; i < COVERAGE_VERSIONS; i++)
			known = known || w.c->stream->coverage.confirmed[i] != 0;
		if (known != returns[k].known)
			fail_msg("%s: %d", returns[k].what, known);
		room_fini(&w);
	}
}

/* Versions never repeat, even if the clock went back since the earlier collector. */
static void
test_first(void **state)
{
	struct ingest_cfg cfg = { .cluster = "", .versions.v[3] = UINT32_MAX - 100000 };
	struct ingest *i = NULL;

	(void) state;
	assert_int_equal(0, ingest_new(&cfg, &i));
	assert_true(i->first > cfg.versions.v[3]);
	ingest_free(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_return),
		cmocka_unit_test(test_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
