/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_bundle.c - any bytes as a bundle of rules, and as a manifest that was kept. */
#include "collector/ctl/bundle.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted has plain names and lies within the bytes. */
static void
look(const struct bundle *b, struct slice bytes)
{
	if (!bundle_name_ok(b->name) || !bundle_version_ok(b->version) || b->nfiles == 0 ||
	    b->nfiles > BUNDLE_FILES_MAX || b->vouched.n >= b->manifest.n ||
	    b->manifest.n > bytes.n)
		abort();
	for (size_t i = 0; i < b->nfiles; i++) {
		const struct bundle_file *f = &b->file[i];

		if (!bundle_file_ok(f->name) || strchr(f->name, '/') != NULL)
			abort();
		if (f->text.p != NULL &&
		    (f->text.p < bytes.p || f->text.p + f->text.n > bytes.p + bytes.n))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bundle b;
	static const struct bundle_keys none;
	struct slice bytes = { (const char *) data, size };
	struct diag d = { 0 }, e = { 0 };
	int r = bundle_parse(bytes, &b, &d);

	if (r == 0) {
		look(&b, bytes);
		if (bundle_check(&b, &none, 0, &e) != -EINVAL)
			abort(); /* nobody is trusted */
	} else if (r != -EINVAL || d.msg[0] == '\0') {
		abort();
	}
	if (bundle_parse_manifest(bytes, &b, &d) == 0)
		look(&b, bytes);
	return 0;
}
