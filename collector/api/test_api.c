/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, made from fake parts; and the parameters of a query for alerts. */
#include "tests/support/test.h"

#include "collector/api/api_int.h"
#include "common/clock.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

/* ---- fakes ---- */

static bool outbox_is_full;
static bool outbox_is_corrupt;
static const char *outbox_error = "";
static struct stream one_stream;

void
checkpoint_stats(struct checkpoint *c, struct checkpoint_stats *ret)
{
	(void) c;
	*ret = (struct checkpoint_stats){ .written = 5, .bytes = 12000, .loaded = 2 };
}

void
outbox_stats(struct outbox *o, struct outbox_stats *ret)
{
	(void) o;
	*ret = (struct outbox_stats){ .rows = 7,
		.full = outbox_is_full,
		.stalled_ms = 2050,
		.latency = { [2] = 3, [OUTBOX_LATENCY_BUCKETS - 1] = 1 },
		.latency_ns = 400500000000 };
	ret->corrupt = outbox_is_corrupt;
	(void) snprintf(ret->error, sizeof(ret->error), "%s", outbox_error);
}

size_t
outputs_stats(struct outputs *o, struct output_stats *ret, size_t max)
{
	(void) o;
	(void) max;
	ret[0] = (struct output_stats){
		.name = "kafka", .delivered = 3, .oldest_age_ms = 1500, .error = "say \"no\""
	};
	return 1;
}

void
shards_types(struct shards *s, uint64_t v[EV_TYPE_MAX])
{
	(void) s;
	v[EV_OPEN] += 5;
}

void
shards_counters(struct shards *s, struct shard_stats *ret)
{
	(void) s;
	*ret = (struct shard_stats){ .events = 1234, .shards = 1 };
}

void
ingest_stats(struct ingest *i, struct ingest_stats *ret)
{
	(void) i;
	*ret = (struct ingest_stats){ .connections = 1 };
}

void
streams_each(struct streams *s, void (*fn)(void *arg, struct stream *st), void *arg)
{
	(void) s;
	fn(arg, &one_stream);
}

void
stream_info_get(struct streams *s, const struct stream *st, struct stream_info *ret)
{
	(void) s;
	(void) st;
	*ret = (struct stream_info){
		.rss_bytes = 5 << 20, .cpu_ns = 1500000000, .spool_bytes = 77, .containers_late = 3
	};
}

void
ruleset_counts(const struct ruleset *s, struct ruleset_counts *ret)
{
	(void) s;
	*ret = (struct ruleset_counts){ .rules = 5, .in_force = 4, .blind = 1 };
}

size_t
ruleset_rules(const struct ruleset *s, const struct rule *const **ret)
{
	static const char *const tags[] = { "T1003", "host" };
	static const struct rule rule = {
		.name = "r \"1\"",
		.source = "syscall",
		.tags = tags,
		.ntags = 2,
		.enabled = true,
		.loaded = true,
		.blind = "needs bpf",
		.priority = PRIO_WARNING,
	};
	static const struct rule half = {
		.name = "half",
		.source = "syscall",
		.enabled = true,
		.loaded = true,
		.partly = "creat not captured yet",
	};
	static const struct rule off = { .name = "off", .source = "syscall", .blind = "needs x" };
	static const struct rule *const v[] = { &rule, &half, &off };

	(void) s;
	*ret = v;
	return ARRAY_SIZE(v);
}

void
ruleset_sum(struct ruleset *s, uint32_t rule, struct rule_sum *ret)
{
	(void) s;
	*ret = (struct rule_sum){ .evals = 100, .checks = 7, .hits = rule + 42, .suppressed = 9 };
}

void
reload_stats(const struct reload *r, struct reload_stats *ret)
{
	(void) r;
	*ret = (struct reload_stats){ 3, 2, 9000000000 };
}

struct ruleset *
ruleset_ref(struct ruleset *s)
{
	return s;
}

void
ruleset_unref(struct ruleset *s)
{
	(void) s;
}

const char *
priority_name(enum priority p)
{
	return p == PRIO_WARNING ? "Warning" : "Other";
}

int
priority_of(const char *name)
{
	return strcmp(name, "warning") == 0 ? PRIO_WARNING : -EINVAL;
}

void
api_stats(const struct api *a, struct api_stats *ret)
{
	(void) a;
	*ret = (struct api_stats){ .refused = 5 };
}

/* only the parameters of alerts.c are tested here; test_server.c covers the rest */
int
outbox_reader_open(struct outbox *o, struct outbox_reader **ret)
{
	(void) o;
	(void) ret;
	return -EIO;
}

