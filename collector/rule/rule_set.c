/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include "common/array.h"
#include "common/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ruleset *
ruleset_ref(struct ruleset *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
ruleset_unref(struct ruleset *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	(void) pthread_mutex_destroy(&s->lock);
	arena_fini(&s->a);
	free(s);
}

size_t
ruleset_rules(const struct ruleset *s, const struct rule *const **ret)
{
	*ret = s->order;
	return s->n;
}

void
ruleset_counts(const struct ruleset *s, struct ruleset_counts *ret)
{
	*ret = s->counts;
}

void
ruleset_events(const struct ruleset *s, struct event_set *ret)
{
	*ret = s->events;
}

/* ---- loading ---- */

static int
ruleset_new(const struct rule_options *o, struct ruleset **ret)
{
	struct ruleset *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->refs = 1;
	(void) pthread_mutex_init(&s->lock, NULL);
	s->options = *o;
	arena_init(&s->a, 0);
	*ret = s;
	return 0;
}

static void
collection_init(
    struct collection *c, struct arena *a, const struct rule_options *o, struct rule_log *l)
{
	arena_init(a, 0);
	*c = (struct collection){ .a = a, .log = l, .options = o };
	c->lists_end = &c->lists;
	c->macros_end = &c->macros;
	c->rules_end = &c->rules;
	*l = (struct rule_log){ .v = NULL };
}

static void
collection_fini(struct collection *c)
{
	for (struct def_macro *m = c->macros; m != NULL; m = m->next)
		mtext_fini(&m->text);
	for (struct def_rule *d = c->rules; d != NULL; d = d->next)
		mtext_fini(&d->text);
}

/* Add a file's definitions. Its errors are reported, even if parts could not be collected. */
static int
add_source(struct collection *c, const struct source *src, bool last, struct ruleset *s)
{
	int r = collect_source(c, src);

	if (r == -ENOMEM)
		return r;
	c->quiet = !last;
	r = rule_worse(r, compile_stale(c, s));
	c->quiet = false;
	return r;
}

/* The set after the last file; 'so_far': how that went. */
static int
finish(struct collection *c, int so_far, struct ruleset *s, struct ruleset **ret)
{
	int r = so_far == 0 ? compile_set(c, s) : so_far;

	if (r == 0)
		*ret = s;
	else
		ruleset_unref(s);
	collection_fini(c);
	return r;
}

int
ruleset_parse(const char *name, struct slice yaml, const struct rule_options *o,
    struct ruleset **ret, struct rule_log *l)
{
	struct arena a CLEANUP(arena_fini);
	struct source src = { name, slice_skip_bom(yaml) };
	struct ruleset *s = NULL;
	struct collection c;
	int r;

	collection_init(&c, &a, o, l);
	r = ruleset_new(o, &s);
	return r < 0 ? r : finish(&c, add_source(&c, &src, true, s), s, ret);
}

static int
fail_read(struct collection *c, const char *path, int err)
{
	struct source src = { path, { NULL, 0 } };
	struct rplace at = { .src = &src };
	struct rule_file *file = NULL;

	if (rule_log_file(c->log, path, &file) < 0)
		return -ENOMEM;
	return rule_fail(c, E_READ, &at, "cannot be read: %s", strerrordesc_np(err));
}

static void
close_fd(const int *fd)
{
	if (*fd >= 0)
		(void) close(*fd);
}

/* Read a whole file into the arena. */
static int
read_file(struct collection *c, const char *path, struct source **ret)
{
	int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC);
	struct source *src = arena_alloc(c->a, sizeof(*src));
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	struct stat st;
	char *p;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_read(c, path, errno);
	if (S_ISDIR(st.st_mode))
		return fail_read(c, path, EISDIR);
	r = fd_read_all(fd, RULE_FILE_MAX, &b);
	if (r < 0)
		return r == -ENOMEM ? r : fail_read(c, path, -r);
	p = arena_strdup(c->a, buf_get(&b));
	if (src == NULL || p == NULL || (src->name = arena_strdup(c->a, slice_str(path))) == NULL)
		return -ENOMEM;
	src->text = slice_skip_bom((struct slice){ p, b.n });
	*ret = src;
	return 0;
}

/* Paths to load, in order; the arena owns the texts. */
struct paths {
	const char **v;
	size_t n, cap;
};

