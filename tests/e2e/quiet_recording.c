/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quiet_recording FILE SECONDS: write a recording of a machine where a file is closed once a
 * second, for tests that need connected sensors with little to do.
 */
#include "common/clock.h"
#include "tests/support/tape.h"

int
main(int argc, char **argv)
{
	uint64_t seconds = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	struct tape t;

	if (seconds == 0) {
		(void) fprintf(stderr, "usage: quiet_recording FILE SECONDS\n");
		return 2;
	}
	tape_begin(&t, argv[1], "quiet");
	for (uint64_t i = 1; i <= seconds; i++) {
		evb_begin(&t.e, EV_CLOSE, 10, i * NS_PER_S);
		evb_num(&t.e, "res", 0);
		tape_add(&t);
		tape_batch(&t, NULL);
	}
	return tape_end(&t);
}
