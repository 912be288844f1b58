/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_rules_install.c - mewsctl rules install, upgrade, rollback, remove, bundles. */
#include "collector/ctl/ctl_bundle.h"
#include "collector/ctl/ctl_rules.h"
#include "common/clock.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a bundle from a file or a URL ---- */

static int
read_local(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;
	struct stat st;

	if (fd < 0)
		return ctl_fail("cannot read %s: %s", path, strerrordesc_np(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void) close(fd);
		return ctl_fail("%s is not a file", path);
	}
	r = fd_read_all(fd, BUNDLE_MAX, ret);
	(void) close(fd);
	if (r == -EFBIG)
		return ctl_fail("%s is larger than %zu MiB", path, BUNDLE_MAX >> 20);
	return r < 0 ? ctl_fail("cannot read %s: %s", path, strerrordesc_np(-r)) : CTL_OK;
}

static int
get(const struct bundle_args *a, const char *from, struct buf *ret)
{
	if (!ctl_is_url(from))
		return read_local(from, ret);
	if (strncmp(from, "http:", 5) == 0)
		fprintf(stderr,
		    "warning: http:// lets others see and hold back what is fetched; the signature "
		    "shows if they change it\n");
	return ctl_fetch(from, &a->fetch, BUNDLE_MAX, ret);
}

/* Get it, and check whose it is. */
static int
get_checked(const struct bundle_args *a, const char *from, struct buf *bytes, struct bundle *b)
{
	struct bundle_keys keys = { .n = 0 };
	struct diag d = { 0 };
	char safe[CTL_SAFE];
	int r, code = get(a, from, bytes);

	if (code != CTL_OK)
		return code;
	r = bundle_keys_read(a->keys, &keys, &d);
	if (r < 0) {
		bundle_keys_fini(&keys);
		return ctl_fail("%s", d.msg);
	}
	r = bundle_parse(buf_get(bytes), b, &d);
	if (r == 0)
		r = bundle_check(b, &keys, clock_real() / NS_PER_S, &d);
	bundle_keys_fini(&keys);
	if (r == -ENOMEM)
		return ctl_fail("no memory");
	if (r < 0)
		return ctl_fail("%s %s", ctl_safe(from, safe), d.msg);
	if (bundle_version_cmp(b->engine, FALCO_ENGINE_VERSION) > 0)
		return ctl_fail(
		    "%s needs version %s of the rule engine, and this is " FALCO_ENGINE_VERSION
		    ": upgrade Mews first",
		    ctl_safe(from, safe), b->engine);
	return CTL_OK;
}

/* ---- install, upgrade ---- */

static int
put(const struct bundle_args *a, const struct bundle_dir *dir, const struct bundle *b,
    const char *before)
{
	const struct bundle_change c = { b->name, b->version, before,
		before == NULL ? "install" : "upgrade" };
	CLEANUP(buf_fini) struct buf kept = BUF_INIT;
	struct bundle old;
	struct diag d = { 0 };
	bool had = bundle_dir_read(dir, b->name, b->version, &kept, &old, &d) == 0;
	int code;

	if (bundle_dir_put(dir, b, &d) < 0)
		return ctl_fail("%s", d.msg);
	code = bundle_apply(a, dir, &c);
	if (code != CTL_OK) {
		char now[BUNDLE_VERSION] = "";

		if (!had &&
		    (bundle_dir_current(dir, b->name, now, &d) < 0 || strcmp(now, b->version) != 0))
			bundle_dir_drop(dir, b->name, b->version);
		return code;
	}
	if (bundle_dir_prune(dir, b->name, b->version, &d) < 0)
		fprintf(stderr, "note: older versions are left: %s\n", d.msg);
	printf("%s %s is in force%s%s\n", b->name, b->version, before == NULL ? "" : ", after ",
	    before == NULL ? "" : before);
	return CTL_OK;
}

/* May this version follow what is installed? CTL_OK and *done: it is the one. CTL_FAIL, reported.
 */
