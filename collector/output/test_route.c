/* SPDX-License-Identifier: Apache-2.0 */
/* test_route.c - which alerts an output gets. */
#include "collector/output/route.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

static const char json[] =
    "{\"hostname\":\"web-1\",\"output\":\"12:00:00.0: Warning A shell "
    "(user=root)\",\"output_fields\":{"
    "\"container.id\":\"host\",\"evt.time\":1795233969424000000,\"evt.type\":\"execve\","
    "\"fd.sip\":\"10.1.2.3\",\"fd.sport\":443,\"mews.cluster\":\"prod\",\"mews.cut\":true,"
    "\"mews.loss\":[{\"cause\":\"events_dropped\",\"events\":17},{\"cause\":\"sensor_died\"}],"
    "\"mews.loss_cause\":\"ring_full\",\"proc.aname[2]\":\"sshd\",\"fd.types\":[\"file\",\"ipv4\"],"
    "\"proc.args\":\"-c id\","
    "\"proc.name\":\"bash\",\"proc.pid\":4242,\"proc.pname\":null,\"team\":\"blue\","
    "\"user.name\":\"root\"},\"priority\":\"Warning\",\"rule\":\"A shell\",\"source\":\"syscall\","
    "\"tags\":[\"shell\",\"container\"],\"uuid\":\"x\"}";

static struct alert
an_alert(void)
{
	return (struct alert){
		.priority = PRIO_WARNING,
		.rule = "A shell",
		.cluster = "prod",
		.node = "web-1",
		.json = json,
		.json_len = sizeof(json) - 1,
	};
}

static const struct {
	const char *minimum, *condition;
	bool takes;
} cases[] = {
	{ "debug", NULL, true },
	{ "debug", "", true },
	{ "warning", NULL, true },
	{ "WARNING", NULL, true },
	{ "error", NULL, false },
	{ "emergency", NULL, false },
	{ "error", "alert.rule exists", false },
	{ "debug", "alert.rule = \"A shell\"", true },
	{ "debug", "alert.rule contains shell", true },
	{ "debug", "alert.rule startswith shell", false },
	{ "debug", "alert.priority = Warning", true },
	{ "debug", "alert.priority = warning", true },
	{ "debug", "alert.priority in (emergency, ALERT, critical)", false },
	{ "debug", "alert.priority != warning", false },
	{ "debug", "alert.tags intersects (network, shell)", true },
	{ "debug", "alert.tags intersects (network)", false },
	{ "debug", "alert.tags in (container, shell, more)", true },
	{ "debug", "alert.tags in (container)", false },
	{ "debug", "not alert.tags intersects (network)", true },
	{ "debug", "alert.node = web-1 and alert.cluster = prod", true },
	{ "debug", "mews.cluster = prod", true },
	{ "debug", "mews.cluster = test", false },
	{ "debug", "alert.source = syscall", true },
	{ "debug", "alert.output contains \"user=root\"", true },
	{ "debug", "proc.name in (bash, sh)", true },
	{ "debug", "proc.name glob b*", true },
	{ "debug", "proc.name regex ^b.sh$", true },
	{ "debug", "tolower(user.name) = root", true },
	{ "debug", "proc.pid = 4242", true },
	{ "debug", "proc.pid > 4242", false },
	{ "debug", "proc.pid >= 4242 and proc.pid < 5000", true },
	{ "debug", "fd.sport in (80, 443)", true },
	{ "debug", "fd.sip = 10.1.2.3", true },
	{ "debug", "fd.sip in (10.1.2.4)", false },
	{ "debug", "mews.cut = true", true },
	{ "debug", "mews.loss exists", true },
	{ "debug", "mews.loss contains '\"events\":17}'", true },
	{ "debug", "mews.loss contains sensor_stopped", false },
	{ "debug", "mews.reread = true", false }, /* not in this alert */
	{ "debug", "not mews.reread = true", true },
	{ "debug", "proc.pname = systemd", false }, /* null */
	{ "debug", "proc.pname != systemd", false },
	{ "debug", "proc.pname exists", false },
	{ "debug", "proc.exepath exists", false },
	{ "debug", "proc.aname[2] = sshd", true },
	{ "debug", "proc.args contains id", true },
	{ "debug", "fd.types intersects (ipv4)", true },
	{ "debug", "join(',', fd.types) = 'file,ipv4'", true },
	{ "debug", "len(proc.args) = 5", true },
	{ "debug", "evt.type = execve", true },
	{ "debug", "evt.type in (open, openat)", false },
	{ "debug", "evt.time = 1795233969424000000", true },
	{ "debug", "alert.field[team] = blue", true },
	{ "debug", "alert.field[mews.loss_cause] contains ring", true },
	{ "debug", "alert.field[proc.pid] = 4242", true },
	{ "debug", "alert.field[none] exists", false },
	{ "debug", "container.id = host and (proc.name = x or user.name = root)", true },
};

static void
an_output_gets_what_its_route_takes(void **state)
{
	const struct alert a = an_alert();

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct route *r = NULL;
		struct diag d = { 0 };

		if (route_new(cases[i].minimum, cases[i].condition, &r, &d) != 0)
			fail_msg("%s: %s", cases[i].condition, d.msg);
		for (unsigned twice = 0; twice < 2; twice++) {
			if (route_takes(r, &a) != cases[i].takes)
				fail_msg("%s, %s", cases[i].minimum, cases[i].condition);
		}
		route_free(r);
	}
}

