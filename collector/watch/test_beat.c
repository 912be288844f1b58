/* SPDX-License-Identifier: Apache-2.0 */
/* test_beat.c - what a beat says of a node. */
#include "collector/watch/beat.h"
#include "common/clock.h"
#include "tests/support/test.h"

#define NOW 1795361065353780313ULL

static void
a_beat_tells_what_is_seen(void **state)
{
	static const uint64_t rules[2] = { 0x12, 0xabcdef };
	struct stream *s = calloc(1, sizeof(*s));
	struct output_beat *b;

	(void) state;
	assert_non_null(s);
	(void) snprintf(s->id.cluster, sizeof(s->id.cluster), "c\"1");
	(void) snprintf(s->id.node, sizeof(s->id.node), "n");
	(void) snprintf(s->id.boot_id, sizeof(s->id.boot_id), "b");
	s->id.sensor_start = 7;
	s->received = 12;
	s->durable = 11;
	s->events = 1000;
	s->drops = 3;
	s->gaps = 2;
	b = beat_of(s, "mews-1", rules, NOW);
	assert_non_null(b);
	assert_string_equal("c\"1", b->cluster);
	assert_int_equal(NOW, b->time);
	b->json[b->n - 1] = '\0';
	assert_string_equal(
	    "{\"cluster\":\"c\\\"1\",\"node\":\"n\",\"time\":\"2026-11-22T15:24:25.353780313Z\","
	    "\"state\":\"missing\",\"boot_id\":\"b\",\"sensor_start\":7,\"sequence\":12,"
	    "\"durable\":11,\"events\":1000,\"drops\":3,\"gaps\":2,\"loss_window\":false,"
	    "\"rules\":\"00000000000000120000000000abcdef\",\"watermark\":null,"
	    "\"collector\":\"mews-1\"",
	    b->json);
	free(b);
	s->coverage.whole = NOW - 1;
	b = beat_of(s, "mews-1", rules, NOW);
	assert_non_null(b);
	b->json[b->n - 1] = '\0';
	assert_non_null(strstr(b->json, "\"watermark\":\"2026-11-22T15:24:25.353780312Z\""));
	free(b);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_beat_tells_what_is_seen) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
