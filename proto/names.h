/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * names.h - the numbers of names.def for C code, kernel and user: NV_clone_flags_CLONE_VM is the
 * number in events, NK_clone_flags_CLONE_VM the kernel's on the target architecture (0 if it lacks
 * the name).
 *
 * A number of more than 31 bits is negative here: compare it as uint32_t.
 */
#ifndef MEWS_PROTO_NAMES_H
#define MEWS_PROTO_NAMES_H

/* For NAMES_NO: differs from every 32-bit number, and shares no bit with one. */
#define NAMES_NO (1ULL << 32)

#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#define NAMES_BY_ARCH(x86, arm64) (x86)
#else
#define NAMES_BY_ARCH(x86, arm64) (arm64)
#endif

/* clang-format off */
#define NAMES(table, KIND)                          enum nv_##table {
#define NAME(table, word, value)                    NV_##table##_##word = (int) (value),
#define NAME_FROM(table, word, value, kernel)       NV_##table##_##word = (int) (value),
#define NAME_ARCH(table, word, value, x86, arm64)   NV_##table##_##word = (int) (value),
#define NAME_ELSE(table, word, value, kernel)       NV_##table##_##word = (int) (value),
#define NAME_OURS(table, word, value)               NV_##table##_##word = (int) (value),
#define NAMES_END(table)                            };
#include "proto/names.def"

#define NAMES(table, KIND)                          enum nk_##table {
#define NAME(table, word, value)                    NK_##table##_##word = (int) (value),
#define NAME_FROM(table, word, value, kernel)       NK_##table##_##word = (int) (kernel),
#define NAME_ARCH(table, word, value, x86, arm64)   \
	NK_##table##_##word = (int) NAMES_BY_ARCH(x86, arm64),
#define NAME_ELSE(table, word, value, kernel)       NK_##table##_##word = 0,
#define NAME_OURS(table, word, value)               NK_##table##_##word = 0,
#define NAMES_END(table)                            };
#include "proto/names.def"
/* clang-format on */

#endif
