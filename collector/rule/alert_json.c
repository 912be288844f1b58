/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_json.c - an alert as Falco prints it with json_output: keys in alphabetical order, and what
 * is our own as mews.* in output_fields.
 */
#include "collector/rule/format_int.h"
#include "common/clock.h"
#include <errno.h>
#include <time.h>

void
alert_scratch_fini(struct alert_scratch *s)
{
	buf_fini(&s->text);
	buf_fini(&s->json);
}

/* "15:24:25.353780313", or "2026-11-22T15:24:25.353780313+0000" */
static void
add_clock(uint64_t time, bool iso8601, struct buf *out)
{
	time_t s = (time_t) (time / NS_PER_S);
	struct tm tm = { .tm_sec = 0 };

	if (iso8601)
		(void) gmtime_r(&s, &tm);
	else
		(void) localtime_r(&s, &tm);
	if (iso8601)
		buf_printf(out, "%04d-%02d-%02dT", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	buf_printf(out, "%02d:%02d:%02d.%09u%s", tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (unsigned) (time % NS_PER_S), iso8601 ? "+0000" : "");
}

void
alert_line_head(uint64_t time, enum priority p, bool iso8601, struct buf *out)
{
	add_clock(time, iso8601, out);
	buf_printf(out, ": %s ", priority_name(p));
}

/* "15:24:25.353780313: Warning text"; the text itself begins at *message. */
static void
add_line(const struct rule *r, const struct view *v, struct fscratch *fs, struct buf *out,
    size_t *message)
{
	alert_line_head(v->time, r->priority, r->format->json.iso8601, out);
	*message = out->n;
	format_text(r->format, v, fs, out);
}

void
alert_time(uint64_t time, struct buf *out)
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

enum { OWN_MAX = 4 };

/* Our own output_fields, by name; the event's marks only if they are set. How many. */
static size_t
own_fields(const struct view *v, const struct alert_origin *o, struct format_own own[OWN_MAX])
{
	size_t n = 0;

	own[n++] = (struct format_own){ "mews.cluster", o->cluster, false };
	if (v->ev->flags & EVF_CUT)
		own[n++] = (struct format_own){ "mews.cut", NULL, true };
	own[n++] = (struct format_own){ "mews.loss_window", NULL, o->loss_window };
	if (v->ev->flags & EVF_REREAD)
		own[n++] = (struct format_own){ "mews.reread", NULL, true };
	return n;
}

/* The keys that the configuration may leave out or add, up to "priority". */
static void
add_texts(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct alert_scratch *s)
{
	const struct alert_json *what = &rule->format->json;
	struct format_own own[OWN_MAX];
	size_t nown = own_fields(v, o, own);
	struct buf *j = &s->json;
	size_t message = 0;

	add_line(rule, v, fs, &s->text, &message);
	if (buf_ok(&s->text) < 0)
		return;
	if (what->message) {
		buf_str(j, ",\"message\":");
		buf_json(j, (struct slice){ s->text.p + message, s->text.n - message });
	}
	if (!what->no_output) {
		buf_str(j, ",\"output\":");
		buf_json(j, buf_get(&s->text));
	}
	if (!what->no_fields) {
		buf_str(j, ",\"output_fields\":{");
		format_fields(rule->format, v, fs, own, nown, j);
		buf_char(j, '}');
	}
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
	add_key(j, "{\"hostname\":", o->node);
	add_texts(rule, v, o, fs, s);
	add_key(j, ",\"priority\":", priority_name(rule->priority));
	add_key(j, ",\"rule\":", rule->name);
	add_key(j, ",\"source\":", rule->source);
	if (!rule->format->json.no_tags) {
		buf_str(j, ",\"tags\":");
		add_tags(rule, j);
	}
	buf_str(j, ",\"time\":");
	alert_time(v->time, j);
	add_key(j, ",\"uuid\":", a.id);
	buf_char(j, '}');
	if (buf_ok(&s->text) < 0 || buf_ok(j) < 0)
		return -ENOMEM;
	a.json = j->p;
	a.json_len = j->n;
	return alert_new(&a, ret);
}
