/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/text_part.h"
#include "common/clock.h"
#include <stdio.h>
#include <string.h>

void
text_time(uint64_t realtime_ns, char ret[40])
{
	const size_t fraction = CLOCK_TEXT - sizeof("Z");

	(void) clock_text(realtime_ns, ret);
	(void) snprintf(
	    ret + fraction, 40 - fraction, ".%09uZ", (unsigned) (realtime_ns % NS_PER_S));
}

/* The prefix is "15:24:25.353780313: Warning ", or has a date. */
struct slice
text_body(struct slice output, enum priority p)
{
	struct slice s = output;
	size_t n = 0, name = strlen(priority_name(p));

	while (n < s.n && strchr("0123456789:.-+T", s.p[n]) != NULL)
		n++;
	if (n == 0 || n + name + 2 > s.n || s.p[n] != ' ' || s.p[n + name + 1] != ' ')
		return s;
	if (memcmp(s.p + n + 1, priority_name(p), name) != 0)
		return s;
	return (struct slice){ s.p + n + name + 2, s.n - n - name - 2 };
}
