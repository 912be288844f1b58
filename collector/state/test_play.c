/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/test_play.h"
#include "proto/sock_parse.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static const struct state_limits roomy = { 1000, 1000, 0, 0 };

void
play_start(struct play *p, const struct state_limits *limits)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(0, intern_new(1 << 20, &p->pool));
	assert_int_equal(0, state_new(p->pool, limits == NULL ? &roomy : limits, &p->s));
}

void
play_stop(struct play *p)
{
	struct intern_stats st;

	state_free(p->s);
	intern_stats(p->pool, &st);
	assert_int_equal(0, st.held);
	evb_fini(&p->b);
	intern_free(p->pool);
}

/* ---- params ---- */

static size_t
put_text(char *out, struct slice s)
{
	memcpy(out, s.p, s.n);
	for (size_t i = 0; i < s.n; i++)
		out[i] = out[i] == '|' ? '\0' : out[i];
	return s.n;
}

/* Make a text's bytes of a socket. */
static size_t
put_socket(char *out, enum ev_ptype type, struct slice s)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	if (s.n == 0)
		return 0;
	if ((type == PT_SOCKADDR ? sockaddr_parse(s, &b) : socktuple_parse(s, &b)) < 0)
		fail_msg("no socket: %.*s", SLICE_ARG(s));
	memcpy(out, b.p, b.n);
	return b.n;
}

static void
set_param(struct play *p, char *keep, const char *name, char *value)
{
	int i = schema_param(p->b.c.schema, slice_str(name));
	enum ev_ptype type;
	size_t n = strlen(value);
	struct in_addr v4;

	for (unsigned k = 0; i < 0 && k < p->b.c.schema->nparams; k++)
		i = strcmp(p->b.c.schema->params[k].name, name) == 0 ? (int) k : -1;
	if (i < 0)
		fail_msg("%s has no parameter %s", p->b.c.schema->name, name);
	type = p->b.c.schema->params[i].type;
	if (!ptype_is_text(type)) {
		if (type == PT_IPV4ADDR && inet_pton(AF_INET, value, &v4) == 1)
			evb_num(&p->b, name, v4.s_addr);
		else
			evb_num(&p->b, name, strtoll(value, NULL, 0));
		return;
	}
	if (type == PT_SOCKTUPLE || type == PT_SOCKADDR) {
		n = put_socket(
		    keep, type, (struct slice){ value, put_text(value, slice_str(value)) });
	} else if (type == PT_IPV6ADDR) {
		n = 16;
		assert_int_equal(1, inet_pton(AF_INET6, value, keep));
	} else {
		(void) put_text(keep, slice_str(value));
	}
	evb_bytes(&p->b, name, keep, n);
}

/* "tid/pid@start" */
static void
parse_who(const char *who, uint32_t *tid, uint32_t *pid, uint64_t *start)
{
	char *end;

	*tid = (uint32_t) strtoul(who, &end, 10);
	*pid = *end == '/' ? (uint32_t) strtoul(end + 1, &end, 10) : *tid;
	*start = *end == '@' ? strtoull(end + 1, &end, 10) : 1;
}

struct batch *
play_event(struct play *p, const struct row *r, struct view *v)
{
	static char keep[32][4096];
	char params[8192], *at = params, *item;
	const char *flags = r->who + strcspn(r->who, "!");
	uint32_t tid, pid;
	uint64_t start;
	unsigned n = 0;
	struct batch *b;

	parse_who(r->who, &tid, &pid, &start);
	p->ts = strchr(r->who, '^') == NULL ? p->ts + 1000
					    : strtoull(strchr(r->who, '^') + 1, NULL, 10);
	evb_begin(&p->b, r->type, tid, p->ts);
	evb_task(&p->b, pid, start);
	p->b.c.hdr.flags = (uint32_t) strtoul(flags + (*flags == '!'), NULL, 0);
	(void) snprintf(params, sizeof(params), "%s", r->params);
	while ((item = strsep(&at, ";")) != NULL && *item != '\0') {
		char *value = strchr(item, '=');

		*value = '\0';
		set_param(p, keep[n++ % 32], item, value + 1);
	}
	evb_add(&p->b);
	b = evb_batch(&p->b);
	intern_tick(p->pool);
	*v = (struct view){ .state = p->s, .batch = b, .ev = &b->ev[0], .node = "node", .num = 1 };
	v->time = b->ev[0].ts + TEST_EPOCH;
	return b;
}

