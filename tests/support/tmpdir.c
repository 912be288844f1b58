/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tmpdir.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

char tmpdir[TMPDIR_SIZE];

int
tmpdir_make(char ret[TMPDIR_SIZE])
{
	(void) snprintf(ret, TMPDIR_SIZE, "/tmp/mews-test-XXXXXX");
	return mkdtemp(ret) == NULL ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void) sb;
	(void) type;
	(void) ftw;
	return remove(path);
}

int
tmpdir_remove(const char *dir)
{
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
tmpdir_begin(void **state)
{
	(void) state;
	return tmpdir_make(tmpdir);
}

int
tmpdir_end(void **state)
{
	(void) state;
	return tmpdir_remove(tmpdir);
}
