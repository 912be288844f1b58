/* SPDX-License-Identifier: Apache-2.0 */
/* test_play_expect.c - what a row expects: keys of the state, and their values. */
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct found {
	char text[8192];
	bool known;
};

static void
is_num(struct found *f, int64_t v)
{
	f->known = true;
	(void) snprintf(f->text, sizeof(f->text), "%lld", (long long) v);
}

static void
is_text(struct play *p, struct found *f, uint32_t id)
{
	struct slice t = intern_get(p->pool, id);

	f->known = t.p != NULL;
	(void) snprintf(f->text, sizeof(f->text), "%.*s", SLICE_ARG(t));
	for (size_t i = 0; i < t.n && i < sizeof(f->text) - 1; i++)
		f->text[i] = t.p[i] == '\0' ? '|' : t.p[i];
}

/* A member of a thread or of a descriptor's entry, by its key: a number or a text. */
struct member {
	const char *key;
	int64_t num;
	bool text;
};

#define NUM(key, v)                       \
	{                                 \
		key, (int64_t) (v), false \
	}
#define TEXT(key, id)         \
	{                     \
		key, id, true \
	}

/* False: none of the members has this key. */
static bool
is_member(struct play *p, struct found *f, const struct member *v, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].key, key) != 0)
			continue;
		if (v[i].text)
			is_text(p, f, (uint32_t) v[i].num);
		else
			is_num(f, v[i].num);
		return true;
	}
	return false;
}

static void
thread_key(struct play *p, struct found *f, const struct thread *t, const char *key)
{
	const struct thread *m = state_main(p->s, t);
	const struct member v[] = {
		TEXT("comm", t->comm),
		TEXT("exe", t->exe),
		TEXT("exepath", t->exepath),
		TEXT("args", t->args),
		TEXT("argtext", t->args_text),
		TEXT("cmdline", t->cmdline),
		TEXT("container", t->container_id),
		TEXT("root", t->root),
		TEXT("cgroups", t->cgroups),
		TEXT("env", m->env),
		TEXT("cwd", m->cwd),
		NUM("tid", t->tid),
		NUM("pid", t->pid),
		NUM("ptid", t->ptid),
		NUM("vtid", t->vtid),
		NUM("vpid", t->vpid),
		NUM("sid", t->sid),
		NUM("pgid", t->pgid),
		NUM("vpgid", t->vpgid),
		NUM("uid", (int32_t) t->uid),
		NUM("gid", (int32_t) t->gid),
		NUM("loginuid", (int32_t) t->loginuid),
		NUM("tty", t->tty),
		NUM("flags", t->exe_flags),
		NUM("ino", t->exe_ino),
		NUM("capeff", t->cap_effective),
		NUM("fdlimit", t->fdlimit),
		NUM("start", t->start),
		NUM("clone_ts", t->clone_ts),
		NUM("pidns_ts", state_pidns_start(p->s, t)),
		NUM("vmsize", m->vm_size),
		NUM("vmrss", m->vm_rss),
		NUM("nthreads", m->nthreads),
		NUM("placeholder", t->placeholder),
		NUM("dead", t->dead),
		NUM("nfds", state_fd_count(p->s, t)),
	};

	if (!is_member(p, f, v, ARRAY_SIZE(v), key))
		fail_msg("no key %s", key);
}

