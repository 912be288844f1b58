/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/alert_internal.h"
#include "collector/rule/rule.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <jansson.h>
#include <time.h>

static const struct alert_internal_field told[] = {
	{ "mews.file", "/var/lib/mews/\"outbox\".db", 0 },
	{ "mews.rows_lost", NULL, 2881 },
};

static const struct alert_internal damage = {
	.rule = "Mews outbox damaged",
	.priority = PRIO_CRITICAL,
	.cluster = "prod",
	.node = "collector-1",
	.time = 1795881865353780313,
	.output = "2881 alerts are lost",
	.fields = told,
	.nfields = ARRAY_SIZE(told),
	.identity = "42",
};

static const struct {
	struct alert_json shape;
	const char *json;
} shapes[] = {
	{ { .iso8601 = true },
	    "{\"hostname\":\"collector-1\","
	    "\"output\":\"2026-11-28T16:04:25.353780313+0000: Critical 2881 alerts are lost\","
	    "\"output_fields\":{\"evt.time\":1795881865353780313,\"mews.cluster\":\"prod\","
	    "\"mews.file\":\"/var/lib/mews/\\\"outbox\\\".db\",\"mews.rows_lost\":2881},"
	    "\"priority\":\"Critical\",\"rule\":\"Mews outbox damaged\",\"source\":\"internal\","
	    "\"tags\":[\"internal\",\"mews\"],\"time\":\"2026-11-28T16:04:25.353780313Z\","
	    "\"uuid\":\"9f5e6823-4ac0-88b4-8e15-c205074bc9b1\"}" },
	{ { .no_output = true, .no_fields = true, .no_tags = true, .message = true },
	    "{\"hostname\":\"collector-1\",\"message\":\"2881 alerts are lost\","
	    "\"priority\":\"Critical\",\"rule\":\"Mews outbox damaged\",\"source\":\"internal\","
	    "\"time\":\"2026-11-28T16:04:25.353780313Z\",\"uuid\":"
	    "\"9f5e6823-4ac0-88b4-8e15-c205074bc9b1\"}" },
};

static void
it_has_the_shape_of_every_alert(void **state)
{
	struct alert *a = NULL;
	json_t *j;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		assert_int_equal(0, alert_internal(&damage, &shapes[i].shape, &a));
		assert_string_equal(shapes[i].json, a->json);
		assert_int_equal(strlen(a->json), a->json_len);
		assert_string_equal(damage.rule, a->rule);
		assert_string_equal("prod", a->cluster);
		assert_string_equal("collector-1", a->node);
		assert_int_equal(PRIO_CRITICAL, a->priority);
		assert_int_equal(damage.time, a->time);
		alert_free(a);
	}
	assert_int_equal(0, alert_internal(&damage, NULL, &a));
	j = json_loads(a->json, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json_object_get(j, "output"));
	json_decref(j);
	alert_free(a);
}

/* The id depends on the occasion, not on the time or the text of the alert. */
static void
its_id_is_of_what_it_tells(void **state)
{
	struct alert_internal again = damage, other[] = { damage, damage, damage, damage };
	struct alert *a = NULL, *b = NULL;

	(void) state;
	again.time++;
	again.output = "told in other words";
	again.nfields = 0;
	other[0].cluster = "test";
	other[1].node = "collector-2";
	other[2].rule = "Mews lost events";
	other[3].identity = "43";
	assert_int_equal(0, alert_internal(&damage, NULL, &a));
	assert_int_equal(0, alert_internal(&again, NULL, &b));
	assert_string_equal(
	    "9f5e6823-4ac0-88b4-8e15-c205074bc9b1", a->id); /* must never change: it is stored */
	assert_string_equal(a->id, b->id);
	alert_free(b);
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		assert_int_equal(0, alert_internal(&other[i], NULL, &b));
		assert_string_not_equal(a->id, b->id);
		alert_free(b);
	}
	alert_free(a);
}

static void
without_memory(void **state)
{
	struct alert *a = NULL;
	int r;

	(void) state;
	for (unsigned n = 0;; n++) {
		fault_arm_nth(n);
		r = alert_internal(&damage, NULL, &a);
		if (!fault_disarm())
			break;
		if (r == 0) /* OpenSSL does without */
			alert_free(a);
		else
			assert_int_equal(-ENOMEM, r);
		a = NULL;
	}
	assert_int_equal(0, r);
	alert_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_the_shape_of_every_alert),
		cmocka_unit_test(its_id_is_of_what_it_tells),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
