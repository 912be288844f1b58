/* SPDX-License-Identifier: Apache-2.0 */
/* A pool of texts that is far too small evicts, counts it and stays within its bound, and no
 * verdict changes: a reused id carries nothing of its last text. */
#include "tests/support/test.h"

#include "collector/shard/shard_nodes.h"
#include "tests/support/evbuild.h"
#include <stdlib.h>

enum { BATCHES = 300, EVENTS = 120, BOUND = 192 << 10, ROOMY = 64 << 20 };

/* A rule for each kind of comparison; each matches a part of the names that open_name() makes. */
static const char rules_text[] =
    "- list: names\n"
    "  items: [/n/7/in, /n/11/in, /n/4000/in]\n"
    "- rule: in\n"
    "  condition: evt.type = openat and fd.name in (names)\n"
    "  desc: d\n  output: o %fd.name %proc.name\n  priority: INFO\n"
    "- rule: starts\n"
    "  condition: evt.type = openat and fd.name startswith /n/12 and fd.name endswith 3/file\n"
    "  desc: d\n  output: o %fd.name %proc.name\n  priority: INFO\n"
    "- rule: contains\n"
    "  condition: evt.type = openat and fd.name contains 77/dir and not proc.name = p9\n"
    "  desc: d\n  output: o %fd.name %proc.name\n  priority: INFO\n"
    "- rule: glob\n"
    "  condition: evt.type = openat and fd.name glob /n/*5?1/glob*\n"
    "  desc: d\n  output: o %fd.name %proc.name\n  priority: INFO\n"
    "- rule: pmatch\n"
    "  condition: evt.type = openat and fd.name pmatch (/n/21, /n/8888)\n"
    "  desc: d\n  output: o %fd.name %proc.name\n  priority: INFO\n"
    "- rule: regex\n"
    "  condition: evt.type = openat and fd.name regex '/n/[0-9]*33/reg'\n"
    "  desc: d\n  output: o %fd.name %proc.name\n  priority: INFO\n"
    "- rule: name\n"
    "  condition: evt.type = openat and proc.name in (p3, p5) and fd.name endswith 9/file\n"
    "  desc: d\n  output: o %fd.name %proc.name\n  priority: INFO\n";

/* Every third name is a repetition of an earlier one. */
static void
open_name(unsigned i, char *name, size_t n)
{
	static const char *const ends[] = { "in", "file", "dir/x", "glob.c", "a/b", "reg" };
	unsigned k = i % 3 == 0 ? i / 5 : i;

	(void) snprintf(name, n, "/n/%u/%s", k, ends[k % ARRAY_SIZE(ends)]);
}

static void
add_exec(struct evb *b, unsigned i)
{
	char comm[16], exe[64];

	(void) snprintf(comm, sizeof(comm), "p%u", i % 13);
	(void) snprintf(exe, sizeof(exe), "/opt/%u/bin/%s", i, comm);
	evb_begin(b, EV_EXECVE, 10 + i / 60 % 5, 1000 + 1000 * (uint64_t) i);
	evb_num(b, "res", 0);
	evb_text(b, "exe", exe);
	evb_text(b, "comm", comm);
	evb_text(b, "trusted_exepath", exe);
	evb_text(b, "cwd", "/");
	evb_num(b, "ptid", 1);
	evb_add(b);
}

static void
add_open(struct evb *b, unsigned i)
{
	char name[64];

	open_name(i, name, sizeof(name));
	evb_begin(b, EV_OPENAT, 10 + i % 5, 1000 + 1000 * (uint64_t) i);
	evb_num(b, "fd", 3 + i % 40);
	evb_num(b, "dirfd", -100);
	evb_text(b, "name", name);
	evb_add(b);
}

/* Make the bodies of all batches. */
static void
make_bodies(Wire__Body body[BATCHES], struct buf data[BATCHES])
{
	struct evb b = { 0 };
	unsigned i = 0;

	for (unsigned n = 0; n < BATCHES; n++) {
		for (unsigned k = 0; k < EVENTS; k++, i++) {
			if (i % 60 == 0)
				add_exec(&b, i);
			else
				add_open(&b, i);
		}
		assert_int_equal(0, batch_enc_finish(b.enc, 0, &data[n], &body[n]));
	}
	evb_fini(&b);
}

/* Append the alerts: rule, event and output of each, in order. */
static void
note(struct buf *out, struct alert *a)
{
	while (a != NULL) {
		struct alert *next = a->next;

		buf_str(out, a->id);
		buf_char(out, ' ');
		buf_slice(out, (struct slice){ a->json, a->json_len });
		buf_char(out, '\n');
		alert_free(a);
		a = next;
	}
}

static void
run(struct ruleset *rules, uint64_t texts, Wire__Body *body, struct buf *out,
    struct shard_counters *c)
{
	struct nodes_cfg cfg = {
		.rules = rules,
		.intern_bytes = texts,
		.state = { .threads = 100, .fds = 100, .dead_grace_ns = 1 },
	};
	struct stream st = { .id = { "c", "n", "boot", 1 }, .refs = 2 };
	struct nodes *nodes = NULL;

	assert_int_equal(0, nodes_new(&cfg, c, &nodes));
	for (unsigned n = 0; n < BATCHES; n++) {
		Wire__Batch batch = WIRE__BATCH__INIT;
		struct alert *alerts = NULL;

		batch.seq = n + 1;
		batch.boot_ns = batch.real_ns = 1;
		batch.body = &body[n];
		node_batch(nodes, &st, &batch, &alerts);
		note(out, alerts);
	}
	nodes_publish(nodes);
	node_bye(nodes, &st);
	nodes_free(nodes);
	free(st.type_seen);
}

static void
verdicts(void **state)
{
	static Wire__Body body[BATCHES];
	static struct buf data[BATCHES];
	static struct shard_counters roomy, tight;
	struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct rule_log log = { 0 };
	struct ruleset *rules = NULL;
	struct buf all = BUF_INIT, same = BUF_INIT;

	(void) state;
	assert_int_equal(0, ruleset_parse("t", SLICE(rules_text), &o, &rules, &log));
	make_bodies(body, data);
	run(rules, ROOMY, body, &all, &roomy);
	run(rules, BOUND, body, &same, &tight);
	assert_int_equal(0, roomy.intern_evicted);
	assert_true(roomy.intern_bytes > 5 * BOUND); /* it was far too small */
	assert_true(tight.intern_evicted > 10000);
	assert_true(tight.intern_bytes <= BOUND);
	assert_true(roomy.alerts > 200);
	assert_int_equal(roomy.alerts, tight.alerts);
	assert_int_equal(BATCHES * EVENTS, tight.events);
	assert_int_equal(0, buf_ok(&all));
	assert_true(slice_eq(buf_get(&all), buf_get(&same)));
	buf_fini(&all);
	buf_fini(&same);
	for (unsigned n = 0; n < BATCHES; n++)
		buf_fini(&data[n]);
	ruleset_unref(rules);
	rule_log_fini(&log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
