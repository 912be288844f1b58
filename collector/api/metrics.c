/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/api_int.h"
#include "collector/api/metrics_row.h"
#include "common/clock.h"
#include <stddef.h>

#define STAT(member, kind, help) ROW(shard_stats, member, kind, help),
static const struct metric shard_metrics[] = {
#include "collector/shard/shard_stats.def"
	SECONDS(shard_stats, cpu_ms, "shard_cpu_seconds", COUNTER,
	    "CPU time of the shards, which evaluate events: all of them together."),
	SECONDS(shard_stats, image_ms, "image_seconds", COUNTER,
	    "CPU time spent on taking and loading these images."),
	SECONDS(shard_stats, image_pause_ms, "image_pause_seconds", GAUGE,
	    "Most CPU time that a piece of one has taken, while the rest of its shard waited."),
};
static const struct metric outbox_metrics[] = {
	ROW(outbox_stats, rows, GAUGE, "Alerts kept, delivered or not."),
	ROW(outbox_stats, bytes, GAUGE,
	    "Bytes of all files of the outbox, including those set aside."),
	ROW(outbox_stats, committed, COUNTER, "Alerts committed."),
	ROW(outbox_stats, duplicates, COUNTER,
	    "Alerts dropped because their id was already in the outbox."),
	ROW(outbox_stats, commits, COUNTER, "Commits, each of a group of batches."),
	ROW(outbox_stats, pruned, COUNTER, "Delivered alerts removed for age or size."),
	ROW(outbox_stats, set_aside, COUNTER, "Alerts that an output refused for good."),
	ROW(outbox_stats, lost, COUNTER, "Alerts lost to damage found at the start."),
	ROW(outbox_stats, damaged, COUNTER, "Rows left out on reads for a wrong checksum."),
	ROW(outbox_stats, errors, COUNTER, "Commits and checkpoints that failed."),
	ROW(outbox_stats, queued, GAUGE, "Batches that wait for their commit."),
	SECONDS(outbox_stats, stalled_ms, "stalled_seconds", COUNTER,
	    "Time that commits waited for room on disk."),
};
static const struct metric checkpoint_metrics[] = {
	ROW(checkpoint_stats, written, COUNTER, "States of nodes written to the checkpoint."),
	ROW(checkpoint_stats, bytes, COUNTER, "Bytes written to it."),
	ROW(checkpoint_stats, failed, COUNTER, "Writes that failed."),
	ROW(checkpoint_stats, loaded, COUNTER, "Nodes that continued from it after a start."),
	ROW(checkpoint_stats, damaged, COUNTER, "Files of it that were damaged and set aside."),
	ROW(checkpoint_stats, waiting, GAUGE, "States that wait to be durable and written."),
};
static const struct metric ingest_metrics[] = {
	ROW(ingest_stats, connections, GAUGE, "Connections open."),
	ROW(ingest_stats, refused_tls, COUNTER, "TLS handshakes that failed."),
	ROW(ingest_stats, refused_identity, COUNTER, "Connections refused for their identity."),
	ROW(ingest_stats, refused_protocol, COUNTER, "Connections refused for their protocol."),
	ROW(ingest_stats, malformed, COUNTER, "Messages that could not be decoded."),
	ROW(ingest_stats, duplicates, COUNTER, "Batches that had arrived before."),
	ROW(ingest_stats, gaps, COUNTER, "Gaps in a sensor's batches."),
	ROW(ingest_stats, busy, COUNTER, "Connections asked to try again later."),
	ROW(ingest_stats, crowded_out, COUNTER,
	    "Connections ended before they authenticated: too many were open."),
	ROW(ingest_stats, requests, COUNTER, "Requests answered."),
	ROW(ingest_stats, log_held, COUNTER, "Log lines about peers that were suppressed."),
	{ "certificate_expiry_timestamp_seconds",
	    "When this collector's certificate expires, since the epoch; 0: no TLS.",
	    offsetof(struct ingest_stats, certificate_expiry_seconds), GAUGE, false },
	ROW(ingest_stats, ending, GAUGE, "Connections being ended; if it stays above 0, restart."),
};
static const struct metric api_counters[] = {
	ROW(api_stats, connections, GAUGE, "HTTP connections open."),
	ROW(api_stats, requests, COUNTER, "HTTP requests."),
	ROW(api_stats, refused, COUNTER, "HTTP connections refused: too many were open."),
	ROW(api_stats, ended, COUNTER,
	    "HTTP connections ended: too slow, or idle while another needed the place."),
	ROW(api_stats, no_files, COUNTER,
	    "Times that no descriptor was left to accept an HTTP connection."),
	ROW(api_stats, no_token, COUNTER, "HTTP requests refused for lack of a token."),
	ROW(api_stats, wrong_token, COUNTER, "HTTP requests refused: their token is wrong."),
	ROW(api_stats, wrong_role, COUNTER, "HTTP requests refused: their token may only read."),
	ROW(api_stats, changes, COUNTER,
	    "HTTP requests for a change that were let in, as audited in the log."),
	{ "certificate_expiry_timestamp_seconds",
	    "When the API's certificate expires, since the epoch; 0: no TLS.",
	    offsetof(struct api_stats, certificate_expiry_seconds), GAUGE, false },
};

