/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/template_value.h"
#include "collector/output/text.h"
#include "common/clock.h"
#include "common/utf8.h"

#define TITLE   120 /* bytes: Opsgenie allows 130 characters */
#define SUMMARY 700 /* bytes: PagerDuty allows 1,024 with the rest, Slack 3,000 */

static struct value
text_of(const char *s, bool ours)
{
	return (struct value){ slice_str(s), false, ours };
}

static struct value
number(struct fill *f, const char *fmt, uint64_t v)
{
	buf_clear(&f->scratch);
	if (fmt[0] == 's') /* nanoseconds as seconds */
		buf_printf(&f->scratch, "%llu.%09llu", (unsigned long long) v / NS_PER_S,
		    (unsigned long long) v % NS_PER_S);
	else
		buf_u64(&f->scratch, v);
	return (struct value){ buf_get(&f->scratch), true, true };
}

static struct value
v_json(struct fill *f)
{
	return (struct value){ f->json, true, true };
}

/* The alert in a format. */
static struct value
shaped(struct fill *f, enum text_format format, bool raw)
{
	struct alert a = *f->a;

	a.json = f->json.p;
	a.json_len = f->json.n;
	buf_clear(&f->scratch);
	text_shape(&f->scratch, &a, format);
	return (struct value){ buf_get(&f->scratch), raw, raw };
}

static struct value
v_ocsf(struct fill *f)
{
	return shaped(f, TEXT_OCSF, true);
}

static struct value
v_ecs(struct fill *f)
{
	return shaped(f, TEXT_ECS, true);
}

static struct value
v_cloudevents(struct fill *f)
{
	return shaped(f, TEXT_CLOUDEVENTS, true);
}

static struct value
v_cef(struct fill *f)
{
	return shaped(f, TEXT_CEF, false);
}

static struct value
v_leef(struct fill *f)
{
	return shaped(f, TEXT_LEEF, false);
}

static struct value
v_id(struct fill *f)
{
	return text_of(f->a->id, true);
}

static struct value
v_rule(struct fill *f)
{
	return text_of(f->a->rule, false);
}

static struct value
v_node(struct fill *f)
{
	return text_of(f->a->node, false);
}

static struct value
v_cluster(struct fill *f)
{
	return text_of(f->a->cluster, false);
}

static struct value
v_priority(struct fill *f)
{
	return text_of(priority_name(f->a->priority), true);
}

static struct value
v_severity(struct fill *f)
{
	return number(f, "", (uint64_t) f->a->priority);
}

/* The four levels that paging services know. */
static struct value
v_level(struct fill *f)
{
	if (f->a->priority <= PRIO_CRITICAL)
		return text_of("critical", true);
	if (f->a->priority == PRIO_ERROR)
		return text_of("error", true);
	return text_of(f->a->priority == PRIO_WARNING ? "warning" : "info", true);
}

/* Opsgenie's. */
static struct value
v_urgency(struct fill *f)
{
	static const char *const names[] = { "P1", "P1", "P1", "P2", "P3", "P4", "P5", "P5" };

	return text_of(names[f->a->priority], true);
}

static unsigned
rgb(enum priority p)
{
	if (p <= PRIO_CRITICAL)
		return 0xb3261e;
	if (p == PRIO_ERROR)
		return 0xe8710a;
	return p == PRIO_WARNING ? 0xf9ab00 : p == PRIO_NOTICE ? 0x1a73e8 : 0x80868b;
}

static struct value
v_colour(struct fill *f)
{
	buf_clear(&f->scratch);
	buf_printf(&f->scratch, "#%06x", rgb(f->a->priority));
	return (struct value){ buf_get(&f->scratch), false, true };
}

static struct value
v_colour_number(struct fill *f)
{
	return number(f, "", rgb(f->a->priority));
}

static struct value
v_time(struct fill *f)
{
	char at[40];

	text_time(f->a->time, at);
	buf_clear(&f->scratch);
	buf_str(&f->scratch, at);
	return (struct value){ buf_get(&f->scratch), false, true };
}

/* For people: without fractions, of all that a notification stands for. */
static struct value
v_when(struct fill *f)
{
	char text[TEXT_SPAN];

	buf_clear(&f->scratch);
	buf_str(&f->scratch, text_span(f->repeats.first, f->repeats.last, text));
	return (struct value){ buf_get(&f->scratch), false, true };
}

static struct value
v_epoch(struct fill *f)
{
	return number(f, "s", f->a->time);
}

static struct value
v_epoch_ns(struct fill *f)
{
	return number(f, "", f->a->time);
}

static struct value
v_output(struct fill *f)
{
	json_t *output = json_object_get(f->root, "output");

	return (struct value){
		text_body((struct slice){ json_string_value(output), json_string_length(output) },
		    f->a->priority),
		false, false
	};
}