bool
rule_name_is_bundle(const char *name)
{
	return slice_ends((struct slice){ name, strlen(name) }, SLICE(".bundle"));
}

static int
is_rule_file(const struct dirent *e)
{
	return rule_name_loads(e->d_name) && !rule_name_is_bundle(e->d_name);
}

static int
is_loaded(const struct dirent *e)
{
	return rule_name_loads(e->d_name);
}

bool
rule_name_loads(const char *name)
{
	struct slice s = slice_str(name);

	return s.n > 0 && s.p[0] != '.' &&
	       (slice_ends(s, SLICE(".yaml")) || slice_ends(s, SLICE(".yml")) ||
		   rule_name_is_bundle(name));
}

/* Bundles first: the folder's own files can change what is in them. */
static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	bool x = rule_name_is_bundle((*a)->d_name), y = rule_name_is_bundle((*b)->d_name);

	return x != y ? (int) y - (int) x : strcmp((*a)->d_name, (*b)->d_name);
}

static int
add_path(struct collection *c, struct paths *p, const char *dir, const char *name)
{
	struct buf b CLEANUP(buf_fini) = BUF_INIT;

	if (ARRAY_RESERVE(p->v, p->n, 1, p->cap) < 0)
		return -ENOMEM;
	buf_str(&b, dir);
	if (name != NULL) {
		buf_char(&b, '/');
		buf_str(&b, name);
	}
	if (buf_ok(&b) < 0 || (p->v[p->n] = arena_strdup(c->a, buf_get(&b))) == NULL)
		return -ENOMEM;
	p->n++;
	return 0;
}

/* Warn about a folder that is new, or the wrong one: nothing would ever match. */
static int
warn_empty(struct collection *c, const char *path)
{
	struct source src = { path, { NULL, 0 } };
	struct rplace at = { .src = &src };
	struct rule_file *file = NULL;

	if (rule_log_file(c->log, path, &file) < 0)
		return -ENOMEM;
	return rule_warn(
	    c, W_NOFILE, &at, "The folder holds no rule file (*.yaml): no rule is loaded from it");
}

static int expand_folder(
    struct collection *c, const char *path, int (*filter)(const struct dirent *), struct paths *p);

/* Add the files of a bundle, which is a folder in a folder. */
static int
add_bundle(struct collection *c, struct paths *p, const char *dir, const char *name)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	buf_printf(&b, "%s/%s", dir, name);
	return buf_ok(&b) < 0 ? -ENOMEM : expand_folder(c, b.p, is_rule_file, p);
}

static int
expand_folder(
    struct collection *c, const char *path, int (*filter)(const struct dirent *), struct paths *p)
{
	struct dirent **names = NULL;
	int n, r = 0;

	n = scandir(path, &names, filter, compare_names);
	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : fail_read(c, path, errno);
	if (n == 0)
		r = warn_empty(c, path);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = rule_name_is_bundle(names[i]->d_name)
				? add_bundle(c, p, path, names[i]->d_name)
				: add_path(c, p, path, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return r;
}

/* Expand a path: a file is itself; a folder, its bundles and its rule files by name. */
static int
expand(struct collection *c, const char *path, struct paths *p)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fail_read(c, path, errno);
	return S_ISDIR(st.st_mode) ? expand_folder(c, path, is_loaded, p)
				   : add_path(c, p, path, NULL);
}

static int
load_files(struct collection *c, const struct paths *p, int so_far, struct ruleset *s)
{
	struct source *src = NULL;
	int r = so_far;

	for (size_t i = 0; r != -ENOMEM && i < p->n; i++) {
		int one = read_file(c, p->v[i], &src);

		if (one == 0)
			one = add_source(c, src, i + 1 == p->n, s);
		r = rule_worse(r, one);
	}
	return r;
}

int
ruleset_load(const char *const *paths, size_t n, const struct rule_options *o, struct ruleset **ret,
    struct rule_log *l)
{
	struct arena a CLEANUP(arena_fini);
	struct paths p = { .v = NULL };
	struct ruleset *s = NULL;
	struct collection c;
	int r;

	collection_init(&c, &a, o, l);
	r = ruleset_new(o, &s);
	for (size_t i = 0; r != -ENOMEM && i < n; i++)
		r = rule_worse(r, expand(&c, paths[i], &p));
	if (r != -ENOMEM)
		r = load_files(&c, &p, r, s);
	free(p.v);
	return finish(&c, r, s, ret);
}