static void
table(struct buf *out, const char *group, const struct metric *m, size_t n, const void *stats)
{
	for (size_t i = 0; i < n; i++) {
		metrics_head(out, group, &m[i]);
		metrics_sample(out, group, &m[i], "", stats);
	}
}

/* The rows of one node: the counters of its stream. */
struct node_row {
	struct buf *out;
	int column;
};

/* node_value() knows the columns by their index. */
static const struct metric node_columns[] = {
	{ "events", "Events received from a node.", 0, COUNTER, false },
	{ "drops", "Events that a node's sensor could not deliver.", 0, COUNTER, false },
	{ "gaps", "Losses on the way from a node.", 0, COUNTER, false },
	{ "rereads", "Paths and addresses that a node's sensor read when a call ended.", 0, COUNTER,
	    false },
	{ "unstashed", "Calls of a node without memory to keep what is read at their entry.", 0,
	    COUNTER, false },
	{ "lag_batches", "Batches of a node received but not yet durable.", 0, GAUGE, false },
	{ "connected", "Whether a node's sensor is connected.", 0, GAUGE, false },
	{ "suppressed", "Matches of a node that summary alerts report.", 0, COUNTER, false },
	{ "certificate_expiry_timestamp_seconds",
	    "When a node's certificate expires, since the epoch; 0: no TLS.", 0, GAUGE, false },
	{ "loss_window", "Whether a loss window of a node is open.", 0, GAUGE, false },
	{ "last_seen_timestamp_seconds", "When a node was heard last, since the epoch.", 0, GAUGE,
	    false },
	{ "snapshot_awaited", "Whether the snapshot of a node's processes is incomplete.", 0, GAUGE,
	    false },
	{ "unreadable", "What a node's snapshots could not read of its processes.", 0, COUNTER,
	    false },
	{ "up", "Whether a node is seen: its sensor is connected and answers.", 0, GAUGE, false },
	{ "blind_spots", "Parts of a node that its sensor cannot see.", 0, GAUGE, false },
	{ "silent_hooks", "Hooks that a node's kernel did not run, one for each CPU and check.", 0,
	    COUNTER, false },
	{ "redacted_events", "Events of a node of which secrets were replaced.", 0, COUNTER,
	    false },
};

static uint64_t
node_value(const struct stream *s, int column)
{
	uint64_t received = s->received, durable = s->durable;

	switch (column) {
	case 0:
		return s->events;
	case 1:
		return s->drops;
	case 2:
		return s->gaps;
	case 3:
		return s->rereads;
	case 4:
		return s->unstashed;
	case 5:
		return received > durable ? received - durable : 0;
	case 6:
		return s->connected;
	case 7:
		return s->suppressed;
	case 8:
		return s->cert_until / NS_PER_S;
	case 9:
		return loss_shown_open(&s->loss, clock_real()) != 0;
	case 10:
		return s->last_seen / NS_PER_S;
	case 11:
		return s->snapshot_id != 0;
	case 12:
		return s->unreadable;
	case 13:
		return stream_sight(s, clock_mono()) == SIGHT_up;
	case 14:
		return (uint64_t) __builtin_popcountll(s->blind);
	case 15:
		return s->silences;
	default:
		return s->redacted;
	}
}

static void
node_print(void *arg, struct stream *s)
{
	struct node_row *r = arg;
	const struct metric *m = &node_columns[r->column];
	char name[64];

	if (s->forgotten)
		return;
	(void) snprintf(
	    name, sizeof(name), "mews_node_%s%s", m->name, m->kind == COUNTER ? "_total" : "");
	metrics_node_labels(r->out, name, s);
	buf_printf(r->out, "} %lu\n", (unsigned long) node_value(s, r->column));
}

static void
count_sight(void *arg, struct stream *s)
{
	unsigned long *n = arg;

	if (!s->forgotten)
		n[stream_sight(s, clock_mono())]++;
}

static void
nodes_print(const struct api_view *v, struct buf *out)
{
	unsigned long n[SIGHT_MAX] = { 0 };

	streams_each(v->streams, count_sight, n);
	buf_str(out,
	    "# HELP mews_nodes Nodes that are known, by whether they are seen; all but 'up' are "
	    "not.\n"
	    "# TYPE mews_nodes gauge\n");
	for (unsigned i = 0; i < SIGHT_MAX; i++)
		buf_printf(out, "mews_nodes{state=\"%s\"} %lu\n", sight_name((enum sight) i), n[i]);
}

