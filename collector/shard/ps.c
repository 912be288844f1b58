/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard/ps.h"
#include "common/intern.h"
#include <inttypes.h>

static void
key(struct buf *b, const char *name)
{
	buf_printf(b, ",\"%s\":", name);
}

static void
key_int(struct buf *b, const char *name, int64_t v)
{
	buf_printf(b, ",\"%s\":%" PRId64, name, v);
}

/* -1: not known */
static void
key_known(struct buf *b, const char *name, int64_t v)
{
	key(b, name);
	if (v == -1)
		buf_str(b, "null");
	else
		buf_printf(b, "%" PRId64, v);
}

/* 0xffffffff: not known, or unset */
static void
key_id(struct buf *b, const char *name, uint32_t v)
{
	key_known(b, name, v == UINT32_MAX ? -1 : (int64_t) v);
}

static void
key_text(struct buf *b, struct intern *pool, const char *name, uint32_t id)
{
	key(b, name);
	if (id == INTERN_NULL)
		buf_str(b, "null");
	else
		buf_json(b, intern_get(pool, id));
}

/* Texts, each with its NUL, as an array. */
static void
key_list(struct buf *b, struct intern *pool, const char *name, uint32_t id)
{
	struct slice list = intern_get(pool, id);
	const char *p = list.p, *end = list.p + list.n;

	key(b, name);
	buf_char(b, '[');
	while (p < end) {
		const char *nul = memchr(p, '\0', (size_t) (end - p));

		if (p != list.p)
			buf_char(b, ',');
		if (nul == NULL)
			nul = end;
		buf_json(b, (struct slice){ p, (size_t) (nul - p) });
		p = nul + 1;
	}
	buf_char(b, ']');
}

static void
put_file(struct buf *b, struct intern *pool, const struct fd_entry *e)
{
	const char *type = fd_type_word(e->type);

	buf_printf(b, "{\"fd\":%" PRId32 ",\"type\":", e->fd);
	if (type == NULL)
		buf_str(b, "null");
	else
		buf_json(b, slice_str(type));
	key_text(b, pool, "name", e->name);
	buf_printf(b, ",\"cloexec\":%s", e->state & FDS_CLOEXEC ? "true" : "false");
	if (e->ino != 0)
		buf_printf(b, ",\"ino\":%" PRIu64, e->ino);
	if (e->dev != 0)
		key_int(b, "dev", e->dev);
	buf_char(b, '}');
}

static void
put_files(struct buf *b, struct state *s, const struct thread *t)
{
	const struct fd_entry *e;
	size_t pos = 0, n = 0;

	key(b, "files");
	buf_char(b, '[');
	while (n < PS_FILES && (e = state_fd_next(s, t, &pos)) != NULL) {
		if (n++ > 0)
			buf_char(b, ',');
		put_file(b, state_pool(s), e);
	}
	buf_char(b, ']');
	if (state_fd_count(s, t) > n)
		key_int(b, "files_left_out", (int64_t) (state_fd_count(s, t) - n));
}

static void
put_ids(struct buf *b, struct state *s, const struct thread *t)
{
	const struct user_info *user = state_user(s, t, t->uid);

	key_known(b, "sid", t->sid);
	key_known(b, "pgid", t->pgid);
	key_known(b, "vtid", t->vtid);
	key_known(b, "vpid", t->vpid);
	key_known(b, "vpgid", t->vpgid);
	key_id(b, "uid", t->uid);
	key_text(b, state_pool(s), "user", user == NULL ? INTERN_NULL : user->name);
	key_id(b, "gid", t->gid);
	key_id(b, "loginuid", t->loginuid);
	key_int(b, "tty", t->tty);
	key_int(b, "cap_inheritable", (int64_t) t->cap_inheritable);
	key_int(b, "cap_permitted", (int64_t) t->cap_permitted);
	key_int(b, "cap_effective", (int64_t) t->cap_effective);
}

static void
put_thread(struct buf *b, struct state *s, const struct thread *t, bool files)
{
	const struct thread *main = state_main(s, t);
	struct intern *pool = state_pool(s);

	buf_printf(b, "{\"pid\":%" PRId64, t->pid);
	key_int(b, "tid", t->tid);
	key_known(b, "ppid", t->placeholder ? -1 : t->ptid);
	key(b, "started");
	buf_u64(b, t->clone_ts);
	key_text(b, pool, "comm", t->comm);
	key_text(b, pool, "exe", t->exe);
	key_text(b, pool, "exepath", t->exepath);
	key_list(b, pool, "args", t->args);
	key_text(b, pool, "cwd", main->cwd);
	key_text(b, pool, "root", t->root);
	key_text(b, pool, "container", t->container_id);
	key_int(b, "threads", main->nthreads);
	if (t->placeholder)
		buf_str(b, ",\"placeholder\":true");
	if (t->dead)
		buf_str(b, ",\"dead\":true");
	put_ids(b, s, t);
	if (files)
		put_files(b, s, t);
	buf_char(b, '}');
}

void
ps_answer(struct state *s, struct ps_ask *a)
{
	const struct thread *v[PS_ROWS + 1];
	struct buf *b = &a->json;
	const bool one = a->pid != 0 && !a->threads;
	size_t n, i, shown = 0;

	a->known = s != NULL;
	if (s == NULL)
		return;
	n = state_list(s, one ? a->pid - 1 : a->after, !a->threads, v, one ? 1 : ARRAY_SIZE(v));
	buf_str(b, "\"processes\":[");
	for (i = 0; i < n && i < PS_ROWS && b->n < PS_BYTES; i++) {
		if (a->pid != 0 && v[i]->pid != a->pid)
			continue;
		if (shown++ > 0)
			buf_char(b, ',');
		put_thread(b, s, v[i], a->files);
	}
	buf_char(b, ']');
	if (i < n)
		key_int(b, "next", v[i - 1]->tid);
}
