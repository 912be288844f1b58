/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Make paths from events absolute. Most are absolute and clean already; many of the others were
 * seen a moment ago: a small direct-mapped cache of (folder, path), which holds its ids, answers
 * those.
 */
#include "collector/state/state_int.h"

_Thread_local char state_scratch[SCRATCH_SIZE];

/* Drop one component from out[0..n); a relative path may run empty. */
static size_t
parent_of(const char *out, size_t n)
{
	while (n > 0 && out[n - 1] != '/')
		n--;
	return n > 0 ? n - 1 : 0;
}

/* Normalise in place ("//", ".", "..", a trailing '/'), lexically. Returns the length. */
static size_t
normalise(char *p, size_t n)
{
	bool absolute = n > 0 && p[0] == '/';
	size_t out = 0, i = 0;

	while (i < n) {
		size_t from, len;

		while (i < n && p[i] == '/')
			i++;
		for (from = i; i < n && p[i] != '/'; i++)
			;
		len = i - from;
		if (len == 0 || (len == 1 && p[from] == '.'))
			continue;
		if (len == 2 && p[from] == '.' && p[from + 1] == '.') {
			out = parent_of(p, out);
			continue;
		}
		if (out > 0 || absolute)
			p[out++] = '/';
		memmove(p + out, p + from, len);
		out += len;
	}
	if (out == 0 && absolute)
		out = 1; /* p[0] is the '/' still */
	return out;
}

/* Replace "a//b" by "a/b". */
static uint32_t
raw_of(struct state *s, uint32_t path)
{
	struct slice p = intern_get(s->pool, path);
	size_t n = 0;

	if (p.n < 2 || p.n > SCRATCH_SIZE || memmem(p.p, p.n, "//", 2) == NULL)
		return path;
	for (size_t i = 0; i < p.n; i++) {
		if (i > 0 && p.p[i] == '/' && p.p[i - 1] == '/')
			continue;
		state_scratch[n++] = p.p[i];
	}
	return intern_put(s->pool, (struct slice){ state_scratch, n });
}

static uint32_t
full_of(struct state *s, struct slice dir, uint32_t path, struct slice p)
{
	struct slice unknown = intern_get(s->pool, s->words.unknown_dir);
	size_t n, base;

	if (p.n > 0 && p.p[0] == '/')
		dir.n = 0;
	if (dir.n + p.n > SCRATCH_SIZE)
		return s->words.too_long;
	if (dir.n > 0)
		memcpy(state_scratch, dir.p, dir.n);
	memcpy(state_scratch + dir.n, p.p, p.n);
	/* ".." does not lead out of an unknown folder to a known one */
	base = slice_starts(dir, unknown) ? unknown.n : 0;
	n = base + normalise(state_scratch + base, dir.n + p.n - base);
	if (n >= PATH_CAP)
		return s->words.too_long;
	if (n == p.n && memcmp(state_scratch, p.p, n) == 0)
		return path;
	return intern_put(s->pool, (struct slice){ state_scratch, n });
}

/* Is it absolute, within the cap, and unchanged by normalise()? */
static bool
is_clean(struct slice p)
{
	const char *at = p.p, *end = p.p + p.n;

	if (p.n == 0 || p.n >= PATH_CAP || *at != '/')
		return false;
	while (at != NULL) {
		if (++at == end)
			return p.n == 1;
		if (*at == '/' || *at == '.')
			return false; /* or a name with a dot: check it fully */
		at = memchr(at, '/', (size_t) (end - at));
	}
	return true;
}

uint32_t
path_join(struct state *s, uint32_t dir, uint32_t path, uint32_t *raw)
{
	struct path_memo *m = &s->paths[(path * 31 + dir) % PATH_MEMO_SIZE];
	struct slice p;

	if (path == INTERN_NULL)
		return INTERN_NULL;
	if (m->path != path || m->dir != dir) {
		p = intern_get(s->pool, path);
		if (is_clean(p)) {
			if (raw != NULL)
				*raw = path;
			return path;
		}
		hold(s->pool, &m->full, full_of(s, intern_get(s->pool, dir), path, p));
		hold(s->pool, &m->raw, raw_of(s, path));
		hold(s->pool, &m->path, path);
		hold(s->pool, &m->dir, dir);
	}
	if (raw != NULL)
		*raw = m->raw;
	return m->full;
}

uint32_t
path_as_dir(struct state *s, uint32_t path)
{
	struct slice p = intern_get(s->pool, path);

	if (p.p == NULL || p.n == 0)
		return s->words.here;
	if (p.p[p.n - 1] == '/' || p.n >= SCRATCH_SIZE)
		return path;
	memcpy(state_scratch, p.p, p.n);
	state_scratch[p.n] = '/';
	return intern_put(s->pool, (struct slice){ state_scratch, p.n + 1 });
}

uint32_t
path_full(struct state *s, const struct thread *t, int64_t dirfd, uint32_t path, uint32_t *raw)
{
	const struct thread *main = thread_main(s, t);
	struct slice p = intern_get(s->pool, path);
	const struct fd_entry *e;
	uint32_t dir;

	if (p.n > 0 && p.p[0] == '/')
		return path_join(s, INTERN_EMPTY, path, raw);
	if (dirfd == AT_CWD)
		return path_join(s, main->cwd, path, raw);
	e = fdt_get(main->fds, dirfd);
	if (e == NULL)
		return path_join(s, s->words.unknown_dir, path, raw);
	dir = path_as_dir(s, e->name);
	return path_join(s, dir, path, raw);
}

uint32_t
state_resolve_beside(struct state *s, uint32_t file, uint32_t path)
{
	struct slice p = intern_get(s->pool, file);

	if (p.n >= SCRATCH_SIZE)
		return s->words.too_long;
	while (p.n > 0 && p.p[p.n - 1] != '/')
		p.n--;
	if (p.n == 0) /* in an unknown folder */
		return path_join(s, s->words.unknown_dir, path, NULL);
	memcpy(state_scratch, p.p, p.n);
	return path_join(s, intern_put(s->pool, (struct slice){ state_scratch, p.n }), path, NULL);
}

uint32_t
state_resolve(struct state *s, const struct thread *t, int64_t dirfd, uint32_t path)
{
	return path_full(s, t, dirfd, path, NULL);
}

void
path_fini(struct state *s)
{
	for (size_t i = 0; i < PATH_MEMO_SIZE; i++) {
		struct path_memo *m = &s->paths[i];

		intern_unref(s->pool, m->dir);
		intern_unref(s->pool, m->path);
		intern_unref(s->pool, m->full);
		intern_unref(s->pool, m->raw);
	}
}
