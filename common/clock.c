/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

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