static int
check_order(
    const struct bundle_dir *dir, const struct bundle *b, const char *now, bool upgrade, bool *done)
{
	CLEANUP(buf_fini) struct buf kept = BUF_INIT;
	struct bundle old;
	struct diag d = { 0 };
	int order = now[0] == '\0' ? 1 : bundle_version_cmp(b->version, now);

	*done = false;
	if (now[0] == '\0')
		return upgrade ? ctl_fail("%s is not installed: 'mewsctl rules install' does that",
				     b->name)
			       : CTL_OK;
	if (order < 0)
		return ctl_fail(
		    "%s %s is installed, and %s is older: 'mewsctl rules rollback %s' goes back",
		    b->name, now, b->version, b->name);
	if (order > 0)
		return upgrade
			   ? CTL_OK
			   : ctl_fail(
				 "%s %s is installed: 'mewsctl rules upgrade' takes a newer one",
				 b->name, now);
	if (bundle_dir_read(dir, b->name, now, &kept, &old, &d) < 0)
		return ctl_fail(
		    "%s: 'mewsctl rules remove %s', and install it again", d.msg, b->name);
	if (!slice_eq(old.manifest, b->manifest))
		return ctl_fail(
		    "this is another %s %s than the one that is installed: whoever makes it "
		    "must give it a new version",
		    b->name, b->version);
	*done = true;
	printf("%s %s is in force already\n", b->name, now);
	return CTL_OK;
}

static int
add(const struct bundle_args *a, const char *from, bool upgrade)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_INIT;
	struct bundle_dir dir;
	char now[BUNDLE_VERSION] = "";
	static struct bundle b;
	struct diag d = { 0 };
	bool done = false;
	int r, code = get_checked(a, from, &bytes, &b);

	if (code != CTL_OK)
		return code;
	if (bundle_dir_open(a->dir, true, &dir, &d) < 0)
		return ctl_fail("%s", d.msg);
	r = bundle_dir_current(&dir, b.name, now, &d);
	code = r < 0 && r != -ENOENT ? ctl_fail("%s", d.msg)
				     : check_order(&dir, &b, now, upgrade, &done);
	if (code == CTL_OK && !done)
		code = put(a, &dir, &b, now[0] == '\0' ? NULL : now);
	bundle_dir_close(&dir);
	return code;
}

/* ---- rollback, remove ---- */

/* The newest kept version before 'now', or 'want'. */
static int
find_kept(const struct bundle_dir *dir, const char *name, const char *now, const char *want,
    char ret[BUNDLE_VERSION])
{
	struct bundle_dir_list l;
	struct diag d = { 0 };

	if (bundle_dir_kept(dir, name, &l, &d) < 0)
		return ctl_fail("%s", d.msg);
	for (size_t i = 0; i < l.n; i++) {
		if (want == NULL ? bundle_version_cmp(l.v[i].version, now) >= 0
				 : strcmp(l.v[i].version, want) != 0)
			continue;
		(void) snprintf(ret, BUNDLE_VERSION, "%s", l.v[i].version);
		return CTL_OK;
	}
	return want == NULL ? ctl_fail("no version of %s before %s is kept", name, now)
			    : ctl_fail("%s %s is not kept: 'mewsctl rules bundles' lists what is",
				  name, want);
}

static int
go_back(
    const struct bundle_args *a, const struct bundle_dir *dir, const char *name, const char *want)
{
	CLEANUP(buf_fini) struct buf kept = BUF_INIT;
	char now[BUNDLE_VERSION], to[BUNDLE_VERSION];
	const struct bundle_change c = { name, to, now, "rollback" };
	struct bundle old;
	struct diag d = { 0 };
	int code;

	if (bundle_dir_current(dir, name, now, &d) < 0)
		return ctl_fail("%s", d.msg);
	code = find_kept(dir, name, now, want, to);
	if (code != CTL_OK)
		return code;
	if (bundle_dir_read(dir, name, to, &kept, &old, &d) < 0)
		return ctl_fail("%s", d.msg);
	code = bundle_apply(a, dir, &c);
	if (code == CTL_OK)
		printf("%s %s is in force, after %s\n", name, to, now);
	return code;
}

static int
remove_bundle(const struct bundle_args *a, const struct bundle_dir *dir, const char *name)
{
	char now[BUNDLE_VERSION];
	const struct bundle_change c = { name, NULL, now, "remove" };
	struct diag d = { 0 };
	int code;

	if (bundle_dir_current(dir, name, now, &d) < 0)
		return ctl_fail("%s", d.msg);
	code = bundle_apply(a, dir, &c);
	if (code != CTL_OK)
		return code;
	if (bundle_dir_prune(dir, name, NULL, &d) < 0)
		return ctl_fail("%s", d.msg);
	printf("%s %s is removed\n", name, now);
	return CTL_OK;
}

