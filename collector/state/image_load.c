/* SPDX-License-Identifier: Apache-2.0 */
/* image_load.c - fill a new state from an image, in pieces. It may be damaged: nothing of it is
 * trusted. */
#include "collector/state/image_int.h"
#include "common/array.h"
#include <stdlib.h>

struct state_load {
	struct state *s;
	const unsigned char *p, *end;
	const char *why; /* NULL: good so far */
	int r;
	uint32_t *texts; /* held; ids by number - 1 */
	size_t ntexts, texts_room;
	struct fd_table **tables; /* held; by number */
	size_t ntables, tables_room;
	struct thread *t; /* the last thread; NULL: none, or left out */
	bool in_table;    /* descriptors of 't' may follow */
	bool loaded;      /* no record is left, or an error */
};

static void
bad(struct state_load *l, int r, const char *why)
{
	if (l->r == 0) {
		l->r = r;
		l->why = why;
	}
	l->p = l->end;
}

static int64_t
get_num(struct state_load *l)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && l->p < l->end; shift += 7) {
		unsigned char c = *l->p++;

		v |= (uint64_t) (c & 0x7f) << shift;
		if (c < 0x80)
			return (int64_t) (v >> 1) ^ -(int64_t) (v & 1);
	}
	bad(l, -EBADMSG, "a number is cut");
	return 0;
}

static uint32_t
new_text(struct state_load *l)
{
	uint64_t n = (uint64_t) get_num(l);
	uint32_t id;

	if (n > (uint64_t) (l->end - l->p)) {
		bad(l, -EBADMSG, "a text is cut");
		return INTERN_NULL;
	}
	id = intern_put(l->s->pool, (struct slice){ (const char *) l->p, n });
	l->p += n;
	if (id == INTERN_NULL || ARRAY_RESERVE(l->texts, l->ntexts, 1, l->texts_room) < 0) {
		bad(l, -ENOMEM, "no memory");
		return INTERN_NULL;
	}
	l->texts[l->ntexts++] = intern_ref(l->s->pool, id);
	return id;
}

static uint32_t
get_text(struct state_load *l)
{
	uint64_t k = (uint64_t) get_num(l);

	if (k == 0 || l->r != 0)
		return INTERN_NULL;
	if (k <= l->ntexts)
		return l->texts[k - 1];
	if (k == l->ntexts + 1)
		return new_text(l);
	bad(l, -EBADMSG, "a text is used before it is given");
	return INTERN_NULL;
}

/* Set the members of an entry, and hold its new texts. */
static void
get_members(struct state_load *l, void *of, const struct image_member *v, size_t n)
{
	for (size_t i = 0; i < n && l->r == 0; i++) {
		char *at = (char *) of + v[i].at;
		int64_t num;
		bool flag;

		if (v[i].kind == IMAGE_TEXT) {
			hold(l->s->pool, (uint32_t *) (void *) at, get_text(l));
			continue;
		}
		num = get_num(l);
		flag = num != 0;
		memcpy(at, v[i].kind == IMAGE_BOOL ? (void *) &flag : (void *) &num, v[i].size);
	}
}

static void
load_user(struct state_load *l, struct table *users, enum image_record kind)
{
	uint32_t container = get_text(l);
	uint32_t uid = (uint32_t) get_num(l);
	struct user_info u = { .name = get_text(l) };
	struct user_slot *e;

	if (kind == IMAGE_USER) {
		u.home = get_text(l);
		u.shell = get_text(l);
	}
	if (l->r != 0)
		return;
	e = users_put(l->s, users, container, uid);
	if (e == NULL)
		return;
	hold(l->s->pool, &e->info.name, u.name);
	hold(l->s->pool, &e->info.home, u.home);
	hold(l->s->pool, &e->info.shell, u.shell);
}

static void
load_container(struct state_load *l)
{
	uint32_t id = get_text(l);
	struct container unused = { 0 }, *c = l->r == 0 ? boxes_put(l->s, id) : NULL;

	if (c == NULL)
		c = &unused;
	for (size_t i = 0; i < ARRAY_SIZE(c->text) && l->r == 0; i++)
		hold(l->s->pool, &c->text[i], get_text(l));
	c->traits = (uint32_t) get_num(l);
	for (size_t i = 0; c == &unused && i < ARRAY_SIZE(unused.text); i++)
		intern_unref(l->s->pool, unused.text[i]);
}

/* The last thread's table is complete: later threads may share it. */
static void
close_table(struct state_load *l)
{
	if (!l->in_table)
		return;
	l->in_table = false;
	if (ARRAY_RESERVE(l->tables, l->ntables, 1, l->tables_room) < 0) {
		bad(l, -ENOMEM, "no memory");
		return;
	}
	l->tables[l->ntables++] = l->t == NULL ? NULL : fdt_ref(l->t->fds);
}

/* The entry for a thread of the image; NULL: it has no place. */
static struct thread *
make_thread(struct state_load *l, int64_t tid, int64_t pid)
{
	struct thread *main = NULL, *t;

	if (tid <= 0 || tid > UINT32_MAX || pid <= 0 || pid > UINT32_MAX) {
		bad(l, -EBADMSG, "a thread's number is out of range");
		return NULL;
	}
	if (thread_find(l->s, tid) != NULL) {
		bad(l, -EBADMSG, "a thread is there twice");
		return NULL;
	}
	if (pid != tid) {
		main = thread_find(l->s, pid);
		if (main == NULL || main->gone || !thread_is_main(main))
			return NULL; /* the process had no place, or ended before its thread */
	}
	t = thread_add(l->s, tid, main);
	if (t != NULL && main != NULL)
		main->nthreads--; /* it has the right number already */
	return t;
}

