/* SPDX-License-Identifier: Apache-2.0 */
/* Check which matches become alerts and which are summarized: feed batches with times, and compare
 * the alerts of each. State and rules are the real ones. */
#include "tests/support/test.h"

#include "collector/shard/shard_nodes.h"
#include "tests/support/evbuild.h"
#include "tests/support/fault.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

enum { BATCHES_MAX = 8, TASKS = 8192 };

static const char rules_text[] =
    "- rule: w\n"
    "  condition: evt.type = openat and fd.name startswith /w/\n"
    "  desc: d\n  output: w %fd.name\n  priority: WARNING\n"
    "- rule: v\n"
    "  condition: evt.type = openat and fd.name startswith /v/\n"
    "  desc: d\n  output: v %fd.name\n  priority: INFO\n";

/* ---- batches from texts ---- */

/*
 * "0 10 /w/a 5": five opens of /w/a by process 10, 0 ms after the start. "0 10 /w/a# 5" opens five
 * files, "0 10+ /w/a 5" uses five processes. Opens are separated by ';'. A process below 100
 * belongs to user 0, below 200 to user 1, and so on; from 5000 on they share one login.
 */
struct scene {
	struct evb b;
	unsigned files;
	bool known[TASKS];
};

static void
add_task(struct scene *s, unsigned pid, uint64_t ts)
{
	if (s->known[pid])
		return;
	s->known[pid] = true;
	evb_begin(&s->b, EV_EXECVE, pid, ts);
	evb_num(&s->b, "res", 0);
	evb_text(&s->b, "exe", "/bin/cat");
	evb_text(&s->b, "comm", "cat");
	evb_num(&s->b, "uid", pid / 100);
	evb_num(&s->b, "loginuid", pid >= 5000 ? 7 : -1);
	evb_add(&s->b);
}

static void
add_opens(struct scene *s, const char *text)
{
	char *p, path[64], name[80];
	unsigned long ms = strtoul(text, &p, 10), pid = strtoul(p, &p, 10), n;
	bool each = *p == '+';
	size_t len;

	p += strspn(p, "+ ");
	len = strcspn(p, " ");
	(void) snprintf(path, sizeof(path), "%.*s", (int) len, p);
	n = strtoul(p + len, NULL, 10);
	assert_true(pid > 0 && n > 0);
	len = strcspn(path, "#");
	for (unsigned i = 0; i < n; i++) {
		unsigned task = (unsigned) pid + i * each;
		uint64_t ts = 1000000000ull + ms * 1000000ull;

		(void) snprintf(name, sizeof(name), "%.*s", (int) len, path);
		if (path[len] == '#')
			(void) snprintf(name + len, sizeof(name) - len, "%u", s->files++);
		add_task(s, task, ts);
		evb_begin(&s->b, EV_OPENAT, task, ts);
		evb_num(&s->b, "fd", 3);
		evb_num(&s->b, "dirfd", -100);
		evb_text(&s->b, "name", name);
		evb_add(&s->b);
	}
}

/* Batches are separated by '|'. Returns their number. */
static size_t
make_bodies(const char *text, Wire__Body body[BATCHES_MAX], struct buf data[BATCHES_MAX])
{
	static struct scene s;
	size_t n = 0;

	memset(&s, 0, sizeof(s));
	memset(data, 0, BATCHES_MAX * sizeof(*data));
	while (*text != '\0') {
		size_t len = strcspn(text, ";|");
		char one[100];

		(void) snprintf(one, sizeof(one), "%.*s", (int) len, text);
		add_opens(&s, one);
		text += len;
		if (*text != ';') {
			assert_true(n < BATCHES_MAX);
			assert_int_equal(0, batch_enc_finish(s.b.enc, 0, &data[n], &body[n]));
			n++;
		}
		text += *text != '\0';
	}
	evb_fini(&s.b);
	return n;
}

/* ---- a node ---- */

struct bench {
	struct ruleset *rules;
	struct rule_log log;
	struct shard_counters counters;
	struct stream stream;
	struct nodes *nodes;
	Wire__Body body[BATCHES_MAX];
	struct buf data[BATCHES_MAX];
	size_t nbodies;
};

static void
bench_start(struct bench *b, const struct throttle_limits *l, const char *text)
{
	const struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct nodes_cfg cfg = {
		.intern_bytes = 64 << 20,
		.state = { .threads = 2 * TASKS, .fds = 100, .dead_grace_ns = 1 },
		.throttle = *l,
	};

	memset(b, 0, sizeof(*b));
	b->stream = (struct stream){ .id = { "c", "n", "boot", 1 }, .refs = 2, .connected = true };
	assert_int_equal(0, ruleset_parse("t", SLICE(rules_text), &o, &b->rules, &b->log));
	cfg.rules = b->rules;
	assert_int_equal(0, nodes_new(&cfg, &b->counters, &b->nodes));
	b->nbodies = make_bodies(text, b->body, b->data);
}

