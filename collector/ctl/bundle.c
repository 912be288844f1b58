/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.c - the form of a bundle: read and write it. */
#include "collector/ctl/bundle.h"
#include "common/hex.h"
#include <errno.h>
#include <stdlib.h>

#define FIRST "mews-rules-bundle 1"

enum { LINE_MAX_BYTES = 256, VERSION_PARTS = 4 };

/* ---- names and versions ---- */

static bool
chars_ok(const char *s, size_t most, const char *also)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= '0' && s[i] <= '9') &&
		    strchr(also, s[i]) == NULL)
			return false;
	}
	return n > 0 && n < most;
}

bool
bundle_name_ok(const char *s)
{
	return chars_ok(s, BUNDLE_NAME, "-") && s[0] != '-';
}

bool
bundle_file_ok(const char *s)
{
	struct slice t = slice_str(s);

	return chars_ok(s, BUNDLE_FILE, "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_") && s[0] != '.' &&
	       s[0] != '-' && (slice_ends(t, SLICE(".yaml")) || slice_ends(t, SLICE(".yml")));
}

/* Take a number of at most 9 digits, without zeros in front. */
static bool
take_number(const char **s, uint64_t *ret)
{
	size_t n = strspn(*s, "0123456789");

	if (n == 0 || n > 9 || (n > 1 && **s == '0'))
		return false;
	*ret = strtoull(*s, NULL, 10);
	*s += n;
	return true;
}

static bool
version_parts(const char *s, uint64_t v[VERSION_PARTS])
{
	for (size_t i = 0; i < VERSION_PARTS; i++) {
		if (!take_number(&s, &v[i]))
			return false;
		if (*s == '\0')
			return true;
		if (*s++ != '.')
			return false;
	}
	return false;
}

bool
bundle_version_ok(const char *s)
{
	uint64_t v[VERSION_PARTS] = { 0 };

	return strlen(s) < BUNDLE_VERSION && version_parts(s, v);
}

