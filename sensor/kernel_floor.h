/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_floor.h - which kernels the capture programs are for.
 */
#ifndef MEWS_SENSOR_KERNEL_FLOOR_H
#define MEWS_SENSOR_KERNEL_FLOOR_H

#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>

/* The oldest that is tested (tests/vm), and the oldest that has what the programs call. */
#define KERNEL_TESTED "6.1"
#define KERNEL_LEAST  "5.15"

/*
 * Can capture work on the kernel of this release, as uname() has it? 0: yes. 1: it may, but nobody
 * has tested it, as *d says. -ENOSYS: no, as *d says. One whose release can't be read may.
 */
int kernel_check(const char *release, struct diag *d) MUST_CHECK;

/* Does it let another thread run while a program at a system call does? Since 7.0. */
bool kernel_preempts(const char *release);

#endif
