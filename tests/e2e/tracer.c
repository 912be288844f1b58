/* SPDX-License-Identifier: Apache-2.0 */
/* tracer.c - tracer PID: trace a process without stopping it, print "tracing", and go on until
 * killed. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	if (argc != 2 || ptrace(PTRACE_SEIZE, (pid_t) strtol(argv[1], NULL, 10), NULL, NULL) != 0) {
		perror("tracer: ptrace");
		return 1;
	}
	puts("tracing");
	(void) fflush(stdout);
	for (;;)
		(void) pause();
}
