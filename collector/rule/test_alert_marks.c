/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule.h"
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <jansson.h>
#include <stdlib.h>

#define BOX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/*
 * An alert marks unreliable texts of its event: once, whether or not its rule's output uses them.
 */
static const struct {
	const char *who, *output;
	bool cut, reread, uring;
	const char *loss; /* mews.loss, NULL: nothing was lost in the hour before */
	size_t fields;    /* evt.time, mews.cluster, mews.loss_window, and these */
} rows[] = {
	{ "10", "no field", false, false, false, NULL, 3 },
	{ "10!1", "no field", true, false, false, NULL, 4 },
	{ "10!2", "no field", false, true, false, NULL, 4 },
	{ "10!3", "no field", true, true, false, NULL, 5 },
	{ "10!3", "cut=%mews.cut", true, true, false, NULL, 5 },
	{ "10!1", "reread=%mews.reread", true, false, false, NULL, 5 },
	{ "10!4", "32 bits", false, false, false, NULL, 3 },
	{ "10!8", "no field", false, false, true, NULL, 4 },
	{ "10!11", "no field", true, true, true, NULL, 6 },
	{ "10!8", "ring=%mews.io_uring", false, false, true, NULL, 4 },
	{ "10", "no field", false, false, false, "[{\"cause\":\"sensor_died\"}]", 4 },
	{ "10", "loss=%mews.loss", false, false, false, "[{\"cause\":\"sensor_died\"}]", 4 },
	{ "10", "loss=%mews.loss", false, false, false, NULL, 4 },
};

static struct ruleset *
load(const char *output)
{
	struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct buf yaml CLEANUP(buf_fini) = BUF_INIT;
	struct ruleset *set = NULL;
	struct rule_log l;

	buf_printf(&yaml,
	    "- rule: R\n  desc: d\n  condition: evt.type=open\n  output: %s\n"
	    "  priority: WARNING\n",
	    output);
	assert_int_equal(0, ruleset_parse("r.yaml", buf_get(&yaml), &o, &set, &l));
	rule_log_fini(&l);
	return set;
}

/* Render an alert of the only rule, and return its output_fields; json_decref() *whole. */
static json_t *
render(const struct ruleset *set, const struct view *v, struct fscratch *fs, json_t **whole)
{
	static const struct alert_origin origin = { .cluster = "c", .node = "n", .boot_id = "b" };
	struct alert_scratch scratch = { .text = BUF_INIT };
	const struct rule *const *rules;
	struct alert *a = NULL;

	assert_int_equal(1, ruleset_rules(set, &rules));
	assert_int_equal(0, alert_render(rules[0], v, &origin, fs, &scratch, &a));
	*whole = json_loadb(a->json, a->json_len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(*whole);
	alert_free(a);
	alert_scratch_fini(&scratch);
	return json_object_get(*whole, "output_fields");
}

/* mews.loss as JSON; "null" if there is none. */
static const char *
lost(const json_t *f, char text[static 100])
{
	const json_t *list = json_object_get(f, "mews.loss");
	size_t n =
	    json_dumpb(list == NULL ? json_null() : list, text, 99, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_in_range(n, 1, 99);
	text[n] = '\0';
	return text;
}

static void
test_marks(void **state)
{
	struct fscratch *fs = NULL;
	struct play p;

	(void) state;
	play_start(&p, NULL);
	assert_int_equal(0, fscratch_new(&fs));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct row row = { EV_OPEN, rows[i].who, "fd=3;name=/x;flags=1;mode=0", "" };
		struct ruleset *set = load(rows[i].output);
		json_t *whole = NULL, *f;
		char text[100];
		struct view v;
		struct batch *b = play_event(&p, &row, &v);

		if (rows[i].loss != NULL)
			v.loss = slice_str(rows[i].loss);
		state_apply(p.s, b, b->ev, &v);
		f = render(set, &v, fs, &whole);
		assert_int_equal(rows[i].fields, json_object_size(f));
		assert_int_equal(rows[i].cut, json_is_true(json_object_get(f, "mews.cut")));
		assert_int_equal(rows[i].reread, json_is_true(json_object_get(f, "mews.reread")));
		assert_string_equal(rows[i].loss == NULL ? "null" : rows[i].loss, lost(f, text));
		assert_int_equal(rows[i].uring, json_is_true(json_object_get(f, "mews.io_uring")));
		json_decref(whole);
		batch_free(b);
		ruleset_unref(set);
	}
	fscratch_free(fs);
	play_stop(&p);
}

/* A process in a container whose runtime has told nothing is marked; on the host, and with the
 * container's record, it is not. */
static void
test_container(void **state)
{
	static const struct {
		struct row event;
		bool marked;
	} steps[] = {
		{ { EV_EXECVE, "10", "res=0;exe=sh;comm=sh;cgroups=cpu=/docker/" BOX "|", "" },
		    true },
		{ { EV_EXECVE, "20", "res=0;exe=sh;comm=sh;cgroups=cpu=/init.scope|", "" }, false },
		{ { EV_CONTAINER_INFO, "0", "id=001122334455;container_name=web", "" }, false },
		{ { EV_CLOSE, "10", "res=0;fd=9", "" }, false },
	};
	struct ruleset *set = load("no field");
	struct fscratch *fs = NULL;
	struct play p;

	(void) state;
	play_start(&p, NULL);
	assert_int_equal(0, fscratch_new(&fs));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		json_t *whole = NULL, *f;
		struct view v;
		struct batch *b = play_event(&p, &steps[i].event, &v);

		state_apply(p.s, b, b->ev, &v);
		f = render(set, &v, fs, &whole);
		assert_int_equal(
		    steps[i].marked, json_is_true(json_object_get(f, "mews.container_unknown")));
		json_decref(whole);
		batch_free(b);
	}
	fscratch_free(fs);
	ruleset_unref(set);
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
