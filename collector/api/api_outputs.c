/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_outputs.c - /api/v1/outputs: where alerts go.
 *
 *	outputs                 [{"name","kind","state","delivered",...,"dead_letters"}]
 *	outputs/test            POST, output=: send a marked alert there, and wait for the answer:
 *	                        {"output","uuid","result","said"}; result: delivered, refused (for
 *	                        good), failed (for now), unanswered
 *	outputs/dead-letters    output=, after= (a number), limit=: alerts that it refused for good
 *	outputs/retry           POST, output=, and number=: one, else all: send them again
 */
#include "collector/api/api_int.h"
#include "collector/rule/alert_internal.h"
#include "common/clock.h"
#include <errno.h>
#include <stdlib.h>

enum { OUTPUTS_MAX = 16, LETTERS_MAX = 1000, LETTERS_DEFAULT = 100 };

static void
add_text(struct buf *b, const char *key, const char *value)
{
	buf_str(b, key);
	buf_json(b, slice_str(value));
}

static enum MHD_Result
unknown_output(struct request *q)
{
	return request_refuse(q, MHD_HTTP_NOT_FOUND,
	    "no such output is enabled: 'output' must be one that 'mewsctl outputs list' shows");
}

/* ---- the list ---- */

static const char *
state_of(const struct output_stats *s)
{
	if (s->error[0] != '\0')
		return "failing";
	return s->lag_rows > 0 ? "sending" : "ok";
}

static int
add_output(const struct api_view *v, const struct output_stats *s, struct buf *b)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "delivered", s->delivered },
		{ "refused", s->refused },
		{ "retries", s->retries },
		{ "skipped", s->skipped },
		{ "filtered", s->filtered },
		{ "silenced", s->silenced },
		{ "waiting", s->lag_rows },
		{ "oldest_ms", s->oldest_age_ms },
		{ "last_error_at", s->last_at },
	};
	uint64_t letters = 0;
	int r = outbox_letters_count(v->outbox, s->name, &letters);

	add_text(b, "{\"name\":", s->name);
	add_text(b, ",\"kind\":", s->kind);
	add_text(b, ",\"state\":", state_of(s));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		buf_printf(b, ",\"%s\":%lu", numbers[i].key, (unsigned long) numbers[i].value);
	add_text(b, ",\"error\":", s->error);
	add_text(b, ",\"last_error\":", s->last);
	buf_printf(b, ",\"dead_letters\":%lu,\"retrying\":%s}", (unsigned long) letters,
	    s->retrying ? "true" : "false");
	return r;
}

enum MHD_Result
answer_outputs(struct request *q)
{
	const struct api_view *v = &q->door->api->view;
	struct output_stats st[OUTPUTS_MAX];
	size_t n = outputs_stats(v->outputs, st, ARRAY_SIZE(st));
	struct buf b = BUF_INIT;
	int r = 0;

	buf_char(&b, '[');
	for (size_t i = 0; r == 0 && i < n; i++) {
		buf_str(&b, i > 0 ? "," : "");
		r = add_output(v, &st[i], &b);
	}
	buf_str(&b, "]\n");
	if (r == 0)
		return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
	buf_fini(&b);
	return reply_error(
	    q->mhd, MHD_HTTP_SERVICE_UNAVAILABLE, "the outbox cannot be read: ask again");
}

/* ---- dead letters ---- */

struct letters {
	struct buf *b;
	bool more;
};

static bool
add_letter(void *arg, const struct outbox_letter *l)
{
	struct letters *to = arg;
	struct buf *b = to->b;

	buf_str(b, to->more ? "," : "");
	to->more = true;
	buf_printf(
	    b, "{\"number\":%lu,\"since\":%lu", (unsigned long) l->rowid, (unsigned long) l->since);
	add_text(b, ",\"why\":", l->why);
	if (l->alert != NULL) {
		add_text(b, ",\"uuid\":", l->alert->id);
		add_text(b, ",\"rule\":", l->alert->rule);
		add_text(b, ",\"cluster\":", l->alert->cluster);
		add_text(b, ",\"node\":", l->alert->node);
		buf_printf(b, ",\"time\":%lu", (unsigned long) l->alert->time);
	}
	buf_char(b, '}');
	return true;
}

enum MHD_Result
answer_letters(struct request *q)
{
	const char *output = request_argument(q, "output");
	struct buf b = BUF_INIT;
	struct letters to = { &b, false };
	uint64_t after, limit;
	int r;

	if (output == NULL || request_number(q, "after", 0, &after) < 0 ||
	    request_number(q, "limit", LETTERS_DEFAULT, &limit) < 0 || limit < 1 ||
	    limit > LETTERS_MAX)
		return reply_error(q->mhd, MHD_HTTP_BAD_REQUEST,
		    "'output' must name an output, 'after' and 'limit' (1 to 1000) be whole "
		    "numbers");
	buf_char(&b, '[');
	r = outbox_letters(q->door->api->view.outbox, output, after, limit, add_letter, &to);
	buf_str(&b, "]\n");
	if (r >= 0)
		return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
	buf_fini(&b);
	return reply_error(
	    q->mhd, MHD_HTTP_SERVICE_UNAVAILABLE, "the outbox cannot be read: ask again");
}

