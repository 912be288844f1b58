/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "common/intern.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

static uint32_t
put_number(struct intern *p, unsigned i)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "text number %u", i);

	return intern_put(p, (struct slice){ text, (size_t) n });
}

static void
identity(void **state)
{
	struct intern *p = NULL;
	const char *where;
	uint32_t id;

	(void) state;
	assert_int_equal(0, intern_new(UINT64_MAX, &p));
	assert_int_equal(INTERN_NULL, intern_put(p, (struct slice){ NULL, 0 }));
	assert_null(intern_get(p, INTERN_NULL).p);
	assert_int_equal(INTERN_EMPTY, intern_put(p, SLICE("")));
	assert_non_null(intern_get(p, INTERN_EMPTY).p);
	assert_int_equal(0, intern_get(p, INTERN_EMPTY).n);
	id = intern_put(p, SLICE("a\0b"));
	where = intern_get(p, id).p;
	for (unsigned i = 0; i < 10000; i++) { /* grows many times over */
		uint32_t k = put_number(p, i);

		assert_true(k > INTERN_EMPTY && k != id);
		assert_int_equal(k, put_number(p, i));
	}
	assert_int_equal(id, intern_put(p, SLICE("a\0b")));
	assert_ptr_equal(where, intern_get(p, id).p);
	assert_int_equal(3, intern_get(p, id).n);
	assert_memory_equal("a\0b", where, 4);
	intern_free(p);
}

/* Above the limit, held texts and those of the current batch stay; the rest is evicted. */
static void
eviction(void **state)
{
	const uint64_t max = 64 << 10;
	struct intern *p = NULL;
	struct intern_stats st;
	uint32_t held, gen, used;

	(void) state;
	assert_int_equal(0, intern_new(max, &p));
	held = intern_ref(p, intern_put(p, SLICE("held")));
	gen = intern_gen(p, held);
	for (unsigned i = 0; i < 20000; i++) {
		if (i % 100 == 0)
			intern_tick(p);
		used = put_number(p, i);
		assert_true(used > INTERN_EMPTY);
		if (i % 100 > 0)
			assert_int_equal(put_number(p, i - 1), put_number(p, i - 1));
		intern_stats(p, &st);
		assert_true(st.bytes <= max);
	}
	assert_true(st.evicted > 10000);
	assert_true(st.texts > 500); /* the available room is used */
	assert_int_equal(held, intern_put(p, SLICE("held")));
	assert_int_equal(gen, intern_gen(p, held));
	assert_int_equal(0, st.failed);

	intern_unref(p, held);
	for (unsigned i = 0; i < 20000; i++) {
		intern_tick(p);
		(void) put_number(p, i);
	}
	assert_int_not_equal(gen, intern_gen(p, held));
	intern_free(p);
}

/* Texts of the current batch are never evicted, whatever the limit. */
static void
same_batch(void **state)
{
	struct intern *p = NULL;
	struct intern_stats st;
	uint32_t id[1000];

	(void) state;
	assert_int_equal(0, intern_new(0, &p));
	intern_tick(p);
	for (unsigned i = 0; i < ARRAY_SIZE(id); i++)
		id[i] = put_number(p, i);
	for (unsigned i = 0; i < ARRAY_SIZE(id); i++)
		assert_int_equal(id[i], put_number(p, i));
	for (unsigned i = 0; i < 200; i++)
		intern_tick(p);
	intern_stats(p, &st);
	assert_int_equal(1, st.texts);
	assert_int_equal(1000, st.evicted);
	intern_free(p);
}

/* Reused texts outlive texts used once. */
static void
recency(void **state)
{
	struct intern *p = NULL;
	uint32_t hot;

	(void) state;
	assert_int_equal(0, intern_new(16 << 10, &p));
	hot = intern_put(p, SLICE("hot"));
	for (unsigned i = 0; i < 10000; i++) {
		intern_tick(p);
		(void) put_number(p, i);
		assert_int_equal(hot, intern_put(p, SLICE("hot")));
	}
	assert_int_equal(0, intern_gen(p, hot));
	intern_free(p);
}

static void
memory(void **state)
{
	(void) state;
	for (unsigned n = 0;; n++) {
		struct intern *p = NULL;
		struct intern_stats st;
		unsigned refused = 0;
		int r;

		fault_arm_nth(n);
		r = intern_new(UINT64_MAX, &p);
		for (unsigned i = 0; r == 0 && i < 200; i++)
			refused += put_number(p, i) == INTERN_NULL;
		if (!fault_disarm()) {
			assert_int_equal(0, r);
			intern_free(p);
			break;
		}
		if (r < 0) {
			assert_int_equal(-ENOMEM, r);
			assert_null(p);
			continue;
		}
		intern_stats(p, &st);
		assert_int_equal(1, refused);
		assert_int_equal(1, st.failed);
		for (unsigned i = 0; i < 200; i++)
			assert_true(put_number(p, i) != INTERN_NULL);
		intern_free(p);
	}
}

/* A held text is charged to its first holder. */
static void
test_accounts(void **state)
{
	struct intern *p = NULL;
	uint32_t a = 0, b = 0, c = 0, one, two;
	uint64_t each;

	(void) state;
	assert_int_equal(0, intern_new(1 << 20, &p));
	assert_int_equal(0, intern_account_open(p, &a));
	assert_int_equal(0, intern_account_open(p, &b));
	assert_true(a != 0 && b != 0 && a != b);
	one = intern_put(p, SLICE("one"));
	two = intern_put(p, SLICE("two"));
	intern_charge(p, a);
	assert_int_equal(0, intern_charged(p, a)); /* interning alone does not charge */
	(void) intern_ref(p, one);
	(void) intern_ref(p, one);
	each = intern_charged(p, a);
	assert_true(each > 3);
	intern_charge(p, b);
	(void) intern_ref(p, one);
	assert_int_equal(0, intern_charged(p, b));
	(void) intern_ref(p, two);
	assert_int_equal(each, intern_charged(p, b));
	intern_charge(p, a);
	intern_unref(p, two); /* b is charged, whoever releases */
	assert_int_equal(0, intern_charged(p, b));
	intern_unref(p, one);
	intern_unref(p, one);
	intern_account_close(p, a);
	assert_int_equal(
	    0, intern_account_open(p, &c)); /* 'one' is still held, and charged to it */
	assert_int_not_equal(a, c);
	intern_account_close(p, c);
	assert_int_equal(each, intern_charged(p, a));
	intern_unref(p, one);
	assert_int_equal(0, intern_charged(p, a));
	assert_int_equal(0, intern_account_open(p, &c));
	assert_int_equal(a, c);
	intern_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(identity),
		cmocka_unit_test(eviction),
		cmocka_unit_test(same_batch),
		cmocka_unit_test(recency),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
