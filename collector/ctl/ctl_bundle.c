/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_bundle.h"
#include "collector/rule/rule_config.h"
#include "common/array.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- the paths that a collector would load ---- */

struct paths {
	char **v;
	size_t n, cap;
};

static void
paths_fini(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
}

static int
add(struct paths *p, struct buf *b)
{
	if (buf_ok(b) < 0 || ARRAY_RESERVE(p->v, p->n, 1, p->cap) < 0)
		return -ENOMEM;
	p->v[p->n] = strdup(b->p);
	if (p->v[p->n] == NULL)
		return -ENOMEM;
	p->n++;
	return 0;
}

static int
add_version(struct paths *p, const char *dir, const char *name, const char *version)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	buf_printf(&b, "%s/.bundles/%s/%s", dir, name, version);
	return add(p, &b);
}

/* The bundles as they would be, by name. */
static int
add_bundles(struct paths *p, const struct bundle_dir *dir, const struct bundle_dir_list *l,
    const struct bundle_change *c)
{
	bool done = c->version == NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		int order = strcmp(c->name, l->v[i].name);

		if (order <= 0 && !done) {
			r = add_version(p, dir->path, c->name, c->version);
			done = true;
		}
		if (r == 0 && order != 0)
			r = add_version(p, dir->path, l->v[i].name, l->v[i].version);
	}
	return r == 0 && !done ? add_version(p, dir->path, c->name, c->version) : r;
}

