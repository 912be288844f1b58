/* SPDX-License-Identifier: Apache-2.0 */
/* put_file.h - write a file of a test. */
#ifndef MEWS_TESTS_SUPPORT_PUT_FILE_H
#define MEWS_TESTS_SUPPORT_PUT_FILE_H

#include <sys/types.h>

/* The test fails if it cannot be written. */
void put_file(const char *path, const char *text, mode_t mode);

#endif
