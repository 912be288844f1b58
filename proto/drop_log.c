/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/drop_log.h"
#include "proto/schema.h"
#include <stdlib.h>

#define SHOWN 5 /* kinds per line, the largest first */

static const char *const causes[] = {
	[DROP_RING_FULL] = "no room in the kernel's ring",
	[DROP_TOO_LONG] = "too long for a record",
	[DROP_FAULT] = "memory that could not be read",
	[DROP_SPOOL_FULL] = "no room in the sensor's spool",
	[DROP_BAD_RECORD] = "a record that could not be read",
	[DROP_QUARANTINED] = "the collector refused their batch twice",
	[DROP_SPOOL_DAMAGED] = "their batch could not be read back from the disk",
	[DROP_UNREAD] = "not read by the sensor before, of another version or with other options",
	[DROP_MISSED] = "at most, while a program on their CPU was preempted",
};

static const char *const names[] = {
	[DROP_RING_FULL] = "ring_full",
	[DROP_TOO_LONG] = "too_long",
	[DROP_FAULT] = "fault",
	[DROP_SPOOL_FULL] = "spool_full",
	[DROP_BAD_RECORD] = "bad_record",
	[DROP_QUARANTINED] = "quarantined",
	[DROP_SPOOL_DAMAGED] = "spool_damaged",
	[DROP_UNREAD] = "unread",
	[DROP_MISSED] = "missed",
};

const char *
drop_name(uint32_t cause)
{
	return cause < ARRAY_SIZE(names) ? names[cause] : NULL;
}

void
drop_log_init(struct drop_log *l, uint64_t at_least)
{
	*l = (struct drop_log){ .at_least = at_least };
}

void
drop_log_fini(struct drop_log *l)
{
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

/* The count of this kind in the last line. */
static uint64_t
told_of(const struct drop_log *l, const Wire__Drop *d)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].event == d->event && l->v[i].cause == d->cause)
			return l->v[i].count;
	}
	return 0;
}

static int
larger(const void *a, const void *b)
{
	const Wire__Drop *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

static void
add_kind(const Wire__Drop *d, struct buf *out)
{
	const struct ev_schema *s = d->event == 0 ? NULL : schema_get(d->event);

	buf_printf(out, "%llu %s (", (unsigned long long) d->count,
	    s == NULL ? "of unknown type" : s->name);
	if (d->cause < ARRAY_SIZE(causes) && causes[d->cause] != NULL)
		buf_str(out, causes[d->cause]);
	else
		buf_printf(out, "cause %u", d->cause);
	buf_char(out, ')');
}

/* Collect the kinds that have grown, largest first; 'grown' has room for n. Returns their
 * number. */
static size_t
find_grown(const struct drop_log *l, Wire__Drop *const *v, size_t n, Wire__Drop *grown)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t before = told_of(l, v[i]);

		if (v[i]->cause == DROP_LATE || v[i]->count <= before)
			continue;
		grown[k] = *v[i];
		grown[k++].count -= before;
	}
	qsort(grown, k, sizeof(*grown), larger);
	return k;
}

static void
remember(struct drop_log *l, Wire__Drop *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		l->v[i] = *v[i];
	l->n = n;
}

bool
drop_log_line(struct drop_log *l, Wire__Drop *const *v, size_t n, uint64_t now, struct buf *out)
{
	Wire__Drop grown[DROP_LOG_ROWS];
	uint64_t sum = 0;
	size_t k;

	n = MIN(n, DROP_LOG_ROWS);
	for (size_t i = 0; i < n; i++)
		sum += v[i]->cause == DROP_LATE ? 0 : v[i]->count;
	if (LIKELY(sum <= l->sum || l->at_least == 0 || sum - l->sum < l->at_least) ||
	    (l->told != 0 && now - l->told < DROP_LOG_NS))
		return false;
	if (l->v == NULL && (l->v = calloc(DROP_LOG_ROWS, sizeof(*l->v))) == NULL)
		return false; /* try again next time */
	k = find_grown(l, v, n, grown);
	buf_printf(out, "%llu events were dropped ", (unsigned long long) (sum - l->sum));
	if (l->told == 0)
		buf_str(out, "since the sensor's start: ");
	else
		buf_printf(
		    out, "in the last %llu s: ", (unsigned long long) ((now - l->told) / NS_PER_S));
	for (size_t i = 0; i < MIN(k, SHOWN); i++) {
		buf_str(out, i > 0 ? ", " : "");
		add_kind(&grown[i], out);
	}
	if (k > SHOWN)
		buf_printf(out, ", and %zu more kinds", k - SHOWN);
	remember(l, v, n);
	l->sum = sum;
	l->told = now;
	return buf_ok(out) == 0;
}
