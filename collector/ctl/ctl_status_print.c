/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_status_print.c - a collector's status for people: lines of at most 80 columns. */
#include "collector/ctl/ctl_http.h"
#include "collector/ctl/ctl_status.h"
#include "common/clock.h"
#include "common/escape.h"
#include <stdio.h>
#include <string.h>

#define SKEW_SHOWN_S 1.0 /* less of a clock's skew is not shown */

enum { COLUMNS = 80, TITLE = 11, NODE_WIDTH = 24, DAYS_WARN = 30 };

/* Wrap a text over as many lines as it needs, each indented by 'indent' columns. The first line may
 * have 'used' columns already. */
static void
print_words(const char *text, unsigned indent, unsigned used)
{
	const char *p = text;
	unsigned at = used;

	while (*p != '\0') {
		size_t word = strcspn(p, " "), n = MIN(word, (size_t) (COLUMNS - indent));

		if (at > indent && at + 1 + n > COLUMNS) {
			putchar('\n');
			at = 0;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		for (; at < indent; at++)
			putchar(' ');
		printf("%.*s", (int) n, p);
		at += (unsigned) n;
		p += n;
		p += strspn(p, " ");
	}
	putchar('\n');
}

/* "title      text" */
static void
print_item(const char *title, const char *text)
{
	printf("%-*s", TITLE, title);
	print_words(text, TITLE, TITLE);
}

/* Find the same stream in an earlier answer, to compute rates. */
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

/* Print why the node is or was not seen completely; nothing if it always was. */
static void
print_losses(const json_t *loss, uint64_t now)
{
	json_t *open = json_object_get(loss, "open"), *name, *times;
	uint64_t since = ctl_num(loss, "since");
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	const char *cause;
	char since_text[16];
	size_t i;

	if (json_array_size(open) > 0) {
		buf_printf(&b, "loss window open for %s:",
		    ctl_age(now > since ? (now - since) / NS_PER_S : 0, since_text));
		json_array_foreach(open, i, name) buf_printf(&b, " %s", json_string_value(name));
	}
	if (json_object_size(json_object_get(loss, "windows")) > 0) {
		buf_printf(&b, "%sloss windows so far:", b.n > 0 ? "; " : "");
		json_object_foreach(json_object_get(loss, "windows"), cause, times)
		{
			buf_char(&b, ' ');
			escape_add(&b, slice_str(cause)); /* ctl_get() does not escape keys */
			buf_printf(&b, " %lld", (long long) json_integer_value(times));
		}
	}
	if (buf_ok(&b) == 0 && b.n > 0) {
		fputs("  ", stdout);
		print_words(b.p, 4, 2);
	}
}

/* Print the account of the node's events, if not all were delivered. */
static void
print_account(const json_t *a)
{
	uint64_t generated = ctl_num(a, "generated"), delivered = ctl_num(a, "delivered");
	uint64_t undelivered = ctl_num(a, "undelivered"), missing = ctl_num(a, "unaccounted");
	char all[16], come[16], dropped[16], not_come[16], gone[16];

	if (generated <= delivered)
		return;
	printf("  account: of %s events %s delivered, %s dropped, %s undelivered, %s missing\n",
	    ctl_count(generated, all), ctl_count(delivered, come),
	    ctl_count(generated - MIN(generated, delivered + undelivered + missing), dropped),
	    ctl_count(undelivered, not_come), ctl_count(missing, gone));
}

/* Print what the node's sensor cannot see. */
static void
print_blind(const json_t *blind)
{
	json_t *text;
	size_t i;

	json_array_foreach(blind, i, text)
	{
		fputs("  blind: ", stdout);
		print_words(json_string_value(text), 9, 4);
	}
}

/* Print by how much the node's clock is wrong, or the collector's. */
static void
print_skew(const json_t *skew)
{
	double seconds = (double) json_integer_value(skew) / (double) NS_PER_S;

	if (seconds >= SKEW_SHOWN_S || seconds <= -SKEW_SHOWN_S)
		printf("  clock: %.3f s %s the collector's\n", seconds < 0 ? -seconds : seconds,
		    seconds < 0 ? "behind" : "ahead of");
}

/* Print the node's name, with its cluster if that is not the collector's; a long name has its own
 * line. */
static void
print_node(const json_t *s, const char *cluster)
{
	char name[2048];
	bool own = strcmp(ctl_str(s, "cluster"), cluster) == 0;

	(void) snprintf(name, sizeof(name), "%s%s%s", own ? "" : ctl_str(s, "cluster"),
	    own ? "" : "/", ctl_str(s, "node"));
	if (strlen(name) <= NODE_WIDTH)
		printf("%-*s", NODE_WIDTH, name);
	else
		printf("%.*s\n%*s", COLUMNS, name, NODE_WIDTH, "");
}

static void
print_sensor(const json_t *s, const json_t *before, double seconds, const json_t *collector)
{
	const json_t *old = same_sensor(before, s);
	bool up = strcmp(ctl_str(s, "state"), "up") == 0;
	bool part = up && strcmp(ctl_str(s, "snapshot"), "awaited") == 0;
	char events[16], drops[16], rate[16] = "-", lag[16], gaps[16], suppressed[16],
				    seen_text[16];
	uint64_t received = ctl_num(s, "received"), durable = ctl_num(s, "durable");

	if (old != NULL && seconds > 0)
		(void) ctl_count(
		    (uint64_t) ((double) (ctl_num(s, "events") - ctl_num(old, "events")) / seconds),
		    rate);
	print_node(s, ctl_str(collector, "cluster"));
	printf(" %-7.7s %6s %7s %5s %6s %5s %6s %6s\n", part ? "part" : ctl_str(s, "state"),
	    ctl_count(ctl_num(s, "events"), events), rate,
	    ctl_count(received > durable ? received - durable : 0, lag),
	    ctl_count(ctl_num(s, "drops"), drops), ctl_count(ctl_num(s, "gaps"), gaps),
	    ctl_count(ctl_num(s, "suppressed"), suppressed),
	    ctl_age(ctl_num(s, "unheard_ns") / NS_PER_S, seen_text));
	print_losses(json_object_get(s, "loss"), ctl_num(collector, "now"));
	print_account(json_object_get(s, "accounts"));
	print_skew(json_object_get(s, "clock_skew_ns"));
	print_blind(json_object_get(s, "blind"));
}

static void
print_counts(const json_t *j)
{
	const json_t *c = json_object_get(j, "collector"), *o = json_object_get(j, "outbox");
	const json_t *r = json_object_get(j, "rules");
	char events[16], alerts[16], bytes[16], suppressed[16], summaries[16];
	uint64_t partly = ctl_num(r, "partly_blind");

	printf("events     %s evaluated, %s alerts; %s matches reported in %s summaries\n",
	    ctl_count(ctl_num(c, "events"), events), ctl_count(ctl_num(c, "alerts"), alerts),
	    ctl_count(ctl_num(c, "suppressed"), suppressed),
	    ctl_count(ctl_num(c, "summaries"), summaries));
	printf("rules      %lu in force, %lu blind, %lu in part\n",
	    (unsigned long) ctl_num(r, "in_force"), (unsigned long) ctl_num(r, "blind"),
	    (unsigned long) partly);
	printf("state      %lu threads, %lu descriptors\n", (unsigned long) ctl_num(c, "threads"),
	    (unsigned long) ctl_num(c, "fds"));
	printf("outbox     %s alerts, %sB; %s refused by an output, %s duplicates dropped\n",
	    ctl_count(ctl_num(o, "rows"), alerts), ctl_count(ctl_num(o, "bytes"), bytes),
	    ctl_count(ctl_num(o, "set_aside"), events),
	    ctl_count(ctl_num(o, "duplicates"), suppressed));
	if (ctl_num(o, "lost") + ctl_num(o, "damaged") > 0)
		printf("           damaged: %lu alerts lost, %lu rows left out\n",
		    (unsigned long) ctl_num(o, "lost"), (unsigned long) ctl_num(o, "damaged"));
	printf("refused    %lu connections, %lu malformed batches\n",
	    (unsigned long) ctl_num(c, "refused"), (unsigned long) ctl_num(c, "malformed"));
}

/* How many nodes have a state on disk, and the age of the oldest that misses something. */
static void
print_checkpoint(const json_t *j)
{
	const json_t *c = json_object_get(j, "checkpoint");
	uint64_t oldest = 0;
	json_t *list = json_object_get(j, "sensors"), *s;
	unsigned long have = 0;
	char age[16], bytes[16];
	size_t i;

	if (!json_is_true(json_object_get(c, "enabled")))
		return;
	json_array_foreach(list, i, s)
	{
		have += ctl_num(s, "state_seq") > 0;
		if (ctl_num(s, "state_seq") < ctl_num(s, "evaluated"))
			oldest = MAX(oldest, ctl_num(s, "state_age_ns"));
	}
	printf(
	    "checkpoint %lu of %lu nodes, up to %s old; %sB written, %lu nodes continued from it\n",
	    have, (unsigned long) json_array_size(list), ctl_age(oldest / NS_PER_S, age),
	    ctl_count(ctl_num(c, "bytes"), bytes), (unsigned long) ctl_num(c, "loaded"));
	if (ctl_num(c, "failed") + ctl_num(c, "damaged") > 0)
		printf("           %lu writes failed, %lu files damaged\n",
		    (unsigned long) ctl_num(c, "failed"), (unsigned long) ctl_num(c, "damaged"));
}

/* Print nothing while more than a month is left. */
static void
print_expiry(const char *whose, uint64_t expires, uint64_t now)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	uint64_t days;

	if (expires == 0)
		return;
	days = expires > now ? (expires - now) / 86400 : 0;
	if (days >= DAYS_WARN)
		return;
	if (expires <= now)
		buf_printf(&b, "the certificate of %s has expired", whose);
	else
		buf_printf(&b, "the certificate of %s expires in %lu day%s", whose,
		    (unsigned long) days, days == 1 ? "" : "s");
	if (buf_ok(&b) == 0)
		print_item("warning", b.p);
}

