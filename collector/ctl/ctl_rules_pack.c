/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/bundle.h"
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "collector/ctl/ctl_rules.h"
#include "common/clock.h"
#include "common/file.h"
#include <fcntl.h>

struct pack_args {
	const char *name, *version, *engine, *key, *out, *life;
};

static int
read_files(char **paths, int n, struct bundle *b, struct buf texts[BUNDLE_FILES_MAX])
{
	for (int i = 0; i < n; i++) {
		struct bundle_file *f = &b->file[i];
		const char *slash = strrchr(paths[i], '/'),
			   *name = slash == NULL ? paths[i] : slash + 1;
		int r = file_read_at(AT_FDCWD, paths[i], BUNDLE_MAX, &texts[i]);

		if (r < 0)
			return ctl_fail("cannot read %s: %s", paths[i], strerrordesc_np(-r));
		if (!bundle_file_ok(name))
			return ctl_usage("rules pack",
			    "'%s' is not a plain name of a rule file, such as 10-lists.yaml", name);
		(void) snprintf(f->name, sizeof(f->name), "%s", name);
		f->text = buf_get(&texts[i]);
		b->nfiles++;
	}
	return CTL_OK;
}

static int
write_bundle(const struct pack_args *a, struct bundle *b)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	EVP_PKEY *key = NULL;
	struct diag d = { 0 };
	char path[256];
	int r = bundle_key_private(a->key, &key, &d);

	if (r < 0)
		return ctl_fail("%s", d.msg);
	r = bundle_make(b, key, &out, &d);
	EVP_PKEY_free(key);
	if (r < 0)
		return ctl_fail(
		    d.code == DIAG_NONE ? "no memory to make the bundle" : "such a bundle %s",
		    d.msg);
	(void) snprintf(path, sizeof(path), "%s-%s.mrb", b->name, b->version);
	if (file_replace(a->out == NULL ? path : a->out, buf_get(&out), 0644, &d) < 0)
		return ctl_fail("%s", d.msg);
	printf("%s: %s %s, %zu files, signed with the key %.16s\n", a->out == NULL ? path : a->out,
	    b->name, b->version, b->nfiles, b->key);
	return CTL_OK;
}

static int
pack(const struct pack_args *a, char **paths, int n)
{
	struct buf texts[BUNDLE_FILES_MAX] = { BUF_INIT };
	static struct bundle b;
	uint64_t life = 0;
	int code;

	b = (struct bundle){ .created = clock_real() / NS_PER_S };
	if (a->life != NULL && (ctl_seconds(a->life, &life) < 0 || life == 0))
		return ctl_usage(
		    "rules pack", "--expires is a time such as 90d, not '%s'", a->life);
	b.expires = life == 0 ? 0 : b.created + life;
	(void) snprintf(b.name, sizeof(b.name), "%s", a->name);
	(void) snprintf(b.version, sizeof(b.version), "%s", a->version);
	(void) snprintf(b.engine, sizeof(b.engine), "%s", a->engine);
	code = read_files(paths, n, &b, texts);
	if (code == CTL_OK)
		code = write_bundle(a, &b);
	for (int i = 0; i < n; i++)
		buf_fini(&texts[i]);
	return code;
}

static const struct ctl_option options[] = {
	{ "name", 0, "NAME", "of the bundle: a-z, 0-9 and '-'", ctl_set_text,
	    offsetof(struct pack_args, name) },
	{ "version", 0, "N", "its version: up to four numbers, such as 1.4.0", ctl_set_text,
	    offsetof(struct pack_args, version) },
	{ "key", 0, "FILE", "the private key: Ed25519, PEM, mode 0600", ctl_set_text,
	    offsetof(struct pack_args, key) },
	{ "engine", 0, "N", "the least version of the rule engine that it needs\n(default 0.0.0)",
	    ctl_set_text, offsetof(struct pack_args, engine) },
	{ "expires", 0, "TIME", "not to be installed after this time from now, such as 90d",
	    ctl_set_text, offsetof(struct pack_args, life) },
	{ "out", 'o', "FILE", "where to write it (default NAME-N.mrb)", ctl_set_text,
	    offsetof(struct pack_args, out) },
};

static const struct ctl_syntax syntax = { "rules pack", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules pack --name NAME --version N --key FILE [OPTIONS] FILE...\n"
	"\n"
	"Makes a signed bundle of rule files, for 'mewsctl rules install'. They are loaded in the "
	"order\n"
	"of their names. Make a key, and give the public one to those who install:\n"
	"  openssl genpkey -algorithm ed25519 -out rules.key\n"
	"  openssl pkey -in rules.key -pubout -out acme.pem   # to /etc/mews/rules-keys.d\n"
	"\n",
	"\n"
	"Exit status: 0 made, 1 not made, 2 usage error.\n" };

int
rules_pack(int argc, char **argv)
{
	struct pack_args a = { .engine = "0.0.0" };
	int code;

	if (!ctl_args(argc, argv, &syntax, &a, &code))
		return code;
	if (a.name == NULL || a.version == NULL || a.key == NULL)
		return ctl_usage("rules pack", "--name, --version and --key are needed");
	if (!bundle_name_ok(a.name))
		return ctl_usage(
		    "rules pack", "'%s' is no name of a bundle: a-z, 0-9 and '-'", a.name);
	if (!bundle_version_ok(a.version) || !bundle_version_ok(a.engine))
		return ctl_usage(
		    "rules pack", "a version is up to four numbers with dots, such as 1.4.0");
	if (optind == argc || argc - optind > BUNDLE_FILES_MAX)
		return ctl_usage("rules pack", "name 1 to %d rule files", BUNDLE_FILES_MAX);
	return pack(&a, argv + optind, argc - optind);
}
