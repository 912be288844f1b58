/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/alert_summary.h"
#include "collector/rule/format_int.h"
#include <inttypes.h>

void
alert_summary_fini(struct alert_summary *s)
{
	buf_fini(&s->text);
	buf_fini(&s->fields);
	*s = (struct alert_summary){ 0 };
}

void
alert_summary_add(struct alert_summary *s, const struct rule *rule, const struct view *v,
    const struct alert_origin *o, const char *by, struct fscratch *fs)
{
	if (s->count++ == 0) {
		s->rule = rule;
		s->first = v->ev->index;
		s->first_time = v->time;
		(void) snprintf(s->by, sizeof(s->by), "%s", by);
		format_text(rule->format, v, fs, &s->text);
		s->own_end = alert_fields(rule->format, v, o, fs, &s->fields);
	}
	s->last = v->ev->index;
	s->last_time = v->time;
}

/* Append the alert's text, without time and priority. */
static void
add_text(const struct alert_summary *s, bool iso8601, struct buf *out)
{
	buf_printf(out, "%" PRIu64 " matches by %s until ", s->count, s->by);
	alert_clock(s->last_time, iso8601, out);
	buf_str(out, " in one alert, the first: ");
	buf_slice(out, buf_get(&s->text));
}

/* Append the output_fields of the first match, and ours. */
static void
add_fields(
    const struct alert_summary *s, const char *first_id, const char *last_id, struct buf *out)
{
	struct slice f = buf_get(&s->fields);

	buf_slice(out, (struct slice){ f.p, s->own_end });
	buf_str(out, ",\"mews.suppressed.by\":");
	buf_json(out, slice_str(s->by));
	buf_printf(out, ",\"mews.suppressed.count\":%" PRIu64, s->count);
	buf_printf(out, ",\"mews.suppressed.first_id\":\"%s\"", first_id);
	buf_printf(out, ",\"mews.suppressed.first_time\":%" PRIu64, s->first_time);
	buf_printf(out, ",\"mews.suppressed.last_id\":\"%s\"", last_id);
	buf_printf(out, ",\"mews.suppressed.last_time\":%" PRIu64, s->last_time);
	buf_slice(out, (struct slice){ f.p + s->own_end, f.n - s->own_end });
}

static int
render(struct alert_summary *s, const struct alert_origin *o, struct alert_scratch *scratch,
    struct alert **ret)
{
	const struct alert_json *what = &s->rule->format->json;
	char first_id[ALERT_ID_SIZE], last_id[ALERT_ID_SIZE];
	struct alert a = {
		.priority = s->rule->priority,
		.time = s->first_time,
		.rule = s->rule->name,
		.cluster = o->cluster,
		.node = o->node,
	};
	size_t message;
	int r = buf_ok(&s->text);

	if (r == 0)
		r = buf_ok(&s->fields);
	if (r == 0)
		r = alert_id_event(s->rule, s->first, o, NULL, &scratch->text, first_id);
	if (r == 0)
		r = alert_id_event(s->rule, s->last, o, NULL, &scratch->text, last_id);
	if (r == 0)
		r = alert_id_event(s->rule, s->first, o, "suppressed", &scratch->text, a.id);
	if (r < 0)
		return r;
	buf_clear(&scratch->text);
	alert_line_head(a.time, a.priority, what->iso8601, &scratch->text);
	message = scratch->text.n;
	add_text(s, what->iso8601, &scratch->text);
	r = alert_json_begin(&a, what, message, scratch);
	if (r < 0)
		return r;
	if (!what->no_fields) {
		buf_str(&scratch->json, ",\"output_fields\":{");
		add_fields(s, first_id, last_id, &scratch->json);
		buf_char(&scratch->json, '}');
	}
	return alert_json_end(&a, s->rule, scratch, ret);
}

int
alert_summary_end(struct alert_summary *s, const struct alert_origin *o,
    struct alert_scratch *scratch, struct alert **ret)
{
	int r = render(s, o, scratch, ret);

	alert_summary_fini(s);
	return r;
}