/* A list of four; the alert is a warning of the rule that an_alert() has. */
static const struct {
	const char *what, *route[4][2];
	int takes; /* which of them; 4: none */
} lists[] = {
	{ "the first", { { "debug", "" }, { "debug", "" }, { "debug", "" }, { "debug", "" } }, 0 },
	{ "by priority", { { "emergency", "" }, { "debug", "" }, { "debug", "" }, { "debug", "" } },
	    1 },
	{ "by condition",
	    { { "debug", "alert.field[team] = red" }, { "emergency", "alert.field[team] = blue" },
		{ "debug", "alert.field[team] = blue" }, { "debug", "" } },
	    2 },
	{ "the default",
	    { { "emergency", "" }, { "debug", "proc.exepath exists" },
		{ "debug", "alert.field[none] exists" }, { "debug", "" } },
	    3 },
	{ "no default",
	    { { "emergency", "" }, { "emergency", "" }, { "emergency", "" },
		{ "debug", "proc.exepath exists" } },
	    4 },
};

static struct route *
route_of(size_t list, int i)
{
	struct route *r = NULL;
	struct diag d = { 0 };

	if (route_new(lists[list].route[i][0], lists[list].route[i][1], &r, &d) != 0)
		fail_msg("%s, %d: %s", lists[list].what, i, d.msg);
	return r;
}

static void
one_of_a_list_gets_it(void **state)
{
	const struct alert a = an_alert();

	(void) state;
	for (size_t list = 0; list < ARRAY_SIZE(lists); list++) {
		for (int i = 0; i < 4; i++) {
			struct route *r = route_of(list, i);

			for (int e = 0; e < i; e++)
				route_after(r, route_of(list, e));
			if (route_takes(r, &a) != (i == lists[list].takes))
				fail_msg("%s: %d", lists[list].what, i);
			route_free(r);
		}
	}
}

static const struct {
	const char *minimum, *condition;
	unsigned line, col;
	const char *msg;
} bad[] = {
	{ "high", "", 0, 0, "must be a priority from emergency to debug, not 'high'" },
	{ "debug", "proc.nmae = x", 1, 1,
	    "unknown field 'proc.nmae'; did you mean 'proc.name'?; a condition on alerts has "
	    "alert.rule" },
	{ "debug", "alert.tag = x", 1, 1, "unknown field 'alert.tag'" },
	{ "debug", "alert.rule[x] = x", 1, 1, "unknown field 'alert.rule'" },
	{ "debug", "alert.field = x", 1, 1, "unknown field 'alert.field'" },
	{ "debug", "alert.priority = high", 1, 18,
	    "'high' is not a value of 'alert.priority': write Emergency, Alert, Critical, Error, "
	    "Warning, Notice, Informational or Debug" },
	{ "debug", "alert.priority in (error,\n high)", 2, 2, "'high' is not a value of" },
	{ "debug", "alert.tags = x", 1, 12, "'=' operator not supported for list filters" },
	{ "debug", "proc.pid = x", 1, 12, "'x' is not a valid integer" },
	{ "debug", "proc.name regex '('", 1, 17, "invalid regular expression" },
	{ "debug", "proc.name =", 1, 12, "" },
	{ "debug", "a_macro", 1, 1, "Undefined macro 'a_macro'" },
	{ "debug", "priority = error", 1, 10, "" },
};

static void
a_bad_route_has_a_place_and_a_sentence(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct route *r = NULL;
		struct diag d = { 0 };

		assert_int_equal(-EINVAL, route_new(bad[i].minimum, bad[i].condition, &r, &d));
		assert_null(r);
		if (strncmp(d.msg, bad[i].msg, strlen(bad[i].msg)) != 0)
			assert_string_equal(bad[i].msg, d.msg);
		if (d.line != bad[i].line || d.col != bad[i].col)
			fail_msg("%s: %u:%u %s", bad[i].condition, d.line, d.col, d.msg);
	}
}

/* The names in a condition are those of alert.h. */
static void
every_priority_can_be_asked_for(void **state)
{
	struct alert a = an_alert();
	char condition[64];

	(void) state;
	for (unsigned p = PRIO_EMERGENCY; p <= PRIO_DEBUG; p++) {
		struct route *r = NULL;
		struct diag d = { 0 };

		(void) snprintf(condition, sizeof(condition), "alert.priority = %s",
		    priority_name((enum priority) p));
		assert_int_equal(0, route_new("debug", condition, &r, &d));
		for (a.priority = PRIO_EMERGENCY; a.priority <= PRIO_DEBUG; a.priority++)
			assert_int_equal(a.priority == p, route_takes(r, &a));
		route_free(r);
	}
}

static void
memory_may_run_out(void **state)
{
	const struct alert a = an_alert();
	struct route *r, *earlier;
	struct diag d;

	(void) state;
	for (unsigned n = 0;; n++) {
		int e;

		r = NULL;
		fault_arm_nth(n);
		e = route_new("debug", "alert.field[proc.pid] = 1 and alert.tags in (a)", &r, &d);
		if (!fault_disarm())
			break;
		assert_int_equal(-ENOMEM, e);
		assert_null(r);
	}
	fault_arm_nth(0); /* not known: it is sent */
	assert_true(route_takes(r, &a));
	assert_true(fault_disarm());
	assert_false(route_takes(r, &a));
	route_free(r);
	/* The same of an earlier one that would take it: rather to both. */
	assert_int_equal(0, route_new("debug", "", &r, &d));
	assert_int_equal(0, route_new("debug", "alert.field[proc.pid] = 4242", &earlier, &d));
	route_after(r, earlier);
	fault_arm_nth(0);
	assert_true(route_takes(r, &a));
	assert_true(fault_disarm());
	assert_false(route_takes(r, &a));
	route_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_output_gets_what_its_route_takes),
		cmocka_unit_test(one_of_a_list_gets_it),
		cmocka_unit_test(a_bad_route_has_a_place_and_a_sentence),
		cmocka_unit_test(every_priority_can_be_asked_for),
		cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