int
outbox_reader_span(struct outbox_reader *rd, const struct outbox_query *q, struct outbox_span *ret)
{
	(void) rd;
	(void) q;
	(void) ret;
	return -EIO;
}

int
outbox_reader_slice(struct outbox_reader *rd, const struct outbox_query *q,
    struct outbox_span *span, size_t max, bool (*fn)(void *arg, const struct outbox_row *row),
    void *arg)
{
	(void) rd;
	(void) q;
	(void) span;
	(void) max;
	(void) fn;
	(void) arg;
	return -EIO;
}

enum MHD_Result
reply_error(struct MHD_Connection *c, unsigned status, const char *why)
{
	(void) c;
	(void) status;
	(void) why;
	return MHD_NO;
}

static pthread_mutex_t rules_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ruleset *rules;
static const struct api_view view = {
	.name = "c",
	.cluster = "k",
	.version = "0",
	.rules_lock = &rules_lock,
	.rules = &rules,
};

static struct type_drops drops;

static void
setup_stream(void)
{
	(void) snprintf(one_stream.id.node, sizeof(one_stream.id.node), "n\"1\\");
	(void) snprintf(one_stream.id.cluster, sizeof(one_stream.id.cluster), "k");
	one_stream.events = 99;
	one_stream.received = 10;
	one_stream.durable = 4;
	one_stream.connected = true;
	one_stream.suppressed = 77;
	drops.n[EV_CLOSE] = 2;
	one_stream.type_drops = &drops;
	one_stream.heard = one_stream.state_at = clock_mono() - 2 * NS_PER_S;
	one_stream.idle_ns = 600 * NS_PER_S; /* up for long; last_seen, by the wall clock, is 0 */
	one_stream.rereads = 8;
	one_stream.unstashed = 7;
	one_stream.blind = 0x5;
	one_stream.silences = 6;
}

/* ---- tests ---- */

static void
test_status(void **state)
{
	struct buf out = BUF_INIT;
	json_error_t where;
	json_t *j, *s;

	(void) state;
	setup_stream();
	api_status(&view, &out);
	j = json_loads(out.p, 0, &where);
	assert_non_null(j);
	assert_int_equal(
	    1234, json_integer_value(json_object_get(json_object_get(j, "collector"), "events")));
	s = json_array_get(json_object_get(j, "sensors"), 0);
	assert_string_equal("n\"1\\", json_string_value(json_object_get(s, "node")));
	assert_int_equal(99, json_integer_value(json_object_get(s, "events")));
	assert_int_equal(77, json_integer_value(json_object_get(s, "suppressed")));
	assert_true(json_is_true(json_object_get(s, "connected")));
	assert_string_equal("up", json_string_value(json_object_get(s, "state")));
	assert_in_range(json_integer_value(json_object_get(s, "unheard_ns")), 2e9, 600e9);
	assert_in_range(json_integer_value(json_object_get(s, "state_age_ns")), 2e9, 600e9);
	s = json_object_get(s, "blind");
	assert_int_equal(2, json_array_size(s));
	assert_string_equal(wire_blind_text(0), json_string_value(json_array_get(s, 0)));
	assert_string_equal(wire_blind_text(2), json_string_value(json_array_get(s, 1)));
	s = json_array_get(json_object_get(j, "outputs"), 0);
	assert_string_equal("say \"no\"", json_string_value(json_object_get(s, "error")));
	json_decref(j);
	buf_fini(&out);
}

static void
test_rules(void **state)
{
	struct buf out = BUF_INIT;
	json_error_t where;
	json_t *j, *r;

	(void) state;
	api_rules(&view, &out);
	j = json_loads(out.p, 0, &where);
	assert_non_null(j);
	r = json_array_get(j, 0);
	assert_string_equal("r \"1\"", json_string_value(json_object_get(r, "rule")));
	assert_string_equal("needs bpf", json_string_value(json_object_get(r, "blind")));
	assert_true(json_is_null(json_object_get(r, "partly")));
	assert_int_equal(2, json_array_size(json_object_get(r, "tags")));
	assert_int_equal(100, json_integer_value(json_object_get(r, "evaluations")));
	assert_int_equal(42, json_integer_value(json_object_get(r, "hits")));
	assert_int_equal(9, json_integer_value(json_object_get(r, "suppressed")));
	r = json_array_get(j, 1);
	assert_true(json_is_null(json_object_get(r, "blind")));
	assert_string_equal(
	    "creat not captured yet", json_string_value(json_object_get(r, "partly")));
	json_decref(j);
	buf_fini(&out);
}

