/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng_task.h - NNG's callbacks, run where they become due.
 *
 * What NNG does in small steps, each of them a callback, it hands from thread to thread, and on a
 * quiet machine every hand-over wakes a sleeping CPU. task.c takes the place of NNG's own queue: a
 * step that follows from another runs after it in the same thread.
 *
 * A thread that is not NNG's can run its own, too: those that become due between hold and run, run
 * in run, in this thread, with all that follows from them. It must hold no lock that they take, and
 * they must not wait. With plain NNG both do nothing.
 */
#ifndef MEWS_COMMON_NNG_NNG_TASK_H
#define MEWS_COMMON_NNG_NNG_TASK_H

void nng_task_hold(void);
void nng_task_run(void);

#endif
