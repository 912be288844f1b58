/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/hex.h"
#include "common/macros.h"
#include <pthread.h>
#include <stdio.h>

const char *
clock_text(uint64_t real_ns, char out[CLOCK_TEXT])
{
	time_t s = (time_t) (real_ns / NS_PER_S);
	struct tm tm = { .tm_sec = 0 };

	(void) gmtime_r(&s, &tm);
	if (strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}

static uint64_t boot_tag;

/* The id is a UUID: its first 16 digits, without the dashes. */
static void
read_tag(void)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned digits = 0;
	uint64_t tag = 0;
	int c;

	if (f == NULL)
		return;
	while (digits < 16 && (c = fgetc(f)) != EOF) {
		int v = hex_digit((char) c);

		if (v < 0)
			continue;
		tag = tag << 4 | (unsigned) v;
		digits++;
	}
	(void) fclose(f);
	boot_tag = tag;
}

uint64_t
clock_boot_tag(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void) pthread_once(&once, read_tag);
	return boot_tag;
}

int64_t
clock_since(const struct clock_stamp *then, const struct clock_stamp *now)
{
	uint64_t age = now->real_ns > then->real_ns ? now->real_ns - then->real_ns : 0;

	if (then->boot == now->boot)
		return (int64_t) MIN(then->boot_ns, now->boot_ns);
	return (int64_t) now->boot_ns - (int64_t) MAX(age, now->boot_ns);
}

struct clock_stamp
clock_stamp(void)
{
	struct clock_stamp now = { .boot = clock_boot_tag() };

	clock_pair(&now.boot_ns, &now.real_ns);
	return now;
}
