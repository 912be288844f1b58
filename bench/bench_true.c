/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_true.c - do nothing: the smallest program that bench_exec can start. Linked statically,
 * without the C library's start.
 */
#include <unistd.h>

_Noreturn void _start(void); /* NOLINT(readability-identifier-naming): the entry point */

_Noreturn void
_start(void) /* NOLINT(readability-identifier-naming) */
{
	_exit(0);
}