static const char *
addr_text(const struct fd_entry *e, const uint8_t *addr)
{
	static char text[INET6_ADDRSTRLEN];
	bool v4 = e->type == FD_IPV4 || e->type == FD_IPV4_SERVER;

	return inet_ntop(v4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
}

static void
is_str(struct found *f, const char *text)
{
	f->known = true;
	(void) snprintf(f->text, sizeof(f->text), "%s", text);
}

static void
fd_key(struct play *p, struct found *f, const struct fd_entry *e, const char *key)
{
	const struct member v[] = {
		TEXT("name", e->name),
		TEXT("raw", e->nameraw),
		NUM("sport", e->sport),
		NUM("dport", e->dport),
		NUM("l4", e->l4),
		NUM("role", e->role),
		NUM("ino", e->ino),
		NUM("dev", e->dev),
		NUM("flags", e->flags),
		NUM("conn", (e->state & FDS_CONNECTED) != 0),
		NUM("exec", (e->state & FDS_CLOEXEC) != 0),
		NUM("upper", (e->state & FDS_UPPER_LAYER) != 0),
		NUM("server", e->type == FD_IPV4_SERVER || e->type == FD_IPV6_SERVER),
	};

	if (is_member(p, f, v, ARRAY_SIZE(v), key))
		return;
	if (strcmp(key, "type") == 0)
		is_str(f, (char[2]){ fd_type_char(e->type) });
	else if (strcmp(key, "sip") == 0)
		is_str(f, addr_text(e, e->sip));
	else if (strcmp(key, "dip") == 0)
		is_str(f, addr_text(e, e->dip));
	else
		fail_msg("no key fd.%s", key);
}

/* Keys of the view itself; false: unknown key. */
static bool
view_key(struct play *p, struct found *f, const struct view *v, const char *key)
{
	const struct user_info *u;
	const struct container *box;

	if (strcmp(key, "fd.num") == 0) {
		is_num(f, v->fd_num);
	} else if (strcmp(key, "fd.has") == 0) {
		is_num(f, v->has_fd);
	} else if (strcmp(key, "fd.changed") == 0) {
		is_num(f, v->fd_name_changed);
	} else if (strncmp(key, "fd.", 3) == 0) {
		if (v->fd != NULL)
			fd_key(p, f, v->fd, key + 3);
	} else if (strcmp(key, "path") == 0) {
		is_text(p, f, v->event_path);
	} else if (strcmp(key, "raw") == 0) {
		is_text(p, f, v->event_pathraw);
	} else if (strcmp(key, "user") == 0) {
		u = state_user(p->s, v->thread, v->thread->uid);
		is_text(p, f, u == NULL ? INTERN_NULL : u->name);
	} else if (strcmp(key, "box") == 0) {
		box = state_container(p->s, v->thread);
		is_text(
		    p, f, box == NULL ? INTERN_NULL : box->text[EVP_CONTAINER_INFO_container_name]);
	} else if (strcmp(key, "group") == 0) {
		is_text(p, f, state_group(p->s, v->thread, v->thread->gid));
	} else {
		return false;
	}
	return true;
}

/* "N", "N:KEY", "N:fdK.KEY" */
static void
number_key(struct play *p, struct found *f, const char *key)
{
	char *end;
	const struct thread *t = state_thread(p->s, strtoll(key, &end, 10));
	const struct fd_entry *e;

	if (*end == '\0')
		is_num(f, t != NULL);
	else if (t != NULL && (strncmp(end, ":fd", 3) != 0 || end[3] > '9'))
		thread_key(p, f, t, end + 1);
	else if (t != NULL && (e = state_fd(p->s, t, strtoll(end + 3, &end, 10))) != NULL)
		fd_key(p, f, e, end + 1);
}

/*
 * fd.KEY       the event's descriptor; fd.num, fd.changed, fd.has of the view
 * path, raw    of a failed open
 * N:KEY        thread N by number; N:fdK.KEY its descriptor K; N (alone): 1 if it exists
 * aN.KEY       the N-th ancestor of the event's thread; sl.KEY, pl.KEY, vl.KEY the leaders
 * user, group  names of the event's thread
 * KEY          of the event's thread
 */
static void
look_up(struct play *p, const struct view *v, const char *key, struct found *f)
{
	const struct thread *t = v->thread;
	char *end;

	memset(f, 0, sizeof(*f));
	if (view_key(p, f, v, key))
		return;
	if (*key >= '0' && *key <= '9') {
		number_key(p, f, key);
		return;
	}
	if (key[0] == 'a' && key[1] >= '0' && key[1] <= '9') {
		t = state_ancestor(p->s, t, (unsigned) strtoul(key + 1, &end, 10));
		key = end + 1;
	} else if (strncmp(key + 1, "l.", 2) == 0) {
		t = key[0] == 's'   ? state_session_leader(p->s, t)
		    : key[0] == 'p' ? state_pgid_leader(p->s, t)
				    : state_vpgid_leader(p->s, t);
		key += 3;
	}
	if (t != NULL)
		thread_key(p, f, t, key);
}

void
play_expect(struct play *p, const struct row *r, const struct view *v)
{
	static struct found f;
	char expect[8192], *at = expect, *item;

	(void) snprintf(expect, sizeof(expect), "%s", r->expect == NULL ? "" : r->expect);
	while ((item = strsep(&at, ";")) != NULL && *item != '\0') {
		char *value = strchr(item, '=');

		*value++ = '\0';
		look_up(p, v, item, &f);
		if (!f.known && strcmp(value, "-") == 0)
			continue;
		if (!f.known || strcmp(value, f.text) != 0) {
			fail_msg("at %llu, %s of %s (%s): %s is '%s', not '%s'",
			    (unsigned long long) p->ts,
			    r->type == SNAPSHOT_DONE ? "end" : schema_get(r->type)->name, r->who,
			    r->params, item, f.known ? f.text : "-", value);
		}
	}
}
