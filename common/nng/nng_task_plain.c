/* SPDX-License-Identifier: Apache-2.0 */
/* nng_task_plain.c - with plain NNG nothing is held: it runs its callbacks on its own threads. */
#include "common/nng/nng_task.h"

void
nng_task_hold(void)
{
}

void
nng_task_run(void)
{
}
