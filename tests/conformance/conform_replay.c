/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_replay.c - play threads and events through real batches and process state, and check
 * fields and conditions: "field", "has_value", "eval", "compiles".
 *
 * Questions about an event that is not in our table, or about a call's entry, are not answered.
 */
#include "collector/filter/filter.h"
#include "tests/conformance/conform.h"
#include "tests/conformance/conform_entry.h"
#include "tests/conformance/world.h"
#include "tests/support/evbuild.h"
#include "tests/support/plan_says.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct replay {
	char test[256];
	struct world w;
	struct fscratch *fs;
	bool usable; /* the last event is in our table */
} run;

static size_t
unhex(const char *hex, char *out, size_t max)
{
	size_t n = 0;
	unsigned v;

	for (; n < max && hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
		if (sscanf(hex, "%2x", &v) != 1)
			break;
		out[n++] = (char) v;
	}
	return n;
}

static void
start_test(struct replay *r, const char *name)
{
	world_stop(&r->w);
	entry_forget();
	(void) snprintf(r->test, sizeof(r->test), "%s", name);
	world_start(&r->w);
	r->usable = false;
}

/* Find the test of a line; the first line of another test ends the previous one. */
static struct replay *
of_test(const json_t *j)
{
	if (run.fs == NULL && fscratch_new(&run.fs) < 0)
		abort();
	if (run.w.state == NULL || strcmp(str(j, "t"), run.test) != 0)
		start_test(&run, str(j, "t"));
	fscratch_reset(run.fs);
	return &run;
}

static bool
is_string(enum ev_ptype t)
{
	return t == PT_CHARBUF || t == PT_FSPATH || t == PT_FSRELPATH;
}

/* 'cut': without the terminating NUL */
static void
add_hex(struct replay *r, const char *param, const char *hex, bool cut)
{
	static char keep[32][16384];
	static unsigned k;
	char *p = keep[k++ % 32];
	size_t n = unhex(hex, p, sizeof(keep[0]));

	evb_bytes(&r->w.b, param, p, cut && n > 0 && p[n - 1] == '\0' ? n - 1 : n);
}

void
play_thread(const json_t *j)
{
	struct replay *r = of_test(j);
	uint32_t tid = (uint32_t) num(j, "tid");
	static char argv[16384];
	size_t n = strlen(str(j, "exe")) + 1;
	json_t *fd;
	size_t i;

	evb_begin(&r->w.b, EV_TASK, tid, 1);
	evb_task(&r->w.b, (uint32_t) num(j, "pid"), 1);
	memcpy(argv, str(j, "exe"), n);
	n += unhex(str(j, "args_hex"), argv + n, sizeof(argv) - n);
	evb_bytes(&r->w.b, "argv", argv, n);
	evb_num(&r->w.b, "ppid", num(j, "ptid"));
	evb_num(&r->w.b, "pgid", num(j, "pgid"));
	evb_num(&r->w.b, "vpgid", num(j, "vpgid"));
	evb_num(&r->w.b, "sid", num(j, "sid"));
	evb_text(&r->w.b, "comm", str(j, "comm"));
	evb_text(&r->w.b, "exepath", str(j, "exepath"));
	evb_num(&r->w.b, "flags", json_is_true(json_object_get(j, "exe_writable")));
	add_hex(r, "env", str(j, "env_hex"), false);
	evb_text(&r->w.b, "cwd", str(j, "cwd"));
	evb_num(&r->w.b, "fdlimit", num(j, "fdlimit"));
	evb_num(&r->w.b, "euid", num(j, "uid"));
	evb_num(&r->w.b, "egid", num(j, "gid"));
	evb_num(&r->w.b, "cap_permitted", num(j, "cap_permitted"));
	evb_num(&r->w.b, "cap_effective", num(j, "cap_effective"));
	evb_num(&r->w.b, "cap_inheritable", num(j, "cap_inheritable"));
	evb_num(&r->w.b, "exe_ino_num", num(j, "exe_ino"));
	evb_num(&r->w.b, "vm_size", num(j, "vmsize_kb"));
	evb_num(&r->w.b, "vm_rss", num(j, "vmrss_kb"));
	evb_num(&r->w.b, "vm_swap", num(j, "vmswap_kb"));
	evb_num(&r->w.b, "pgft_maj", num(j, "pfmajor"));
	evb_num(&r->w.b, "pgft_min", num(j, "pfminor"));
	evb_num(&r->w.b, "vtgid", num(j, "vpid"));
	evb_num(&r->w.b, "vpid", num(j, "vtid"));
	add_hex(r, "cgroups", str(j, "cgroups_hex"), false);
	evb_text(&r->w.b, "root", str(j, "root"));
	evb_num(&r->w.b, "start_time", num(j, "clone_ts"));
	evb_num(&r->w.b, "tty", num(j, "tty"));
	evb_num(&r->w.b, "loginuid", num(j, "loginuid"));
	world_snapshot(&r->w);
	json_array_foreach(json_object_get(j, "fds"), i, fd)
	{
		evb_begin(&r->w.b, EV_TASK_FILE_REGULAR, tid, 1);
		evb_task(&r->w.b, (uint32_t) num(j, "pid"), 1);
		evb_num(&r->w.b, "fd", num(fd, "fd"));
		evb_text(&r->w.b, "path", str(fd, "fname"));
		evb_num(&r->w.b, "flags", num(fd, "open_flags"));
		evb_num(&r->w.b, "ino_num", num(fd, "ino"));
		world_snapshot(&r->w);
	}
}

