/* SPDX-License-Identifier: Apache-2.0 */
/* task_plain.c - NNG runs its callbacks on threads of its own: nothing is held. */
#include "common/nng/nng_task.h"

void
nng_task_hold(void)
{
}

void
nng_task_run(void)
{
}
