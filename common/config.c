/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over libyaml's events turns a YAML file into entries: a stack of keys gives the dotted
 * name. Aliases are refused, so a small file is a small configuration.
 */
#include "common/config.h"
#include "common/array.h"
#include "common/buf.h"
#include "common/config_int.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <yaml.h>

#define FIRST_LINE_MAX 4096 /* of ${file:...} */

enum { DEPTH_MAX = 16, ENTRIES_MAX = 10000 };

struct reader {
	struct cfg *c;
	yaml_parser_t yaml;
	struct buf key; /* dotted key of the current position */
	struct diag *d;
};

int
cfg_new(struct cfg **ret)
{
	struct cfg *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	arena_init(&c->arena, 0);
	c->name = "";
	*ret = c;
	return 0;
}

void
cfg_free(struct cfg *c)
{
	if (c == NULL)
		return;
	arena_fini(&c->arena);
	free(c->entry);
	free(c->key);
	free(c);
}

int
cfg_add(struct cfg *c, struct cfg_entry e)
{
	if (ARRAY_RESERVE(c->entry, c->n, 1, c->cap) < 0)
		return -ENOMEM;
	c->entry[c->n++] = e;
	return 0;
}

/* Append the first line of a file, for ${file:...}. */
static int
add_first_line(const char *path, struct buf *out, const struct cfg_entry *e, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	int r = file_read_at(AT_FDCWD, path, FIRST_LINE_MAX, &b);
	size_t n = 0;

	if (r < 0 && r != -EFBIG) /* the first line of a longer file is there */
		return diag_fail(
		    d, e->line, e->col, "cannot read '%s': %s", path, strerrordesc_np(-r));
	while (n < b.n && b.p[n] != '\n' && b.p[n] != '\r')
		n++;
	if (n >= FIRST_LINE_MAX)
		return diag_fail(d, e->line, e->col, "the first line of '%s' is too long", path);
	buf_add(out, b.p, n);
	return buf_ok(out);
}

/* Expand ${NAME} and ${file:/path}; $${ is a literal ${. */
static int
expand(struct slice s, struct buf *out, struct cfg_entry *e, struct diag *d)
{
	for (size_t i = 0; i < s.n; i++) {
		const char *end, *value;
		char name[1024];
		size_t n;
		int r;

		if (s.n - i >= 3 && memcmp(s.p + i, "$${", 3) == 0) {
			buf_str(out, "${");
			i += 2;
			continue;
		}
		if (s.n - i < 2 || memcmp(s.p + i, "${", 2) != 0) {
			buf_char(out, s.p[i]);
			continue;
		}
		end = memchr(s.p + i, '}', s.n - i);
		if (end == NULL)
			return diag_fail(
			    d, e->line, e->col, "'${' without '}'; a plain one is written '$${'");
		n = (size_t) (end - s.p) - i - 2;
		if (n == 0 || n >= sizeof(name))
			return diag_fail(d, e->line, e->col,
			    "'${...}' needs a variable's name or 'file:' and a path");
		memcpy(name, s.p + i + 2, n);
		name[n] = '\0';
		i += n + 2;
		if (strncmp(name, "file:", 5) == 0) {
			r = add_first_line(name + 5, out, e, d);
			if (r < 0)
				return r;
			e->secret = true;
			continue;
		}
		value = getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody calls setenv */
		if (value == NULL)
			return diag_fail(
			    d, e->line, e->col, "environment variable '%s' is not set", name);
		buf_str(out, value);
	}
	return buf_ok(out);
}

int
cfg_value(struct cfg *c, struct slice s, struct cfg_entry *e, struct diag *d)
{
	struct buf out = BUF_INIT;
	int r;

	if (memchr(s.p, '\0', s.n) != NULL)
		return diag_fail(d, e->line, e->col, "a value may not contain a NUL");
	r = expand(s, &out, e, d);
	if (r == 0) {
		e->value = arena_strdup(&c->arena, buf_get(&out));
		r = e->value == NULL ? -ENOMEM : 0;
	}
	buf_fini(&out);
	return r;
}

static unsigned
line_of(const yaml_event_t *ev)
{
	return (unsigned) ev->start_mark.line + 1;
}

static unsigned
col_of(const yaml_event_t *ev)
{
	return (unsigned) ev->start_mark.column + 1;
}

