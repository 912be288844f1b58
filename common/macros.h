/* SPDX-License-Identifier: Apache-2.0 */
/*
 * macros.h - small macros that the language lacks.
 */
#ifndef MEWS_COMMON_MACROS_H
#define MEWS_COMMON_MACROS_H

#define MUST_CHECK                    __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a)             __attribute__((format(printf, f, a)))
#define CLEANUP(fn)                   __attribute__((cleanup(fn)))
#define UNUSED                        __attribute__((unused))
#define ALWAYS_INLINE                 __attribute__((always_inline))
#define LIKELY(x)                     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)                   __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                     ((a) < (b) ? (a) : (b))
#define MAX(a, b)                     ((a) > (b) ? (a) : (b))
#define CONTAINER_OF(p, type, member) ((type *) (void *) ((char *) (p) -offsetof(type, member)))

#endif
