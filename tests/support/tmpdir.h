/* SPDX-License-Identifier: Apache-2.0 */
/* tmpdir.h - a folder for a test's files. 0 or -1, as a cmocka setup. */
#ifndef MEWS_TESTS_SUPPORT_TMPDIR_H
#define MEWS_TESTS_SUPPORT_TMPDIR_H

#define TMPDIR_SIZE 32

int tmpdir_make(char ret[TMPDIR_SIZE]);
int tmpdir_remove(const char *dir); /* with its contents */

#endif
