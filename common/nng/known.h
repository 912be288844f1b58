/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.h - what is known of the one NNG that the tuned way is for, and must agree with it.
 *
 * layout.c compares all of it with the library that is there: when the build is configured, and as
 * a test.
 */
#ifndef MEWS_COMMON_NNG_KNOWN_H
#define MEWS_COMMON_NNG_KNOWN_H

#include <pthread.h>

#define KNOWN_VERSION "1.5.2"

enum {
	/* of an aio's task: two links, argument, callback, queue, two flags, a mutex, a condition
	 * and what it belongs to */
	TASK_ROOM = 6 * sizeof(void *) + 8 + sizeof(pthread_mutex_t) + sizeof(pthread_cond_t),
	INPUTS = 4,     /* of an aio */
	FREE_INPUT = 2, /* from here on NNG does not use them when it sends over a stream */
};

#endif
