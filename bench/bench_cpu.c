/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_cpu.c - print the CPU time that processes have used so far: user and system, all threads,
 * including those that ended; in the kernel's nanoseconds (not in ticks as /proc/PID/stat).
 *
 *   bench_cpu PID...
 *
 * Prints a line per process.
 */
#include "common/clock.h"

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		clockid_t id;

		if (clock_getcpuclockid((pid_t) strtol(argv[i], NULL, 10), &id) != 0) {
			fprintf(stderr, "bench_cpu: no process %s\n", argv[i]);
			return EXIT_FAILURE;
		}
		printf("%lu\n", (unsigned long) clock_ns(id));
	}
	return EXIT_SUCCESS;
}
