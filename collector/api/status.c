/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/api_int.h"
#include "common/clock.h"

enum { OUTPUTS_MAX = 16 };

/* Begin a member of an object, after a comma unless it is the first. */
static void
key(struct buf *out, const char *name)
{
	char last = out->n == 0 ? '{' : out->p[out->n - 1];

	if (last != '{' && last != ',')
		buf_char(out, ',');
	buf_printf(out, "\"%s\":", name);
}

static void
key_str(struct buf *out, const char *name, const char *value)
{
	key(out, name);
	buf_json(out, slice_str(value));
}

static void
key_u64(struct buf *out, const char *name, uint64_t value)
{
	key(out, name);
	buf_u64(out, value);
}

/* The parts of a node that are not seen, as strings. */
static void
blind_json(uint64_t blind, struct buf *out)
{
	bool more = false;

	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(blind >> bit & 1))
			continue;
		buf_str(out, more ? "," : "");
		buf_json(out, slice_str(wire_blind_text(bit)));
		more = true;
	}
}

/* ---- status ---- */

struct sensor_rows {
	struct buf *out;
	bool more;
};

static void
sensor_row(void *arg, struct stream *s)
{
	struct sensor_rows *r = arg;
	struct buf *out = r->out;
	uint64_t now = clock_mono(), state_at = s->state_at;
	int64_t skew;
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "sensor_start", s->id.sensor_start },
		{ "received", s->received },
		{ "evaluated", s->evaluated },
		{ "durable", s->durable },
		{ "state_seq", s->state_seq },
		{ "state_age_ns", state_at > 0 && now > state_at ? now - state_at : 0 },
		{ "events", s->events },
		{ "bytes", s->bytes },
		{ "drops", s->drops },
		{ "gaps", s->gaps },
		{ "suppressed", s->suppressed },
		{ "rereads", s->rereads },
		{ "unstashed", s->unstashed },
		{ "silences", s->silences },
		{ "redacted", s->redacted },
		{ "duplicates", s->duplicates },
		{ "malformed", s->malformed },
		{ "interest", s->interest },
		{ "state_bytes", s->state_bytes },
		{ "unreadable", s->unreadable },
		{ "last_seen", s->last_seen },
		{ "unheard_ns", stream_unheard_ns(s, now) },
		{ "certificate_issued", s->cert_since / NS_PER_S },
		{ "certificate_expires", s->cert_until / NS_PER_S },
	};

	buf_str(out, r->more ? ",{" : "{");
	r->more = true;
	key_str(out, "node", s->id.node);
	key_str(out, "cluster", s->id.cluster);
	key_str(out, "boot_id", s->id.boot_id);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		key_u64(out, numbers[i].key, numbers[i].value);
	}
	if (skew_of(&s->skew, &skew))
		buf_printf(out, ",\"clock_skew_ns\":%lld", (long long) skew);
	else
		buf_str(out, ",\"clock_skew_ns\":null");
	buf_str(out, ",\"accounts\":{");
	accounts_json(s, out);
	buf_str(out, "},\"blind\":[");
	blind_json(s->blind, out);
	buf_str(out, "],\"loss\":");
	loss_json(&s->loss, clock_real(), out);
	buf_printf(out, ",\"snapshot\":\"%s\",\"connected\":%s,\"state\":\"%s\"}",
	    s->snapshot_id == 0 ? "whole" : "awaited", s->connected ? "true" : "false",
	    sight_name(stream_sight(s, clock_mono())));
}

static void
status_outputs(const struct api_view *v, struct buf *out)
{
	struct output_stats st[OUTPUTS_MAX];
	size_t n = outputs_stats(v->outputs, st, ARRAY_SIZE(st));

	buf_str(out, "\"outputs\":[");
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i > 0 ? ",{" : "{");
		key_str(out, "name", st[i].name);
		key_u64(out, "delivered", st[i].delivered);
		key_u64(out, "refused", st[i].refused);
		key_u64(out, "retries", st[i].retries);
		key_u64(out, "skipped", st[i].skipped);
		key_u64(out, "filtered", st[i].filtered);
		key_u64(out, "silenced", st[i].silenced);
		key_u64(out, "waiting", st[i].lag_rows);
		key_u64(out, "oldest_ms", st[i].oldest_age_ms);
		key_str(out, "error", st[i].error);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void
status_collector(const struct api_view *v, struct buf *out)
{
	const char *why = api_ready(v);
	struct shard_stats sh;
	struct ingest_stats in;

	shards_counters(v->shards, &sh);
	ingest_stats(v->ingest, &in);
	buf_str(out, "\"collector\":{");
	key_str(out, "name", v->name);
	key_str(out, "cluster", v->cluster);
	key_str(out, "version", v->version);
	key_u64(out, "started", v->started);
	key_u64(out, "now", clock_real());
	buf_printf(out, ",\"ready\":%s,", why == NULL ? "true" : "false");
	key_str(out, "not_ready", why == NULL ? "" : why);
#define STAT(member, kind, help) key_u64(out, #member, sh.member);
#include "collector/shard/shard_stats.def"
	buf_str(out, ",\"loss_windows\":{");
	for (unsigned i = 0; i < LOSS_MAX; i++)
		key_u64(out, loss_name(i), sh.losses[i]);
	buf_str(out, "},");
	key_u64(out, "queued", sh.queued);
	key_u64(out, "connections", in.connections);
	key_u64(out, "certificate_expires", in.certificate_expiry_seconds);
	key_u64(out, "refused", in.refused_identity + in.refused_protocol);
	buf_char(out, '}');
}

