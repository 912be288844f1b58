/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/case_file_int.h"
#include "collector/ctl/case_value.h"
#include "common/hex.h"
#include <errno.h>
#include <stdio.h>

enum { EVENT_STEP_NS = 1000000 };

static int
unknown_param(struct reader *r, const yaml_node_t *n, struct slice name)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	const struct ev_schema *s = r->c.schema;

	for (unsigned i = 0; i < s->nparams; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", s->params[i].name);
	if (buf_ok(&b) < 0)
		return -ENOMEM;
	return read_fail(
	    r, n, "event %s has no parameter '%.*s', but %s", s->name, SLICE_ARG(name), b.p);
}

/* Take a list such as [sh, -c, id], each item with its NUL. */
static int
list_value(struct reader *r, const yaml_node_t *n, unsigned param)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	char *p;

	if (!ptype_is_text(r->c.schema->params[param].type))
		return read_fail(r, n, "a number, not a list");
	for (size_t i = 0; i < nitems(n); i++) {
		struct slice s = scalar(item(r, n, i));

		if (s.p == NULL)
			return read_fail(r, n, "a list of texts");
		buf_slice(&b, s);
		buf_char(&b, '\0');
	}
	if (buf_ok(&b) < 0 || (p = arena_strdup(&r->file->a, buf_get(&b))) == NULL)
		return -ENOMEM;
	compose_text(&r->c, param, (struct slice){ p, b.n });
	return 0;
}

static int
hex_value(struct reader *r, const yaml_node_t *n, unsigned param)
{
	struct slice s = scalar(n);
	char *p = arena_alloc(&r->file->a, s.n / 2 + 1);

	if (p == NULL)
		return -ENOMEM;
	if (!ptype_is_text(r->c.schema->params[param].type) || hex_decode(p, s) < 0)
		return read_fail(r, n, "!hex takes pairs of hexadecimal digits, for a text");
	compose_text(&r->c, param, (struct slice){ p, s.n / 2 });
	return 0;
}

static int
param_value(struct reader *r, struct slice name, const yaml_node_t *n)
{
	const char *why = NULL;
	unsigned i = 0;
	int res;

	while (i < r->c.schema->nparams && !slice_eq(name, slice_str(r->c.schema->params[i].name)))
		i++;
	if (i == r->c.schema->nparams)
		return unknown_param(r, n, name);
	if (n->type == YAML_SEQUENCE_NODE)
		return list_value(r, n, i);
	if (n->type != YAML_SCALAR_NODE)
		return read_fail(r, n, "'%.*s' is a value or a list", SLICE_ARG(name));
	if (n->tag != NULL && strcmp((const char *) n->tag, "!hex") == 0)
		return hex_value(r, n, i);
	res = case_value(&r->c, i, scalar(n), &r->file->a, &why);
	if (res == -EINVAL)
		return read_fail(r, n, "'%.*s' of %s is %s, not '%.*s'", SLICE_ARG(name),
		    r->c.schema->name, why, SLICE_ARG(scalar(n)));
	return res;
}

static int
add_record(struct reader *r, const yaml_node_t *n, const struct who *who)
{
	r->c.hdr.tid = who->tid;
	r->c.hdr.pid = who->pid;
	r->c.hdr.start = who->tid; /* threads are identified by their numbers only */
	r->c.hdr.ts = r->now;
	if (compose_end(&r->c, &r->rec) < 0)
		return read_fail(r, n, "longer than an event can be (%d bytes)", EV_RECORD_MAX);
	if (batch_enc_add(r->enc, &r->rec.hdr) < 0)
		return read_fail(r, n, "no memory, or too many events");
	return 0;
}

