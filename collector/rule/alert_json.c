/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_json.c - an alert as Falco prints it with json_output: keys in alphabetical order, and what
 * is our own as mews.* in output_fields.
 */
#include "collector/rule/rule.h"
#include "common/clock.h"
#include <errno.h>
#include <time.h>

void
alert_scratch_fini(struct alert_scratch *s)
{
	buf_fini(&s->text);
	buf_fini(&s->json);
}

/* "15:24:25.353780313: Warning text" */
static void
add_line(const struct rule *r, const struct view *v, struct fscratch *fs, struct buf *out)
{
	time_t s = (time_t) (v->time / NS_PER_S);
	struct tm tm = { .tm_sec = 0 };

	(void) localtime_r(&s, &tm);
	buf_printf(out, "%02d:%02d:%02d.%09u: %s ", tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (unsigned) (v->time % NS_PER_S), priority_name(r->priority));
	format_text(r->format, v, fs, out);
}

/* "2026-11-22T15:24:25.353780313Z" */
static void
add_time(uint64_t time, struct buf *out)
{
	time_t s = (time_t) (time / NS_PER_S);
	struct tm tm = { .tm_sec = 0 };

	(void) gmtime_r(&s, &tm);
	buf_printf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%09uZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned) (time % NS_PER_S));
}

static void
add_tags(const struct rule *r, struct buf *out)
{
	buf_char(out, '[');
	for (size_t i = 0; i < r->ntags; i++) {
		if (i > 0)
			buf_char(out, ',');
		buf_json(out, slice_str(r->tags[i]));
	}
	buf_char(out, ']');
}

static void
add_key(struct buf *out, const char *key, const char *value)
{
	buf_str(out, key);
	buf_json(out, slice_str(value));
}

int
alert_render(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct alert_scratch *s, struct alert **ret)
{
	struct buf *j = &s->json;
	struct alert a = {
		.priority = rule->priority,
		.time = v->time,
		.rule = rule->name,
		.cluster = o->cluster,
		.node = o->node,
	};
	int r = alert_id(rule, v, o, &s->text, a.id);

	if (r < 0)
		return r;
	buf_clear(&s->text);
	buf_clear(j);
	add_line(rule, v, fs, &s->text);
	add_key(j, "{\"hostname\":", o->node);
	buf_str(j, ",\"output\":");
	buf_json(j, buf_get(&s->text));
	buf_str(j, ",\"output_fields\":{");
	format_fields(rule->format, v, fs, j);
	add_key(j, ",\"mews.cluster\":", o->cluster);
	buf_printf(j, ",\"mews.loss_window\":%s},", o->loss_window ? "true" : "false");
	add_key(j, "\"priority\":", priority_name(rule->priority));
	add_key(j, ",\"rule\":", rule->name);
	add_key(j, ",\"source\":", rule->source);
	buf_str(j, ",\"tags\":");
	add_tags(rule, j);
	buf_str(j, ",\"time\":");
	add_time(v->time, j);
	add_key(j, ",\"uuid\":", a.id);
	buf_char(j, '}');
	if (buf_ok(&s->text) < 0 || buf_ok(j) < 0)
		return -ENOMEM;
	a.json = j->p;
	a.json_len = j->n;
	return alert_new(&a, ret);
}
