/* SPDX-License-Identifier: Apache-2.0 */
/* output_beat.c - the states of nodes, on their way from the main thread to an output's. */
#include "collector/output/outputs_int.h"

void
output_beats_free(struct output_beat *list)
{
	while (list != NULL) {
		struct output_beat *b = list;

		list = b->next;
		free(b);
	}
}

/* Exchange what waits. */
static struct output_beat *
exchange(struct output *o, struct output_beat *list)
{
	struct output_beat *old;

	pthread_mutex_lock(&o->lock);
	old = o->beats;
	o->beats = list;
	pthread_mutex_unlock(&o->lock);
	return old;
}

void
outputs_beat(struct outputs *set, output_beats_fn *fn, void *arg)
{
	for (size_t i = 0; i < set->n; i++) {
		struct output *o = set->v[i];

		if (o->ops->wants_beats != NULL && o->ops->wants_beats(o->st))
			output_beats_free(exchange(o, fn(arg)));
	}
}

void
output_beat(struct output *o)
{
	struct output_beat *list;

	if (o->ops->beat == NULL)
		return;
	list = exchange(o, NULL);
	if (list != NULL)
		o->ops->beat(o->st, list);
	output_beats_free(list);
}