/* ---- bundles ---- */

static void
print_bundle(const struct bundle_dir *dir, const struct bundle_place *p)
{
	CLEANUP(buf_fini) struct buf kept = BUF_INIT;
	struct bundle_dir_list l;
	struct bundle b;
	struct diag d = { 0 };
	const char *sep = "";
	int r = bundle_dir_read(dir, p->name, p->version, &kept, &b, &d);

	printf("%-24s %-12s %-8s %-18.16s", p->name, p->version, r == 0 ? "ok" : "changed",
	    r == 0 ? b.key : "-");
	if (bundle_dir_kept(dir, p->name, &l, &d) == 0) {
		for (size_t i = 0; i < l.n; i++) {
			if (strcmp(l.v[i].version, p->version) == 0)
				continue;
			printf("%s%s", sep, l.v[i].version);
			sep = ", ";
		}
	}
	printf("%s\n", sep[0] == '\0' ? "-" : "");
}

static int
list(const struct bundle_args *a)
{
	struct bundle_dir dir;
	struct bundle_dir_list l;
	struct diag d = { 0 };
	int r = bundle_dir_open(a->dir, false, &dir, &d);

	if (r < 0)
		return ctl_fail("%s", d.msg);
	r = bundle_dir_list(&dir, &l, &d);
	if (r == 0) {
		printf("%-24s %-12s %-8s %-18s%s\n", "BUNDLE", "VERSION", "FILES", "KEY", "KEPT");
		for (size_t i = 0; i < l.n; i++)
			print_bundle(&dir, &l.v[i]);
	}
	bundle_dir_close(&dir);
	return r < 0 ? ctl_fail("%s", d.msg) : CTL_OK;
}

/* ---- command lines ---- */

#define DIR_OPTION                                                                       \
	{                                                                                \
		"rules-dir", 0, "DIR", "the folder of rules (default " BUNDLE_RULES ")", \
		    ctl_set_text, offsetof(struct bundle_args, dir)                      \
	}
#define CHANGE_OPTIONS                                                       \
	DIR_OPTION,                                                          \
	    { "config", 0, "FILE",                                           \
		    "the collector's configuration, which says what it "     \
		    "loads\n(default " BUNDLE_CONFIG ")",                    \
		    ctl_set_text, offsetof(struct bundle_args, config) },    \
	    { "no-reload", 0, NULL, "do not tell a collector", ctl_set_flag, \
		    offsetof(struct bundle_args, no_reload) },               \
	    CTL_TARGET_OPTIONS(offsetof(struct bundle_args, target))

static const struct ctl_option list_options[] = { DIR_OPTION };
static const struct ctl_option change_options[] = { CHANGE_OPTIONS };
static const struct ctl_option add_options[] = {
	{ "keys", 0, "DIR", "the public keys that are trusted (default\n" BUNDLE_KEYS ")",
	    ctl_set_text, offsetof(struct bundle_args, keys) },
	{ "url-ca", 0, "FILE", "PEM file of the authority of an https:// URL", ctl_set_text,
	    offsetof(struct bundle_args, fetch.ca) },
	{ "proxy-password-file", 0, "FILE",
	    "USER:PASSWORD for the proxy that https_proxy or http_proxy\nnames", ctl_set_text,
	    offsetof(struct bundle_args, fetch.proxy) },
	CHANGE_OPTIONS,
};

#define CHECKS                                                                                    \
	"Nothing changes unless the signature is of a trusted key and the collector's whole set " \
	"of\n"                                                                                    \
	"rules, with the bundle's, loads. The bundle's files come before those of the folder "    \
	"itself.\n"                                                                               \
	"\n"
#define ENDS "\nExit status: 0 in force, 1 refused or the collector was not told, 2 usage error.\n"

static const struct ctl_syntax install_syntax = { "rules install", add_options,
	ARRAY_SIZE(add_options),
	"Usage: mewsctl rules install [OPTIONS] FILE|URL\n\nInstalls a bundle of 'mewsctl rules "
	"pack'. " CHECKS,
	ENDS };
