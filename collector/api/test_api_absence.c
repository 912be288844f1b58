/* SPDX-License-Identifier: Apache-2.0 */
/* test_api_absence.c - /api/v1/coverage: what is watched, since when, and the gaps of each node.
 */
#include "collector/api/api_int.h"
#include "collector/stream/gap.h"
#include "common/clock.h"
#include "tests/support/test.h"
#include <errno.h>
#include <jansson.h>

static struct ruleset *rules;
static struct outbox_stats box;
static struct shard_stats shard;
static struct stream *node;

void
peer_schema_free(struct peer_schema *p)
{
	assert_null(p);
}

struct ruleset *
api_ruleset(const struct api_view *v)
{
	(void) v;
	return ruleset_ref(rules);
}

void
outbox_stats(struct outbox *o, struct outbox_stats *ret)
{
	(void) o;
	*ret = box;
}

void
shards_counters(struct shards *s, struct shard_stats *ret)
{
	(void) s;
	*ret = shard;
}

static struct ruleset *
parse(const char *yaml)
{
	const struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct ruleset *s = NULL;
	struct rule_log l;

	assert_int_equal(0, ruleset_parse("r.yaml", slice_str(yaml), &o, &s, &l));
	rule_log_fini(&l);
	return s;
}

#define RULE(name, condition) \
	"- rule: " name "\n  desc: d\n  condition: " condition "\n  output: x\n  priority: INFO\n"

static const char yaml[] =
    RULE("A", "evt.type = unshare") RULE("Off", "evt.type = unshare") "  enabled: false\n";

/* ---- since when a rule is in force ---- */

static void
test_force(void **state)
{
	static const char next[] = RULE("A", "evt.type = unshare") RULE("B", "evt.type = ptrace");
	static const char last[] = RULE("A", "evt.type = unshare and proc.pid = 1")
	    RULE("B", "evt.type = ptrace") RULE("C", "evt.type = ptrace");
	const char *const texts[] = { next, next, last };
	static const struct {
		const char *rule;
		uint64_t since[3]; /* after each load; 0: not there */
	} want[] = {
		{ "A", { 100, 100, 300 } },
		{ "B", { 100, 100, 100 } },
		{ "C", { 0, 0, 300 } },
	};
	struct ruleset *s = NULL, *before = NULL;
	struct rule_force f;

	(void) state;
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		s = parse(texts[i]);
		ruleset_in_force(s, before, 100 * (i + 1), 10 + i);
		for (size_t k = 0; k < ARRAY_SIZE(want); k++) {
			const struct rule *r = ruleset_force(s, want[k].rule, &f);

			assert_int_equal(want[k].since[i] != 0, r != NULL);
			assert_int_equal(want[k].since[i], f.since);
			assert_int_equal(r == NULL ? 0 : 10 + f.since / 100 - 1, f.interest);
		}
		ruleset_unref(before);
		before = s;
	}
	assert_true(ruleset_event_force(s, EV_PTRACE, &f));
	assert_int_equal(100, f.since);
	assert_true(ruleset_event_force(s, EV_UNSHARE, &f));
	assert_int_equal(300, f.since);
	assert_true(ruleset_event_force(s, EV_PROCEXIT, &f)); /* state needs it */
	assert_int_equal(100, f.since);
	assert_false(ruleset_event_force(s, EV_MOUNT, &f));
	ruleset_unref(s);
}

/* A later collector: what is the same is in force since then, the rest since its start. */
static const struct {
	const char *what, *text, *rule;
	uint64_t since;
} kept_cases[] = {
	{ "the same", RULE("A", "evt.type = unshare"), "A", 100 },
	{ "written otherwise", RULE("A", "evt.type=unshare  "), "A", 100 },
	{ "another condition", RULE("A", "evt.type = unshare and proc.pid = 1"), "A", 900 },
	{ "another event", RULE("A", "evt.type = ptrace"), "A", 900 },
	{ "another name", RULE("N", "evt.type = unshare"), "N", 900 },
	{ "disabled", RULE("A", "evt.type = unshare") "  enabled: false\n", "A", 900 },
	{ "new beside it", RULE("A", "evt.type = unshare") RULE("B", "evt.type = ptrace"), "B",
	    900 },
	{ "disabled before", RULE("Off", "evt.type = unshare"), "Off", 900 },
};