static const char *
type_name(unsigned type)
{
	const struct ev_schema *s = schema_get(type);

	return s == NULL ? "unknown" : s->name;
}

static void
node_type_print(void *arg, struct stream *s)
{
	const struct type_drops *types = s->forgotten ? NULL : s->type_drops;

	for (unsigned i = 0; types != NULL && i < EV_TYPE_MAX; i++) {
		uint64_t drops = types->n[i];

		if (drops > 0) {
			metrics_node_labels(arg, "mews_node_type_drops_total", s);
			buf_printf(arg, ",type=\"%s\"} %lu\n", type_name(i), (unsigned long) drops);
		}
	}
}

/* Print only types that occur: most of the table is never captured. */
static void
types_print(const struct api_view *v, struct buf *out)
{
	uint64_t events[EV_TYPE_MAX] = { 0 };

	shards_types(v->shards, events);
	buf_str(out,
	    "# HELP mews_collector_type_events_total Events evaluated, by type.\n"
	    "# TYPE mews_collector_type_events_total counter\n");
	for (unsigned i = 0; i < EV_TYPE_MAX; i++) {
		if (events[i] > 0)
			buf_printf(out, "mews_collector_type_events_total{type=\"%s\"} %lu\n",
			    type_name(i), (unsigned long) events[i]);
	}
	buf_str(out,
	    "# HELP mews_node_type_drops_total Events that a node's sensor could not deliver, by "
	    "type.\n"
	    "# TYPE mews_node_type_drops_total counter\n");
	streams_each(v->streams, node_type_print, out);
	metrics_accounts(v, out);
}

static void
losses_print(struct buf *out, const struct shard_stats *st)
{
	buf_str(out,
	    "# HELP mews_collector_loss_windows_total Times a node's loss window opened, by "
	    "cause.\n"
	    "# TYPE mews_collector_loss_windows_total counter\n");
	for (unsigned i = 0; i < LOSS_MAX; i++)
		buf_printf(out, "mews_collector_loss_windows_total{cause=\"%s\"} %lu\n",
		    loss_name(i), (unsigned long) st->losses[i]);
}

/* Print a line for each rule in force that has a cause. */
static void
causes_print(struct buf *out, const struct ruleset *set, bool partly)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(set, &rules);

	for (size_t i = 0; i < n; i++) {
		const char *cause = partly ? rules[i]->partly : rules[i]->blind;

		if (!rules[i]->loaded || cause == NULL)
			continue;
		buf_printf(out, "mews_rule_%s{rule=\"", partly ? "partly_blind" : "blind");
		metrics_label(out, rules[i]->name);
		buf_str(out, "\",cause=\"");
		metrics_label(out, cause);
		buf_str(out, "\"} 1\n");
	}
}

static void
blind_print(struct buf *out, const struct ruleset *set)
{
	buf_str(out,
	    "# HELP mews_rule_blind A rule that cannot match what is captured, and why.\n"
	    "# TYPE mews_rule_blind gauge\n");
	causes_print(out, set, false);
	buf_str(out,
	    "# HELP mews_rule_partly_blind A rule of which some events, conditions or "
	    "exceptions are without effect, and why.\n"
	    "# TYPE mews_rule_partly_blind gauge\n");
	causes_print(out, set, true);
}

static void
rules_print(struct buf *out, const struct api_view *v)
{
	struct ruleset_counts c;
	struct ruleset *set;
	struct reload_stats st;

	set = api_ruleset(v);
	ruleset_counts(set, &c);
	blind_print(out, set);
	ruleset_unref(set);
	buf_printf(out,
	    "# HELP mews_rules Rules in force.\n# TYPE mews_rules gauge\nmews_rules %zu\n",
	    c.in_force);
	buf_printf(out,
	    "# HELP mews_rules_blind Rules that cannot match any captured event.\n"
	    "# TYPE mews_rules_blind gauge\nmews_rules_blind %zu\n",
	    c.blind);
	reload_stats(v->reload, &st);
	buf_printf(out,
	    "# HELP mews_rules_reloads_total Times that rules were reloaded.\n"
	    "# TYPE mews_rules_reloads_total counter\n"
	    "mews_rules_reloads_total{result=\"ok\"} %lu\n"
	    "mews_rules_reloads_total{result=\"failed\"} %lu\n"
	    "# HELP mews_rules_reloaded_timestamp_seconds When rules were last reloaded, since the "
	    "epoch; 0: never.\n"
	    "# TYPE mews_rules_reloaded_timestamp_seconds gauge\n"
	    "mews_rules_reloaded_timestamp_seconds %lu\n",
	    (unsigned long) st.done, (unsigned long) st.failed,
	    (unsigned long) (st.last / NS_PER_S));
}

