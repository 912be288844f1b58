/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_table.c - containers stay while a thread is in them; images have them. */
#include "collector/state/state_int.h"
#include "collector/state/test_play.h"
#include "common/clock.h"
#include "tests/support/test.h"
#include <stdio.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
info(struct play *p, const char *id, const char *name)
{
	char params[256];

	(void) snprintf(params, sizeof(params), "id=%s;container_name=%s;labels=a=b|", id, name);
	play_row(p, &(struct row){ EV_CONTAINER_INFO, "0", params, "" });
}

static void
t_life(void **state)
{
	struct play p;
	char id[16];

	(void) state;
	play_start(&p, NULL);
	info(&p, "001122334455", "web");
	play_row(&p, &(struct row){ EV_EXECVE, "10",
			 "res=0;exe=a;comm=a;cgroups=cpu=/docker/" HEX "|", "box=web" });
	play_row(
	    &p, &(struct row){ EV_USERADDED, "0", "uid=5;name=ann;container_id=001122334455", "" });
	play_row(
	    &p, &(struct row){ EV_USERADDED, "0", "uid=5;name=bob;container_id=000000000000", "" });
	play_row(&p, &(struct row){ EV_USERADDED, "0", "uid=5;name=eve;container_id=", "" });
	info(&p, "001122334455", "renamed");
	play_row(&p, &(struct row){ EV_BRK, "10", "", "box=renamed" });
	play_reload(&p);
	play_row(&p, &(struct row){ EV_BRK, "10", "", "box=renamed" });
	for (unsigned i = 0; i < 1000; i++) {
		(void) snprintf(id, sizeof(id), "%012u", i);
		info(&p, id, "x");
		p.ts += NS_PER_S;
		play_row(&p, &(struct row){ EV_BRK, "10", "", "box=renamed" });
		assert_true(p.s->boxes.n <= 128); /* those of the last seconds, twice */
	}
	assert_int_equal(2, p.s->users.n); /* without the ended one's */
	/* All at once: there is an end, and the used one stays. */
	for (unsigned i = 0; i < 10000; i++) {
		(void) snprintf(id, sizeof(id), "b%011u", i);
		info(&p, id, "x");
	}
	assert_true(p.s->boxes.n <= 8192);
	play_row(&p, &(struct row){ EV_BRK, "10", "", "box=renamed" });
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(t_life) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
