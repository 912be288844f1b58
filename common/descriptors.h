/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptors.h - how many files, sockets and the like this process may have open, and has.
 */
#ifndef MEWS_COMMON_DESCRIPTORS_H
#define MEWS_COMMON_DESCRIPTORS_H

#include <stdint.h>

/* Raise the soft limit to the hard one: a service is often given 1,024 and may have a thousand
 * times that. Returns the limit in force. */
uint64_t descriptors_raise(void);

/* The limit in force. Any thread. */
uint64_t descriptors_max(void);

/* At least so many are in use, and not many more; descriptors_max(): all. Costs two system calls.
 * Any thread. */
uint64_t descriptors_used(void);

#endif
