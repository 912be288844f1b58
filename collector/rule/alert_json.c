/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_json.c - an alert as Falco prints it with json_output: keys in alphabetical order, and our
 * own fields as mews.* in output_fields.
 */
#include "collector/alert/loss.h"
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

void
alert_clock(uint64_t time, bool iso8601, struct buf *out)
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
	alert_clock(time, iso8601, out);
	buf_printf(out, ": %s ", priority_name(p));
}

/* Append "15:24:25.353780313: Warning text"; the text itself begins at *message. */
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

enum { OWN_MAX = 10 };

/* Is the process in a container of which its runtime has not told us? */
static bool
in_unknown_container(const struct view *v)
{
	struct slice id = intern_get(state_pool(v->state), v->thread->container_id);

	return id.n > 0 && !slice_eq(id, SLICE("host")) &&
	       state_container(v->state, v->thread) == NULL;
}

/* Collect our own output_fields, by name; marks of the event only if they are set. Returns their
 * number. */
static size_t
own_fields(const struct view *v, const struct alert_origin *o, char causes[LOSS_NAMES],
    struct format_own own[OWN_MAX])
{
	size_t n = 0;

	own[n++] = (struct format_own){ .name = "mews.cluster", .text = o->cluster };
	if (in_unknown_container(v))
		own[n++] = (struct format_own){ .name = "mews.container_unknown", .yes = true };
	if (v->ev->flags & EVF_CUT)
		own[n++] = (struct format_own){ .name = "mews.cut", .yes = true };
	if (v->ev->flags & EVF_URING)
		own[n++] = (struct format_own){ .name = "mews.io_uring", .yes = true };
	if (o->kube_stale > 0)
		own[n++] = (struct format_own){ .name = "mews.kubernetes_stale", .yes = true };
	if (v->loss.n > 0)
		own[n++] = (struct format_own){ .name = "mews.loss", .json = v->loss };
	if (o->losses != 0)
		own[n++] = (struct format_own){ .name = "mews.loss_cause",
			.text = loss_names(o->losses, causes) };
	own[n++] = (struct format_own){ .name = "mews.loss_window", .yes = o->losses != 0 };
	if (v->ev->flags & EVF_REDACTED)
		own[n++] = (struct format_own){ .name = "mews.redacted", .yes = true };
	if (v->ev->flags & EVF_REREAD)
		own[n++] = (struct format_own){ .name = "mews.reread", .yes = true };
	return n;
}

size_t
alert_fields(const struct format *f, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct buf *out)
{
	char causes[LOSS_NAMES];
	struct format_own own[OWN_MAX];
	size_t nown = own_fields(v, o, causes, own);

	return format_fields(f, v, fs, own, nown, out);
}

int
alert_json_begin(
    const struct alert *a, const struct alert_json *what, size_t message, struct alert_scratch *s)
{
	struct buf *j = &s->json;

	if (buf_ok(&s->text) < 0)
		return -ENOMEM;
	buf_clear(j);
	add_key(j, "{\"hostname\":", a->node);
	if (what->message) {
		buf_str(j, ",\"message\":");
		buf_json(j, (struct slice){ s->text.p + message, s->text.n - message });
	}
	if (!what->no_output) {
		buf_str(j, ",\"output\":");
		buf_json(j, buf_get(&s->text));
	}
	return 0;
}

int
alert_json_end(
    struct alert *a, const struct rule *rule, struct alert_scratch *s, struct alert **ret)
{
	struct buf *j = &s->json;

	add_key(j, ",\"priority\":", priority_name(a->priority));
	add_key(j, ",\"rule\":", a->rule);
	add_key(j, ",\"source\":", rule->source);
	if (!rule->format->json.no_tags) {
		buf_str(j, ",\"tags\":");
		add_tags(rule, j);
	}
	buf_str(j, ",\"time\":");
	alert_time(a->time, j);
	add_key(j, ",\"uuid\":", a->id);
	buf_char(j, '}');
	if (buf_ok(j) < 0)
		return -ENOMEM;
	a->json = j->p;
	a->json_len = j->n;
	return alert_new(a, ret);
}

int
alert_render(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct alert_scratch *s, struct alert **ret)
{
	struct alert a = {
		.priority = rule->priority,
		.time = v->time,
		.rule = rule->name,
		.cluster = o->cluster,
		.node = o->node,
	};
	size_t message = 0;
	int r = alert_id(rule, v, o, &s->text, a.id);

	if (r < 0)
		return r;
	buf_clear(&s->text);
	add_line(rule, v, fs, &s->text, &message);
	r = alert_json_begin(&a, &rule->format->json, message, s);
	if (r < 0)
		return r;
	if (!rule->format->json.no_fields) {
		buf_str(&s->json, ",\"output_fields\":{");
		(void) alert_fields(rule->format, v, o, fs, &s->json);
		buf_char(&s->json, '}');
	}
	return alert_json_end(&a, rule, s, ret);
}
