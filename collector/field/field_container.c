/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: their ids follow from control groups, the rest is what their runtimes have written.
 */
#include "collector/field/field_int.h"
#include "common/container_id.h"
#include <fnmatch.h>

struct slice
thread_container(const struct view *v)
{
	struct slice id = view_text(v, v->thread->container_id);

	return id.n == 0 ? SLICE("host") : id;
}

int
get_container_id(const struct fget *g)
{
	return put_text(g, thread_container(g->v));
}

int
get_container_time(const struct fget *g)
{
	uint64_t began = state_pidns_start(g->v->state, g->v->thread);

	if (began == 0 || (g->a != 0 && began > g->v->time))
		return 0;
	return put_uint(g, g->a == 0 ? began : g->v->time - began);
}

static bool
on_host(const struct fget *g)
{
	return slice_eq(thread_container(g->v), SLICE("host"));
}

/* The value outside of containers, by column b. */
static int
put_host(const struct fget *g, int which)
{
	if (which == HOST_NULL)
		return 0;
	if (which == HOST_FALSE)
		return put_bool(g, false);
	return put_word(g, which == HOST_WORD ? "host" : "");
}

static uint32_t
text_of(const struct fget *g, int param)
{
	const struct container *c = state_container(g->v->state, g->v->thread);

	return c == NULL ? INTERN_NULL : c->text[param];
}

struct slice
container_said(const struct fget *g, int param)
{
	uint32_t id = text_of(g, param);

	return id == INTERN_NULL ? (struct slice){ NULL, 0 } : view_text(g->v, id);
}

int
get_container_text(const struct fget *g)
{
	uint32_t id = text_of(g, g->a);

	if (on_host(g))
		return put_host(g, g->b);
	return id == INTERN_NULL ? 0 : put_id(g, id);
}

int
get_container_type(const struct fget *g)
{
	uint32_t id = text_of(g, EVP_CONTAINER_INFO_runtime);
	struct slice named;

	if (on_host(g))
		return put_host(g, HOST_WORD);
	if (id != INTERN_NULL)
		return put_id(g, id);
	named = container_runtime_of(view_text(g->v, g->v->thread->cgroups));
	return named.p == NULL ? 0 : put_text(g, named);
}

int
get_container_trait(const struct fget *g)
{
	const struct container *c = state_container(g->v->state, g->v->thread);

	if (on_host(g))
		return put_host(g, g->b);
	return c == NULL ? 0 : put_bool(g, (c->traits & (unsigned) g->a) != 0);
}

int
get_container_sandbox(const struct fget *g)
{
	uint32_t id = text_of(g, EVP_CONTAINER_INFO_pod_sandbox);
	struct slice full = view_text(g->v, id);

	if (id == INTERN_NULL)
		return 0;
	return put_text(g, (struct slice){ full.p, MIN(full.n, 12) });
}

/* ---- lists ---- */

int
get_container_mounts(const struct fget *g)
{
	uint32_t id = text_of(g, EVP_CONTAINER_INFO_mounts);
	struct slice list = view_text(g->v, id), m;
	struct buf *out;

	if (on_host(g))
		return put_word(g, "");
	if (id == INTERN_NULL)
		return 0;
	out = scratch_buf(g->fs);
	while ((m = slice_next(&list)).p != NULL) {
		if (out->n > 0)
			buf_char(out, ',');
		buf_slice(out, m);
	}
	return put_text(g, scratch_take(g->fs, out));
}

/* Part 'n' of a mount, from 0. A path may contain colons, but nothing tells them apart. */
static struct slice
part_of(struct slice mount, int n)
{
	for (;; n--) {
		const char *colon = mount.n == 0 ? NULL : memchr(mount.p, ':', mount.n);
		size_t len = colon == NULL ? mount.n : (size_t) (colon - mount.p);

		if (n == 0)
			return (struct slice){ mount.p, len };
		if (colon == NULL)
			return SLICE("");
		mount.p += len + 1;
		mount.n -= len + 1;
	}
}

