/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/translate.h"
#include <string.h>

static uint64_t
flags_value(const struct ev_names *names, uint32_t raw)
{
	uint64_t v = 0;

	for (size_t i = 0; i < names->n; i++) {
		const struct ev_name *w = &names->v[i];

		v |= ((raw & w->kernel) != 0) != w->other ? w->value : 0;
	}
	return v;
}

static uint64_t
enum_value(const struct ev_names *names, uint32_t raw)
{
	uint64_t other = 0;

	for (size_t i = 0; i < names->n; i++) {
		const struct ev_name *w = &names->v[i];

		if (w->other)
			other = w->value;
		else if (w->kernel == raw)
			return w->value;
	}
	return other;
}

uint64_t
translate_value(const struct ev_names *names, uint64_t raw)
{
	switch (names->kind) {
	case NAMES_FLAGS:
		return flags_value(names, (uint32_t) raw) | raw >> 32;
	case NAMES_ENUM:
		return enum_value(names, (uint32_t) raw) | raw >> 32;
	default:
		return raw;
	}
}

/* Like translate_value(), with a memo: walking 20 names would cost more than all else here. */
static uint64_t
remembered_value(struct translator *t, const struct ev_names *names, uint64_t raw)
{
	size_t i = ((raw ^ (uintptr_t) names) * 0x9e3779b97f4a7c15u >> 32) % TRANSLATOR_MEMO;

	if (t->memo[i].names != names || t->memo[i].raw != raw) {
		t->memo[i].names = names;
		t->memo[i].raw = raw;
		t->memo[i].value = translate_value(names, raw);
	}
	return t->memo[i].value;
}

const struct ev_hdr *
translate_record(struct translator *t, const struct ev_hdr *rec)
{
	const struct ev_schema *s = schema_get(rec->type);

	for (uint64_t left = s->raw & rec->present; left != 0; left &= left - 1) {
		const struct ev_param *p = &s->params[__builtin_ctzll(left)];
		uint64_t raw, v;

		memcpy(&raw, (const char *) rec + p->at, sizeof(raw));
		v = remembered_value(t, p->names, raw);
		if (v == raw)
			continue;
		if (rec != &t->room.hdr)
			rec = memcpy(&t->room, rec, rec->len);
		memcpy(t->room.bytes + p->at, &v, sizeof(v));
	}
	return rec;
}
