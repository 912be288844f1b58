/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/account.h"
#include "common/macros.h"
#include <stdlib.h>
#include <string.h>

struct account *
account_new(void)
{
	return calloc(1, sizeof(struct account));
}

void
account_free(struct account *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < DRV_CPU_MAX; i++)
		free(a->last[i]);
	free(a);
}

/* The number is not the next one: some before it are missing, or it is late. After 2^32 events one
 * has the number 0, as if it had none. */
static void
jump(struct account *a, const struct ev_hdr *rec, uint32_t *last)
{
	int32_t ahead = (int32_t) (rec->number - *last);

	if (ahead <= 0) {
		a->missing[rec->type]--;
		return;
	}
	a->missing[rec->type] += ahead - 1 - (rec->number < *last);
	*last = rec->number;
}

void
account_event(struct account *a, const struct ev_hdr *rec)
{
	uint32_t **last = &a->last[rec->cpu % DRV_CPU_MAX];

	if (rec->type >= EV_TYPE_MAX)
		return;
	a->emitted[rec->type]++;
	if (rec->number == 0)
		return;
	if (UNLIKELY(*last == NULL)) {
		*last = calloc(EV_TYPE_MAX, sizeof(**last)); /* once per CPU */
		if (*last == NULL)
			return;
	}
	if (LIKELY(rec->number == (*last)[rec->type] + 1))
		(*last)[rec->type]++;
	else
		jump(a, rec, &(*last)[rec->type]);
}

void
account_keep(const struct account *a, struct account_kept *to, unsigned ncpu)
{
	if (a == NULL) {
		memset(to, 0, account_kept_size(ncpu));
		return;
	}
	memcpy(to->emitted, a->emitted, sizeof(to->emitted));
	memcpy(to->missing, a->missing, sizeof(to->missing));
	for (unsigned i = 0; i < ncpu; i++) {
		if (a->last[i] != NULL)
			memcpy(to->last[i], a->last[i], sizeof(to->last[i]));
		else
			memset(to->last[i], 0, sizeof(to->last[i]));
	}
}

void
account_resume(struct account *a, const struct account_kept *from, unsigned ncpu, bool stream)
{
	if (stream)
		memcpy(a->emitted, from->emitted, sizeof(a->emitted));
	memcpy(a->missing, from->missing, sizeof(a->missing));
	for (unsigned i = 0; i < ncpu; i++) {
		a->last[i] = malloc(sizeof(from->last[i]));
		if (a->last[i] != NULL)
			memcpy(a->last[i], from->last[i], sizeof(from->last[i]));
	}
}

void
account_rows(struct account *a, Wire__Drop *const *drops, size_t ndrops)
{
	uint64_t dropped[EV_TYPE_MAX] = { 0 };

	for (size_t i = 0; i < ndrops; i++) {
		if (drops[i]->event < EV_TYPE_MAX && drops[i]->cause <= DROP_FAULT)
			dropped[drops[i]->event] += drops[i]->count;
	}
	a->n = 0;
	for (uint32_t i = 1; i < EV_TYPE_MAX; i++) {
		Wire__Account *row = &a->v[a->n];
		uint64_t missing = (uint64_t) MAX(a->missing[i], 0);
		uint64_t emitted = (uint64_t) MAX(a->emitted[i], 0);

		if (emitted + missing + dropped[i] == 0)
			continue;
		wire__account__init(row);
		row->event = i;
		row->emitted = emitted;
		/* the newest drops have no record after them that would show them */
		row->generated = emitted + MAX(missing, dropped[i]);
		a->p[a->n++] = row;
	}
}