/* ---- expectations ---- */

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

/* comm, exe, args ... of a thread; false: unknown key. */
static bool
thread_text(struct play *p, struct found *f, const struct thread *t, const char *key)
{
	const struct {
		const char *key;
		uint32_t id;
	} v[] = {
		{ "comm", t->comm },
		{ "exe", t->exe },
		{ "exepath", t->exepath },
		{ "args", t->args },
		{ "argtext", t->args_text },
		{ "cmdline", t->cmdline },
		{ "container", t->container_id },
		{ "root", t->root },
		{ "cgroups", t->cgroups },
		{ "env", state_main(p->s, t)->env },
		{ "cwd", state_main(p->s, t)->cwd },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (strcmp(v[i].key, key) == 0) {
			is_text(p, f, v[i].id);
			return true;
		}
	}
	return false;
}

static bool
thread_num(struct play *p, struct found *f, const struct thread *t, const char *key)
{
	const struct {
		const char *key;
		int64_t v;
	} v[] = {
		{ "tid", t->tid },
		{ "pid", t->pid },
		{ "ptid", t->ptid },
		{ "vtid", t->vtid },
		{ "vpid", t->vpid },
		{ "sid", t->sid },
		{ "pgid", t->pgid },
		{ "vpgid", t->vpgid },
		{ "uid", (int32_t) t->uid },
		{ "gid", (int32_t) t->gid },
		{ "loginuid", (int32_t) t->loginuid },
		{ "tty", t->tty },
		{ "flags", t->exe_flags },
		{ "ino", (int64_t) t->exe_ino },
		{ "capeff", (int64_t) t->cap_effective },
		{ "fdlimit", t->fdlimit },
		{ "start", (int64_t) t->start },
		{ "clone_ts", (int64_t) t->clone_ts },
		{ "pidns_ts", (int64_t) state_pidns_start(p->s, t) },
		{ "vmsize", state_main(p->s, t)->vm_size },
		{ "vmrss", state_main(p->s, t)->vm_rss },
		{ "nthreads", state_main(p->s, t)->nthreads },
		{ "placeholder", t->placeholder },
		{ "dead", t->dead },
		{ "nfds", (int64_t) state_fd_count(p->s, t) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (strcmp(v[i].key, key) == 0) {
			is_num(f, v[i].v);
			return true;
		}
	}
	return false;
}

static const char *
addr_text(const struct fd_entry *e, const uint8_t *addr)
{
	static char text[INET6_ADDRSTRLEN];
	bool v4 = e->type == FD_IPV4 || e->type == FD_IPV4_SERVER;

	return inet_ntop(v4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
}

static bool
fd_num_key(struct found *f, const struct fd_entry *e, const char *key)
{
	const struct {
		const char *key;
		int64_t v;
	} v[] = {
		{ "sport", e->sport },
		{ "dport", e->dport },
		{ "l4", e->l4 },
		{ "role", e->role },
		{ "ino", (int64_t) e->ino },
		{ "dev", e->dev },
		{ "flags", e->flags },
		{ "conn", (e->state & FDS_CONNECTED) != 0 },
		{ "exec", (e->state & FDS_CLOEXEC) != 0 },
		{ "upper", (e->state & FDS_UPPER_LAYER) != 0 },
		{ "server", e->type == FD_IPV4_SERVER || e->type == FD_IPV6_SERVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (strcmp(v[i].key, key) == 0) {
			is_num(f, v[i].v);
			return true;
		}
	}
	return false;
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
	if (e == NULL || fd_num_key(f, e, key))
		return;
	if (strcmp(key, "name") == 0)
		is_text(p, f, e->name);
	else if (strcmp(key, "raw") == 0)
		is_text(p, f, e->nameraw);
	else if (strcmp(key, "type") == 0)
		is_str(f, (char[2]){ fd_type_char(e->type) });
	else if (strcmp(key, "sip") == 0)
		is_str(f, addr_text(e, e->sip));
	else if (strcmp(key, "dip") == 0)
		is_str(f, addr_text(e, e->dip));
	else
		fail_msg("no key fd.%s", key);
}

static void
thread_key(struct play *p, struct found *f, const struct thread *t, const char *key)
{
	if (t != NULL && !thread_text(p, f, t, key) && !thread_num(p, f, t, key))
		fail_msg("no key %s", key);
}

/* Keys of the view itself; false: unknown key. */
static bool
view_key(struct play *p, struct found *f, const struct view *v, const char *key)
{
	const struct user_info *u;

	if (strcmp(key, "fd.num") == 0) {
		is_num(f, v->fd_num);
	} else if (strcmp(key, "fd.has") == 0) {
		is_num(f, v->has_fd);
	} else if (strcmp(key, "fd.changed") == 0) {
		is_num(f, v->fd_name_changed);
	} else if (strncmp(key, "fd.", 3) == 0) {
		fd_key(p, f, v->fd, key + 3);
	} else if (strcmp(key, "path") == 0) {
		is_text(p, f, v->event_path);
	} else if (strcmp(key, "raw") == 0) {
		is_text(p, f, v->event_pathraw);
	} else if (strcmp(key, "user") == 0) {
		u = state_user(p->s, v->thread, v->thread->uid);
		is_text(p, f, u == NULL ? INTERN_NULL : u->name);
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

	if (*end == '\0')
		is_num(f, t != NULL);
	else if (t == NULL)
		return;
	else if (strncmp(end, ":fd", 3) == 0 && end[3] <= '9')
		fd_key(p, f, state_fd(p->s, t, strtoll(end + 3, &end, 10)), strchr(end, '.') + 1);
	else
		thread_key(p, f, t, end + 1);
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
	thread_key(p, f, t, key);
}

static void
check(struct play *p, const struct row *r, const struct view *v)
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

/* The state after an event or a row of a snapshot, in *v. */
static void
run(struct play *p, const struct batch *b, struct view *v)
{
	if (b->ev[0].schema->capture == CAP_SNAP) {
		play_snapshot_begin(p);
		state_snapshot(p->s, b, &b->ev[0]);
		v->thread = state_thread(p->s, b->ev[0].tid);
		v->main = v->thread == NULL ? NULL : state_main(p->s, v->thread);
	} else {
		state_apply(p->s, b, &b->ev[0], v);
		assert_true(v->thread != NULL && v->main != NULL);
	}
}

void
play_row(struct play *p, const struct row *r)
{
	struct view v = { 0 };
	struct batch *b;

	if (r->type == SNAPSHOT_DONE) {
		play_snapshot_end(p, strtoull(r->params, NULL, 10));
		check(p, r, &v);
		return;
	}
	b = play_event(p, r, &v);
	run(p, b, &v);
	check(p, r, &v);
	batch_free(b);
}

void
play_no_memory(const struct row *rows, size_t n)
{
	unsigned fires = 1;

	for (unsigned nth = 0; fires > 0; nth++) {
		struct play p;

		play_start(&p, NULL);
		fires = 0;
		for (size_t i = 0; i < n; i++) {
			struct view v;
			struct batch *b;

			if (rows[i].type == SNAPSHOT_DONE) {
				play_snapshot_end(&p, strtoull(rows[i].params, NULL, 10));
				continue;
			}
			b = play_event(&p, &rows[i], &v);
			fault_arm_nth(nth); /* of this event's allocations */
			run(&p, b, &v);
			fires += fault_disarm();
			batch_free(b);
		}
		play_stop(&p);
	}
}

void
play(const struct row *rows, size_t n, const struct state_limits *limits)
{
	struct play p;

	play_start(&p, limits);
	while (n-- > 0)
		play_row(&p, rows++);
	play_stop(&p);
}