/* Only when it is asked for does an output that cannot deliver make the collector unready. */
static void
test_waiting_is_unready(void **state)
{
	struct output_stats st[1];
	struct api_view slow = view;

	(void) state;
	assert_int_equal(1, outputs_stats(NULL, st, 1));
	assert_true(st[0].oldest_age_ms > 1);
	assert_null(api_ready(&slow));
	slow.unready_after = st[0].oldest_age_ms + 1;
	assert_null(api_ready(&slow));
	slow.unready_after = st[0].oldest_age_ms;
	assert_non_null(strstr(api_ready(&slow), "longer than http.unready_after"));
}

static void
test_ready(void **state)
{
	(void) state;
	outbox_is_full = true;
	assert_non_null(strstr(api_ready(&view), "no room"));
	outbox_is_full = false;
	assert_null(api_ready(&view));
	outbox_error = "disk";
	assert_non_null(strstr(api_ready(&view), "cannot be written"));
	outbox_is_corrupt = true;
	assert_non_null(strstr(api_ready(&view), "damaged"));
	outbox_is_corrupt = false;
	outbox_error = "";
	assert_null(api_ready(&view));
}

static const struct {
	const char *key, *value;
	const char *msg; /* NULL: fine */
	struct outbox_query want;
} alert_cases[] = {
	{ "rule", "Log truncated", NULL,
	    { .rule = "Log truncated", .priority_max = -1, .limit = 100 } },
	{ "node", "", NULL, { .node = "", .priority_max = -1, .limit = 100 } },
	{ "cluster", "k", NULL, { .cluster = "k", .priority_max = -1, .limit = 100 } },
	{ "id", "x", NULL, { .id = "x", .priority_max = -1, .limit = 100 } },
	{ "order", "newest", NULL, { .priority_max = -1, .limit = 100, .newest_first = true } },
	{ "order", "oldest", NULL, { .priority_max = -1, .limit = 100 } },
	{ "priority", "warning", NULL, { .priority_max = PRIO_WARNING, .limit = 100 } },
	{ "since", "5", NULL, { .priority_max = -1, .limit = 100, .since = 5 } },
	{ "until", "9223372036854775807", NULL,
	    { .priority_max = -1, .limit = 100, .until = INT64_MAX } },
	{ "after", "3", NULL, { .priority_max = -1, .limit = 100, .after = 3 } },
	{ "before", "9", NULL, { .priority_max = -1, .limit = 100, .before = 9 } },
	{ "limit", "0", NULL, { .priority_max = -1, .limit = 0 } },
	{ "limit", "1000000", NULL, { .priority_max = -1, .limit = 1000000 } },
	{ "limit", "2147483648",
	    "'limit' must be a whole number of at most 2147483647, not '2147483648'", { 0 } },
	{ "limit", "-1", "'limit' must be a whole number of at most 2147483647, not '-1'", { 0 } },
	{ "limit", " 1", "'limit' must be a whole number of at most 2147483647, not ' 1'", { 0 } },
	{ "limit", "1x", "'limit' must be a whole number of at most 2147483647, not '1x'", { 0 } },
	{ "limit", "", "'limit' must be a whole number of at most 2147483647, not ''", { 0 } },
	{ "since", "x", "'since' must be a whole number of at most 9223372036854775807, not 'x'",
	    { 0 } },
	{ "after", "99999999999999999999",
	    "'after' must be a whole number of at most 9223372036854775807, not "
	    "'99999999999999999999'",
	    { 0 } },
	{ "order", "", "'order' is oldest or newest, not ''", { 0 } },
	{ "priority", "loud", "'loud' is not a priority", { 0 } },
	{ "colour", "red", "unknown parameter 'colour'", { 0 } },
	{ "rule", NULL, "'rule' has no value", { 0 } },
};

static const char *
or_none(const char *s)
{
	return s == NULL ? "(none)" : s;
}

static void
same_query(const struct outbox_query *w, const struct outbox_query *q)
{
	assert_string_equal(or_none(w->rule), or_none(q->rule));
	assert_string_equal(or_none(w->node), or_none(q->node));
	assert_string_equal(or_none(w->cluster), or_none(q->cluster));
	assert_string_equal(or_none(w->id), or_none(q->id));
	assert_int_equal(w->limit, q->limit);
	assert_int_equal(w->priority_max, q->priority_max);
	assert_int_equal(w->since, q->since);
	assert_int_equal(w->until, q->until);
	assert_int_equal(w->after, q->after);
	assert_int_equal(w->before, q->before);
	assert_int_equal(w->newest_first, q->newest_first);
}