/* Decode a little-endian number as wide as the text, extended according to its type. */
static int64_t
number(const char *type, const char *hex)
{
	bool is_signed = strncmp(type, "int", 3) == 0 || strcmp(type, "errno") == 0 ||
			 strcmp(type, "fd") == 0 || strcmp(type, "pid") == 0;
	char bytes[8] = { 0 };
	size_t n = unhex(hex, bytes, sizeof(bytes));
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t) (unsigned char) bytes[i] << (8 * i);
	if (is_signed && n > 0 && n < 8 && (bytes[n - 1] & 0x80))
		v |= ~0ULL << (8 * n);
	return (int64_t) v;
}

/* A clone's list of arguments may be empty; other empty parameters are left out. */
static bool
may_be_empty(const struct ev_schema *s, const char *param)
{
	return strcmp(param, "args") == 0 && s->num != EV_EXECVE && s->num != EV_EXECVEAT;
}

void
play_event(const json_t *j)
{
	struct replay *r = of_test(j);
	const struct ev_schema *s = schema_get((uint32_t) num(j, "code"));
	uint64_t ts = (uint64_t) num(j, "ts");
	int64_t tid = num(j, "tid");
	const struct thread *t;
	json_t *p;
	size_t i;

	r->w.num++;
	r->usable = s != NULL;
	if (s == NULL)
		return;
	evb_begin(&r->w.b, s->num, (uint32_t) tid, ts);
	t = state_thread(r->w.state, tid);
	evb_task(&r->w.b, (uint32_t) (t == NULL ? tid : t->pid), 1);
	json_array_foreach(json_object_get(j, "params"), i, p)
	{
		int k = schema_param(s, slice_str(str(p, "n")));

		if (k < 0)
			continue;
		if (strcmp(str(p, "n"), "pid") == 0 && s->category == EC_PROCESS &&
		    schema_param(s, SLICE("ptid")) >= 0)
			evb_task(&r->w.b, (uint32_t) number("pid", str(p, "hex")), 1);
		if (!ptype_is_text(s->params[k].type) && str(p, "hex")[0] != '\0')
			evb_num(&r->w.b, str(p, "n"), number(str(p, "ty"), str(p, "hex")));
		else if (str(p, "hex")[0] != '\0' || may_be_empty(s, str(p, "n")))
			add_hex(r, str(p, "n"), str(p, "hex"), is_string(s->params[k].type));
	}
	r->w.b.c.hdr.cpu = 1;
	if (entry_take(&r->w.b.c)) {
		r->usable = false;
		return;
	}
	entry_into_exit(r->w.state, &r->w.b.c);
	world_apply(&r->w, "testbox", ts);
}

/* The cases hold printed text, with U+FFFD for invalid UTF-8. */
static bool
same_text(struct slice a, struct slice b)
{
	CLEANUP(buf_fini) struct buf x = BUF_INIT;
	CLEANUP(buf_fini) struct buf y = BUF_INIT;

	buf_json(&x, a);
	buf_json(&y, b);
	return slice_eq(buf_get(&x), buf_get(&y));
}

bool
field_case(const json_t *j, struct buf *why)
{
	CLEANUP(arena_fini) struct arena a;
	struct replay *r = of_test(j);
	const json_t *want = json_object_get(j, "r");
	struct slice name = slice_str(str(j, "f")), text = SLICE("");
	struct field_ref ref;
	struct diag d = { 0 };
	size_t used = 0;
	bool known;

	if (!r->usable) {
		buf_str(why, "its event is not in the table");
		return false;
	}
	arena_init(&a, 0);
	if (field_lookup(name, &a, &ref, &used, &d) < 0 || used != name.n) {
		buf_str(why, d.msg);
		return false;
	}
	known = field_text(&ref, &r->w.view, r->fs, &text);
	if (known)
		buf_json(why, text);
	else
		buf_str(why, "null");
	if (json_is_boolean(want))
		return known == json_is_true(want);
	if (!known)
		return json_is_null(want);
	return json_is_string(want) && same_text(text, slice_str(json_string_value(want)));
}

bool
condition_case(const json_t *j, struct buf *why)
{
	CLEANUP(arena_fini) struct arena a;
	struct replay *r = of_test(j);
	const json_t *want = json_object_get(j, "r");
	bool eval = strcmp(str(j, "k"), "eval") == 0, hit;
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };
	int res;

	if (eval && !r->usable) {
		buf_str(why, "its event is not in the table");
		return false;
	}
	arena_init(&a, 0);
	res = expr_parse(slice_str(str(j, "f")), &a, &e, &d);
	if (res == 0)
		res = filter_compile(e, &a, &f, &d);
	if (res == -ENOMEM)
		abort();
	if (res < 0 || !eval) {
		buf_str(why, res < 0 ? d.msg : "compiles");
		if (res < 0 && !same_message(d.msg, str(j, "err")))
			return false;
		return eval ? json_is_string(want) && strcmp(json_string_value(want), "throw") == 0
			    : (res == 0) == json_is_true(want);
	}
	hit = plan_says(f, &r->w.view, r->fs);
	buf_str(why, hit ? "true" : "false");
	return json_is_boolean(want) && hit == json_is_true(want);
}

void
play_end(void)
{
	world_stop(&run.w);
	if (run.fs != NULL)
		fscratch_free(run.fs);
	run.fs = NULL;
}
