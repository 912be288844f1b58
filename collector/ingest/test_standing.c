/* SPDX-License-Identifier: Apache-2.0 */
/* test_standing.c - an established connection: its certificate expires, or it sends too much. */
#include "collector/ingest/test_ingest_kit.h"
#include <stdio.h>
#include <unistd.h>

struct room {
	struct shard shard;
	struct streams *streams;
	struct ingest *i;
	struct conn *c;
	uint32_t pipe;
	struct buf out;
	struct reply rep;
};

static void
say(struct room *w)
{
	talk(w->i, w->c, (const uint8_t *) w->out.p, w->out.n, clock_mono(), &w->rep);
}

static void
connect_new(struct room *w)
{
	conn_unref(w->c);
	assert_int_equal(0, conn_add(w->i, ++w->pipe, "192.0.2.1:1234", clock_mono()));
	w->c = conn_find(w->i, w->pipe);
	assert_non_null(w->c);
	kit_hello(&w->out, "n", "c", 7);
	say(w);
}

static void
room_init(struct room *w)
{
	struct ingest_cfg cfg = { .cluster = "", .name = "c1" };

	*w = (struct room){ 0 };
	kit_shard_init(&w->shard);
	kit_outbox(0, 0);
	assert_int_equal(0, streams_new(&w->streams));
	cfg.streams = w->streams;
	cfg.shards = (struct shards *) &w->shard;
	assert_int_equal(0, ingest_new(&cfg, &w->i));
	w->i->admit = (struct bucket){ .per_s = 1000000, .burst = 1000000 };
	connect_new(w);
}

static void
room_fini(struct room *w)
{
	conn_unref(w->c);
	ingest_free(w->i);
	streams_free(w->streams);
	buf_fini(&w->out);
	pthread_mutex_destroy(&w->shard.lock);
}

/* At its expiry the certificate stops working: the sensor is told why, it is counted, and the
 * message is ignored. */
static void
test_expired(void **state)
{
	char log[4096];
	struct room w;

	(void) state;
	room_init(&w);
	assert_non_null(w.rep.msg.welcome);
	w.c->until = clock_real() + 3600 * NS_PER_S;
	kit_batch(&w.out, 1, 0);
	say(&w);
	assert_null(w.rep.msg.reject);
	w.c->until = clock_real() - 1;
	kit_batch(&w.out, 2, 0);
	say(&w);
	assert_non_null(w.rep.msg.reject);
	assert_int_equal(WIRE__REJECT__CODE__IDENTITY, w.rep.reject.code);
	assert_non_null(strstr(w.rep.reject.text, "has expired"));
	assert_int_equal(1, w.i->refused_identity);
	assert_false(w.c->stream->connected);
	assert_true(w.c->close_at != 0);
	kit_shard_log(&w.shard, log);
	assert_string_equal("H B1", log);
	say(&w);
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
		say(w);
	}
	assert_int_equal(FLOOD, w->i->gaps);
}

static void
garbage(struct room *w)
{
	for (unsigned k = 0; k < FLOOD; k++) {
		buf_clear(&w->out);
		buf_str(&w->out, "\xff\xff\xff");
		say(w);
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

		room_init(&w);
		began = clock_mono();
		lines = lines_of(floods[k], &w);
		seconds = (clock_mono() - began) / NS_PER_S + 1;
		if (lines > LOG_PEER_BURST + seconds * LOG_PEER_PER_S)
			fail_msg("flood %zu: %u lines in %lu s", k, lines, (unsigned long) seconds);
		room_fini(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