static void
bench_stop(struct bench *b)
{
	node_bye(b->nodes, &b->stream);
	nodes_free(b->nodes);
	free(b->stream.type_seen); /* in the product its last holder does that */
	ruleset_unref(b->rules);
	rule_log_fini(&b->log);
	for (size_t i = 0; i < b->nbodies; i++)
		buf_fini(&b->data[i]);
}

static struct alert *
bench_batch(struct bench *b, size_t i)
{
	Wire__Batch batch = WIRE__BATCH__INIT;
	struct alert *alerts = NULL;

	batch.seq = i + 1;
	batch.boot_ns = 1;
	batch.real_ns = 1000000000000ull;
	batch.body = &b->body[i];
	node_batch(b->nodes, &b->stream, &batch, &alerts);
	return alerts;
}

static void
free_alerts(struct alert *a)
{
	while (a != NULL) {
		struct alert *next = a->next;

		alert_free(a);
		a = next;
	}
}

static json_t *
fields_of(const struct alert *a, json_t **ret)
{
	*ret = json_loads(a->json, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(*ret);
	return json_object_get(*ret, "output_fields");
}

/* Append the letter after "/w/"; of a summary also the count and by whom: "a*3 a+2(process 10)". */
static void
note(struct buf *out, struct alert *list)
{
	size_t times = 0;
	char last = '\0';

	for (const struct alert *a = list; a != NULL; a = a->next) {
		json_t *j, *f = fields_of(a, &j);
		json_t *count = json_object_get(f, "mews.suppressed.count");
		char letter = json_string_value(json_object_get(f, "fd.name"))[3];
		bool own = count == NULL;

		if (times > 0 && (!own || letter != last)) {
			buf_printf(out, " %c*%zu", last, times);
			times = 0;
		}
		if (own)
			times++;
		else
			buf_printf(out, " %c+%lld(%s)", letter, json_integer_value(count),
			    json_string_value(json_object_get(f, "mews.suppressed.by")));
		last = letter;
		json_decref(j);
	}
	if (times > 0)
		buf_printf(out, " %c*%zu", last, times);
	free_alerts(list);
}

/* ---- the table ---- */

#define PROCESS(rate, burst)     \
	{                        \
		{ rate, burst }, \
		{                \
			0, 1     \
		}                \
	}
#define BOTH(rate, burst, ur, u) \
	{                        \
		{ rate, burst }, \
		{                \
			ur, u    \
		}                \
	}

/* A token a millisecond, three at once, unless stated otherwise. An output that is new in a window
 * of 5 s is an alert even without a token. */
static const struct {
	const char *what;
	struct throttle_limits limits;
	const char *batches, *alerts;
} cases[] = {
	{ "within the burst", PROCESS(1000, 3), "0 10 /w/a 3", " a*3" },
	{ "beyond it", PROCESS(1000, 3), "0 10 /w/a 6", " a*4 a+2(process 10)" },
	{ "a token comes back", PROCESS(1000, 3), "0 10 /w/a 5;1 10 /w/a 2",
	    " a*5 a+2(process 10)" },
	{ "a summary ends with its batch", PROCESS(1000, 3), "0 10 /w/a 5|0 10 /w/a 4",
	    " a*4 a+1(process 10) | a+4(process 10)" },
	{ "full again", PROCESS(1000, 3), "0 10 /w/a 5|3 10 /w/a 4",
	    " a*4 a+1(process 10) | a*3 a+1(process 10)" },
	{ "never more than the burst", PROCESS(1000, 3), "0 10 /w/a 5|9000 10 /w/a 5",
	    " a*4 a+1(process 10) | a*4 a+1(process 10)" },
	{ "a rule of its own", PROCESS(1000, 3), "0 10 /w/a 5;0 10 /v/b 2",
	    " a*4 b*2 a+1(process 10)" },
	{ "a process of its own", PROCESS(1000, 3), "0 10 /w/a 5;0 11 /w/b 2",
	    " a*4 b*2 a+1(process 10)" },
	{ "two storms", PROCESS(1000, 3), "0 10 /w/a 5;0 11 /w/b 6",
	    " a*4 b*4 a+1(process 10) b+2(process 11)" },
	{ "another output", PROCESS(1000, 3), "0 10 /w/a 9;0 10 /w/b 3;0 10 /w/c 1",
	    " a*4 b*1 c*1 a+7(process 10)" },
	{ "outputs in turn", PROCESS(1000, 3),
	    "0 10 /w/a 5;0 10 /w/b 2;0 10 /w/a 2;0 10 /w/c 1;0 10 /w/b 2|0 10 /w/d 2;0 10 /w/a 1",
	    " a*4 b*1 c*1 a+6(process 10) | d*1 d+2(process 10)" },
	{ "a hundred outputs", PROCESS(1000, 3), "0 10 /w/a# 203", " a*103 a+100(process 10)" },
	{ "a hundred in each window", PROCESS(1, 1),
	    "0 10 /w/a# 103|4999 10 /w/b# 3|5000 10 /w/c# 1|9999 10 /w/d# 200",
	    " a*101 a+2(process 10) | b*1 b+2(process 10) | c*1 | d*100 d+100(process 10)" },
	{ "off", PROCESS(0, 1), "0 10 /w/a 500", " a*500" },
	{ "off with the user's limit set", BOTH(0, 1, 1, 1), "0 10 /w/a 500", " a*500" },
	{ "processes of one user", BOTH(1000, 3, 1000, 5), "0 10+ /w/a 9", " a*6 a+3(user 0)" },
	{ "both limits", BOTH(1000, 3, 1000, 5), "0 10 /w/a 5;0 11 /w/a 4",
	    " a*6 a+1(process 10) a+2(user 0)" },
	{ "another user", BOTH(1000, 3, 1000, 5), "0 10+ /w/a 9;0 110 /w/a 3", " a*9 a+3(user 0)" },
	{ "a login, whatever the user", BOTH(1000, 3, 1000, 5),
	    "0 5000 /w/a 3;0 5100 /w/a 3;0 5200 /w/a 3", " a*6 a+3(login user 7)" },
	{ "time that goes back", PROCESS(1000, 3), "50 10 /w/a 5|0 10 /w/a 3|52 10 /w/a 3",
	    " a*4 a+1(process 10) | a+3(process 10) | a*2 a+1(process 10)" },
};

static void
test_cases(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out CLEANUP(buf_fini) = BUF_INIT;
		static struct bench b;

		bench_start(&b, &cases[i].limits, cases[i].batches);
		for (size_t k = 0; k < b.nbodies; k++) {
			buf_str(&out, k > 0 ? " |" : "");
			note(&out, bench_batch(&b, k));
		}
		assert_int_equal(0, buf_ok(&out));
		if (!slice_eq(slice_str(cases[i].alerts), buf_get(&out)))
			fail_msg("%s: '%s', not '%s'", cases[i].what, out.p, cases[i].alerts);
		bench_stop(&b);
	}
}