static void
test_query(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(alert_cases); i++) {
		struct alerts_query a;
		struct diag d = { 0 };
		int r;

		alerts_query_init(&a);
		r = alerts_query_set(&a, "rule", "another", &d);
		assert_int_equal(0, r);
		if (alert_cases[i].want.rule == NULL) {
			alerts_query_fini(&a);
			alerts_query_init(&a);
		} /* else the later value counts */
		r = alerts_query_set(&a, alert_cases[i].key, alert_cases[i].value, &d);
		assert_int_equal(alert_cases[i].msg != NULL ? -EINVAL : 0, r);
		if (r == 0)
			same_query(&alert_cases[i].want, &a.q);
		else
			assert_string_equal(alert_cases[i].msg, d.msg);
		alerts_query_fini(&a);
	}
}

static const char *const samples[] = {
	"mews_collector_events_total 1234\n",
	"\nmews_rule_hits_total{rule=\"r \\\"1\\\"\"} 42\n",
	"\nmews_rule_suppressed_total{rule=\"r \\\"1\\\"\"} 9\n",
	"\nmews_node_suppressed_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 77\n",
	"\nmews_node_up{cluster=\"k\",node=\"n\\\"1\\\\\"} 1\n",
	"\nmews_nodes{state=\"up\"} 1\nmews_nodes{state=\"silent\"} 0\n",
	"\nmews_rules_reloads_total{result=\"failed\"} 2\n",
	"\nmews_api_refused_total 5\n",
	"\nmews_api_certificate_expiry_timestamp_seconds 0\n",
	"mews_output_delivered_total{output=\"kafka\"} 3\n",
	"mews_node_lag_batches{cluster=\"k\",node=\"n\\\"1\\\\\"} 6\n",
	"mews_node_rereads_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 8\n",
	"mews_node_unstashed_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 7\n",
	"mews_node_containers_late_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 3\n",
	"mews_node_blind_spots{cluster=\"k\",node=\"n\\\"1\\\\\"} 2\n",
	"mews_node_silent_hooks_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 6\n",
	"\nmews_collector_type_events_total{type=\"open\"} 5\n",
	("\nmews_node_type_drops_total{cluster=\"k\",node=\"n\\\"1\\\\\","
	 "type=\"close\"} 2\n"),
	"\nmews_rule_blind{rule=\"r \\\"1\\\"\",cause=\"needs bpf\"} 1\n# HELP",
	"\nmews_rule_partly_blind{rule=\"half\",cause=\"creat not captured yet\"} 1\n# HELP",
	"\nmews_outbox_stalled_seconds_total 2.050\n",
	"\nmews_output_oldest_age_seconds{output=\"kafka\"} 1.500\n",
	"\nmews_alert_latency_seconds_bucket{le=\"0.005\"} 3\n",
	"\nmews_alert_latency_seconds_bucket{le=\"300\"} 3\n",
	("\nmews_alert_latency_seconds_bucket{le=\"+Inf\"} 4\n"
	 "mews_alert_latency_seconds_sum 400.500000000\nmews_alert_latency_seconds_count 4\n"),
	("\nmews_build_info{version=\"" MEWS_VERSION "\",compiler="),
	("\nmews_node_sensor_resident_memory_bytes{cluster=\"k\",node=\"n\\\"1\\\\\"} "
	 "5242880\n"),
	("\nmews_node_sensor_cpu_seconds_total{cluster=\"k\",node=\"n\\\"1\\\\\"} "
	 "1.500000000\n"),
};

/* Each sample has its HELP and TYPE before it, counters end in _total, labels are escaped. */
static void
test_metrics(void **state)
{
	char type[128] = "", kind[16] = "", *save = NULL;
	struct buf out = BUF_INIT;

	(void) state;
	setup_stream();
	api_metrics(&view, &out);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		if (strstr(out.p, samples[i]) == NULL)
			fail_msg("no sample: %s", samples[i]);
	}
	assert_null(strstr(out.p, "stream=")); /* a label that would change with each start */
	for (char *l = strtok_r(out.p, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		if (sscanf(l, "# TYPE %127s %15s", type, kind) == 2) {
			assert_int_equal(
			    strcmp(kind, "counter") == 0, strstr(type, "_total") != NULL);
			continue;
		}
		if (l[0] == '#')
			continue;
		assert_int_equal(0, strncmp(l, type, strlen(type)));
		assert_true(
		    strchr(strcmp(kind, "histogram") == 0 ? "_" : " {", l[strlen(type)]) != NULL);
	}
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_waiting_is_unready),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