/* Print how many connected nodes have a certificate of the last day: who has come, or was renewed.
 */
static void
print_issued(const json_t *sensors, uint64_t now)
{
	const json_t *latest = NULL, *s;
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	char age[16];
	size_t i, n = 0;

	json_array_foreach(sensors, i, s)
	{
		uint64_t at = ctl_num(s, "certificate_issued");

		if (!json_is_true(json_object_get(s, "connected")) || at == 0 || at + 86400 < now)
			continue;
		n++;
		if (latest == NULL || at > ctl_num(latest, "certificate_issued"))
			latest = s;
	}
	if (latest == NULL)
		return;
	i = ctl_num(latest, "certificate_issued");
	buf_printf(&b, "%zu node%s with a certificate of the last day, the latest %s, %s ago", n,
	    n == 1 ? "" : "s", ctl_str(latest, "node"), ctl_age(now > i ? now - i : 0, age));
	if (buf_ok(&b) == 0)
		print_item("enrolled", b.p);
}

static void
print_collector(const json_t *j)
{
	const json_t *c = json_object_get(j, "collector");
	uint64_t now = ctl_num(c, "now"), up = (now - ctl_num(c, "started")) / NS_PER_S;
	json_t *list = json_object_get(j, "sensors"), *s;
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	size_t i;

	buf_printf(&b, "%s %s, up %lud%02lu:%02lu:%02lu, %s", ctl_str(c, "name"),
	    ctl_str(c, "version"), (unsigned long) (up / 86400), (unsigned long) (up / 3600 % 24),
	    (unsigned long) (up / 60 % 60), (unsigned long) (up % 60),
	    json_is_true(json_object_get(c, "ready")) ? "ready" : ctl_str(c, "not_ready"));
	if (buf_ok(&b) == 0)
		print_item("collector", b.p);
	print_counts(j);
	print_checkpoint(j);
	print_expiry("the collector", ctl_num(c, "certificate_expires"), now / NS_PER_S);
	json_array_foreach(list, i, s)
	{
		if (json_is_true(json_object_get(s, "connected")))
			print_expiry(
			    ctl_str(s, "node"), ctl_num(s, "certificate_expires"), now / NS_PER_S);
	}
	print_issued(list, now / NS_PER_S);
}