/* Does a pattern with '*', '?' and '[...]' match? */
static bool
matches(const struct fget *g, struct slice pattern, struct slice s)
{
	char *p = fscratch_alloc(g->fs, pattern.n + s.n + 2);

	if (p == NULL)
		return false;
	(void) memcpy(p, pattern.p, pattern.n);
	p[pattern.n] = '\0';
	(void) memcpy(p + pattern.n + 1, s.p, s.n);
	p[pattern.n + 1 + s.n] = '\0';
	return fnmatch(p, p + pattern.n + 1, 0) == 0;
}

/* By number, or by the source; the source itself by the destination. */
int
get_container_mount(const struct fget *g)
{
	struct slice list = view_text(g->v, text_of(g, EVP_CONTAINER_INFO_mounts)), m;
	int by = g->a == MOUNT_SOURCE ? MOUNT_DEST : MOUNT_SOURCE;

	for (int64_t i = 0; (m = slice_next(&list)).p != NULL; i++) {
		if (g->f->has_index ? i != g->f->index : !matches(g, g->f->key, part_of(m, by)))
			continue;
		return put_text(g, g->a == MOUNT_ALL ? m : part_of(m, g->a));
	}
	return 0;
}

/* Split "key=value". */
static struct slice
key_of(struct slice label, struct slice *value)
{
	const char *eq = memchr(label.p, '=', label.n);
	size_t n = eq == NULL ? label.n : (size_t) (eq - label.p);

	*value = eq == NULL ? SLICE("") : (struct slice){ eq + 1, label.n - n - 1 };
	return (struct slice){ label.p, n };
}

int
put_label(const struct fget *g, struct slice list)
{
	struct slice label, value;

	for (int64_t i = 0; (label = slice_next(&list)).p != NULL; i++) {
		struct slice key = key_of(label, &value);

		if (g->f->has_index ? i == g->f->index : slice_eq(key, g->f->key))
			return put_text(g, value);
	}
	return 0;
}

int
get_container_label(const struct fget *g)
{
	return put_label(g, view_text(g->v, text_of(g, g->a)));
}

int
put_labels(const struct fget *g, struct slice list)
{
	struct slice label, value;
	struct buf *out = scratch_buf(g->fs);

	while ((label = slice_next(&list)).p != NULL) {
		struct slice key = key_of(label, &value);

		if (slice_starts(key, SLICE("io.kubernetes.")) ||
		    slice_starts(key, SLICE("annotation.")))
			continue;
		if (out->n > 0)
			buf_str(out, ", ");
		buf_slice(out, key);
		if (value.n > 0)
			buf_char(out, ':');
		buf_slice(out, value);
	}
	return put_text(g, scratch_take(g->fs, out));
}

int
get_container_labels(const struct fget *g)
{
	uint32_t id = text_of(g, g->a);

	return id == INTERN_NULL ? 0 : put_labels(g, view_text(g->v, id));
}

/* ---- commands ---- */

int
put_words(const struct fget *g, struct slice list)
{
	return list.n == 0 ? 0 : put_text(g, scratch_join(g->fs, list));
}

int
get_container_words(const struct fget *g)
{
	return put_words(g, container_said(g, g->a));
}

int
get_container_entered(const struct fget *g)
{
	return put_words(g, view_text(g->v, g->v->main->entered_by));
}

/* One "NAME=value" of the list, or all. */
int
get_container_env(const struct fget *g)
{
	struct slice list = container_said(g, EVP_CONTAINER_INFO_env);

	if (!g->f->has_arg)
		return put_words(g, list);
	return put_label(g, list);
}

int
get_container_parent(const struct fget *g)
{
	struct slice id = container_parent_of(view_text(g->v, g->v->thread->cgroups));

	return id.p == NULL ? 0 : put_text(g, id);
}
