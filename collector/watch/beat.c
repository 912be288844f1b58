/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/beat.h"
#include "collector/output/text_part.h"
#include "common/clock.h"

static void
add_text(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, slice_str(value));
}

static void
add_number(struct buf *b, const char *name, uint64_t value)
{
	buf_printf(b, ",\"%s\":%llu", name, (unsigned long long) value);
}

static void
add_time(struct buf *b, const char *name, uint64_t at)
{
	char text[40];

	if (at == 0) {
		buf_printf(b, ",\"%s\":null", name);
		return;
	}
	text_time(at, text);
	add_text(b, name, text);
}

static void
add_json(struct buf *b, const struct stream *s, const char *collector, const uint64_t rules[2],
    uint64_t now)
{
	buf_str(b, "{\"cluster\":");
	buf_json(b, slice_str(s->id.cluster));
	add_text(b, "node", s->id.node);
	add_time(b, "time", now);
	add_text(b, "state", sight_name(stream_sight(s, clock_mono())));
	add_text(b, "boot_id", s->id.boot_id);
	add_number(b, "sensor_start", s->id.sensor_start);
	add_number(b, "sequence", s->received);
	add_number(b, "durable", s->durable);
	add_number(b, "events", s->events);
	add_number(b, "drops", s->drops);
	add_number(b, "gaps", s->gaps);
	buf_printf(
	    b, ",\"loss_window\":%s", loss_shown_open(&s->loss, now) != 0 ? "true" : "false");
	buf_printf(b, ",\"rules\":\"%016llx%016llx\"", (unsigned long long) rules[0],
	    (unsigned long long) rules[1]);
	add_time(b, "watermark", s->coverage.whole);
	add_text(b, "collector", collector);
	buf_char(b, '}');
}

struct output_beat *
beat_of(const struct stream *s, const char *collector, const uint64_t rules[2], uint64_t now)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	struct output_beat *ret;

	add_json(&b, s, collector, rules, now);
	ret = buf_ok(&b) < 0 ? NULL : malloc(sizeof(*ret) + b.n);
	if (ret == NULL)
		return NULL;
	ret->next = NULL;
	ret->time = now;
	(void) snprintf(ret->cluster, sizeof(ret->cluster), "%s", s->id.cluster);
	(void) snprintf(ret->node, sizeof(ret->node), "%s", s->id.node);
	ret->n = b.n;
	memcpy(ret->json, b.p, b.n);
	return ret;
}

struct making {
	const struct beat_cfg *cfg;
	uint64_t rules[2], now;
	struct output_beat *list;
};

static void
add(void *arg, struct stream *s)
{
	struct making *m = arg;
	struct output_beat *b = s->forgotten ? NULL : beat_of(s, m->cfg->name, m->rules, m->now);

	if (b == NULL)
		return;
	b->next = m->list;
	m->list = b;
}

struct output_beat *
beats_make(void *arg)
{
	const struct beat_cfg *cfg = arg;
	struct making m = { .cfg = cfg, .now = clock_real() };

	if (ruleset_hash(cfg->rules, m.rules) == 0)
		streams_each(cfg->streams, add, &m);
	return m.list;
}
