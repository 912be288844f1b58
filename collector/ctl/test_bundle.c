/* SPDX-License-Identifier: Apache-2.0 */
/* test_bundle.c - a bundle's form, its signature, and the folder that it is put into. */
#include "collector/ctl/bundle_dir.h"
#include "common/file.h"
#include "common/hex.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1764475200u

static EVP_PKEY *key;
static struct bundle_keys keys;

static int
begin(void **state)
{
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	keys.v[0].key = key;
	keys.n = 1;
	return key == NULL || bundle_key_id(key, keys.v[0].id) < 0 || tmpdir_begin(state) < 0 ? -1
											      : 0;
}

static int
end(void **state)
{
	EVP_PKEY_free(key);
	return tmpdir_end(state);
}

/* A bundle of two files. */
static void
make(const char *version, const char *text, uint64_t expires, struct buf *out)
{
	struct bundle b = { .created = NOW, .expires = expires, .nfiles = 2 };
	struct diag d = { 0 };

	(void) snprintf(b.name, sizeof(b.name), "acme-linux");
	(void) snprintf(b.version, sizeof(b.version), "%s", version);
	(void) snprintf(b.engine, sizeof(b.engine), "0.26.0");
	(void) snprintf(b.file[0].name, sizeof(b.file[0].name), "b.yaml");
	(void) snprintf(b.file[1].name, sizeof(b.file[1].name), "a.yaml");
	b.file[0].text = slice_str(text);
	b.file[1].text = SLICE("- list: x\n");
	assert_int_equal(0, bundle_make(&b, key, out, &d));
}

static int
check(struct slice bytes, uint64_t now, struct bundle *b, struct diag *d)
{
	int r = bundle_parse(bytes, b, d);

	return r < 0 ? r : bundle_check(b, &keys, now, d);
}

static void
test_same(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct bundle b, m;
	struct diag d = { 0 };

	(void) state;
	make("1.4.0", "hello", 0, &out);
	assert_int_equal(0, check(buf_get(&out), NOW, &b, &d));
	assert_string_equal("acme-linux", b.name);
	assert_string_equal("1.4.0", b.version);
	assert_int_equal(2, b.nfiles);
	assert_string_equal("a.yaml", b.file[0].name);
	assert_true(slice_eq(SLICE("hello"), b.file[1].text));
	assert_int_equal(0, bundle_parse_manifest(b.manifest, &m, &d));
	assert_null(m.file[1].text.p);
}

/* Every change of a byte is seen. */
static void
test_every_byte(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct bundle b;

	(void) state;
	make("1.4.0", "hello", 0, &out);
	for (size_t i = 0; i < out.n; i++) {
		struct diag d = { 0 };

		out.p[i] ^= 1;
		assert_int_equal(-EINVAL, check(buf_get(&out), NOW, &b, &d));
		assert_true(d.msg[0] != '\0');
		out.p[i] ^= 1;
	}
	for (size_t n = 0; n < out.n; n++) {
		struct diag d = { 0 };

		assert_int_equal(-EINVAL, check((struct slice){ out.p, n }, NOW, &b, &d));
	}
}

static void
test_time(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct bundle b;
	struct diag d = { 0 };

	(void) state;
	make("1.4.0", "hello", NOW + 10, &out);
	assert_int_equal(0, check(buf_get(&out), NOW + 9, &b, &d));
	assert_int_equal(-EINVAL, check(buf_get(&out), NOW + 10, &b, &d));
	assert_string_equal(
	    "expired on 2025-11-30 04:00:10 UTC: get a newer one, or set this machine's clock",
	    d.msg);
}

static void
test_unknown_key(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct bundle_keys none = { .n = 0 };
	struct bundle b;
	struct diag d = { 0 };

	(void) state;
	make("1.4.0", "hello", 0, &out);
	assert_int_equal(0, bundle_parse(buf_get(&out), &b, &d));
	assert_int_equal(-EINVAL, bundle_check(&b, &none, NOW, &d));
	assert_non_null(strstr(d.msg, "a key that is not trusted here"));
}

/* ---- what a hostile one says ---- */

#define HEX  "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HEAD "mews-rules-bundle 1\nname a\nversion 1\nengine 0\ncreated 1\nexpires 0\n"
#define TAIL "key " HEX "\nsignature " HEX HEX "\n\n"

