/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptors.h - the limit of open descriptors of this process, and their number.
 */
#ifndef MEWS_COMMON_DESCRIPTORS_H
#define MEWS_COMMON_DESCRIPTORS_H

#include <stdint.h>

/* Raise the soft limit to the hard one: services often get 1,024, with a hard limit of a thousand
 * times that. Returns the limit in force. */
uint64_t descriptors_raise(void);

/* The limit in force. Any thread. */
uint64_t descriptors_max(void);

/* A lower bound, close to the number in use; descriptors_max(): all are. Costs two system calls.
 * Any thread. */
uint64_t descriptors_used(void);

#endif