static const struct ctl_syntax upgrade_syntax = { "rules upgrade", add_options,
	ARRAY_SIZE(add_options),
	"Usage: mewsctl rules upgrade [OPTIONS] FILE|URL\n\nReplaces a bundle with a newer "
	"version. " CHECKS,
	ENDS };
static const struct ctl_syntax rollback_syntax = { "rules rollback", change_options,
	ARRAY_SIZE(change_options),
	"Usage: mewsctl rules rollback [OPTIONS] NAME [VERSION]\n\n"
	"Goes back to the version of a bundle before the one in force, or to another one that is "
	"kept.\n\n",
	ENDS };
static const struct ctl_syntax remove_syntax = { "rules remove", change_options,
	ARRAY_SIZE(change_options),
	"Usage: mewsctl rules remove [OPTIONS] NAME\n\nRemoves a bundle, with the versions that "
	"are "
	"kept.\n\n",
	"\nExit status: 0 removed, 1 refused or the collector was not told, 2 usage error.\n" };
static const struct ctl_syntax bundles_syntax = { "rules bundles", list_options,
	ARRAY_SIZE(list_options),
	"Usage: mewsctl rules bundles [OPTIONS]\n\nLists the bundles that are installed, whether "
	"their files are as they were signed, the key's\nid, and the versions to go back to.\n\n",
	"\nExit status: 0 listed, 1 not readable, 2 usage error.\n" };

/* Parse; true: go on. 'least' and 'most' arguments. */
static bool
parse(int argc, char **argv, const struct ctl_syntax *s, struct bundle_args *a, int most, int *code)
{
	int n, least = most == 0 ? 0 : 1;

	*a = (struct bundle_args){
		.target = ctl_target(), .dir = BUNDLE_RULES, .keys = BUNDLE_KEYS
	};
	if (!ctl_args(argc, argv, s, a, code))
		return false;
	n = argc - optind;
	if (n >= least && n <= most)
		return true;
	*code = ctl_usage(s->command,
	    n > most    ? "unexpected argument '%s'"
	    : most == 2 ? "name a bundle%s"
			: "name what to take%s",
	    n > most ? argv[optind + most] : "");
	return false;
}

int
rules_install(int argc, char **argv)
{
	struct bundle_args a;
	int code;

	return parse(argc, argv, &install_syntax, &a, 1, &code) ? add(&a, argv[optind], false)
								: code;
}

int
rules_upgrade(int argc, char **argv)
{
	struct bundle_args a;
	int code;

	return parse(argc, argv, &upgrade_syntax, &a, 1, &code) ? add(&a, argv[optind], true)
								: code;
}

/* Rollback and remove: both change an installed bundle. */
static int
change(const struct bundle_args *a, const char *name, const char *version, bool gone)
{
	struct bundle_dir dir;
	struct diag d = { 0 };
	char safe[CTL_SAFE];
	int code;

	if (!bundle_name_ok(name) || (version != NULL && !bundle_version_ok(version)))
		return ctl_usage(gone ? "rules remove" : "rules rollback",
		    "'%s' is no name of a bundle, or no version follows it", ctl_safe(name, safe));
	if (bundle_dir_open(a->dir, true, &dir, &d) < 0)
		return ctl_fail("%s", d.msg);
	code = gone ? remove_bundle(a, &dir, name) : go_back(a, &dir, name, version);
	bundle_dir_close(&dir);
	return code;
}

int
rules_rollback(int argc, char **argv)
{
	struct bundle_args a;
	int code;

	if (!parse(argc, argv, &rollback_syntax, &a, 2, &code))
		return code;
	return change(&a, argv[optind], optind + 1 < argc ? argv[optind + 1] : NULL, false);
}

int
rules_remove(int argc, char **argv)
{
	struct bundle_args a;
	int code;

	return parse(argc, argv, &remove_syntax, &a, 1, &code)
		   ? change(&a, argv[optind], NULL, true)
		   : code;
}

int
rules_bundles(int argc, char **argv)
{
	struct bundle_args a;
	int code;

	return parse(argc, argv, &bundles_syntax, &a, 0, &code) ? list(&a) : code;
}
