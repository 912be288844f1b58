/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quiet_recording FILE SECONDS [RATE]: write a recording of a machine where RATE files (default: 1)
 * are closed per second, for tests that need connected sensors with little to do.
 */
#include "common/clock.h"
#include "tests/support/tape.h"

int
main(int argc, char **argv)
{
	uint64_t seconds = argc >= 3 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t rate = argc >= 4 ? strtoull(argv[3], NULL, 10) : 1;
	struct tape t;

	if (seconds == 0 || rate == 0) {
		(void) fprintf(stderr, "usage: quiet_recording FILE SECONDS [RATE]\n");
		return 2;
	}
	tape_begin(&t, argv[1], "quiet");
	for (uint64_t i = 0; i < seconds * rate; i++) {
		evb_begin(&t.e, EV_CLOSE, 10, NS_PER_S + i * NS_PER_S / rate);
		evb_num(&t.e, "res", 0);
		tape_add(&t);
		if ((i + 1) % rate == 0)
			tape_batch(&t, NULL);
	}
	return tape_end(&t);
}
