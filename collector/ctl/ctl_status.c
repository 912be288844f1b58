/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl.h"
#include "collector/ctl/ctl_http.h"
#include "common/clock.h"
#include <unistd.h>

static const char usage_text[] =
    "Usage: mewsctl status [OPTIONS]\n"
    "\n"
    "Shows a collector, its sensors (rates, lag, drops) and its outputs.\n"
    "\n"
    "      --json             the API's answer as it is\n"
    "      --watch            again every second, until interrupted\n" CTL_TARGET_HELP
    "\n"
    "The state of a sensor is as 'mewsctl nodes' tells it, or 'part' while the processes of its\n"
    "node are not yet known as a whole.\n"
    "\n"
    "Exit status: 0 ready, and every known node is up; 1 not reachable or not ready; 2 usage; 3 a\n"
    "node is not up.\n";

/* The row of the same stream in an earlier answer, to make rates of two counts. */
static const json_t *
same_sensor(const json_t *before, const json_t *sensor)
{
	json_t *list = json_object_get(before, "sensors"), *other;
	size_t i;

	json_array_foreach(list, i, other)
	{
		if (strcmp(ctl_str(other, "node"), ctl_str(sensor, "node")) == 0 &&
		    ctl_num(other, "sensor_start") == ctl_num(sensor, "sensor_start"))
			return other;
	}
	return NULL;
}

/* Why the node was not, or is not, seen whole; nothing if it always was. */
static void
print_losses(const json_t *loss, uint64_t now)
{
	json_t *open = json_object_get(loss, "open"), *name, *times;
	uint64_t since = ctl_num(loss, "since");
	const char *cause;
	size_t i;

	if (json_array_size(open) > 0)
		printf("  loss window since %lus:",
		    (unsigned long) (now > since ? (now - since) / NS_PER_S : 0));
	json_array_foreach(open, i, name) printf(" %s", json_string_value(name));
	if (json_array_size(open) > 0)
		puts("");
	if (json_object_size(json_object_get(loss, "windows")) == 0)
		return;
	printf("  loss windows so far:");
	json_object_foreach(json_object_get(loss, "windows"), cause, times)
	    printf(" %s %lld", cause, (long long) json_integer_value(times));
	puts("");
}

static void
print_sensor(const json_t *s, const json_t *before, double seconds, uint64_t now)
{
	const json_t *old = same_sensor(before, s);
	bool up = strcmp(ctl_str(s, "state"), "up") == 0;
	bool part = up && strcmp(ctl_str(s, "snapshot"), "awaited") == 0;
	char events[16], drops[16], rate[16] = "-", bytes[16], suppressed[16];
	uint64_t seen = ctl_num(s, "last_seen");

	if (old != NULL && seconds > 0)
		(void) ctl_count(
		    (uint64_t) ((double) (ctl_num(s, "events") - ctl_num(old, "events")) / seconds),
		    rate);
	printf("%-24s %-12s %-7s %9s %9s %9s %7lu %9s %7lu %10s %6lus\n", ctl_str(s, "node"),
	    ctl_str(s, "cluster"), part ? "part" : ctl_str(s, "state"),
	    ctl_count(ctl_num(s, "events"), events), rate, ctl_count(ctl_num(s, "bytes"), bytes),
	    (unsigned long) (ctl_num(s, "received") - ctl_num(s, "durable")),
	    ctl_count(ctl_num(s, "drops"), drops), (unsigned long) ctl_num(s, "gaps"),
	    ctl_count(ctl_num(s, "suppressed"), suppressed),
	    (unsigned long) (now > seen ? (now - seen) / NS_PER_S : 0));
	print_losses(json_object_get(s, "loss"), now);
}

static void
print_collector(const json_t *j)
{
	const json_t *c = json_object_get(j, "collector"), *o = json_object_get(j, "outbox");
	const json_t *r = json_object_get(j, "rules");
	char events[16], alerts[16], bytes[16], suppressed[16], summaries[16];
	uint64_t up = (ctl_num(c, "now") - ctl_num(c, "started")) / NS_PER_S;

	printf("collector  %s %s, up %lud%02lu:%02lu:%02lu, %s\n", ctl_str(c, "name"),
	    ctl_str(c, "version"), (unsigned long) (up / 86400), (unsigned long) (up / 3600 % 24),
	    (unsigned long) (up / 60 % 60), (unsigned long) (up % 60),
	    json_is_true(json_object_get(c, "ready")) ? "ready" : ctl_str(c, "not_ready"));
	printf(
	    "evaluated  %s events, %s alerts; %lu rules, %lu blind; %lu threads and %lu fds "
	    "known\n",
	    ctl_count(ctl_num(c, "events"), events), ctl_count(ctl_num(c, "alerts"), alerts),
	    (unsigned long) ctl_num(r, "in_force"), (unsigned long) ctl_num(r, "blind"),
	    (unsigned long) ctl_num(c, "threads"), (unsigned long) ctl_num(c, "fds"));
	printf("storms     %s matches reported in %s summary alerts\n",
	    ctl_count(ctl_num(c, "suppressed"), suppressed),
	    ctl_count(ctl_num(c, "summaries"), summaries));
	printf(
	    "outbox     %lu alerts kept, %sB; %lu refused by an output; %lu duplicates dropped\n",
	    (unsigned long) ctl_num(o, "rows"), ctl_count(ctl_num(o, "bytes"), bytes),
	    (unsigned long) ctl_num(o, "set_aside"), (unsigned long) ctl_num(o, "duplicates"));
	if (ctl_num(o, "lost") + ctl_num(o, "damaged") > 0)
		printf(
		    "           %lu alerts lost to damage of its files, %lu damaged rows left "
		    "out\n",
		    (unsigned long) ctl_num(o, "lost"), (unsigned long) ctl_num(o, "damaged"));
	printf("refused    %lu connections, %lu malformed batches\n",
	    (unsigned long) ctl_num(c, "refused"), (unsigned long) ctl_num(c, "malformed"));
}

