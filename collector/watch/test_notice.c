/* SPDX-License-Identifier: Apache-2.0 */
/* test_notice.c - trouble of the collector is one alert, and one when it is over. */
#include "collector/output/output.h"
#include "collector/watch/notice.h"
#include "collector/watch/reload.h"
#include "common/clock.h"
#include "tests/support/test.h"
#include <errno.h>
#include <jansson.h>

static struct output_stats output = { .name = "kafka" };
static size_t noutputs = 1;
static struct reload_stats reloads;
static char raised[4096]; /* "RULE/PART ..." */
static char last_id[ALERT_ID_SIZE], resolves[ALERT_ID_SIZE];
static bool full;

size_t
outputs_stats(struct outputs *set, struct output_stats *ret, size_t max)
{
	(void) set;
	assert_true(max >= 1);
	*ret = output;
	return noutputs;
}

void
reload_stats(const struct reload *r, struct reload_stats *ret)
{
	(void) r;
	*ret = reloads;
}

int
outbox_put(struct outbox *o, struct outbox_txn *t)
{
	json_t *root, *said;
	size_t n = strlen(raised);
	const char *old;

	(void) o;
	if (full)
		return -EAGAIN;
	root = json_loads(t->alerts->json, JSON_REJECT_DUPLICATES, NULL);
	said = json_object_get(root, "output_fields");
	assert_string_equal("internal", json_string_value(json_object_get(root, "source")));
	old = json_string_value(json_object_get(said, "mews.resolves"));
	(void) snprintf(resolves, sizeof(resolves), "%s", old == NULL ? "" : old);
	(void) snprintf(raised + n, sizeof(raised) - n, "%s/%s\n", t->alerts->rule,
	    json_string_value(json_object_get(said, "mews.part")));
	if (old == NULL)
		memcpy(last_id, t->alerts->id, sizeof(last_id));
	else
		assert_string_equal(last_id, old);
	json_decref(root);
	alert_free(t->alerts);
	t->done(t, 0);
	return 0;
}

#define DAY 86400

/* A script: what is found at a second, and what is raised then. */
static const struct {
	unsigned at; /* s */
	const char *error;
	uint64_t failed, done, sensors, api; /* certificates: days from now */
	bool full;
	const char *raised;
} steps[] = {
	{ 1, "", 0, 0, 0, 0, false, "" },
	{ 2, "down", 0, 0, 0, 0, false, "" },
	{ 50, "", 0, 0, 0, 0, false, "" }, /* it did not last */
	{ 100, "down", 0, 0, 0, 0, false, "" },
	{ 159, "down", 0, 0, 0, 0, false, "" },
	{ 160, "down", 0, 0, 0, 0, true, "" }, /* the outbox takes nothing */
	{ 161, "down", 0, 0, 0, 0, false, "Mews output failing/output kafka\n" },
	{ 162, "down too", 0, 0, 0, 0, false, "" }, /* once */
	{ 163, "", 0, 0, 0, 0, false, "" },
	{ 200, "down", 0, 0, 0, 0, false, "" }, /* it was not over */
	{ 300, "", 0, 0, 0, 0, false, "" },
	{ 360, "", 0, 0, 0, 0, false, "Mews output works again/output kafka\n" },
	{ 361, "", 0, 0, 0, 0, false, "" },
	{ 400, "", 1, 0, 0, 0, false, "Mews rules not loaded/rules\n" },
	{ 401, "", 2, 0, 0, 0, false, "" },
	{ 402, "", 2, 1, 0, 0, false, "Mews rules loaded again/rules\n" },
	{ 403, "", 2, 2, 0, 0, false, "" },
	{ 500, "", 2, 2, 15, 30, false, "" },
	{ 501, "", 2, 2, 13, 30, false, "Mews certificate expires soon/tls.certificate\n" },
	{ 502, "", 2, 2, 12, 30, false, "" },
	{ 503, "", 2, 2, 90, 30, false, "Mews certificate renewed/tls.certificate\n" },
	{ 504, "", 2, 2, 90, 1, false, "Mews certificate expires soon/http.tls.certificate\n" },
	{ 505, "", 2, 2, 90, 0, false, "Mews certificate renewed/http.tls.certificate\n" },
};

static void
each_is_told_once_and_resolved(void **state)
{
	struct notices w = { .cfg = { .cluster = "prod", .name = "mews-1" } };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		uint64_t s = clock_real() / NS_PER_S;
		struct notice_certificates c = {
			steps[i].sensors == 0 ? 0 : s + steps[i].sensors * DAY,
			steps[i].api == 0 ? 0 : s + steps[i].api * DAY,
		};

		raised[0] = '\0';
		full = steps[i].full;
		(void) snprintf(output.error, sizeof(output.error), "%s", steps[i].error);
		reloads.failed = steps[i].failed;
		reloads.done = steps[i].done;
		notice_look(&w, &c, steps[i].at * NS_PER_S);
		assert_string_equal(steps[i].raised, raised);
	}
}

/* An output that is configured away has no trouble any more, and another one has its own. */
static void
an_output_that_goes_is_resolved(void **state)
{
	struct notices w = { .cfg = { .cluster = "prod", .name = "mews-1" } };
	const struct notice_certificates none = { 0 };
	uint64_t at = 1;

	(void) state;
	reloads.failed = reloads.done = 0;
	raised[0] = '\0';
	(void) snprintf(output.error, sizeof(output.error), "no route");
	for (; at < 1000 && raised[0] == '\0'; at++)
		notice_look(&w, &none, at * NS_PER_S);
	assert_string_equal("Mews output failing/output kafka\n", raised);
	raised[0] = '\0';
	(void) snprintf(output.name, sizeof(output.name), "file");
	output.error[0] = '\0';
	for (; at < 2000 && raised[0] == '\0'; at++)
		notice_look(&w, &none, at * NS_PER_S);
	assert_string_equal("Mews output works again/output kafka\n", raised);
	raised[0] = '\0';
	noutputs = 0;
	notice_look(&w, &none, at * NS_PER_S);
	assert_string_equal("", raised);
	for (size_t i = 0; i < ARRAY_SIZE(w.outputs); i++)
		assert_string_equal("", w.outputs[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_is_told_once_and_resolved),
		cmocka_unit_test(an_output_that_goes_is_resolved) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
