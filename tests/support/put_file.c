/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/put_file.h"
#include "tests/support/test.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void
put_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(strlen(text), fwrite(text, 1, strlen(text), f));
	assert_int_equal(0, fchmod(fileno(f), mode));
	assert_int_equal(0, fclose(f));
}
