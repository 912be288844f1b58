/* SPDX-License-Identifier: Apache-2.0 */
/* test_shard_number.c - which shard a stream belongs to. */
#include "collector/shard/shard.h"
#include "tests/support/test.h"
#include <stdio.h>

enum { SHARDS_MAX = 16, NODES = 2000, LANES = 1024 };

/* The stream of a sensor process on a boot of a node, made by the registry. */
static struct stream *
stream_of(const char *cluster, const char *node, const char *boot, uint64_t start)
{
	struct stream_id id = { .sensor_start = start };
	struct streams *s = NULL;
	struct stream *st = NULL;

	(void) snprintf(id.cluster, sizeof(id.cluster), "%s", cluster);
	(void) snprintf(id.node, sizeof(id.node), "%s", node);
	(void) snprintf(id.boot_id, sizeof(id.boot_id), "%s", boot);
	assert_int_equal(0, streams_new(&s));
	assert_int_equal(0, stream_get(s, &id, 0, false, NULL, &st));
	streams_free(s);
	return st;
}

/* The shard among 1, 2, 4, 7 and 16. */
static const struct {
	const char *cluster, *node, *boot;
	uint64_t start;
	size_t shard[5];
} rows[] = {
	{ "", "", "", 0, { 0, 1, 1, 5, 5 } },
	{ "prod", "web1", "b1", 10, { 0, 1, 3, 1, 3 } },
	/* Another process, another boot of the node: the same shard. */
	{ "prod", "web1", "b1", 11, { 0, 1, 3, 1, 3 } },
	{ "prod", "web1", "b2", 12, { 0, 1, 3, 1, 3 } },
	{ "prod", "web2", "b1", 10, { 0, 0, 2, 0, 2 } },
	/* The cluster counts, and where it ends. */
	{ "test", "web1", "b1", 10, { 0, 1, 3, 3, 11 } },
	{ "prodw", "eb1", "b1", 10, { 0, 0, 2, 3, 14 } },
	{ "web1", "prod", "b1", 10, { 0, 0, 0, 6, 12 } },
};

static void
stable(void **state)
{
	static const unsigned of[] = { 1, 2, 4, 7, 16 };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stream *st =
		    stream_of(rows[i].cluster, rows[i].node, rows[i].boot, rows[i].start);

		for (size_t k = 0; k < ARRAY_SIZE(of); k++)
			assert_int_equal(rows[i].shard[k], shard_number(st, of[k]));
		stream_unref(st);
	}
}

/* Nodes with names in sequence: each shard has its share, and each node of a shard about its own
 * lane of the shard's queue. */
static void
spread(void **state)
{
	static const unsigned of[] = { 2, 3, 8, SHARDS_MAX };

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(of); k++) {
		static bool used[SHARDS_MAX][LANES];
		unsigned n[SHARDS_MAX] = { 0 }, lanes = 0;

		memset(used, 0, sizeof(used));
		for (unsigned i = 0; i < NODES; i++) {
			struct stream_id id = { .cluster = "prod" };
			struct stream st;
			size_t shard;

			(void) snprintf(id.node, sizeof(id.node), "node-%04u", i);
			st.hash = stream_node_hash(&id);
			shard = shard_number(&st, of[k]);
			assert_true(shard < of[k]);
			n[shard]++;
			lanes += !used[shard][st.hash % LANES];
			used[shard][st.hash % LANES] = true;
		}
		for (unsigned i = 0; i < of[k]; i++)
			assert_in_range(n[i], NODES / of[k] * 3 / 4, NODES / of[k] * 5 / 4 + 1);
		/* by chance 1,280 of 2,000 among two shards, and more among more */
		assert_true(lanes > NODES * 6 / 10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stable),
		cmocka_unit_test(spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
