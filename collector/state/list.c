/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - threads in the order of their ids, for people. */
#include "collector/state/state_int.h"

/* Insert t into the n ids at v, which are in order; the last one falls out if they are 'max'. */
static size_t
insert_by_tid(const struct thread **v, size_t n, size_t max, const struct thread *t)
{
	size_t at = n;

	if (n == max && v[n - 1]->tid < t->tid)
		return n;
	while (at > 0 && v[at - 1]->tid > t->tid)
		at--;
	n = MIN(n + 1, max);
	memmove(&v[at + 1], &v[at], (n - at - 1) * sizeof(struct thread *));
	v[at] = t;
	return n;
}

size_t
state_list(struct state *s, int64_t after, bool processes, const struct thread **v, size_t n)
{
	size_t found = 0;

	state_flush(s);
	for (uint32_t i = 0; n > 0 && i <= s->threads.mask; i++) {
		const struct thread *t = s->threads.slots[i].t;

		if (t != NULL && !t->gone && t->tid > after && (!processes || thread_is_main(t)))
			found = insert_by_tid(v, found, n, t);
	}
	return found;
}
