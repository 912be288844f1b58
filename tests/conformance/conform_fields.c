/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_fields FOLDER [-v]: fields and verdicts against FOLDER/libsinsp_cases.jsonl, through our
 * own batches and process state.
 *
 * A test is the lines with the same "t": the thread that was there before, then events, each
 * followed by what a field is ("field", "has_value"), what a condition says ("eval"), and what
 * compiles. Events that are not in the table, and what follows one until the next, are left out and
 * counted. With -v every difference is printed.
 */
#include "collector/filter/filter.h"
#include "tests/support/evbuild.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct run {
	char test[256];
	struct intern *pool;
	struct state *state;
	struct fscratch *fs;
	struct evb b;
	struct batch *batch;
	struct view view;
	uint64_t num;
	bool usable; /* the last event is one that we know */
	bool verbose;
	unsigned cases, bad, left_out;
};

static const char *
str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s == NULL ? "" : s;
}

static int64_t
num(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

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
drop_batch(struct run *r)
{
	batch_free(r->batch);
	r->batch = NULL;
}

static void
stop_test(struct run *r)
{
	drop_batch(r);
	state_free(r->state);
	intern_free(r->pool);
	r->state = NULL;
	r->pool = NULL;
}

static void
start_test(struct run *r, const char *name)
{
	static const struct state_limits limits = { 1000, 1000, 0 };

	stop_test(r);
	(void) snprintf(r->test, sizeof(r->test), "%s", name);
	if (intern_new(1 << 24, &r->pool) < 0 || state_new(r->pool, &limits, &r->state) < 0)
		abort();
	r->num = 0;
	r->usable = false;
}

static bool
is_string(enum ev_ptype t)
{
	return t == PT_CHARBUF || t == PT_FSPATH || t == PT_FSRELPATH;
}

/* 'cut': without the NUL that ends it */
static void
add_hex(struct run *r, const char *param, const char *hex, bool cut)
{
	static char keep[32][16384];
	static unsigned k;
	char *p = keep[k++ % 32];
	size_t n = unhex(hex, p, sizeof(keep[0]));

	evb_bytes(&r->b, param, p, cut && n > 0 && p[n - 1] == '\0' ? n - 1 : n);
}

static void
snapshot_event(struct run *r)
{
	evb_add(&r->b);
	drop_batch(r);
	r->batch = evb_batch(&r->b);
	state_snapshot(r->state, r->batch, r->batch->ev);
}

static void
add_thread(struct run *r, const json_t *j)
{
	uint32_t tid = (uint32_t) num(j, "tid");
	static char argv[16384];
	size_t n = strlen(str(j, "exe")) + 1;
	json_t *fd;
	size_t i;

	evb_begin(&r->b, EV_TASK, tid, 1);
	evb_task(&r->b, (uint32_t) num(j, "pid"), 1);
	memcpy(argv, str(j, "exe"), n);
	n += unhex(str(j, "args_hex"), argv + n, sizeof(argv) - n);
	evb_bytes(&r->b, "argv", argv, n);
	evb_num(&r->b, "ppid", num(j, "ptid"));
	evb_num(&r->b, "pgid", num(j, "pgid"));
	evb_num(&r->b, "vpgid", num(j, "vpgid"));
	evb_num(&r->b, "sid", num(j, "sid"));
	evb_text(&r->b, "comm", str(j, "comm"));
	evb_text(&r->b, "exepath", str(j, "exepath"));
	evb_num(&r->b, "flags", json_is_true(json_object_get(j, "exe_writable")));
	add_hex(r, "env", str(j, "env_hex"), false);
	evb_text(&r->b, "cwd", str(j, "cwd"));
	evb_num(&r->b, "fdlimit", num(j, "fdlimit"));
	evb_num(&r->b, "euid", num(j, "uid"));
	evb_num(&r->b, "egid", num(j, "gid"));
	evb_num(&r->b, "cap_permitted", num(j, "cap_permitted"));
	evb_num(&r->b, "cap_effective", num(j, "cap_effective"));
	evb_num(&r->b, "cap_inheritable", num(j, "cap_inheritable"));
	evb_num(&r->b, "exe_ino_num", num(j, "exe_ino"));
	evb_num(&r->b, "vm_size", num(j, "vmsize_kb"));
	evb_num(&r->b, "vm_rss", num(j, "vmrss_kb"));
	evb_num(&r->b, "vm_swap", num(j, "vmswap_kb"));
	evb_num(&r->b, "pgft_maj", num(j, "pfmajor"));
	evb_num(&r->b, "pgft_min", num(j, "pfminor"));
	evb_num(&r->b, "vtgid", num(j, "vpid"));
	evb_num(&r->b, "vpid", num(j, "vtid"));
	add_hex(r, "cgroups", str(j, "cgroups_hex"), false);
	evb_text(&r->b, "root", str(j, "root"));
	evb_num(&r->b, "start_time", num(j, "clone_ts"));
	evb_num(&r->b, "tty", num(j, "tty"));
	evb_num(&r->b, "loginuid", num(j, "loginuid"));
	snapshot_event(r);
	json_array_foreach(json_object_get(j, "fds"), i, fd)
	{
		evb_begin(&r->b, EV_TASK_FILE_REGULAR, tid, 1);
		evb_task(&r->b, (uint32_t) num(j, "pid"), 1);
		evb_num(&r->b, "fd", num(fd, "fd"));
		evb_text(&r->b, "path", str(fd, "fname"));
		evb_num(&r->b, "flags", num(fd, "open_flags"));
		evb_num(&r->b, "ino_num", num(fd, "ino"));
		snapshot_event(r);
	}
}

/* Little-endian, of the width that the text has; extended as its type is. */
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

static void
add_event(struct run *r, const json_t *j)
{
	const struct ev_schema *s = schema_get((uint32_t) num(j, "code"));
	uint64_t ts = (uint64_t) num(j, "ts");
	int64_t tid = num(j, "tid");
	const struct thread *t;
	json_t *p;
	size_t i;

	r->num++;
	r->usable = s != NULL;
	if (s == NULL)
		return;
	evb_begin(&r->b, s->num, (uint32_t) tid, ts);
	t = state_thread(r->state, tid);
	evb_task(&r->b, (uint32_t) (t == NULL ? tid : t->pid), 1);
	json_array_foreach(json_object_get(j, "params"), i, p)
	{
		int k = schema_param(s, slice_str(str(p, "n")));

		if (k < 0)
			continue;
		if (strcmp(str(p, "n"), "pid") == 0 && (s->num == EV_CLONE || s->num == EV_EXECVE))
			evb_task(&r->b, (uint32_t) number("pid", str(p, "hex")), 1);
		if (!ptype_is_text(s->params[k].type) && str(p, "hex")[0] != '\0')
			evb_num(&r->b, str(p, "n"), number(str(p, "ty"), str(p, "hex")));
		else if (str(p, "hex")[0] != '\0')
			add_hex(r, str(p, "n"), str(p, "hex"), is_string(s->params[k].type));
	}
	r->b.c.hdr.cpu = 1;
	evb_add(&r->b);
	drop_batch(r);
	r->batch = evb_batch(&r->b);
	r->view = (struct view){ .state = r->state,
		.batch = r->batch,
		.ev = r->batch->ev,
		.node = "testbox",
		.num = r->num,
		.time = ts };
	intern_tick(r->pool);
	state_apply(r->state, r->batch, r->batch->ev, &r->view);
}

static void
differs(struct run *r, const json_t *j, const char *is)
{
	char *want = json_dumps(json_object_get(j, "r"), JSON_ENCODE_ANY);

	r->bad++;
	if (r->verbose)
		printf("%s: %s %s\n  is   %s\n  want %s\n", r->test, str(j, "k"), str(j, "f"), is,
		    want);
	free(want);
}

/* The cases hold text as it is printed, with U+FFFD for what is not UTF-8. */
static bool
same_text(struct slice a, struct slice b)
{
	CLEANUP(buf_fini) struct buf x = BUF_INIT;
	CLEANUP(buf_fini) struct buf y = BUF_INIT;

	buf_json(&x, a);
	buf_json(&y, b);
	return slice_eq(buf_get(&x), buf_get(&y));
}

/* Fields and events of a plugin; state that the case set without an event; what comes from an enter
 * event, which the driver reads and no event of ours carries. */
static bool
not_ours(const json_t *j)
{
	static const char *const tests[] = { ".event_sources", ".filename_toctou", ".execveat_",
		".enter_event_retrieval", ".USER_FILTER_extract_from_existent_user_entry" };

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strstr(str(j, "t"), tests[i]) != NULL)
			return true;
	}
	return strstr(str(j, "f"), "sample.") != NULL;
}

