/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle.h - a signed bundle of rule files: one file, a manifest in front of the files' bytes.
 *
 *	mews-rules-bundle 1
 *	name acme-linux
 *	version 1.4.0
 *	engine 0.63.0			the least version of the rule engine that it needs
 *	created 1764475200		s since 1970
 *	expires 0			the same; 0: never
 *	file 1234 SHA-256 10-lists.yaml	one line per file, by name; size in bytes
 *	key SHA-256			of the public key, as DER (SubjectPublicKeyInfo)
 *	signature ...			Ed25519, over every byte before this line
 *					an empty line; then the files, one after the other
 *
 * Nothing is compressed, so that no bundle is larger than it looks, and each line has its place, so
 * that there is one way to write a bundle. One thread.
 */
#ifndef MEWS_COLLECTOR_CTL_BUNDLE_H
#define MEWS_COLLECTOR_CTL_BUNDLE_H

#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include <openssl/evp.h>
#include <stdint.h>

#define BUNDLE_MAX ((size_t) 64 << 20) /* bytes of a whole bundle */

enum {
	BUNDLE_FILES_MAX = 64,
	BUNDLE_KEYS_MAX = 64,
	BUNDLE_NAME = 48,
	BUNDLE_VERSION = 40,
	BUNDLE_FILE = 72,
	BUNDLE_KEY_ID = 65,
	BUNDLE_SHA256 = 32,
	BUNDLE_SIGNATURE = 64
};

struct bundle_file {
	char name[BUNDLE_FILE];
	size_t size;
	unsigned char sha256[BUNDLE_SHA256];
	struct slice text; /* borrowed from the bundle's bytes */
};

struct bundle {
	char name[BUNDLE_NAME], version[BUNDLE_VERSION], engine[BUNDLE_VERSION];
	uint64_t created, expires; /* s since 1970; expires 0: never */
	struct bundle_file file[BUNDLE_FILES_MAX];
	size_t nfiles;
	char key[BUNDLE_KEY_ID]; /* hex */
	unsigned char signature[BUNDLE_SIGNATURE];
	struct slice manifest; /* borrowed: all before the files ... */
	struct slice vouched;  /* ... and the part of it that is signed */
};

/* Is it a name for a bundle: a-z, 0-9 and '-', a letter or digit first? For a file of one: letters,
 * digits, '.', '-', '_', with .yaml or .yml at its end? A version: one to four numbers with dots?
 */
bool bundle_name_ok(const char *s);
bool bundle_file_ok(const char *s);
bool bundle_version_ok(const char *s);

/* Compare versions like strcmp(), number by number; "1.2" is "1.2.0". Both are valid. */
int bundle_version_cmp(const char *a, const char *b);

/* Read a bundle, or only its manifest (the files' texts are NULL then). Nothing of it is trusted
 * yet: see bundle_check(). -EINVAL and *d. */
int bundle_parse(struct slice bytes, struct bundle *ret, struct diag *d) MUST_CHECK;
int bundle_parse_manifest(struct slice bytes, struct bundle *ret, struct diag *d) MUST_CHECK;

/* The public keys that are trusted: zeroed at first; bundle_keys_fini(). */
struct bundle_keys {
	struct bundle_key {
		EVP_PKEY *key;
		char id[BUNDLE_KEY_ID];
	} v[BUNDLE_KEYS_MAX];
	size_t n;
};
void bundle_keys_fini(struct bundle_keys *k);

/* Read DIR/x.pem. A folder or file that others may change is refused. -errno and *d. */
int bundle_keys_read(const char *dir, struct bundle_keys *ret, struct diag *d) MUST_CHECK;

/* Has one of the keys signed these very files, and is this its time (s since 1970)? -EINVAL and *d;
 * -ENOMEM. */
int bundle_check(const struct bundle *b, const struct bundle_keys *keys, uint64_t now,
    struct diag *d) MUST_CHECK;

/* Does the text have the size and the digest of the file? -ENOMEM. */
int bundle_file_same(const struct bundle_file *f, struct slice text, bool *ret) MUST_CHECK;

/* Make a bundle of b's name, version, engine, created, expires and files (name, text; in any
 * order), signed with the key, and fill in the rest of b. -EINVAL and *d; -ENOMEM. */
int bundle_make(struct bundle *b, EVP_PKEY *key, struct buf *out, struct diag *d) MUST_CHECK;

/* Read an Ed25519 private key that nobody else may read. -errno and *d. */
int bundle_key_private(const char *path, EVP_PKEY **ret, struct diag *d) MUST_CHECK;

/* The id of a public key. -EINVAL: it is not an Ed25519 key; -ENOMEM. */
int bundle_key_id(EVP_PKEY *key, char ret[BUNDLE_KEY_ID]) MUST_CHECK;

#endif