/* ---- contents of a summary ---- */

/* Collect the ids of all matches' alerts, in order. */
static size_t
all_ids(const char *batches, char id[][ALERT_ID_SIZE], size_t max)
{
	static const struct throttle_limits off;
	static struct bench b;
	size_t n = 0;

	bench_start(&b, &off, batches);
	for (size_t k = 0; k < b.nbodies; k++) {
		struct alert *list = bench_batch(&b, k);

		for (const struct alert *a = list; a != NULL && n < max; a = a->next)
			memcpy(id[n++], a->id, ALERT_ID_SIZE);
		free_alerts(list);
	}
	bench_stop(&b);
	return n;
}

static const char storm[] = "0 10 /w/a 4;1 10 /w/a 2;2 10 /w/a 2|2 10 /w/b 1";

static void
test_content(void **state)
{
	static const struct throttle_limits l = PROCESS(1, 3);
	char id[10][ALERT_ID_SIZE];
	static struct bench b;
	const struct alert *a;
	struct alert *list;
	json_t *j, *f;
	const char *s;

	(void) state;
	assert_int_equal(9, all_ids(storm, id, 10));
	bench_start(&b, &l, storm);
	list = bench_batch(&b, 0);
	a = list;
	for (size_t i = 0; i < 4; i++, a = a->next)
		assert_string_equal(id[i], a->id);
	f = fields_of(a, &j);
#define TEXT(key) json_string_value(json_object_get(f, key))
#define NUM(key)  json_integer_value(json_object_get(f, key))
	assert_int_equal(4, NUM("mews.suppressed.count"));
	assert_string_equal(id[4], TEXT("mews.suppressed.first_id"));
	assert_string_equal(id[7], TEXT("mews.suppressed.last_id"));
	assert_int_equal(NUM("evt.time"), NUM("mews.suppressed.first_time"));
	assert_int_equal(NUM("evt.time") + 1000000, NUM("mews.suppressed.last_time"));
	assert_string_equal("/w/a", TEXT("fd.name"));
	assert_string_equal("c", TEXT("mews.cluster"));
	assert_int_equal(NUM("evt.time"), a->time);
	assert_int_equal(PRIO_WARNING, a->priority);
	assert_string_equal("w", a->rule);
	for (size_t i = 0; i < 9; i++)
		assert_string_not_equal(id[i], a->id); /* a separate alert */
	s = json_string_value(json_object_get(j, "output"));
	assert_non_null(strstr(s, ": Warning 4 matches by process 10 until "));
	assert_non_null(strstr(s, " in one alert, the first: w /w/a"));
	assert_string_equal(a->id, json_string_value(json_object_get(j, "uuid")));
	assert_null(a->next);
	json_decref(j);
	free_alerts(list);
	assert_int_equal(4, b.counters.suppressed);
	assert_int_equal(4, b.stream.suppressed);
	assert_int_equal(1, b.counters.summaries);
	assert_int_equal(5, b.counters.alerts);
	nodes_publish(b.nodes);
	assert_int_equal(1, b.counters.throttle_buckets);
	bench_stop(&b);
}