static void
field_case(struct run *r, const json_t *j)
{
	CLEANUP(arena_fini) struct arena a;
	const json_t *want = json_object_get(j, "r");
	struct field_ref ref;
	struct slice text = SLICE("");
	struct diag d = { 0 };
	size_t used;
	bool known;

	arena_init(&a, 0);
	r->cases++;
	if (field_lookup(slice_str(str(j, "f")), &a, &ref, &used, &d) < 0) {
		differs(r, j, d.msg);
		return;
	}
	known = field_text(&ref, &r->view, r->fs, &text);
	if (json_is_boolean(want)) {
		if (known != json_is_true(want))
			differs(r, j, known ? "a value" : "null");
	} else if (!known) {
		if (!json_is_null(want))
			differs(r, j, "null");
	} else if (!json_is_string(want) || !same_text(text, slice_str(json_string_value(want)))) {
		differs(r, j, text.p);
	}
}

static void
condition_case(struct run *r, const json_t *j)
{
	CLEANUP(arena_fini) struct arena a;
	const json_t *want = json_object_get(j, "r");
	bool run = strcmp(str(j, "k"), "eval") == 0, refused = !json_is_boolean(want), hit;
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };
	int res;

	if (!run)
		refused = json_is_false(want);
	arena_init(&a, 0);
	r->cases++;
	res = expr_parse(slice_str(str(j, "f")), &a, &e, &d);
	if (res == 0)
		res = filter_compile(e, &a, &f, &d);
	if (res < 0 || refused) {
		if ((res < 0) != refused)
			differs(r, j, res < 0 ? d.msg : "it compiles");
		return;
	}
	if (!run)
		return;
	hit = filter_match(f, &r->view, r->fs);
	if (hit != json_is_true(want))
		differs(r, j, hit ? "true" : "false");
}

