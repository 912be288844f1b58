/* SPDX-License-Identifier: Apache-2.0 */
/* tmpdir.h - folders for a test's files. All return 0 or -1, as a cmocka setup does. */
#ifndef MEWS_TESTS_SUPPORT_TMPDIR_H
#define MEWS_TESTS_SUPPORT_TMPDIR_H

#define TMPDIR_SIZE 32

/* The folder of a test program: group setup and teardown. */
extern char tmpdir[TMPDIR_SIZE];
int tmpdir_begin(void **state);
int tmpdir_end(void **state);

/* Other folders. */
int tmpdir_make(char ret[TMPDIR_SIZE]);
int tmpdir_remove(const char *dir); /* with its contents */

#endif