static void
load_thread(struct state_load *l)
{
	int64_t tid = get_num(l), pid = get_num(l), gone = get_num(l), ptid = get_num(l);
	struct thread unused = { 0 }, *t;
	uint64_t died;

	t = l->r == 0 ? make_thread(l, tid, pid) : NULL;
	l->t = t;
	if (t == NULL) {
		get_members(l, &unused, image_thread, image_nthread);
		thread_names_unref(l->s, &unused);
		return;
	}
	get_members(l, t, image_thread, image_nthread);
	thread_set_parent(l->s, t, ptid);
	if (gone == 0)
		return;
	died = t->died;
	thread_bury(l->s, t);
	t->died = died;
}

/* Descriptors follow, or are shared, if the last thread is a process that lives and has none. */
static bool
may_have_fds(struct state_load *l)
{
	if (l->t == NULL)
		return true; /* left out: so are they */
	if (thread_is_main(l->t) && !l->t->gone && l->t->fds == NULL)
		return true;
	bad(l, -EBADMSG, "descriptors without a process");
	return false;
}

static void
load_shared(struct state_load *l)
{
	uint64_t k = (uint64_t) get_num(l);

	if (l->r != 0 || !may_have_fds(l))
		return;
	if (k >= l->ntables)
		bad(l, -EBADMSG, "a table of descriptors is used before it is given");
	else if (l->t != NULL)
		l->t->fds = fdt_ref(l->tables[k]);
}

static void
load_fd(struct state_load *l)
{
	int64_t fd = get_num(l);
	struct fd_entry unused = { 0 }, *e = NULL;

	if (l->r != 0)
		return;
	if (!l->in_table) {
		bad(l, -EBADMSG, "a descriptor without a table");
		return;
	}
	if (l->t != NULL)
		e = fdt_put(&l->s->fds, &l->t->fds, fd);
	if (e == NULL)
		e = &unused;
	get_members(l, e, image_fd, image_nfd);
	if (e->type > FD_UNSUPPORTED || e->l4 > L4_RAW || e->role > ROLE_SERVER) {
		e->type = e->l4 = e->role = 0;
		bad(l, -EBADMSG, "a descriptor of an unknown kind");
	}
	if (e == &unused)
		fd_names_unref(l->s->pool, e);
	else
		fdt_serve(&l->s->fds, l->t->fds, e);
}

static void
load_table(struct state_load *l)
{
	if (may_have_fds(l))
		l->in_table = true;
}

static void
load_exited(struct state_load *l)
{
	int64_t tid = get_num(l);
	uint64_t start = (uint64_t) get_num(l), ts = (uint64_t) get_num(l);

	if (l->r == 0)
		exited_add(l->s, tid, start, ts);
}

/* Load one record. False: it was the last. */
static bool
load_record(struct state_load *l)
{
	int64_t kind = get_num(l);

	if (kind != IMAGE_FD)
		close_table(l);
	if (l->r != 0)
		return false;
	switch (kind) {
	case IMAGE_END:
		if (l->p != l->end)
			bad(l, -EBADMSG, "bytes after its end");
		return false;
	case IMAGE_CLOCK:
		get_members(l, l->s, image_clock, image_nclock);
		break;
	case IMAGE_USER:
		load_user(l, &l->s->users, IMAGE_USER);
		break;
	case IMAGE_GROUP:
		load_user(l, &l->s->groups, IMAGE_GROUP);
		break;
	case IMAGE_CONTAINER:
		load_container(l);
		break;
	case IMAGE_THREAD:
		load_thread(l);
		break;
	case IMAGE_TABLE:
		load_table(l);
		break;
	case IMAGE_SHARED:
		load_shared(l);
		break;
	case IMAGE_FD:
		load_fd(l);
		break;
	case IMAGE_EXITED:
		load_exited(l);
		break;
	default:
		bad(l, -EBADMSG, "a record of an unknown kind");
	}
	return l->r == 0;
}

int
state_load_new(struct state *s, struct slice image, struct state_load **ret)
{
	struct state_load *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->s = s;
	l->p = (const unsigned char *) image.p;
	l->end = l->p + image.n;
	*ret = l;
	return 0;
}

/* Release n of the texts; true: none is left. The state's entries hold what they use. */
static bool
release_texts(struct state_load *l, size_t n)
{
	for (; n > 0 && l->ntexts > 0; n--)
		intern_unref(l->s->pool, l->texts[--l->ntexts]);
	return l->ntexts == 0;
}

int
state_load_more(struct state_load *l, size_t n, const char **why)
{
	intern_charge(l->s->pool, l->s->account);
	for (; n > 0 && !l->loaded; n--)
		l->loaded = !load_record(l);
	if (l->r < 0) {
		*why = l->why;
		return l->r;
	}
	if (!l->loaded || !release_texts(l, n))
		return 0;
	touch(l->s, STATE_ALL);
	return 1;
}

void
state_load_free(struct state_load *l)
{
	if (l == NULL)
		return;
	(void) release_texts(l, l->ntexts);
	for (size_t i = 0; i < l->ntables; i++)
		fdt_unref(&l->s->fds, l->tables[i]);
	free(l->tables);
	free(l->texts);
	free(l);
}