static void
run_line(struct run *r, const json_t *j)
{
	const char *k = str(j, "k");

	if (strcmp(str(j, "t"), r->test) != 0)
		start_test(r, str(j, "t"));
	fscratch_reset(r->fs);
	if (strcmp(k, "thread") == 0)
		add_thread(r, j);
	else if (strcmp(k, "event") == 0)
		add_event(r, j);
	else if (strcmp(k, "compiles") == 0)
		condition_case(r, j);
	else if (strcmp(k, "open") == 0)
		return;
	else if (!r->usable || not_ours(j))
		r->left_out++;
	else if (strcmp(k, "eval") == 0)
		condition_case(r, j);
	else
		field_case(r, j);
}

int
main(int argc, char **argv)
{
	struct run r = { .verbose = argc == 3 && strcmp(argv[2], "-v") == 0 };
	char path[4096];
	json_t *j;
	FILE *f;

	if (argc < 2) {
		fprintf(stderr, "usage: conform_fields FOLDER [-v]\n");
		return 2;
	}
	(void) snprintf(path, sizeof(path), "%s/libsinsp_cases.jsonl", argv[1]);
	f = fopen(path, "r");
	if (f == NULL || fscratch_new(&r.fs) < 0) {
		perror(path);
		return 2;
	}
	while ((j = json_loadf(f, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) != NULL) {
		run_line(&r, j);
		json_decref(j);
	}
	(void) fclose(f);
	stop_test(&r);
	evb_fini(&r.b);
	fscratch_free(r.fs);
	printf("%u cases, %u differ, %u left out\n", r.cases, r.bad, r.left_out);
	return r.bad > 0 || r.cases == 0;
}