static void
print_outputs(const json_t *j)
{
	json_t *list = json_object_get(j, "outputs"), *o;
	char oldest[16];
	size_t i;

	if (json_array_size(list) > 0)
		printf("\n%-16s %10s %10s %8s %8s %8s\n", "OUTPUT", "DELIVERED", "WAITING",
		    "REFUSED", "RETRIES", "OLDEST");
	json_array_foreach(list, i, o)
	{
		printf("%-16s %10lu %10lu %8lu %8lu %8s\n", ctl_str(o, "name"),
		    (unsigned long) ctl_num(o, "delivered"), (unsigned long) ctl_num(o, "waiting"),
		    (unsigned long) ctl_num(o, "refused"), (unsigned long) ctl_num(o, "retries"),
		    ctl_age(ctl_num(o, "oldest_ms") / 1000, oldest));
		if (ctl_num(o, "skipped") > 0)
			printf("  new, or was disabled: older alerts passed over: %lu\n",
			    (unsigned long) ctl_num(o, "skipped"));
		if (ctl_str(o, "error")[0] != '\0') {
			fputs("  ", stdout);
			print_words(ctl_str(o, "error"), 4, 2);
		}
	}
}

void
status_print(const json_t *j, const json_t *before)
{
	const json_t *c = json_object_get(j, "collector");
	uint64_t now = ctl_num(c, "now"),
		 then = ctl_num(json_object_get(before, "collector"), "now");
	json_t *list = json_object_get(j, "sensors"), *s;
	size_t i;

	print_collector(j);
	print_outputs(j);
	printf("\n%-*s %-7s %6s %7s %5s %6s %5s %6s %6s\n", NODE_WIDTH, "NODE", "STATE", "EVENTS",
	    "EV/S", "LAG", "DROPS", "GAPS", "SUMMED", "SEEN");
	json_array_foreach(list, i, s)
	    print_sensor(s, before, (double) (now - then) / (double) NS_PER_S, c);
}
