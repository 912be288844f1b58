/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/repeats.h"

static uint64_t
number(const json_t *fields, const char *name, uint64_t otherwise)
{
	json_int_t n = json_integer_value(json_object_get(fields, name));

	return n > 0 ? (uint64_t) n : otherwise;
}

void
repeats_add(struct repeats *r, const struct alert *a, const json_t *json)
{
	const json_t *fields = json_object_get(json, "output_fields");
	uint64_t first = number(fields, "mews.suppressed.first_time", a->time);
	uint64_t last = number(fields, "mews.suppressed.last_time", a->time);

	r->first = r->alerts == 0 ? first : MIN(r->first, first);
	r->last = MAX(r->last, last);
	if (r->alerts < REPEATS_IDS)
		memcpy(r->ids[r->alerts], a->id, ALERT_ID_SIZE);
	memcpy(r->last_id, a->id, ALERT_ID_SIZE);
	r->alerts++;
	r->count += number(fields, "mews.suppressed.count", 1);
}
