/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "common/config.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Write 'text' to the file 'name' of a folder. */
static void
put_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void) snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(0, fclose(f));
}

static const struct {
	const char *name, *text;
} folder_files[] = {
	{ "main.yaml", "rules: [a, b]\nname: x\nsize: 1\nout:\n- k: 1\n- k: 2\nempty: [e]\n" },
	{ "main.d/20.yaml", "name: z\nout:\n- k: 4\n" },
	{ "main.d/10.yaml", "name: y\nrules: [c]\nout:\n- k: 3\n  l: 5\nempty: []\n" },
	{ "main.d/30.txt", "name: no\n" },
	{ "main.d/.40.yaml", "name: no\n" },
};

static int
collect(void *arg, const char *rest, const char *value, struct diag *d)
{
	(void) d;
	buf_printf(arg, "%s=%s;", rest, value);
	return 0;
}

static void
assert_all(struct cfg *c, const char *prefix, const char *want)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	struct diag d = { 0 };

	assert_int_equal(0, cfg_each(c, prefix, collect, &b, &d));
	assert_string_equal(want, buf_get(&b).p);
}

static void
folders(void **state)
{
	struct merged {
		char *name;
		struct opt_list rules, empty;
	} o;
	static const struct opt table[] = {
		{ "name", NULL, "", OPT_STR, offsetof(struct merged, name), 0, 0 },
		{ "rules", NULL, "", OPT_LIST, offsetof(struct merged, rules), 0, 0 },
		{ "empty", "d", "", OPT_LIST, offsetof(struct merged, empty), 0, 0 },
	};
	char folder[] = "/tmp/mews-test-config-XXXXXX", path[256], command[300];
	struct cfg *c = NULL;
	struct diag d = { 0 };

	(void) state;
	assert_non_null(mkdtemp(folder));
	(void) snprintf(path, sizeof(path), "%s/main.d", folder);
	assert_int_equal(0, mkdir(path, 0700));
	for (size_t i = 0; i < ARRAY_SIZE(folder_files); i++)
		put_file(folder, folder_files[i].name, folder_files[i].text);
	(void) snprintf(path, sizeof(path), "%s/main.yaml", folder);
	assert_int_equal(0, cfg_open(path, "/", &c, &d));
	assert_int_equal(0, cfg_bind(c, table, ARRAY_SIZE(table), &o, &d));
	assert_string_equal("z", o.name); /* the last file's */
	assert_int_equal(1, o.rules.n);   /* a list replaces a list */
	assert_string_equal("c", o.rules.v[0]);
	assert_int_equal(0, o.empty.n);                         /* so does an empty one */
	assert_all(c, "out", "0.k=1;1.k=2;2.k=3;2.l=5;3.k=4;"); /* mappings are added */

	/* each place is in its own file */
	cfg_place(c, "name", &d);
	assert_non_null(strstr(d.file, "/main.d/20.yaml"));
	assert_int_equal(1, d.line);
	cfg_place(c, "size", &d);
	assert_string_equal(path, d.file);
	assert_int_equal(0, cfg_override(c, "name=w", &d));
	assert_int_equal(0, cfg_bind(c, table, ARRAY_SIZE(table), &o, &d));
	assert_string_equal("w", o.name);
	cfg_free(c);

	/* without the file the folder counts, too */
	c = NULL;
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, cfg_open(NULL, path, &c, &d));
	assert_all(c, "out", "0.k=3;0.l=5;1.k=4;");
	cfg_free(c);

	/* one that is wrong has its own name */
	c = NULL;
	put_file(folder, "main.d/15.yaml", "name: [\n");
	assert_int_equal(-EINVAL, cfg_open(NULL, path, &c, &d));
	assert_non_null(strstr(d.file, "/main.d/15.yaml"));
	assert_null(c);
	(void) snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(0, system(command));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
