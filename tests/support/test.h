/* SPDX-License-Identifier: Apache-2.0 */
/* test.h - cmocka with the headers that it needs first. */
#ifndef MEWS_TESTS_SUPPORT_TEST_H
#define MEWS_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
