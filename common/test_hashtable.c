/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hashtable.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

enum { KEYS = 500 };

struct pair {
	uint32_t key, value; /* key 0: free */
};

/* Bad on purpose: many keys share a home, often one of the last slots, so that runs wrap around. */
static uint64_t
hash_of(uint32_t key)
{
	return key % 7 == 0 ? UINT64_MAX - 1 : key / 5 * 3;
}

TABLE_TYPE(pairs, struct pair, uint32_t, s->key == 0, s->key == *k, hash_of(s->key));

static struct pair *
get(const struct table *t, uint32_t key)
{
	return table_get(&pairs, t, hash_of(key), &key);
}

static void
check(const struct table *t, const uint32_t model[KEYS + 1])
{
	size_t n = 0;

	for (uint32_t key = 1; key <= KEYS; key++) {
		const struct pair *p = get(t, key);

		n += model[key] != 0;
		if ((p == NULL ? 0 : p->value) != model[key])
			fail_msg("key %u", key);
	}
	assert_int_equal(n, t->n);
}

/* Against an array, with random additions, changes and removals. */
static void
test_model(void **state UNUSED)
{
	uint32_t model[KEYS + 1] = { 0 }, rng = 1;
	struct table t = { 0 };

	check(&t, model);
	for (uint32_t i = 1; i < 20000; i++) {
		uint32_t key;
		struct pair *p;

		rng = rng * 1664525u + 1013904223u;
		key = (rng >> 8) % (i % 4000 < 2000 ? KEYS : 40) + 1;
		p = get(&t, key);
		if (p != NULL && rng >> 31) {
			table_remove(&pairs, &t, p);
			model[key] = 0;
		} else {
			p = table_put(&pairs, &t, hash_of(key), &key);
			if (p == NULL)
				fail_msg("no memory");
			else
				*p = (struct pair){ key, i };
			model[key] = i;
		}
		if (i % 50 == 0)
			check(&t, model);
	}
	check(&t, model);
	table_fini(&t);
	assert_null(get(&t, 1));
}

/* Without memory to grow, the table keeps all its entries. */
static void
test_memory(void **state UNUSED)
{
	uint32_t model[KEYS + 1] = { 0 }, key = 1;
	struct table t = { 0 };
	unsigned failed = 0;

	while (key <= KEYS) {
		struct pair *p;

		fault_arm_nth(0);
		p = table_put(&pairs, &t, hash_of(key), &key);
		if (fault_disarm()) {
			assert_null(p);
			check(&t, model);
			assert_int_equal(0, table_reserve(&pairs, &t));
			failed++;
		} else if (p != NULL) {
			*p = (struct pair){ key, key };
			model[key] = key;
			key++;
		}
	}
	assert_int_equal(5, failed); /* 64, 128 ... 1024 slots */
	check(&t, model);
	table_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
