/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cond.h - condition variables with time-outs that a change of the wall clock does not move.
 */
#ifndef MEWS_COMMON_COND_H
#define MEWS_COMMON_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* For cond_wait(); pthread_cond_destroy() ends it. */
void cond_init(pthread_cond_t *c);

/* The monotonic time in timeout_ms, in ns; -1: for ever. */
uint64_t cond_until(int timeout_ms);

/* Wait, with 'm' locked, for a signal (or a spurious one) until this time of cond_until(). False:
 * the time is over; if it was over before, 'm' stayed locked. */
bool cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t until);

#endif
