/* SPDX-License-Identifier: Apache-2.0 */
/* output_note.c - what an output's thread notes for others. */
#include "collector/output/outputs_int.h"
#include "common/clock.h"

static void
set_last(struct output *o, const char *why)
{
	(void) snprintf(o->stats.last, sizeof(o->stats.last), "%s", why);
	o->stats.last_at = clock_real();
}

void
output_set_error(struct output *o, const char *why)
{
	(void) snprintf(o->stats.error, sizeof(o->stats.error), "%s", why);
	set_last(o, why);
}

void
output_note_last(struct output *o, const char *why)
{
	pthread_mutex_lock(&o->lock);
	set_last(o, why);
	pthread_mutex_unlock(&o->lock);
}

void
output_note_error(struct output *o, const char *why)
{
	pthread_mutex_lock(&o->lock);
	output_set_error(o, why);
	pthread_mutex_unlock(&o->lock);
}

void
output_count(struct output *o, uint64_t *counter)
{
	pthread_mutex_lock(&o->lock);
	++*counter;
	pthread_mutex_unlock(&o->lock);
}
