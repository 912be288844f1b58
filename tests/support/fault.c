/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fault.h"
#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

static _Atomic long countdown = -1; /* -1: off */
static _Atomic bool fired;

static bool
fault_now(void)
{
	if (countdown < 0 || countdown-- > 0)
		return false;
	fired = true;
	return true;
}

void
fault_arm_nth(unsigned n)
{
	fired = false;
	countdown = n;
}

bool
fault_disarm(void)
{
	countdown = -1;
	return fired;
}

void *
__wrap_malloc(size_t n)
{
	return fault_now() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t m)
{
	return fault_now() ? NULL : __real_calloc(n, m);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fault_now() ? NULL : __real_realloc(p, n);
}
