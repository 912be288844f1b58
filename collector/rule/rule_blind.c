/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>

int
find_blind(struct ruleset *s, struct rule *r, const struct expr *e)
{
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	size_t seen = 0, missing = 0;

	(void) e;
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *ev = &schema_events[i];

		if (!event_set_has(&r->events, ev->num))
			continue;
		if (ev->capture == CAP_NOT)
			missing++;
		else
			seen++;
	}
	if (seen > 0)
		return 0;
	(void) missing;
	buf_str(&b, "needs");
	r->blind = arena_strdup(&s->a, buf_get(&b));
	return r->blind == NULL ? -ENOMEM : 0;
}
