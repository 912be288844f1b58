/* SPDX-License-Identifier: Apache-2.0 */
/* webhook_reply.c - what an HTTP answer means for the alerts of its request. */
#include "collector/output/output_webhook.h"
#include "common/escape.h"
#include <errno.h>
#include <jansson.h>

#define SAID 120 /* characters of an answer that are shown */

int
webhook_reply_of(const char *name, enum webhook_reply *ret)
{
	static const char *const names[] = { "status", "ok", "code", "bulk" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum webhook_reply) i;
			return 0;
		}
	}
	return -EINVAL;
}

/* What a status means, if it is not 2xx. Everything that a person can mend without changing the
 * alert is tried again, for ever: a wrong password must not cost an alert. */
static const struct {
	long status;
	enum output_result result;
	const char *hint;
} statuses[] = {
	{ 400, OUTPUT_REFUSED, "it does not understand the alert" },
	{ 401, OUTPUT_RETRY, "it does not accept our credentials" },
	{ 403, OUTPUT_RETRY, "it does not let us send alerts" },
	{ 404, OUTPUT_RETRY, "check the path of outputs.webhook.url" },
	{ 405, OUTPUT_RETRY, "check the path of outputs.webhook.url" },
	{ 407, OUTPUT_RETRY, "the proxy does not accept our credentials" },
	{ 410, OUTPUT_RETRY, "the URL is no longer in use" },
	{ 413, OUTPUT_REFUSED, "the alert is too large" },
	{ 415, OUTPUT_REFUSED, "it does not accept this kind of body" },
	{ 422, OUTPUT_REFUSED, "it does not understand the alert" },
	{ 429, OUTPUT_RETRY, "too many requests" },
};

/* What is shown of an answer: its beginning, without secrets. */
static const char *
shown(struct slice said, const struct hide *hide, char text[SAID + 1])
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	struct slice s;

	hide_text(hide, said, &b);
	s = buf_get(&b);
	s.n = buf_ok(&b) < 0 ? 0 : MIN(s.n, (size_t) SAID);
	text[0] = '\0';
	if (s.n > 0)
		(void) escape_text(text, SAID + 1, s);
	return text;
}

static struct webhook_verdict
verdict(enum output_result result, const char *host, const char *what, struct slice said,
    const struct hide *hide)
{
	struct webhook_verdict v = { .result = result };
	char text[SAID + 1];

	(void) shown(said, hide, text);
	(void) snprintf(
	    v.why, sizeof(v.why), "%s: %s%s%s", host, what, text[0] == '\0' ? "" : ": ", text);
	return v;
}

void
webhook_describe(long status, struct slice body, const struct hide *hide, char *ret, size_t max)
{
	char text[SAID + 1];

	(void) shown(body, hide, text);
	(void) snprintf(ret, max, "HTTP status %ld%s%s", status, text[0] == '\0' ? "" : ": ", text);
}

static struct webhook_verdict
judge_status(long status, struct slice body, const char *host, const struct hide *hide)
{
	struct webhook_verdict v;
	char what[120];

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		if (statuses[i].status != status)
			continue;
		(void) snprintf(
		    what, sizeof(what), "HTTP status %ld, %s", status, statuses[i].hint);
		v = verdict(statuses[i].result, host, what, body, hide);
		v.size = status == 413;
		return v;
	}
	(void) snprintf(what, sizeof(what), "HTTP status %ld%s", status,
	    status >= 300 && status < 400 ? ", a redirection, which is not followed" : "");
	return verdict(OUTPUT_RETRY, host, what, body, hide);
}

struct webhook_verdict
webhook_judge(enum webhook_reply kind, long status, struct slice body, const char *host,
    const struct hide *hide)
{
	struct webhook_verdict fine = { .result = OUTPUT_DELIVERED };
	json_t *root, *code;
	bool good = true;

	if (status < 200 || status > 299)
		return judge_status(status, body, host, hide);
	if (kind == WEBHOOK_STATUS)
		return fine;
	root = json_loadb(body.p == NULL ? "" : body.p, body.n, 0, NULL);
	code = json_object_get(root, "code");
	if (kind == WEBHOOK_OK)
		good = (body.p != NULL && slice_eq(body, SLICE("ok"))) ||
		       json_is_true(json_object_get(root, "ok"));
	else if (kind == WEBHOOK_CODE)
		good = json_is_integer(code) && json_integer_value(code) == 0;
	else if (kind == WEBHOOK_BULK)
		good = json_is_array(json_object_get(root, "items"));
	json_decref(root);
	return good ? fine
		    : verdict(
			  OUTPUT_RETRY, host, "it answers 2xx and reports a failure", body, hide);
}

/* The action's object of an item: { "create": { "status": 201 } }. */
static json_t *
action_of(json_t *item)
{
	return json_object_iter_value(json_object_iter(item));
}

json_t *
webhook_items(struct slice body)
{
	json_t *root = json_loadb(body.p, body.n, 0, NULL);
	json_t *items = json_incref(json_object_get(root, "items"));

	json_decref(root);
	return items;
}

struct webhook_verdict
webhook_judge_item(const json_t *items, size_t i, const char *host, const struct hide *hide)
{
	struct webhook_verdict v = { .result = OUTPUT_DELIVERED };
	json_t *action = action_of(json_array_get(items, i));
	json_t *reason = json_object_get(json_object_get(action, "error"), "reason");
	struct slice said = { json_string_value(reason), json_string_length(reason) };
	long status = (long) json_integer_value(json_object_get(action, "status"));

	if (action == NULL)
		v = verdict(OUTPUT_RETRY, host, "its answer leaves an alert out", said, hide);
	/* 409: it has the alert's id already, from an attempt whose answer we missed */
	else if ((status < 200 || status > 299) && status != 409)
		v = judge_status(status, said, host, hide);
	return v;
}
