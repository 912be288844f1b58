/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_floor.h - the kernels that the capture programs support.
 */
#ifndef MEWS_SENSOR_KERNEL_FLOOR_H
#define MEWS_SENSOR_KERNEL_FLOOR_H

#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>

/* The oldest tested kernel (tests/vm), and the oldest with all features that the programs use. */
#define KERNEL_TESTED "6.1"
#define KERNEL_LEAST  "5.15"

/*
 * Does capture work on the kernel with this uname() release? 0: yes. 1: perhaps, but it is untested
 * (*d). -ENOSYS: no (*d). An unreadable release counts as untested.
 */
int kernel_check(const char *release, struct diag *d) MUST_CHECK;

/* Do requests of io_uring hold their operands where the programs find them? Since 6.0. */
bool kernel_uring_operands(const char *release);

/* Does the tracepoint of a completion pass the completion itself? Since 6.15. */
bool kernel_uring_cqe(const char *release);

/* Can another thread run while a program at a system call runs? Since 7.0. */
bool kernel_preempts(const char *release);

#endif
