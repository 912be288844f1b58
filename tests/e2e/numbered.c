/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numbered - a load whose events have serial numbers: RATE times a second for SECONDS it opens
 * FOLDER/N, which does not exist, for N from 1 on. Prints how often.
 */
#include "common/clock.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STEP (2 * NS_PER_MS)

int
main(int argc, char **argv)
{
	unsigned long rate = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long seconds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, n = 0;
	uint64_t began = clock_mono(), now = began;
	char path[4096];

	if (argc != 4) {
		fputs("usage: numbered RATE SECONDS FOLDER\n", stderr);
		return 2;
	}
	while (now - began < seconds * NS_PER_S) {
		struct timespec ts = { 0, (long) STEP };

		for (now = clock_mono(); n < (now - began) * rate / NS_PER_S; n++) {
			int fd;

			(void) snprintf(path, sizeof(path), "%s/%lu", argv[3], n + 1);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd >= 0)
				(void) close(fd);
		}
		(void) nanosleep(&ts, NULL);
	}
	printf("%lu\n", n);
	return 0;
}