/* Close the encoder into the arena. */
static int
finish(struct reader *r, Wire__Body **ret)
{
	CLEANUP(buf_fini) struct buf data = BUF_INIT;
	Wire__Body *body = arena_alloc(&r->file->a, sizeof(*body));

	if (body == NULL || batch_enc_finish(r->enc, 0, &data, body) < 0)
		return -ENOMEM;
	body->data.data = (uint8_t *) arena_strdup(&r->file->a, buf_get(&data));
	*ret = body;
	return body->data.data == NULL ? -ENOMEM : 0;
}

/* ---- processes ---- */

static struct who *
find_thread(struct reader *r, uint32_t tid)
{
	for (size_t i = r->nthreads; i-- > 0;) {
		if (r->threads[i].tid == tid)
			return &r->threads[i];
	}
	return NULL;
}

static int
add_thread(struct reader *r, const yaml_node_t *n, const struct who *who)
{
	if (r->nthreads == CASE_THREADS_MAX)
		return read_fail(r, n, "at most %d processes", CASE_THREADS_MAX);
	r->threads[r->nthreads++] = *who;
	return 0;
}

static int
open_file(struct reader *r, const yaml_node_t *n, const struct who *who)
{
	yaml_node_t *params;
	struct slice kind;
	char name[64];
	const struct ev_schema *s;
	int res = 0;

	if (n->type != YAML_MAPPING_NODE || npairs(n) != 1)
		return read_fail(r, n, "a file is 'KIND: {fd: N, ...}'");
	kind = pair(r, n, 0, &params);
	(void) snprintf(name, sizeof(name), "task_file_%.*s", SLICE_ARG(kind));
	s = schema_by_name(slice_str(name), 0);
	if (s == NULL)
		return read_fail(r, n,
		    "a file is regular, directory, pipe, memfd, socket_inet, "
		    "socket_inet6, socket_unix, socket_netlink or anon_inode");
	if (params->type != YAML_MAPPING_NODE)
		return read_fail(r, params, "a file is 'KIND: {fd: N, ...}'");
	compose_begin(&r->c, s);
	for (size_t i = 0; i < npairs(params) && res == 0; i++) {
		yaml_node_t *v;
		struct slice key = pair(r, params, i, &v);

		res = param_value(r, key, v);
	}
	return res == 0 ? add_record(r, n, who) : res;
}

static int
read_process(struct reader *r, const yaml_node_t *n)
{
	yaml_node_t *pid, *tid, *ppid, *files, *v;
	struct who who = { 0 };
	int res = want_map(r, n, "a process", NULL);

	if (res < 0)
		return res;
	pid = get(r, n, "pid");
	tid = get(r, n, "tid");
	ppid = get(r, n, "ppid");
	files = get(r, n, "files");
	if (pid == NULL)
		return read_fail(r, n, "a process has a 'pid'");
	res = want_number(r, pid, "'pid'", &who.pid);
	who.tid = who.pid;
	if (res == 0 && tid != NULL)
		res = want_number(r, tid, "'tid'", &who.tid);
	if (res == 0 && ppid != NULL)
		res = want_number(r, ppid, "'ppid'", &who.ppid);
	compose_begin(&r->c, schema_get(EV_TASK));
	for (size_t i = 0; i < npairs(n) && res == 0; i++) {
		struct slice key = pair(r, n, i, &v);

		if (v != pid && v != tid && v != files)
			res = param_value(r, key, v);
	}
	if (res == 0)
		res = add_record(r, n, &who);
	if (res == 0)
		res = add_thread(r, n, &who);
	if (res == 0 && files != NULL)
		res = want_list(r, files, "'files'");
	for (size_t i = 0; files != NULL && res == 0 && i < nitems(files); i++)
		res = open_file(r, item(r, files, i), &who);
	return res;
}

int
read_processes(struct reader *r, yaml_node_t *n, struct rule_case *c)
{
	int res = n == NULL ? 0 : want_list(r, n, "'processes'");

	for (size_t i = 0; n != NULL && res == 0 && i < nitems(n); i++)
		res = read_process(r, item(r, n, i));
	return res == 0 ? finish(r, &c->processes) : res;
}

