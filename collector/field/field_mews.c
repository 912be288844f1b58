/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_mews.c - mews.*: fields that Falco does not have.
 *
 * Falco's own fields keep Falco's values; additional knowledge has fields of its own, here.
 */
#include "collector/field/field_int.h"
#include <string.h>

/* A flag that the capture set on the event: 'a' is EVF_*. */
int
get_mews_mark(const struct fget *g)
{
	return put_bool(g, (g->v->ev->flags & (uint32_t) g->a) != 0);
}

int
get_mews_loss(const struct fget *g)
{
	return g->v->loss.n == 0 ? 0 : put_text(g, g->v->loss);
}

/* ---- the program started by a loader ---- */

/* Is this the dynamic loader, of glibc or musl? */
static bool
is_loader(struct slice path)
{
	static const char *const names[] = { "ld-linux", "ld-musl-", "ld.so", "ld64.so", "ld-2.",
		"ld-uClibc", "libc.so", "libc.musl-" };
	const char *slash = path.n == 0 ? NULL : memrchr(path.p, '/', path.n);
	struct slice name = path;

	if (slash != NULL)
		name = (struct slice){ slash + 1, path.n - (size_t) (slash + 1 - path.p) };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (name.n >= n && memcmp(name.p, names[i], n) == 0)
			return true;
	}
	return false;
}

/* Does the loader's option take the next argument as its value? */
static bool
has_value(struct slice option)
{
	static const char *const names[] = { "--library-path", "--inhibit-rpath", "--audit",
		"--preload", "--argv0", "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (slice_eq(option, slice_str(names[i])))
			return true;
	}
	return false;
}

/* The first of its arguments (strings, each with its NUL) that is not an option; p == NULL:
 * none. */
static struct slice
loaded(struct slice args)
{
	bool value = false, ended = false;

	while (args.n > 0) {
		struct slice item = { args.p, strnlen(args.p, args.n) };
		size_t used = MIN(item.n + 1, args.n);

		args.p += used;
		args.n -= used;
		if (!value && (ended || item.n < 2 || memcmp(item.p, "--", 2) != 0))
			return item;
		ended = ended || (!value && item.n == 2);
		value = !value && has_value(item);
	}
	return (struct slice){ NULL, 0 };
}

int
get_mews_program(const struct fget *g)
{
	const struct view *v = g->v;
	struct slice path = view_text(v, v->thread->exepath), program;

	if (!is_loader(path))
		return put_id(g, v->thread->exepath);
	program = loaded(view_text(v, v->thread->args));
	if (program.p == NULL || program.n == 0)
		return put_id(g, v->thread->exepath);
	return put_id(
	    g, state_resolve(v->state, v->main, AT_CWD, intern_put(state_pool(v->state), program)));
}

int
get_mews_cluster(const struct fget *g)
{
	return put_word(g, g->v->cluster);
}