static void
print_outputs(const json_t *j)
{
	json_t *list = json_object_get(j, "outputs"), *o;
	size_t i;

	if (json_array_size(list) > 0)
		printf("\n%-10s %10s %8s %8s %8s %10s  %s\n", "OUTPUT", "DELIVERED", "WAITING",
		    "REFUSED", "RETRIES", "OLDEST", "LAST ERROR");
	json_array_foreach(list, i, o)
	{
		printf("%-10s %10lu %8lu %8lu %8lu %8lums  %s\n", ctl_str(o, "name"),
		    (unsigned long) ctl_num(o, "delivered"), (unsigned long) ctl_num(o, "waiting"),
		    (unsigned long) ctl_num(o, "refused"), (unsigned long) ctl_num(o, "retries"),
		    (unsigned long) ctl_num(o, "oldest_ms"), ctl_str(o, "error"));
		if (ctl_num(o, "skipped") > 0)
			printf(
			    "%-10s new, or was off: alerts kept from before and passed over: %lu\n",
			    "", (unsigned long) ctl_num(o, "skipped"));
	}
}

static void
print_status(const json_t *j, const json_t *before)
{
	const json_t *c = json_object_get(j, "collector");
	uint64_t now = ctl_num(c, "now"),
		 then = ctl_num(json_object_get(before, "collector"), "now");
	json_t *list = json_object_get(j, "sensors"), *s;
	size_t i;

	print_collector(j);
	print_outputs(j);
	printf("\n%-24s %-12s %-7s %9s %9s %9s %7s %9s %7s %10s %7s\n", "SENSOR", "CLUSTER",
	    "STATE", "EVENTS", "EVENTS/S", "BYTES", "LAG", "DROPS", "GAPS", "SUPPRESSED", "SEEN");
	json_array_foreach(list, i, s)
	    print_sensor(s, before, (double) (now - then) / (double) NS_PER_S, now);
}

static int
code_of(const json_t *j)
{
	if (!json_is_true(json_object_get(json_object_get(j, "collector"), "ready")))
		return CTL_FAIL;
	return ctl_unseen(j) > 0 ? CTL_UNSEEN : CTL_OK;
}

static int
status_json(struct ctl_target *t)
{
	json_t *j = ctl_get(t, "/api/v1/status");
	int code = j != NULL ? code_of(j) : CTL_FAIL;

	if (j != NULL) {
		ctl_dump(j, JSON_INDENT(2));
	}
	json_decref(j);
	return code;
}

/* Rates need two answers: one is taken a second before the first that is shown. */
static int
status(struct ctl_target *t, bool watch)
{
	json_t *before = ctl_get(t, "/api/v1/status"), *j = before;
	int code = CTL_FAIL;

	while (j != NULL) {
		(void) sleep(1); /* NOLINT(concurrency-mt-unsafe): one thread */
		j = ctl_get(t, "/api/v1/status");
		if (j == NULL) {
			code = CTL_FAIL;
			break;
		}
		if (watch && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		print_status(j, before);
		(void) fflush(stdout);
		code = code_of(j);
		json_decref(before);
		before = j;
		if (!watch)
			break;
	}
	json_decref(before);
	return code;
}

int
ctl_status(int argc, char **argv)
{
	static const struct option longs[] = {
		CTL_TARGET_OPTIONS,
		{ "json", no_argument, NULL, 'j' },
		{ "watch", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct ctl_target t = ctl_target();
	bool as_json = false, watch = false;
	int c;

	while ((c = cmdline_next(argc, argv, "jwh", longs)) != -1) {
		switch (c) {
		case 'j':
			as_json = true;
			break;
		case 'w':
			watch = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return CTL_OK;
		default:
			if (ctl_target_option(&t, c))
				break;
			return ctl_usage("status", "%s", optarg);
		}
	}
	if (optind < argc)
		return ctl_usage("status", "unexpected argument '%s'", argv[optind]);
	t.json = as_json;
	return as_json ? status_json(&t) : status(&t, watch);
}