static int
next_event(struct reader *rd, yaml_event_t *ev)
{
	const yaml_parser_t *y = &rd->yaml;

	if (yaml_parser_parse(&rd->yaml, ev))
		return 0;
	if (y->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (y->error == YAML_READER_ERROR)
		return diag_fail(rd->d, 0, 0, "not UTF-8 text: byte %zu", y->problem_offset);
	return diag_fail(rd->d, (unsigned) y->problem_mark.line + 1,
	    (unsigned) y->problem_mark.column + 1, "not valid YAML: %s", y->problem);
}

static struct slice
scalar(const yaml_event_t *ev)
{
	return (struct slice){ (const char *) ev->data.scalar.value, ev->data.scalar.length };
}

/* Is it an unquoted empty value, '~' or 'null'? */
static bool
is_null(const yaml_event_t *ev)
{
	struct slice s = scalar(ev);

	return ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (s.n == 0 || slice_eq(s, SLICE("~")) || slice_eq(s, SLICE("null")));
}

static int
put_scalar(struct reader *rd, const yaml_event_t *ev, struct cfg_entry e)
{
	int r;

	if (rd->c->n >= ENTRIES_MAX)
		return diag_fail(rd->d, line_of(ev), col_of(ev), "too many keys");
	e.line = line_of(ev);
	e.col = col_of(ev);
	if (!is_null(ev)) {
		r = cfg_value(rd->c, scalar(ev), &e, rd->d);
		if (r < 0)
			return r;
	}
	e.key = arena_strdup(&rd->c->arena, buf_get(&rd->key));
	return e.key == NULL ? -ENOMEM : cfg_add(rd->c, e);
}

static int read_mapping(struct reader *rd, unsigned depth);

/* Read a mapping in a list: its keys come after the element's number. */
static int
read_element(struct reader *rd, size_t i, const yaml_event_t *start, unsigned depth)
{
	size_t before = rd->key.n;
	int r;

	if (depth >= DEPTH_MAX)
		return diag_fail(rd->d, line_of(start), col_of(start), "nested too deeply");
	buf_printf(&rd->key, ".%zu", i);
	r = buf_ok(&rd->key);
	if (r == 0)
		r = read_mapping(rd, depth + 1);
	if (r == 0) {
		rd->key.n = before;
		rd->key.p[before] = '\0';
	}
	return r;
}

static int
read_list(struct reader *rd, const yaml_event_t *start, struct cfg_entry e, unsigned depth)
{
	size_t before = rd->c->n;
	yaml_event_t ev;
	int r = 0;

	e.list = true;
	for (size_t i = 0; r == 0; i++) {
		r = next_event(rd, &ev);
		if (r < 0)
			return r;
		if (ev.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (ev.type == YAML_MAPPING_START_EVENT)
			r = read_element(rd, i, &ev, depth);
		else if (ev.type != YAML_SCALAR_EVENT || is_null(&ev))
			r = diag_fail(rd->d, line_of(&ev), col_of(&ev),
			    "the list '%s' may hold only plain values and mappings", rd->key.p);
		else
			r = put_scalar(rd, &ev, e);
		yaml_event_delete(&ev);
	}
	if (r < 0)
		return r;
	yaml_event_delete(&ev);
	if (rd->c->n > before)
		return 0;
	e.line = line_of(start); /* an empty list is an entry too: it overrides a default */
	e.col = col_of(start);
	e.key = arena_strdup(&rd->c->arena, buf_get(&rd->key));
	return e.key == NULL ? -ENOMEM : cfg_add(rd->c, e);
}

static int
read_value(struct reader *rd, const yaml_event_t *key, unsigned depth)
{
	struct cfg_entry e = { .kline = line_of(key), .kcol = col_of(key) };
	yaml_event_t ev;
	int r = next_event(rd, &ev);

	if (r < 0)
		return r;
	if (ev.type == YAML_SCALAR_EVENT)
		r = put_scalar(rd, &ev, e);
	else if (ev.type == YAML_SEQUENCE_START_EVENT)
		r = read_list(rd, &ev, e, depth);
	else if (ev.type != YAML_MAPPING_START_EVENT)
		r = diag_fail(rd->d, line_of(&ev), col_of(&ev), "aliases are not supported here");
	else if (depth >= DEPTH_MAX)
		r = diag_fail(rd->d, line_of(&ev), col_of(&ev), "nested too deeply");
	else
		r = read_mapping(rd, depth + 1);
	yaml_event_delete(&ev);
	return r;
}

/* Does this key, or one below it, already exist? */
static bool
given(const struct cfg *c, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < c->n; i++) {
		const char *k = c->entry[i].key;

		if (strncmp(k, key, n) == 0 && (k[n] == '\0' || k[n] == '.'))
			return true;
	}
	return false;
}

/* Read a mapping up to its end; its start has been read. */
static int
read_mapping(struct reader *rd, unsigned depth)
{
	size_t before = rd->key.n;
	yaml_event_t ev;
	int r;

	for (;;) {
		r = next_event(rd, &ev);
		if (r < 0)
			return r;
		if (ev.type == YAML_MAPPING_END_EVENT)
			break;
		if (ev.type != YAML_SCALAR_EVENT) {
			r = diag_fail(
			    rd->d, line_of(&ev), col_of(&ev), "a key must be a plain text");
			break;
		}
		if (before > 0)
			buf_char(&rd->key, '.');
		buf_slice(&rd->key, scalar(&ev));
		r = buf_ok(&rd->key);
		if (r == 0 &&
		    (scalar(&ev).n == 0 || memchr(scalar(&ev).p, '\0', scalar(&ev).n) != NULL))
			r = diag_fail(rd->d, line_of(&ev), col_of(&ev), "a key may not be empty");
		if (r == 0 && given(rd->c, rd->key.p))
			r = diag_fail(
			    rd->d, line_of(&ev), col_of(&ev), "'%s' is given twice", rd->key.p);
		if (r == 0)
			r = read_value(rd, &ev, depth);
		yaml_event_delete(&ev);
		if (r < 0)
			return r;
		rd->key.n = before;
		rd->key.p[before] = '\0';
	}
	yaml_event_delete(&ev);
	return r;
}

/* Read stream, document and one mapping. An empty file is an empty configuration. */
static int
read_file(struct reader *rd)
{
	unsigned documents = 0;
	yaml_event_t ev;
	int r = 0;

	for (bool end = false; r == 0 && !end;) {
		r = next_event(rd, &ev);
		if (r < 0)
			return r;
		if (ev.type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
			r = diag_fail(
			    rd->d, line_of(&ev), col_of(&ev), "only one YAML document is read");
		else if (ev.type == YAML_MAPPING_START_EVENT)
			r = read_mapping(rd, 1);
		else if (ev.type == YAML_SEQUENCE_START_EVENT ||
			 (ev.type == YAML_SCALAR_EVENT && !is_null(&ev)) ||
			 ev.type == YAML_ALIAS_EVENT)
			r = diag_fail(rd->d, line_of(&ev), col_of(&ev),
			    "the file must hold 'key: value' lines");
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	return r;
}

int
cfg_parse(const char *name, struct slice yaml, struct cfg **ret, struct diag *d)
{
	struct reader rd = { .d = d };
	struct cfg *c = NULL;
	char *copy;
	int r = cfg_new(&c);

	*d = (struct diag){ 0 };
	if (r < 0)
		return r;
	yaml = slice_skip_bom(yaml);
	rd.c = c;
	c->name = arena_strdup(&c->arena, slice_str(name));
	copy = arena_strdup(&c->arena, yaml);
	if (c->name == NULL || copy == NULL) {
		cfg_free(c);
		return -ENOMEM;
	}
	c->content = (struct slice){ copy, yaml.n };
	if (!yaml_parser_initialize(&rd.yaml)) {
		cfg_free(c);
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&rd.yaml, (const unsigned char *) copy, yaml.n);
	r = read_file(&rd);
	yaml_parser_delete(&rd.yaml);
	buf_fini(&rd.key);
	if (r < 0) {
		if (r == -EINVAL)
			diag_place(d, name, c->content);
		cfg_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

static int
read_all(const char *path, struct buf *out, struct diag *d)
{
	int r = file_read_at(AT_FDCWD, path, FILE_MAX, out);

	if (r == -EFBIG)
		return diag_fail(d, 0, 0, "larger than 4 MiB, the limit for a configuration");
	if (r < 0)
		diag_set(d, 0, 0, "cannot read it: %s", strerrordesc_np(-r));
	return r;
}

int
cfg_load(const char *path, struct cfg **ret, struct diag *d)
{
	struct buf text = BUF_INIT;
	int r;

	*d = (struct diag){ 0 };
	r = read_all(path, &text, d);
	if (r < 0)
		diag_place(d, path, (struct slice){ NULL, 0 });
	else
		r = cfg_parse(path, (struct slice){ text.n == 0 ? "" : text.p, text.n }, ret, d);
	buf_fini(&text);
	return r;
}

int
cfg_check_foreign(const struct cfg *c, struct diag *d)
{
	/* Top-level keys of falco.yaml that none of our programs has. */
	static const char *const falco[] = { "rules_file", "rules_files", "engine", "falco_libs",
		"json_output", "stdout_output", "syslog_output", "file_output", "program_output",
		"http_output", "grpc_output", "load_plugins", "plugins", "watch_config_files",
		"syscall_event_drops", "base_syscalls", "buffered_outputs", "rule_matching" };

	*d = (struct diag){ 0 };
	for (size_t i = 0; i < c->n; i++) {
		struct slice key = slice_str(c->entry[i].key);
		size_t n = strcspn(key.p, ".");

		for (size_t k = 0; k < ARRAY_SIZE(falco); k++) {
			if (strlen(falco[k]) != n || memcmp(falco[k], key.p, n) != 0)
				continue;
			diag_set(d, 0, 0,
			    "'%s' is an option of Falco, whose configuration Mews does not read: "
			    "--help lists the options here, and Falco's rule files go into the "
			    "collector's 'rules'",
			    falco[k]);
			cfg_entry_place(c, &c->entry[i], true, d);
			return -EINVAL;
		}
	}
	return 0;
}