/* ---- repetitions ---- */

static const char long_storm[] =
    "0 10 /w/a# 150;0 110+ /w/a 70|3 10 /v/b# 20;4 10 /w/c 60|"
    "9 110+ /w/a 80;9 10 /w/a 9|6000 10 /w/a# 150";

/* Feed everything from batch 'from' on to an empty node; returns the number of reported matches. */
static uint64_t
told(size_t from, struct buf *out)
{
	static const struct throttle_limits l = BOTH(500, 20, 500, 40);
	static struct bench b;
	uint64_t n = 0;

	bench_start(&b, &l, long_storm);
	for (size_t k = from; k < b.nbodies; k++) {
		struct alert *list = bench_batch(&b, k);

		for (const struct alert *a = list; a != NULL; a = a->next) {
			json_t *j, *f = fields_of(a, &j);
			json_t *count = json_object_get(f, "mews.suppressed.count");

			n += count == NULL ? 1 : (uint64_t) json_integer_value(count);
			buf_slice(out, (struct slice){ a->json, a->json_len });
			json_decref(j);
		}
		free_alerts(list);
	}
	bench_stop(&b);
	return n;
}

static void
test_again(void **state)
{
	struct buf first CLEANUP(buf_fini) = BUF_INIT, second CLEANUP(buf_fini) = BUF_INIT;
	static const uint64_t matches[] = { 539, 319, 239, 150 };

	(void) state;
	assert_int_equal(matches[0], told(0, &first));
	assert_int_equal(matches[0], told(0, &second));
	assert_true(slice_eq(buf_get(&first), buf_get(&second)));
	/* A collector that lost its state continues at any batch, and reports each match. */
	for (size_t from = 1; from < ARRAY_SIZE(matches); from++) {
		buf_clear(&second);
		assert_int_equal(matches[from], told(from, &second));
	}
}

/* ---- bounds ---- */

/* With more processes than buckets, the rest share one. A bucket is kept until it is full again. */
static void
test_many_processes(void **state)
{
	static const struct throttle_limits l = PROCESS(1, 1);
	struct buf out CLEANUP(buf_fini) = BUF_INIT;
	static struct bench b;

	(void) state;
	bench_start(&b, &l, "0 100+ /w/a 6000|1 100+ /w/a 6000|900000 100+ /w/a 50");
	note(&out, bench_batch(&b, 0));
	nodes_publish(b.nodes);
	assert_in_range(b.counters.throttle_buckets, THROTTLE_BUCKETS / 2, THROTTLE_BUCKETS + 2);
	buf_str(&out, " |");
	free_alerts(bench_batch(&b, 1));
	assert_int_equal(12000, b.counters.alerts - b.counters.summaries + b.counters.suppressed);
	assert_true(b.counters.suppressed > 1900);
	/* once all are full again, each has its own */
	buf_clear(&out);
	note(&out, bench_batch(&b, 2));
	assert_string_equal(" a*50", out.p);
	bench_stop(&b);
}

/* Without memory a match is an alert, in a summary, or counted as lost: nothing else. */
static void
test_without_memory(void **state)
{
	static const struct throttle_limits l = BOTH(500, 20, 500, 40);
	bool failed = true;

	(void) state;
	for (unsigned n = 0; failed; n++) {
		static struct bench b;
		struct rule_sum sum;
		uint64_t told_of;

		bench_start(&b, &l, "0 10 /w/a 3|0 10 /w/a# 150;0 110+ /w/a 70");
		free_alerts(bench_batch(&b, 0));
		fault_arm_nth(n);
		free_alerts(bench_batch(&b, 1));
		failed = fault_disarm();
		ruleset_sum(b.rules, 0, &sum);
		told_of = b.counters.alerts - b.counters.summaries + b.counters.suppressed;
		assert_in_range(told_of, sum.hits - b.counters.alerts_lost_memory, sum.hits);
		assert_int_equal(b.counters.suppressed, sum.suppressed);
		assert_true(failed || told_of == 223);
		bench_stop(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_many_processes),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
