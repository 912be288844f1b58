/* SPDX-License-Identifier: Apache-2.0 */
/* exited.c - the last exits of a node, by tid. */
#include "collector/state/state_int.h"

void
exited_add(struct state *s, int64_t tid, uint64_t start, uint64_t ts)
{
	uint32_t i = s->exited.next++ % EXITED_SIZE;

	s->exited.tid[i] = (uint32_t) tid;
	s->exited.start[i] = start;
	s->exited.ts[i] = ts;
}

bool
exited_since(const struct state *s, int64_t tid, uint64_t start, uint64_t since)
{
	for (uint32_t i = 0; i < EXITED_SIZE; i++) {
		if (s->exited.tid[i] != (uint32_t) tid || s->exited.ts[i] < since)
			continue;
		if (start == 0 || s->exited.start[i] == 0 || s->exited.start[i] == start)
			return true;
	}
	return false;
}