/* A text of at most 'max' bytes, cut between characters. */
static struct value
shortened(struct fill *f, struct slice text, size_t max)
{
	CLEANUP(buf_fini) struct buf copy = BUF_INIT;

	if (text.n <= max)
		return (struct value){ text, false, false };
	for (text.n = max; text.n > 0 && utf8_continues(text.p[text.n]); text.n--)
		;
	buf_slice(&copy, text); /* it may be in 'scratch' */
	buf_str(&copy, "...");
	buf_clear(&f->scratch);
	buf_slice(&f->scratch, buf_get(&copy));
	f->scratch.failed |= copy.failed;
	return (struct value){ buf_get(&f->scratch), false, false };
}

/* The output, at most as long as the titles and texts of messages may be. */
static struct value
v_summary(struct fill *f)
{
	return shortened(f, v_output(f).text, SUMMARY);
}

static struct value
v_title(struct fill *f)
{
	buf_clear(&f->scratch);
	buf_printf(&f->scratch, "%s on %s", f->a->rule, f->a->node);
	return shortened(f, buf_get(&f->scratch), TITLE);
}

/* The id of the alert that this one says is over, or NULL. */
static json_t *
resolved(const struct fill *f)
{
	json_t *id = json_object_get(json_object_get(f->root, "output_fields"), "mews.resolves");

	return json_is_string(id) ? id : NULL;
}

/* What on-call services do with it. */
static struct value
v_action(struct fill *f)
{
	return text_of(resolved(f) == NULL ? "trigger" : "resolve", true);
}

/* Grafana OnCall's. */
static struct value
v_state(struct fill *f)
{
	return text_of(resolved(f) == NULL ? "alerting" : "ok", true);
}

/* The same for an alert and for the one that says that it is over. */
static struct value
v_key(struct fill *f)
{
	json_t *id = resolved(f);

	return id == NULL ? v_id(f) : text_of(json_string_value(id), false);
}

/* ---- what a notification says that stands for several matches ---- */

static struct value
v_count(struct fill *f)
{
	return number(f, "", f->repeats.count);
}

/* " (37 times, 15:24:25 to 15:29:20 UTC)", or nothing: the span of times without the day. */
static struct value
v_repeats(struct fill *f)
{
	char first[CLOCK_TEXT], last[CLOCK_TEXT];

	buf_clear(&f->scratch);
	if (f->repeats.count == 1)
		return text_of("", true);
	(void) clock_text(f->repeats.first, first);
	(void) clock_text(f->repeats.last, last);
	buf_printf(&f->scratch, " (%lu times, %.8s to %.8s UTC)", (unsigned long) f->repeats.count,
	    first + strlen("2026-11-28T"), last + strlen("2026-11-28T"));
	return (struct value){ buf_get(&f->scratch), false, true };
}

static struct value
v_ids(struct fill *f)
{
	const struct repeats *r = &f->repeats;
	size_t n = MIN(r->alerts, REPEATS_IDS);

	buf_clear(&f->scratch);
	for (size_t i = 0; i < n; i++)
		buf_printf(&f->scratch, i > 0 ? " %s" : "%s", r->ids[i]);
	if (r->alerts > n)
		buf_printf(&f->scratch, " and %lu more", (unsigned long) (r->alerts - n));
	return (struct value){ buf_get(&f->scratch), false, true };
}

/* The first id and the last one, short enough for people. */
static struct value
v_id_range(struct fill *f)
{
	const struct repeats *r = &f->repeats;

	buf_clear(&f->scratch);
	buf_str(&f->scratch, r->ids[0]);
	if (r->alerts > 1)
		buf_printf(&f->scratch, " to %s", r->last_id);
	return (struct value){ buf_get(&f->scratch), false, true };
}

static const struct builtin builtins[] = {
	{ "alert.json", v_json, false },
	{ "alert.ocsf", v_ocsf, false },
	{ "alert.ecs", v_ecs, false },
	{ "alert.cloudevents", v_cloudevents, false },
	{ "alert.cef", v_cef, false },
	{ "alert.leef", v_leef, false },
	{ "alert.id", v_id, false },
	{ "alert.action", v_action, true },
	{ "alert.state", v_state, true },
	{ "alert.key", v_key, true },
	{ "alert.title", v_title, false },
	{ "alert.urgency", v_urgency, false },
	{ "alert.ids", v_ids, true },
	{ "alert.id_range", v_id_range, true },
	{ "alert.count", v_count, true },
	{ "alert.repeats", v_repeats, true },
	{ "alert.rule", v_rule, false },
	{ "alert.node", v_node, false },
	{ "alert.cluster", v_cluster, false },
	{ "alert.priority", v_priority, false },
	{ "alert.severity", v_severity, false },
	{ "alert.level", v_level, false },
	{ "alert.colour", v_colour, false },
	{ "alert.colour_number", v_colour_number, false },
	{ "alert.time", v_time, false },
	{ "alert.when", v_when, true },
	{ "alert.epoch", v_epoch, false },
	{ "alert.epoch_ns", v_epoch_ns, false },
	{ "alert.output", v_output, true },
	{ "alert.summary", v_summary, true },
};

const struct builtin *
template_builtin(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++) {
		if (strcmp(name, builtins[i].name) == 0)
			return &builtins[i];
	}
	return NULL;
}
