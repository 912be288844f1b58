/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/test_play.h"
#include "collector/state/image_int.h"
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
play_built(struct play *p, struct view *v)
{
	struct batch *b;

	evb_add(&p->b);
	b = evb_batch(&p->b);
	intern_tick(p->pool);
	*v = (struct view){ .state = p->s, .batch = b, .ev = b->ev, .node = "node", .num = 1 };
	v->time = b->ev->ts + TEST_EPOCH;
	return b;
}

/* Set a number that the row does not give, if the event has it. */
static void
set_default(struct play *p, const char *name, int64_t v)
{
	int i = schema_param(p->b.c.schema, slice_str(name));

	if (i >= 0 && !(p->b.c.hdr.present >> i & 1))
		compose_num(&p->b.c, (unsigned) i, v);
}

static void
set_defaults(struct play *p, uint32_t tid, uint32_t pid)
{
	unsigned type = p->b.c.schema->num;

	set_default(p, "res", 0);
	if ((type == EV_CLONE || type == EV_CLONE3 || type == EV_FORK || type == EV_VFORK) &&
	    p->b.c.num[EVP_CLONE_res] == 0) {
		set_default(p, "tid", tid);
		set_default(p, "pid", pid);
	}
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

	parse_who(r->who, &tid, &pid, &start);
	p->ts = strchr(r->who, '^') == NULL ? p->ts + 1000
					    : strtoull(strchr(r->who, '^') + 1, NULL, 10);
	evb_begin(&p->b, r->type, tid, p->ts);
	evb_task(&p->b, pid, start);
	p->b.c.hdr.flags = (uint16_t) strtoul(flags + (*flags == '!'), NULL, 0);
	(void) snprintf(params, sizeof(params), "%s", r->params);
	while ((item = strsep(&at, ";")) != NULL && *item != '\0') {
		char *value = strchr(item, '=');

		*value = '\0';
		set_param(p, keep[n++ % 32], item, value + 1);
	}
	set_defaults(p, tid, pid);
	return play_built(p, v);
}

void
play_snapshot_begin(struct play *p)
{
	Wire__Snapshot part = WIRE__SNAPSHOT__INIT;

	part.id = 1;
	if (!p->snapshot)
		assert_true(state_snapshot_part(p->s, &part));
	p->snapshot = true;
}

void
play_snapshot_end(struct play *p, uint64_t began)
{
	Wire__Snapshot part = WIRE__SNAPSHOT__INIT;

	play_snapshot_begin(p);
	part.id = 1;
	part.last = true;
	part.began_ns = began;
	assert_true(state_snapshot_end(p->s, &part));
	p->snapshot = false;
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
		play_expect(p, r, &v);
		return;
	}
	b = play_event(p, r, &v);
	run(p, b, &v);
	play_expect(p, r, &v);
	batch_free(b);
}

void
play_printed(
    struct play *p, unsigned type, const char *who, const char *expect, const char *fmt, ...)
{
	char params[2048];
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(params, sizeof(params), fmt, ap);
	va_end(ap);
	play_row(p, &(struct row){ type, who, params, expect });
}

void
play_image(struct state *s, struct buf *out, size_t n)
{
	struct state_image *w = NULL;
	int r;

	assert_int_equal(0, state_image_new(s, out, &w));
	while ((r = state_image_more(w, n)) == 0)
		;
	assert_int_equal(1, r);
	state_image_free(w);
}

/* The same numbers, and the same texts: both states use one pool. */
static void
same_members(const void *a, const void *b, const struct image_member *v, size_t n, int64_t of)
{
	for (size_t i = 0; i < n; i++) {
		if (memcmp((const char *) a + v[i].at, (const char *) b + v[i].at, v[i].size) != 0)
			fail_msg("%ld: the member at %u differs", (long) of, v[i].at);
	}
}