/* ---- events ---- */

/* Find the thread of an event. An unknown thread is added. */
static int
read_by(struct reader *r, const yaml_node_t *event, yaml_node_t *n, struct who *ret)
{
	static const char *const keys[] = { "tid", "pid", NULL };
	const struct who *known;
	int res = 0;

	*ret = (struct who){ .tid = 1, .pid = 1 };
	if (n == NULL) {
		if (r->nthreads > 0)
			*ret = r->threads[r->nthreads - 1];
		return 0;
	}
	if (n->type == YAML_MAPPING_NODE) {
		yaml_node_t *tid = get(r, n, "tid"), *pid = get(r, n, "pid");

		res = want_map(r, n, "'by'", keys);
		if (res == 0 && (tid == NULL || pid == NULL))
			return read_fail(r, n, "'by' is a tid, or {tid: N, pid: N}");
		if (res == 0)
			res = want_number(r, tid, "'tid'", &ret->tid);
		return res == 0 ? want_number(r, pid, "'pid'", &ret->pid) : res;
	}
	res = want_number(r, n, "'by'", &ret->tid);
	ret->pid = ret->tid;
	known = find_thread(r, ret->tid);
	if (res == 0 && known != NULL)
		*ret = *known;
	else if (res == 0)
		res = add_thread(r, event, ret);
	return res;
}

/* execve and similar events contain ids: fill in those that the case leaves out. */
static void
fill_ids(struct reader *r, const struct who *who)
{
	static const char *const names[] = { "tid", "pid", "ptid" };
	const uint32_t ids[] = { who->tid, who->pid, who->ppid };

	if (r->c.schema->num != EV_EXECVE && r->c.schema->num != EV_EXECVEAT)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int k = schema_param(r->c.schema, slice_str(names[i]));

		if (k >= 0 && !(r->c.hdr.present >> k & 1))
			compose_num(&r->c, (unsigned) k, ids[i]);
	}
}

/* Enter and exit events share a name: take the exit event. */
static const struct ev_schema *
event_by_name(struct slice name)
{
	const struct ev_schema *s = schema_by_name(name, 0), *next = s;

	for (size_t i = 1; next != NULL; i++) {
		s = next;
		next = schema_by_name(name, i);
	}
	return s;
}

static int
read_event(struct reader *r, const yaml_node_t *n)
{
	yaml_node_t *by, *params = NULL, *v;
	struct slice name = { NULL, 0 };
	struct who who;
	int res = want_map(r, n, "an event", NULL);

	if (res < 0)
		return res;
	by = get(r, n, "by");
	for (size_t i = 0; i < npairs(n); i++) {
		struct slice key = pair(r, n, i, &v);

		if (v == by)
			continue;
		if (params != NULL)
			return read_fail(r, v, "an event has one name, and 'by'");
		params = v;
		name = key;
	}
	if (params == NULL || event_by_name(name) == NULL)
		return read_fail(
		    r, n, "unknown event '%.*s' (proto/EVENTS.md lists them)", SLICE_ARG(name));
	if (params->type != YAML_MAPPING_NODE)
		return read_fail(
		    r, params, "the parameters of %.*s are a mapping", SLICE_ARG(name));
	res = read_by(r, n, by, &who);
	compose_begin(&r->c, event_by_name(name));
	for (size_t i = 0; i < npairs(params) && res == 0; i++) {
		struct slice key = pair(r, params, i, &v);

		res = param_value(r, key, v);
	}
	fill_ids(r, &who);
	r->now += EVENT_STEP_NS;
	return res == 0 ? add_record(r, n, &who) : res;
}

int
read_events(struct reader *r, const yaml_node_t *n, struct rule_case *c)
{
	int res = want_list(r, n, "'events'");

	for (size_t i = 0; res == 0 && i < nitems(n); i++)
		res = read_event(r, item(r, n, i));
	return res == 0 ? finish(r, &c->events) : res;
}