int
bundle_version_cmp(const char *a, const char *b)
{
	uint64_t x[VERSION_PARTS] = { 0 }, y[VERSION_PARTS] = { 0 };

	(void) version_parts(a, x);
	(void) version_parts(b, y);
	for (size_t i = 0; i < VERSION_PARTS; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}

/* ---- reading ---- */

/* Take the next line, which must be "KEY VALUE"; false: it is not, or is too long. */
static bool
take_line(struct slice *s, const char *key, char value[LINE_MAX_BYTES])
{
	const char *end = s->n == 0 ? NULL : memchr(s->p, '\n', MIN(s->n, LINE_MAX_BYTES));
	struct slice line = { s->p, end == NULL ? 0 : (size_t) (end - s->p) }, k = slice_str(key);

	if (end == NULL || !slice_starts(line, k) || line.n <= k.n || line.p[k.n] != ' ' ||
	    memchr(line.p, '\0', line.n) != NULL)
		return false;
	memcpy(value, line.p + k.n + 1, line.n - k.n - 1);
	value[line.n - k.n - 1] = '\0';
	s->p += line.n + 1;
	s->n -= line.n + 1;
	return true;
}

static bool
take_time(struct slice *s, const char *key, uint64_t *ret)
{
	char v[LINE_MAX_BYTES];
	size_t n;

	if (!take_line(s, key, v))
		return false;
	n = strspn(v, "0123456789");
	if (n == 0 || n > 12 || v[n] != '\0' || (n > 1 && v[0] == '0'))
		return false;
	*ret = strtoull(v, NULL, 10);
	return true;
}

static bool
take_hex(struct slice *s, const char *key, void *ret, size_t bytes)
{
	char v[LINE_MAX_BYTES];

	return take_line(s, key, v) && strlen(v) == 2 * bytes && hex_decode(ret, slice_str(v)) == 0;
}

static bool
take_text(struct slice *s, const char *key, bool (*ok)(const char *), char *ret, size_t size)
{
	char v[LINE_MAX_BYTES];

	if (!take_line(s, key, v) || !ok(v))
		return false;
	(void) snprintf(ret, size, "%s", v);
	return true;
}

/* "SIZE SHA-256 NAME" */
static int
parse_file(const char *line, struct bundle *b, struct diag *d)
{
	struct bundle_file *f = &b->file[b->nfiles];
	const char *p = line;
	uint64_t size = 0;

	if (b->nfiles == BUNDLE_FILES_MAX)
		return diag_fail(d, 0, 0, "has more than %d files", BUNDLE_FILES_MAX);
	if (!take_number(&p, &size) || *p != ' ' || strlen(p) < 2 + 2 * sizeof(f->sha256) + 1 ||
	    hex_decode(f->sha256, (struct slice){ p + 1, 2 * sizeof(f->sha256) }) < 0)
		return diag_fail(d, 0, 0, "has a line about a file that says nothing");
	p += 1 + 2 * sizeof(f->sha256);
	if (*p != ' ' || !bundle_file_ok(p + 1))
		return diag_fail(d, 0, 0,
		    "names a file that is no plain name of a rule file, such as 10-lists.yaml");
	(void) snprintf(f->name, sizeof(f->name), "%s", p + 1);
	f->size = (size_t) size;
	f->text = (struct slice){ NULL, 0 };
	if (b->nfiles > 0 && strcmp(f[-1].name, f->name) >= 0)
		return diag_fail(d, 0, 0, "names a file twice, or not in their order");
	b->nfiles++;
	return 0;
}

static int
parse_files(struct slice *s, struct bundle *b, struct diag *d)
{
	char line[LINE_MAX_BYTES];
	size_t sum = 0;

	while (take_line(s, "file", line)) {
		int r = parse_file(line, b, d);

		if (r < 0)
			return r;
		sum += b->file[b->nfiles - 1].size;
	}
	if (b->nfiles == 0)
		return diag_fail(d, 0, 0, "has no files");
	if (sum > BUNDLE_MAX)
		return diag_fail(d, 0, 0, "has files of more than %zu MiB", BUNDLE_MAX >> 20);
	return 0;
}

static int
parse_head(struct slice *s, struct bundle *b, struct diag *d)
{
	const char *begin = s->p;
	unsigned char key[BUNDLE_SHA256];
	int r;

	if (!slice_starts(*s, SLICE(FIRST "\n")))
		return diag_fail(d, 0, 0,
		    "is not a bundle of 'mewsctl rules pack', or one of a later version of Mews");
	s->p += sizeof(FIRST);
	s->n -= sizeof(FIRST);
	if (!take_text(s, "name", bundle_name_ok, b->name, sizeof(b->name)))
		return diag_fail(d, 0, 0, "has no valid name");
	if (!take_text(s, "version", bundle_version_ok, b->version, sizeof(b->version)) ||
	    !take_text(s, "engine", bundle_version_ok, b->engine, sizeof(b->engine)))
		return diag_fail(d, 0, 0, "has no valid version");
	if (!take_time(s, "created", &b->created) || !take_time(s, "expires", &b->expires))
		return diag_fail(d, 0, 0, "does not say when it was made");
	r = parse_files(s, b, d);
	if (r < 0)
		return r;
	if (!take_hex(s, "key", key, sizeof(key)))
		return diag_fail(d, 0, 0, "is damaged after its list of files");
	hex_encode(b->key, key, sizeof(key));
	b->vouched = (struct slice){ begin, (size_t) (s->p - begin) };
	if (!take_hex(s, "signature", b->signature, sizeof(b->signature)) || s->n == 0 ||
	    s->p[0] != '\n')
		return diag_fail(d, 0, 0, "has no signature");
	s->p++;
	s->n--;
	b->manifest = (struct slice){ begin, (size_t) (s->p - begin) };
	return 0;
}

int
bundle_parse_manifest(struct slice bytes, struct bundle *ret, struct diag *d)
{
	*ret = (struct bundle){ .nfiles = 0 };
	return parse_head(&bytes, ret, d);
}

int
bundle_parse(struct slice bytes, struct bundle *ret, struct diag *d)
{
	size_t all = bytes.n;
	int r;

	*ret = (struct bundle){ .nfiles = 0 };
	if (bytes.n > BUNDLE_MAX)
		return diag_fail(d, 0, 0, "is larger than %zu MiB", BUNDLE_MAX >> 20);
	r = parse_head(&bytes, ret, d);
	for (size_t i = 0; r == 0 && i < ret->nfiles; i++) {
		struct bundle_file *f = &ret->file[i];

		if (f->size > bytes.n)
			return diag_fail(d, 0, 0, "is cut off after %zu bytes", all);
		f->text = (struct slice){ bytes.p, f->size };
		bytes.p += f->size;
		bytes.n -= f->size;
	}
	if (r == 0 && bytes.n > 0)
		return diag_fail(d, 0, 0, "has %zu bytes after its files", bytes.n);
	return r;
}

/* ---- writing ---- */

static int
by_name(const void *a, const void *b)
{
	const struct bundle_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
add_file(struct bundle_file *f, struct buf *out)
{
	char hex[2 * BUNDLE_SHA256 + 1];

	if (EVP_Digest(f->text.p == NULL ? "" : f->text.p, f->text.n, f->sha256, NULL, EVP_sha256(),
		NULL) != 1)
		return -ENOMEM;
	f->size = f->text.n;
	hex_encode(hex, f->sha256, sizeof(f->sha256));
	buf_printf(out, "file %zu %s %s\n", f->size, hex, f->name);
	return 0;
}

static int
sign(struct bundle *b, EVP_PKEY *key, struct buf *out)
{
	char hex[2 * BUNDLE_SIGNATURE + 1];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = sizeof(b->signature);
	bool done =
	    c != NULL && buf_ok(out) == 0 && EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(c, b->signature, &n, (const unsigned char *) out->p, out->n) == 1;

	EVP_MD_CTX_free(c);
	if (!done)
		return -ENOMEM;
	hex_encode(hex, b->signature, sizeof(b->signature));
	buf_printf(out, "signature %s\n\n", hex);
	return 0;
}

int
bundle_make(struct bundle *b, EVP_PKEY *key, struct buf *out, struct diag *d)
{
	struct bundle again;
	int r = bundle_key_id(key, b->key);

	if (r == -EINVAL)
		return diag_fail(d, 0, 0, "the key is not an Ed25519 key");
	qsort(b->file, b->nfiles, sizeof(b->file[0]), by_name);
	buf_clear(out);
	buf_printf(out, FIRST "\nname %s\nversion %s\nengine %s\ncreated %lu\nexpires %lu\n",
	    b->name, b->version, b->engine, (unsigned long) b->created, (unsigned long) b->expires);
	for (size_t i = 0; r == 0 && i < b->nfiles; i++)
		r = add_file(&b->file[i], out);
	buf_printf(out, "key %s\n", b->key);
	if (r == 0)
		r = sign(b, key, out);
	for (size_t i = 0; i < b->nfiles; i++)
		buf_slice(out, b->file[i].text);
	if (r == 0)
		r = buf_ok(out);
	/* names and sizes are checked by who reads it */
	return r < 0 ? r : bundle_parse(buf_get(out), &again, d);
}
