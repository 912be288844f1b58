/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng_task.h - run NNG's callbacks in the thread that triggers them.
 *
 * NNG works in small steps, each a callback, and hands them from thread to thread; on an idle
 * machine every hand-over wakes a sleeping CPU. nng_task.c replaces NNG's queue: a follow-up step
 * runs in the same thread.
 *
 * Other threads can do so too: callbacks that become due between hold and run are run by run, in
 * this thread, with all their follow-up steps. The thread must hold no lock that they take, and
 * they must not block. With plain NNG both functions do nothing.
 */
#ifndef MEWS_COMMON_NNG_NNG_TASK_H
#define MEWS_COMMON_NNG_NNG_TASK_H

void nng_task_hold(void);
void nng_task_run(void);

#endif
