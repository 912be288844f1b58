/* SPDX-License-Identifier: Apache-2.0 */
/* spool_int.h - shared by spool.c and spool_load.c. */
#ifndef MEWS_SENSOR_SPOOL_INT_H
#define MEWS_SENSOR_SPOOL_INT_H

#include "sensor/spool.h"

static inline struct spool_entry *
entry_at(const struct spool *s, size_t i)
{
	size_t k = s->head + i; /* both are below cap */

	return &s->ring[k < s->cap ? k : k - s->cap];
}

static inline bool
is_hole(const struct spool_entry *e)
{
	return e->msg == NULL && e->seg == NULL;
}

/* Room for an entry more; -ENOMEM. */
int spool_grow(struct spool *s) MUST_CHECK;

/* Add an entry for which there is room. */
void spool_push(struct spool *s, const struct spool_entry *e);

/* Forget the holes at the front. */
void spool_trim(struct spool *s);

#endif