static int
is_own_file(const struct dirent *e)
{
	return rule_name_loads(e->d_name) && !rule_name_is_bundle(e->d_name);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
add_own_files(struct paths *p, const struct bundle_dir *dir)
{
	struct dirent **v = NULL;
	int n = scandir(dir->path, &v, is_own_file, by_name), r = n < 0 ? -errno : 0;

	for (int i = 0; i < n; i++) {
		CLEANUP(buf_fini) struct buf b = BUF_INIT;

		buf_printf(&b, "%s/%s", dir->path, v[i]->d_name);
		if (r == 0)
			r = add(p, &b);
		free(v[i]);
	}
	free(v);
	return r;
}

static bool
same_folder(const struct bundle_dir *dir, const char *path)
{
	struct stat a, b;

	return fstat(dir->fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

struct rules_opt {
	struct opt_list rules;
};

static const struct opt opts[] = {
	{ "rules", BUNDLE_RULES, "", OPT_LIST, offsetof(struct rules_opt, rules), 0, 0 },
};

/* 0, and whether the folder is one of them; -errno and *d. */
static int
find_paths(const struct bundle_dir *dir, const struct bundle_change *c, struct cfg *cfg,
    struct paths *p, bool *found, struct diag *d)
{
	struct bundle_dir_list l;
	struct rules_opt o = { { NULL, 0, 0 } };
	int r = bundle_dir_list(dir, &l, d);

	if (r == 0)
		r = cfg_bind(cfg, opts, ARRAY_SIZE(opts), &o, d);
	for (size_t i = 0; r == 0 && i < o.rules.n; i++) {
		CLEANUP(buf_fini) struct buf b = BUF_INIT;

		if (!*found && same_folder(dir, o.rules.v[i])) {
			*found = true;
			r = add_bundles(p, dir, &l, c);
			if (r == 0)
				r = add_own_files(p, dir);
			continue;
		}
		buf_str(&b, o.rules.v[i]);
		r = add(p, &b);
	}
	return r;
}

/* ---- would they load? ---- */

/* The name of the bundle that a file belongs to; empty: none. */
static struct slice
bundle_of(const struct bundle_dir *dir, const char *file)
{
	struct slice s = slice_str(file), root = slice_str(dir->path), store = SLICE("/.bundles/");
	const char *end;

	if (!slice_starts(s, root))
		return SLICE("");
	s = (struct slice){ s.p + root.n, s.n - root.n };
	if (!slice_starts(s, store))
		return SLICE("");
	s = (struct slice){ s.p + store.n, s.n - store.n };
	end = memchr(s.p, '/', s.n);
	return end == NULL ? SLICE("") : (struct slice){ s.p, (size_t) (end - s.p) };
}

static bool
is_named(struct slice bundle, const char *name)
{
	return bundle.n > 0 && strncmp(name, bundle.p, bundle.n) == 0 && name[bundle.n] == '\0';
}

/* Two bundles with a rule of the same name: one of them would be without it. */
static int
check_clashes(
    const struct bundle_dir *dir, const struct bundle_change *c, const struct rule_log *log)
{
	char name[CTL_SAFE], file[CTL_SAFE];

	for (size_t i = 0; i < log->nreplaced; i++) {
		const struct rule_replaced *r = &log->replaced[i];
		struct slice was = bundle_of(dir, r->was), by = bundle_of(dir, r->by);
		bool ours = is_named(by, c->name);

		if (!ours && !is_named(was, c->name))
			continue;
		if (was.n > 0 && by.n > 0)
			return ctl_fail(
			    "the rule '%s' is in two bundles, %.*s and %.*s: nothing was changed",
			    ctl_safe(r->rule, name), SLICE_ARG(was), SLICE_ARG(by));
		if (ours)
			fprintf(stderr, "note: the bundle's rule '%s' replaces the one of %s\n",
			    ctl_safe(r->rule, name), ctl_safe(r->was, file));
	}
	return CTL_OK;
}

static int
load(const struct bundle_dir *dir, const struct bundle_change *c, const struct paths *p,
    const struct rule_options *o)
{
	struct ruleset *s = NULL;
	struct rule_log log;
	int r = ruleset_load((const char *const *) p->v, p->n, o, &s, &log), code = CTL_OK;

	if (r < 0) {
		rule_log_print(stderr, &log);
		code = r == -ENOMEM ? ctl_fail("no memory to load the rules: nothing was changed")
		       : c->version == NULL
			   ? ctl_fail("the rules would not load without %s: nothing was changed",
				 c->name)
			   : ctl_fail("the rules would not load with %s %s: nothing was changed",
				 c->name, c->version);
	} else {
		code = check_clashes(dir, c, &log);
	}
	ruleset_unref(s);
	rule_log_fini(&log);
	return code;
}

/* Would the collector's rules load with the change? CTL_FAIL, reported. */
static int
would_load(const struct bundle_args *a, const struct bundle_dir *dir, const struct bundle_change *c)
{
	static struct rule_config rc;
	struct paths p = { NULL, 0, 0 };
	struct cfg *cfg = NULL;
	struct diag d = { 0 };
	bool found = false;
	int code, r = cfg_open(a->config, BUNDLE_CONFIG, &cfg, &d);

	rc = (struct rule_config){ .last = 0 };
	if (r == 0)
		r = rule_config_read(&rc, cfg, &d);
	if (r == 0)
		r = find_paths(dir, c, cfg, &p, &found, &d);
	if (r < 0 && d.file[0] != '\0')
		diag_print(stderr, &d, "error");
	if (r < 0)
		code = ctl_fail("cannot find out which rules the collector loads%s%s",
		    d.file[0] == '\0' && d.code != DIAG_NONE ? ": " : "",
		    d.file[0] == '\0' ? d.msg : "");
	else if (!found)
		code = ctl_fail(
		    "'rules' of %s does not have %s: add it there, or name its folder with "
		    "--rules-dir; nothing was changed",
		    a->config == NULL ? BUNDLE_CONFIG : a->config, dir->path);
	else
		code = load(dir, c, &p, &rc.options);
	paths_fini(&p);
	cfg_free(cfg);
	return code;
}

/* ---- the change ---- */

/* Tell the collector, and wait until the rules are in force. *refused: it answered that they are
 * not. CTL_FAIL, reported. */
static int
tell(const struct bundle_args *a, const struct bundle_change *c, bool *refused)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT, what = BUF_INIT;
	struct ctl_target t = a->target;
	long status = 0;
	json_t *j;

	*refused = false;
	buf_printf(&what, "%s %s %s", c->what, c->name, c->version == NULL ? "" : c->version);
	buf_str(&path, "/api/v1/rules/reload");
	if (buf_ok(&what) == 0)
		ctl_query(&path, "bundle", what.p);
	if (buf_ok(&path) < 0)
		return ctl_fail("no memory");
	j = ctl_post(&t, path.p, &status);
	if (j == NULL)
		return CTL_FAIL;
	*refused = status != 200;
	if (*refused)
		(void) ctl_fail("the collector answered %ld: %s", status, ctl_str(j, "error"));
	json_decref(j);
	return *refused ? CTL_FAIL : CTL_OK;
}

int
bundle_apply(
    const struct bundle_args *a, const struct bundle_dir *dir, const struct bundle_change *c)
{
	const struct bundle_change back = { c->name, c->before, c->version, "undo the change of" };
	struct diag d = { 0 };
	bool refused = false;
	int code = would_load(a, dir, c);

	if (code != CTL_OK)
		return code;
	if (bundle_dir_switch(dir, c->name, c->version, &d) < 0)
		return ctl_fail("%s", d.msg);
	if (a->no_reload || tell(a, c, &refused) == CTL_OK)
		return CTL_OK;
	if (!refused)
		return ctl_fail(
		    "%s is changed, but the collector was not told: it loads it when its files "
		    "are watched or it starts, and 'mewsctl rules reload' tells it",
		    c->name);
	if (bundle_dir_switch(dir, c->name, c->before, &d) < 0)
		return ctl_fail("%s", d.msg);
	(void) tell(a, &back, &refused);
	return ctl_fail("%s was put back: nothing was changed", c->name);
}
