/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * numbers.h - system call numbers of the target architecture, from proto/syscalls.def: NR64_chdir
 * for 64-bit callers, NR32_chdir for 32-bit ones, -1 if there is no such call.
 */
#ifndef MEWS_DRIVER_NUMBERS_H
#define MEWS_DRIVER_NUMBERS_H

#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#define NUMBERS_BY_ARCH(x86, arm) (x86)
#else
#define NUMBERS_BY_ARCH(x86, arm) (arm)
#endif

enum number {
#define SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32) \
	NR64_##name = NUMBERS_BY_ARCH(x86_64, arm64), NR32_##name = NUMBERS_BY_ARCH(ia32, arm32),
#include "proto/syscalls.def"
};

#endif