static void
same_thread(struct state *was, struct state *is, const struct thread *a)
{
	const struct thread *b = thread_find(is, a->tid);
	const struct fd_entry *e;
	size_t at = 0;

	if (b == NULL)
		fail_msg("thread %ld is missing", (long) a->tid);
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->ptid, b->ptid);
	assert_int_equal(a->gone, b->gone);
	assert_int_equal(a->kid_link != NULL, b->kid_link != NULL);
	same_members(a, b, image_thread, image_nthread, a->tid);
	assert_int_equal(state_fd_count(was, a), state_fd_count(is, b));
	while ((e = fdt_next(a->fds, &at)) != NULL) {
		const struct fd_entry *f = fdt_get(b->fds, e->fd);

		assert_non_null(f);
		same_members(e, f, image_fd, image_nfd, e->fd);
	}
}

static void
same_state(struct state *was, struct state *is)
{
	struct state_stats a, b;

	state_stats(was, &a);
	state_stats(is, &b);
	assert_int_equal(a.threads, b.threads);
	assert_int_equal(a.fds, b.fds);
	assert_int_equal(was->ngone, is->ngone);
	assert_int_equal(was->users.n, is->users.n);
	assert_int_equal(was->groups.n, is->groups.n);
	same_members(was, is, image_clock, image_nclock, 0);
	for (uint32_t i = 0; i <= was->threads.mask; i++) {
		if (was->threads.slots[i].t != NULL)
			same_thread(was, is, was->threads.slots[i].t);
	}
}

int
play_load(struct state *s, struct slice image, size_t n, const char **why)
{
	struct state_load *l = NULL;
	int r = state_load_new(s, image, &l);

	while (r == 0)
		r = state_load_more(l, n, why);
	state_load_free(l);
	return r;
}

void
play_reload(struct play *p)
{
	struct buf image = BUF_INIT;
	struct state *s = NULL;
	const char *why = "";

	play_image(p->s, &image, 3);
	assert_int_equal(0, state_new(p->pool, &p->s->limits, &s));
	if (play_load(s, buf_get(&image), 3, &why) < 0)
		fail_msg("the image does not load: %s", why);
	same_state(p->s, s);
	state_free(p->s);
	p->s = s;
	buf_fini(&image);
}

/* Does a table contain rows of a snapshot? They need what an image leaves out. */
static bool
has_snapshot(const struct row *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].type == SNAPSHOT_DONE || schema_get(v[i].type)->capture == CAP_SNAP)
			return true;
	}
	return false;
}

/* How many rows a state of its own is for. */
static size_t
step(const struct play_table *t)
{
	return t->nsetup > 0 ? 1 : t->n;
}

static void
play_all(const struct play_table *t, bool reload)
{
	for (size_t i = 0; i < t->n; i += step(t)) {
		struct play p;

		play_start(&p, t->limits);
		for (size_t k = 0; k < t->nsetup; k++)
			play_row(&p, &t->setup[k]);
		for (size_t k = 0; k < step(t); k++) {
			if (reload)
				play_reload(&p);
			play_row(&p, &t->rows[i + k]);
		}
		play_stop(&p);
	}
}

void
play_test(void **table)
{
	const struct play_table *t = *table;

	play_all(t, false);
	if (t->limits == NULL && !has_snapshot(t->rows, t->n) && !has_snapshot(t->setup, t->nsetup))
		play_all(t, true);
}

/* Play rows with the nth allocation of each event failing. Returns how many did. */
static unsigned
play_failing(struct play *p, const struct row *rows, size_t n, unsigned nth)
{
	unsigned fired = 0;

	for (size_t i = 0; i < n; i++) {
		struct view v;
		struct batch *b;

		if (rows[i].type == SNAPSHOT_DONE) {
			play_snapshot_end(p, strtoull(rows[i].params, NULL, 10));
			continue;
		}
		b = play_event(p, &rows[i], &v);
		fault_arm_nth(nth);
		run(p, b, &v);
		fired += fault_disarm();
		batch_free(b);
	}
	return fired;
}

void
play_no_memory_test(void **table)
{
	const struct play_table *t = *table;
	unsigned fired = 1;

	for (unsigned nth = 0; fired > 0; nth++) {
		fired = 0;
		for (size_t i = 0; i < t->n; i += step(t)) {
			struct play p;

			play_start(&p, NULL);
			fired += play_failing(&p, t->setup, t->nsetup, nth);
			fired += play_failing(&p, &t->rows[i], step(t), nth);
			play_stop(&p);
		}
	}
}