static const struct {
	const char *text, *msg;
} wrong[] = {
	{ "", "is not a bundle" },
	{ "mews-rules-bundle 2\n", "a later version of Mews" },
	{ "mews-rules-bundle 1\nname ../a\n", "no valid name" },
	{ "mews-rules-bundle 1\nname A\n", "no valid name" },
	{ "mews-rules-bundle 1\nname -a\n", "no valid name" },
	{ "mews-rules-bundle 1\nname a\nversion 1.\n", "no valid version" },
	{ "mews-rules-bundle 1\nname a\nversion 1.2.3.4.5\n", "no valid version" },
	{ "mews-rules-bundle 1\nname a\nversion 01\n", "no valid version" },
	{ "mews-rules-bundle 1\nname a\nversion 1/..\n", "no valid version" },
	{ "mews-rules-bundle 1\nname a\nversion 1\nengine 0\ncreated -1\n", "when it was made" },
	{ HEAD, "has no files" },
	{ HEAD TAIL, "has no files" },
	{ HEAD "file 5 " HEX " ../../x.yaml\n" TAIL "hello", "no plain name" },
	{ HEAD "file 5 " HEX " /etc/x.yaml\n" TAIL "hello", "no plain name" },
	{ HEAD "file 5 " HEX " .x.yaml\n" TAIL "hello", "no plain name" },
	{ HEAD "file 5 " HEX " passwd\n" TAIL "hello", "no plain name" },
	{ HEAD "file 5 " HEX " x\x1b[2J.yaml\n" TAIL "hello", "no plain name" },
	{ HEAD "file -5 " HEX " x.yaml\n" TAIL "hello", "says nothing" },
	{ HEAD "file 5000000000 " HEX " x.yaml\n" TAIL "hello", "says nothing" },
	{ HEAD "file 5 " HEX "x.yaml\n" TAIL "hello", "no plain name" },
	{ HEAD "file 5 beef x.yaml\n" TAIL "hello", "says nothing" },
	{ HEAD "file 999999999 " HEX " x.yaml\n" TAIL "hello", "more than 64 MiB" },
	{ HEAD "file 5 " HEX " x.yaml\nfile 5 " HEX " x.yaml\n" TAIL "hello", "twice" },
	{ HEAD "file 5 " HEX " y.yaml\nfile 5 " HEX " x.yaml\n" TAIL "hello",
	    "not in their order" },
	{ HEAD "file 5 " HEX " x.yaml\nkey 12\n", "damaged after" },
	{ HEAD "file 5 " HEX " x.yaml\nkey " HEX "\nsignature 12\n\nhello", "no signature" },
	{ HEAD "file 5 " HEX " x.yaml\n" TAIL "hell", "cut off" },
	{ HEAD "file 5 " HEX " x.yaml\n" TAIL "hello!", "1 bytes after" },
};

static void
test_wrong(void **state)
{
	static struct bundle b;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct diag d = { 0 };

		if (bundle_parse(slice_str(wrong[i].text), &b, &d) != -EINVAL ||
		    strstr(d.msg, wrong[i].msg) == NULL)
			fail_msg("case %zu: '%s' for '%s'", i, d.msg, wrong[i].msg);
	}
}

static const struct {
	const char *a, *b;
	int order;
} versions[] = {
	{ "1", "1", 0 },
	{ "1.2", "1.2.0", 0 },
	{ "1.10", "1.9", 1 },
	{ "2", "10", -1 },
	{ "1.2.3.4", "1.2.3.5", -1 },
};

static void
test_versions(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		assert_int_equal(
		    versions[i].order, bundle_version_cmp(versions[i].a, versions[i].b));
}

/* ---- keys ---- */

static void
test_keys(void **state)
{
	char dir[64], path[128];
	struct bundle_keys k = { .n = 0 };
	struct diag d = { 0 };
	FILE *f;

	(void) state;
	(void) snprintf(dir, sizeof(dir), "%s/keys", tmpdir);
	assert_int_equal(-ENOENT, bundle_keys_read(dir, &k, &d));
	assert_int_equal(0, mkdir(dir, 0755));
	assert_int_equal(-EINVAL, bundle_keys_read(dir, &k, &d));
	assert_non_null(strstr(d.msg, "has no key"));
	(void) snprintf(path, sizeof(path), "%s/a.pem", dir);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(1, PEM_write_PUBKEY(f, key));
	(void) fclose(f);
	assert_int_equal(0, chmod(path, 0644));
	assert_int_equal(0, bundle_keys_read(dir, &k, &d));
	assert_int_equal(1, k.n);
	assert_string_equal(keys.v[0].id, k.v[0].id);
	bundle_keys_fini(&k);
	assert_int_equal(-ENOTDIR, bundle_keys_read(path, &k, &d));
	assert_non_null(strstr(d.msg, "cannot read the folder of keys"));
	assert_int_equal(0, chmod(path, 0664));
	assert_int_equal(-EACCES, bundle_keys_read(dir, &k, &d));
	assert_int_equal(0, chmod(path, 0644));
	assert_int_equal(0, chmod(dir, 0757));
	assert_int_equal(-EACCES, bundle_keys_read(dir, &k, &d));
	assert_int_equal(0, chmod(dir, 0755));
	assert_int_equal(0, file_replace(path, SLICE("no key\n"), 0644, &d));
	assert_int_equal(-EINVAL, bundle_keys_read(dir, &k, &d));
	bundle_keys_fini(&k);
}