static const struct metric rule_metrics[] = {
	ROW(rule_sum, evals, COUNTER, "Events on which a rule was evaluated."),
	ROW(rule_sum, checks, COUNTER, "Checks run for a rule on values not seen recently."),
	ROW(rule_sum, hits, COUNTER, "Events that a rule matched."),
	ROW(rule_sum, suppressed, COUNTER, "Matches of a rule that summary alerts report."),
};

/* Print the counters of each rule in force. */
static void
rule_counters_print(struct buf *out, const struct api_view *v)
{
	const struct rule *const *rules;
	struct ruleset *set;
	size_t n;

	set = api_ruleset(v);
	n = ruleset_rules(set, &rules);
	for (size_t k = 0; k < ARRAY_SIZE(rule_metrics); k++) {
		metrics_head(out, "rule", &rule_metrics[k]);
		for (size_t i = 0; i < n; i++) {
			struct buf labels CLEANUP(buf_fini) = BUF_INIT;
			struct rule_sum sum;

			if (!rules[i]->loaded)
				continue;
			ruleset_sum(set, (uint32_t) i, &sum);
			buf_str(&labels, "{rule=\"");
			metrics_label(&labels, rules[i]->name);
			buf_str(&labels, "\"}");
			if (buf_ok(&labels) == 0)
				metrics_sample(out, "rule", &rule_metrics[k], labels.p, &sum);
		}
	}
	ruleset_unref(set);
}

static void
latency_print(struct buf *out, const struct outbox_stats *st)
{
	static const double bounds[] = OUTBOX_LATENCY_BOUNDS;
	uint64_t n = 0;

	buf_str(out,
	    "# HELP mews_alert_latency_seconds From an event, by its node's clock, to the commit "
	    "of "
	    "its alert.\n"
	    "# TYPE mews_alert_latency_seconds histogram\n");
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		n += st->latency[i];
		buf_printf(out, "mews_alert_latency_seconds_bucket{le=\"%g\"} %lu\n", bounds[i],
		    (unsigned long) n);
	}
	n += st->latency[ARRAY_SIZE(bounds)];
	buf_printf(out,
	    "mews_alert_latency_seconds_bucket{le=\"+Inf\"} %lu\n"
	    "mews_alert_latency_seconds_sum %.9f\nmews_alert_latency_seconds_count %lu\n",
	    (unsigned long) n, (double) st->latency_ns / (double) NS_PER_S, (unsigned long) n);
}

void
api_metrics(const struct api_view *v, struct buf *out)
{
	struct shard_stats shards;
	struct outbox_stats outbox;
	struct checkpoint_stats checkpoint;
	struct ingest_stats ingest;
	struct api_stats api;

	shards_counters(v->shards, &shards);
	table(out, "collector", shard_metrics, ARRAY_SIZE(shard_metrics), &shards);
	losses_print(out, &shards);
	outbox_stats(v->outbox, &outbox);
	table(out, "outbox", outbox_metrics, ARRAY_SIZE(outbox_metrics), &outbox);
	buf_printf(out,
	    "# HELP mews_outbox_full Whether commits wait for room.\n"
	    "# TYPE mews_outbox_full gauge\nmews_outbox_full %d\n"
	    "# HELP mews_outbox_corrupt Whether the outbox is damaged: commits have ended.\n"
	    "# TYPE mews_outbox_corrupt gauge\nmews_outbox_corrupt %d\n",
	    outbox.full, outbox.corrupt);
	latency_print(out, &outbox);
	checkpoint_stats(v->checkpoint, &checkpoint);
	table(out, "checkpoint", checkpoint_metrics, ARRAY_SIZE(checkpoint_metrics), &checkpoint);
	ingest_stats(v->ingest, &ingest);
	table(out, "ingest", ingest_metrics, ARRAY_SIZE(ingest_metrics), &ingest);
	api_stats(v->api, &api);
	table(out, "api", api_counters, ARRAY_SIZE(api_counters), &api);
	metrics_outputs(v->outputs, out);
	nodes_print(v, out);
	for (int i = 0; i < (int) ARRAY_SIZE(node_columns); i++) {
		metrics_head(out, "node", &node_columns[i]);
		streams_each(v->streams, node_print, &(struct node_row){ out, i });
	}
	api_metrics_sensors(v, out);
	types_print(v, out);
	rules_print(out, v);
	rule_counters_print(out, v);
	metrics_kube(v, out);
	api_metrics_process(v, out);
}
