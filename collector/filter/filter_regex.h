/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_regex.h - regular expressions, POSIX syntax, matched in linear time.
 *
 * An expression is immutable, so threads share it.
 */
#ifndef MEWS_COLLECTOR_FILTER_FILTER_REGEX_H
#define MEWS_COLLECTOR_FILTER_FILTER_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct regex;

/* NULL: 'why' says what is wrong with it. */
struct regex *regex_new(const char *p, size_t n, char *why, size_t why_size);
void regex_free(void *r);

/* Does the whole text match? It must be valid UTF-8. */
bool regex_match(const struct regex *r, const char *p, size_t n);

#ifdef __cplusplus
}
#endif

#endif