/* ---- the folder ---- */

static void
put(const struct bundle_dir *dir, const char *version, const char *text, int want)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct bundle b;
	struct diag d = { 0 };

	make(version, text, 0, &out);
	assert_int_equal(0, bundle_parse(buf_get(&out), &b, &d));
	assert_int_equal(want, bundle_dir_put(dir, &b, &d));
}

static void
test_folder(void **state)
{
	static const char *const versions_in_order[] = { "1.0", "1.1", "1.9", "1.10", "2.0" };
	CLEANUP(buf_fini) struct buf buf = BUF_INIT;
	char path[64], file[128], now[BUNDLE_VERSION];
	struct bundle_dir dir;
	struct bundle_dir_list l;
	struct bundle b;
	struct diag d = { 0 };
	struct stat st;

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/rules.d", tmpdir);
	assert_int_equal(-ENOENT, bundle_dir_open(path, true, &dir, &d));
	assert_int_equal(0, mkdir(path, 0700));
	assert_int_equal(0, chmod(path, 0775));
	assert_int_equal(-EACCES, bundle_dir_open(path, true, &dir, &d));
	assert_int_equal(0, chmod(path, 0755));
	(void) umask(077); /* the collector reads it all the same */
	assert_int_equal(0, bundle_dir_open(path, true, &dir, &d));
	assert_int_equal(-ENOENT, bundle_dir_current(&dir, "acme-linux", now, &d));
	for (size_t i = 0; i < ARRAY_SIZE(versions_in_order); i++) {
		put(&dir, versions_in_order[i], "hello", 0);
		assert_int_equal(
		    0, bundle_dir_switch(&dir, "acme-linux", versions_in_order[i], &d));
	}
	(void) umask(022);
	assert_int_equal(0, bundle_dir_prune(&dir, "acme-linux", "2.0", &d));
	assert_int_equal(0, bundle_dir_kept(&dir, "acme-linux", &l, &d));
	assert_int_equal(BUNDLE_KEPT, l.n);
	assert_string_equal("2.0", l.v[0].version);
	assert_string_equal("1.10", l.v[1].version);
	assert_string_equal("1.9", l.v[2].version);
	assert_int_equal(0, bundle_dir_list(&dir, &l, &d));
	assert_int_equal(1, l.n);
	assert_string_equal("2.0", l.v[0].version);
	(void) snprintf(file, sizeof(file), "%s/acme-linux.bundle/b.yaml", path);
	assert_int_equal(0, stat(file, &st));
	assert_int_equal(0644, st.st_mode & 07777);

	put(&dir, "2.0", "hello", 0);         /* the same again */
	put(&dir, "2.0", "another", -EEXIST); /* a version says one thing */
	assert_int_equal(0, file_replace(file, SLICE("changed"), 0644, &d));
	assert_int_equal(-EBADMSG, bundle_dir_read(&dir, "acme-linux", "2.0", &buf, &b, &d));
	put(&dir, "2.0", "hello", 0); /* mends it */
	assert_int_equal(0, bundle_dir_read(&dir, "acme-linux", "2.0", &buf, &b, &d));

	assert_int_equal(0, bundle_dir_switch(&dir, "acme-linux", NULL, &d));
	assert_int_equal(0, bundle_dir_prune(&dir, "acme-linux", NULL, &d));
	assert_int_equal(0, bundle_dir_kept(&dir, "acme-linux", &l, &d));
	assert_int_equal(0, l.n);

	/* not a link of ours */
	assert_int_equal(0, symlinkat("/etc", dir.fd, "x.bundle"));
	d = (struct diag){ 0 };
	assert_int_equal(-EINVAL, bundle_dir_list(&dir, &l, &d));
	bundle_dir_close(&dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_unknown_key),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