static void
test_kept(void **state)
{
	struct buf kept = BUF_INIT;
	struct ruleset *s = parse(yaml);
	struct rule_force f;

	(void) state;
	ruleset_in_force(s, NULL, 100, 10);
	ruleset_force_keep(s, &kept);
	assert_int_equal(0, buf_ok(&kept));
	ruleset_unref(s);
	for (size_t i = 0; i < ARRAY_SIZE(kept_cases); i++) {
		s = parse(kept_cases[i].text);
		ruleset_in_force(s, NULL, 900, 90);
		assert_int_equal(0, ruleset_force_resume(s, buf_get(&kept)));
		assert_non_null(ruleset_force(s, kept_cases[i].rule, &f));
		if (f.since != kept_cases[i].since || f.interest != f.since / 10)
			fail_msg("%s: since %lu, version %u", kept_cases[i].what,
			    (unsigned long) f.since, f.interest);
		assert_true(ruleset_event_force(s, EV_PROCEXIT, &f)); /* state needs it */
		assert_int_equal(100, f.since);
		ruleset_unref(s);
	}
	s = parse(yaml);
	ruleset_in_force(s, NULL, 900, 90);
	for (size_t n = 0; n < kept.n; n++) /* cut: nothing of it counts */
		assert_int_equal(-EBADMSG, ruleset_force_resume(s, (struct slice){ kept.p, n }));
	assert_non_null(ruleset_force(s, "A", &f));
	assert_int_equal(900, f.since);
	ruleset_unref(s);
	buf_fini(&kept);
}

/* ---- the answer ---- */

/* 'rule' or 'event' as in the query. */
static json_t *
ask(const struct api_view *v, const char *rule, const char *event, const char *of, uint64_t since)
{
	struct buf out = BUF_INIT;
	json_error_t where;
	json_t *j;

	assert_int_equal(0, api_coverage(v, rule, event, of, NULL, since, &out));
	j = json_loads(out.p, 0, &where);
	assert_non_null(j);
	buf_fini(&out);
	return j;
}

static const struct {
	const char *rule, *event;
	bool watched;
} watched[] = {
	{ "A", NULL, true },
	{ "Off", NULL, false },
	{ "a", NULL, false },
	{ NULL, "unshare", true },
	{ NULL, "procexit", true },
	{ NULL, "ptrace", false },
	{ NULL, "syscall", false },
	{ NULL, "", false },
};

/* The names of the gaps, separated by commas. */
static const char *
gaps_of(const json_t *answer, char text[256])
{
	json_t *list = json_object_get(answer, "gaps"), *g;
	size_t i, n = 0;

	text[0] = '\0';
	json_array_foreach(list, i, g)
	{
		n += (size_t) snprintf(text + n, 256 - n, "%s%s", i > 0 ? "," : "",
		    json_string_value(json_object_get(g, "gap")));
	}
	return text;
}

static void
test_answer(void **state)
{
	const uint64_t now = clock_real(), ago = now - 100 * NS_PER_S;
	struct stream_id id = { .cluster = "k", .node = "n\"1", .boot_id = "b" };
	struct streams *s = NULL;
	struct api_view v = { .rules = &rules };
	char text[256];
	json_t *j;

	(void) state;
	assert_int_equal(0, streams_new(&s));
	v.streams = s;
	rules = parse(yaml);
	ruleset_in_force(rules, NULL, ago - NS_PER_S, 7);
	j = ask(&v, "A", NULL, NULL, ago);
	assert_string_equal("no_node", gaps_of(j, text));
	json_decref(j);

	assert_int_equal(0, stream_get(s, &id, 0, false, NULL, &node));
	coverage_confirm(node, 7, ago - NS_PER_S);
	node->coverage.complete = ago - NS_PER_S;
	node->coverage.whole = now;
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		j = ask(&v, watched[i].rule, watched[i].event, NULL, ago);
		assert_int_equal(watched[i].watched, json_is_true(json_object_get(j, "watched")));
		assert_int_equal(watched[i].watched, json_is_null(json_object_get(j, "why")));
		if (watched[i].watched)
			assert_string_equal("", gaps_of(j, text));
		assert_int_equal(1, json_integer_value(json_object_get(j, "nodes")));
		json_decref(j);
	}
	j = ask(&v, "A", NULL, "n2", ago);
	assert_string_equal("no_node", gaps_of(j, text));
	json_decref(j);
	j = ask(&v, "A", NULL, NULL, ago - 2 * NS_PER_S);
	assert_string_equal("new,snapshot,rule_changed", gaps_of(j, text));
	json_decref(j);
	box.damaged = 1;
	node->loss.opened[LOSS_batches_missing] = 1;
	node->loss.until[LOSS_batches_missing] = now;
	j = ask(&v, "A", NULL, NULL, ago);
	assert_string_equal("loss,history", gaps_of(j, text));
	json_decref(j);
	box.damaged = 0;

	node->type_seen = calloc(1, sizeof(struct type_seen));
	assert_non_null(node->type_seen);
	node->type_seen->at[EV_UNSHARE] = ago - 1;
	j = ask(&v, NULL, "unshare", NULL, ago);
	assert_int_equal(0, json_array_size(json_object_get(j, "seen")));
	json_decref(j);
	node->type_seen->at[EV_UNSHARE] = ago;
	j = ask(&v, NULL, "unshare", NULL, ago);
	assert_int_equal(1, json_array_size(json_object_get(j, "seen")));
	json_decref(j);
	stream_unref(node);
	streams_free(s);
	ruleset_unref(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_force),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
