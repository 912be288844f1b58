/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.h - the internals of the NNG version that the tuned way supports.
 *
 * layout.c compares all of it with the installed library: at configure time, and as a test.
 */
#ifndef MEWS_COMMON_NNG_KNOWN_H
#define MEWS_COMMON_NNG_KNOWN_H

#include <pthread.h>

#define KNOWN_VERSION "1.5.2"

enum {
	/* of an aio's task: two links, argument, callback, queue, two flags, a mutex, a condition
	 * and an owner */
	TASK_ROOM = 6 * sizeof(void *) + 8 + sizeof(pthread_mutex_t) + sizeof(pthread_cond_t),
};

#endif
