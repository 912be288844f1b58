/* SPDX-License-Identifier: Apache-2.0 */
/* test_play_snap.c - begin and end a snapshot around a table's rows. */
#include "collector/state/test_play.h"
#include "tests/support/test.h"

void
play_snapshot_begin(struct play *p)
{
	Wire__Snapshot part = WIRE__SNAPSHOT__INIT;

	part.id = 1;
	if (!p->snapshot)
		assert_true(state_snapshot_part(p->s, &part));
	p->snapshot = true;
}

void
play_snapshot_end(struct play *p, uint64_t began)
{
	Wire__Snapshot part = WIRE__SNAPSHOT__INIT;

	play_snapshot_begin(p);
	part.id = 1;
	part.last = true;
	part.began_ns = began;
	assert_true(state_snapshot_end(p->s, &part));
	p->snapshot = false;
}