static void
status_outbox(const struct api_view *v, struct buf *out)
{
	struct outbox_stats st;

	outbox_stats(v->outbox, &st);
	buf_str(out, "\"outbox\":{");
	key_u64(out, "rows", st.rows);
	key_u64(out, "bytes", st.bytes);
	key_u64(out, "committed", st.committed);
	key_u64(out, "duplicates", st.duplicates);
	key_u64(out, "set_aside", st.set_aside);
	key_u64(out, "lost", st.lost);
	key_u64(out, "damaged", st.damaged);
	key_str(out, "error", st.error);
	buf_printf(out, ",\"full\":%s,\"corrupt\":%s}", st.full ? "true" : "false",
	    st.corrupt ? "true" : "false");
}

static void
status_checkpoint(const struct api_view *v, struct buf *out)
{
	struct checkpoint_stats st;

	checkpoint_stats(v->checkpoint, &st);
	buf_printf(out, "\"checkpoint\":{\"enabled\":%s", v->checkpoint != NULL ? "true" : "false");
	key_u64(out, "written", st.written);
	key_u64(out, "bytes", st.bytes);
	key_u64(out, "failed", st.failed);
	key_u64(out, "loaded", st.loaded);
	key_u64(out, "damaged", st.damaged);
	key_u64(out, "waiting", st.waiting);
	buf_str(out, "},");
}

struct ruleset *
api_ruleset(const struct api_view *v)
{
	struct ruleset *set;

	pthread_mutex_lock(v->rules_lock);
	set = ruleset_ref(*v->rules);
	pthread_mutex_unlock(v->rules_lock);
	return set;
}

void
api_status(const struct api_view *v, struct buf *out)
{
	struct ruleset_counts c;
	struct ruleset *set;

	buf_char(out, '{');
	status_collector(v, out);
	set = api_ruleset(v);
	ruleset_counts(set, &c);
	ruleset_unref(set);
	buf_printf(out,
	    ",\"rules\":{\"rules\":%zu,\"in_force\":%zu,\"blind\":%zu,"
	    "\"partly_blind\":%zu},",
	    c.rules, c.in_force, c.blind, c.partly);
	status_outbox(v, out);
	buf_char(out, ',');
	status_checkpoint(v, out);
	status_outputs(v, out);
	buf_str(out, ",\"sensors\":[");
	streams_each(v->streams, sensor_row, &(struct sensor_rows){ out, false });
	buf_str(out, "]}\n");
}

/* ---- rules ---- */

static void
key_or_null(struct buf *out, const char *name, const char *value)
{
	key(out, name);
	if (value != NULL)
		buf_json(out, slice_str(value));
	else
		buf_str(out, "null");
}

static void
rule_row(struct buf *out, const struct rule *r, const struct rule_sum *sum)
{
	key_str(out, "rule", r->name);
	key_str(out, "priority", priority_name(r->priority));
	key_str(out, "source", r->source);
	buf_printf(out, ",\"enabled\":%s,\"loaded\":%s,", r->enabled ? "true" : "false",
	    r->loaded ? "true" : "false");
	key_or_null(out, "blind", r->blind);
	key_or_null(out, "partly", r->partly);
	key_u64(out, "evaluations", sum->evals);
	key_u64(out, "checks", sum->checks);
	key_u64(out, "hits", sum->hits);
	key_u64(out, "suppressed", sum->suppressed);
	buf_str(out, ",\"tags\":[");
	for (size_t i = 0; i < r->ntags; i++) {
		if (i > 0)
			buf_char(out, ',');
		buf_json(out, slice_str(r->tags[i]));
	}
	buf_char(out, ']');
}

void
api_rules(const struct api_view *v, struct buf *out)
{
	const struct rule *const *rules;
	struct ruleset *set;
	size_t n;

	set = api_ruleset(v);
	n = ruleset_rules(set, &rules);
	buf_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		struct rule_sum sum;

		ruleset_sum(set, (uint32_t) i, &sum);
		buf_str(out, i > 0 ? ",{" : "{");
		rule_row(out, rules[i], &sum);
		buf_char(out, '}');
	}
	buf_str(out, "]\n");
	ruleset_unref(set);
}

/* Has an alert waited too long for an output? */
static bool
waits_too_long(const struct api_view *v)
{
	struct output_stats st[OUTPUTS_MAX];
	size_t n = v->unready_after == 0 ? 0 : outputs_stats(v->outputs, st, ARRAY_SIZE(st));

	while (n > 0) {
		if (st[--n].oldest_age_ms >= v->unready_after)
			return true;
	}
	return false;
}

const char *
api_ready(const struct api_view *v)
{
	struct outbox_stats st;

	outbox_stats(v->outbox, &st);
	if (st.corrupt)
		return "the outbox is damaged: alerts are not acknowledged; restart the collector";
	if (st.full)
		return "the outbox has no room: alerts are not acknowledged until there is";
	if (st.error[0] != '\0')
		return "the outbox cannot be written: alerts are not acknowledged until it can";
	if (waits_too_long(v))
		return "an alert has waited for an output for longer than http.unready_after; "
		       "'mewsctl outputs list' says which, and why";
	return NULL;
}