enum MHD_Result
answer_retry(struct request *q)
{
	const char *output = request_argument(q, "output");
	struct buf b = BUF_INIT;
	uint64_t n;
	int r;

	if (request_number(q, "number", 0, &n) < 0)
		return request_refuse(
		    q, MHD_HTTP_BAD_REQUEST, "'number' must be that of a dead letter");
	r = output == NULL ? -ENOENT : outputs_retry(q->door->api->view.outputs, output, n);
	if (r == -ENOENT)
		return unknown_output(q);
	if (r == -EBUSY)
		return request_refuse(
		    q, MHD_HTTP_CONFLICT, "this output sends its dead letters again already");
	buf_str(&b, "{}\n");
	audit(q, MHD_HTTP_OK);
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}

/* ---- a test: the connection is suspended until its output has an answer ---- */

struct test_wait {
	struct api_wait wait;
	struct output_test test;
	struct alert *alert;
};

static void
wait_free(struct api_wait *wait)
{
	struct test_wait *w = CONTAINER_OF(wait, struct test_wait, wait);

	alert_free(w->alert);
	free(w);
}

static void
on_tested(struct output_test *t)
{
	wait_over(&CONTAINER_OF(t, struct test_wait, test)->wait);
}

/* An alert that says that it is a test. */
static int
make_alert(const struct api_view *v, const char *output, struct alert **ret)
{
	const struct alert_internal_field marks[] = { { "mews.output", output, 0 },
		{ "mews.test", "true", 0 } };
	char text[128], identity[64];
	struct alert_internal a = {
		.rule = "Mews test",
		.priority = PRIO_NOTICE,
		.cluster = v->cluster == NULL ? "" : v->cluster,
		.node = v->name == NULL ? "" : v->name,
		.time = clock_real(),
		.output = text,
		.fields = marks,
		.nfields = ARRAY_SIZE(marks),
		.identity = identity,
	};

	(void) snprintf(text, sizeof(text),
	    "this is a test of the output %s: nothing has happened, and nothing needs to be done",
	    output);
	(void) snprintf(identity, sizeof(identity), "%lu", (unsigned long) a.time);
	return alert_internal(&a, NULL, ret);
}

static enum MHD_Result
begin_test(struct request *q, const char *output)
{
	const struct api_view *v = &q->door->api->view;
	struct test_wait *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL)
		return MHD_NO;
	w->wait.free = wait_free;
	r = make_alert(v, output, &w->alert);
	if (r < 0 || !request_wait(q, &w->wait, TEST_WAIT_S)) {
		wait_free(&w->wait);
		return r < 0 ? MHD_NO
			     : request_refuse(q, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "too many tests are under way: ask again in a few seconds");
	}
	w->test.alert = w->alert;
	w->test.done = on_tested;
	q->error = outputs_test(v->outputs, output, &w->test);
	if (q->error < 0) {
		q->held = NULL;
		wait_free(&w->wait);
		request_ready(q);
	}
	return MHD_YES;
}

enum MHD_Result
answer_test(struct request *q)
{
	static const char *const results[] = {
		[OUTPUT_TEST_DELIVERED] = "delivered",
		[OUTPUT_TEST_REFUSED] = "refused",
		[OUTPUT_TEST_FAILED] = "failed",
		[OUTPUT_TEST_UNANSWERED] = "unanswered",
	};
	const char *output = request_argument(q, "output");
	struct buf b = BUF_INIT;
	struct test_wait *w;

	if (output == NULL || q->error == -ENOENT)
		return unknown_output(q);
	if (q->error == -EBUSY)
		return request_refuse(
		    q, MHD_HTTP_CONFLICT, "another test of this output is under way");
	if (!q->asked)
		return begin_test(q, output);
	if (q->held == NULL)
		return request_refuse(
		    q, MHD_HTTP_SERVICE_UNAVAILABLE, "the output's thread does not answer");
	audit(q, MHD_HTTP_OK);
	w = CONTAINER_OF(q->held, struct test_wait, wait);
	add_text(&b, "{\"output\":", output);
	add_text(&b, ",\"uuid\":", w->alert->id);
	add_text(&b, ",\"result\":", results[w->test.end]);
	add_text(&b, ",\"said\":", w->test.said);
	buf_str(&b, "}\n");
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}
