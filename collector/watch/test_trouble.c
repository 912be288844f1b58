/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/trouble.h"
#include "common/descriptors.h"
#include "common/log.h"
#include "tests/support/test.h"
#include <stdarg.h>

static struct outbox_stats outbox;
static struct output_stats output;
static uint64_t used;
static char logged[512];

uint64_t
descriptors_used(void)
{
	return used;
}

uint64_t
descriptors_max(void)
{
	return 800;
}

void
outbox_stats(struct outbox *o, struct outbox_stats *ret)
{
	(void) o;
	*ret = outbox;
}

size_t
outputs_stats(struct outputs *set, struct output_stats *ret, size_t max)
{
	(void) set;
	assert_true(max >= 1);
	*ret = output;
	return 1;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	size_t n = strlen(logged);
	va_list ap;

	n += (size_t) snprintf(logged + n, sizeof(logged) - n, "%d ", (int) level);
	va_start(ap, fmt);
	(void) vsnprintf(logged + n, sizeof(logged) - n, fmt, ap);
	va_end(ap);
}

static const struct {
	const char *outbox, *output;
	uint64_t refused;
	const char *logged;
} steps[] = {
	{ "", "", 0, "" },
	{ "outbox 'x': full", "", 0,
	    "1 outbox 'x': full; alerts are not acknowledged until then, and sensors keep them" },
	{ "outbox 'x': full", "", 0, "" }, /* once */
	{ "outbox 'x': other", "", 0, "" },
	{ "", "", 0, "3 outbox: commits go on" },
	{ "", "refused", 0, "2 output kafka: refused; its alerts wait in the outbox" },
	{ "", "refused again", 0, "" },
	{ "", "", 0, "3 output kafka: alerts flow again" },
	{ "", "", 2, "2 output kafka refused 2 alerts for good; they are set aside in the outbox" },
	{ "", "", 2, "" },
	{ "", "", 5, "2 output kafka refused 3 alerts for good; they are set aside in the outbox" },
};

static void
each_trouble_is_told_once(void **state)
{
	struct trouble w = { 0 };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		logged[0] = '\0';
		(void) snprintf(outbox.error, sizeof(outbox.error), "%s", steps[i].outbox);
		(void) snprintf(output.error, sizeof(output.error), "%s", steps[i].output);
		(void) snprintf(output.name, sizeof(output.name), "kafka");
		output.refused = steps[i].refused;
		trouble_look(&w, NULL, NULL);
		assert_string_equal(steps[i].logged, logged);
	}
}

static void
descriptors_are_told_of(void **state)
{
	static const struct {
		uint64_t used;
		const char *logged;
	} looks[] = {
		{ 699, "" },
		{ 700,
		    "1 700 of 800 file descriptors are in use; when none is left no sensor can "
		    "connect: raise the limit (LimitNOFILE of the service, or 'ulimit -Hn')" },
		{ 800, "" },
		{ 600, "" },
		{ 599, "3 file descriptors: there are enough again" },
		{ 600, "" },
	};
	struct trouble w = { 0 };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		logged[0] = '\0';
		used = looks[i].used;
		outbox.error[0] = output.error[0] = '\0';
		output.refused = 0;
		trouble_look(&w, NULL, NULL);
		assert_string_equal(looks[i].logged, logged);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_trouble_is_told_once),
		cmocka_unit_test(descriptors_are_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
