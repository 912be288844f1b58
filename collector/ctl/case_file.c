/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/case_file_int.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { CASES_MAX = 8 << 20, BEGIN_NS = 1000000000 };

static int
read_fields(struct reader *r, const yaml_node_t *n, struct case_field **tail)
{
	int res = want_map(r, n, "'fields'", NULL);

	for (size_t i = 0; res == 0 && i < npairs(n); i++) {
		struct case_field *f = arena_alloc(&r->file->a, sizeof(*f));
		yaml_node_t *v;
		struct slice key = pair(r, n, i, &v);

		if (f == NULL || (f->name = arena_strdup(&r->file->a, key)) == NULL)
			return -ENOMEM;
		*tail = f;
		tail = &f->next;
		if (!is_null(v))
			res = want_text(r, v, f->name, &f->want);
	}
	return res;
}

static int
read_alert(struct reader *r, const yaml_node_t *n, struct case_alert *a)
{
	static const char *const keys[] = { "rule", "output", "fields", NULL };
	yaml_node_t *rule, *output, *fields;
	int res;

	if (n->type == YAML_SCALAR_NODE)
		return want_text(r, n, "the rule", &a->rule);
	res = want_map(r, n, "an alert", keys);
	if (res < 0)
		return res;
	rule = get(r, n, "rule");
	output = get(r, n, "output");
	fields = get(r, n, "fields");
	if (rule == NULL)
		return read_fail(r, n, "an alert has its 'rule'");
	res = want_text(r, rule, "'rule'", &a->rule);
	if (res == 0 && output != NULL)
		res = want_text(r, output, "'output'", &a->output);
	if (res == 0 && fields != NULL)
		res = read_fields(r, fields, &a->fields);
	return res;
}

static int
read_alerts(struct reader *r, const yaml_node_t *n, struct rule_case *c)
{
	struct case_alert **tail = &c->alerts;
	int res = want_list(r, n, "'alerts'");

	for (size_t i = 0; res == 0 && i < nitems(n); i++) {
		struct case_alert *a = arena_alloc(&r->file->a, sizeof(*a));

		if (a == NULL)
			return -ENOMEM;
		*tail = a;
		tail = &a->next;
		res = read_alert(r, item(r, n, i), a);
	}
	return res;
}

static int
read_case(struct reader *r, const yaml_node_t *n, struct rule_case *c)
{
	static const char *const keys[] = { "name", "processes", "events", "alerts", NULL };
	yaml_node_t *name, *events, *alerts;
	int res = want_map(r, n, "a case", keys);

	if (res < 0)
		return res;
	name = get(r, n, "name");
	events = get(r, n, "events");
	alerts = get(r, n, "alerts");
	if (name == NULL || events == NULL || alerts == NULL)
		return read_fail(r, n, "a case has a 'name', 'events' and 'alerts' ([] for none)");
	c->line = (unsigned) n->start_mark.line + 1;
	r->nthreads = 0;
	r->now = BEGIN_NS;
	res = want_text(r, name, "'name'", &c->name);
	if (res == 0)
		res = read_processes(r, get(r, n, "processes"), c);
	if (res == 0)
		res = read_events(r, events, c);
	return res == 0 ? read_alerts(r, alerts, c) : res;
}

static int
read_rules(struct reader *r, const char *path, const yaml_node_t *n)
{
	const char *slash = strrchr(path, '/');
	struct case_file *f = r->file;
	int res = want_list(r, n, "'rules'");

	if (res < 0)
		return res;
	f->rules = arena_alloc(&f->a, (nitems(n) + 1) * sizeof(*f->rules));
	if (f->rules == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < nitems(n); i++) {
		CLEANUP(buf_fini) struct buf b = BUF_INIT;
		struct slice s = scalar(item(r, n, i));

		if (s.p == NULL || s.n == 0)
			return read_fail(r, n, "'rules' are paths");
		if (slash != NULL && s.p[0] != '/')
			buf_add(&b, path, (size_t) (slash - path) + 1);
		buf_slice(&b, s);
		if (buf_ok(&b) < 0 ||
		    (f->rules[f->nrules++] = arena_strdup(&f->a, buf_get(&b))) == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
read_document(struct reader *r, const char *path)
{
	static const char *const keys[] = { "rules", "cases", NULL };
	struct rule_case **tail = &r->file->cases;
	yaml_node_t *root = yaml_document_get_root_node(&r->doc), *rules, *cases;
	int res;

	if (root == NULL)
		return diag_fail(r->d, 0, 0, "there are no cases");
	res = want_map(r, root, "the file", keys);
	if (res < 0)
		return res;
	rules = get(r, root, "rules");
	cases = get(r, root, "cases");
	if (cases == NULL)
		return read_fail(r, root, "the file has its 'cases'");
	if (rules != NULL)
		res = read_rules(r, path, rules);
	if (res == 0)
		res = want_list(r, cases, "'cases'");
	for (size_t i = 0; res == 0 && i < nitems(cases); i++) {
		struct rule_case *c = arena_alloc(&r->file->a, sizeof(*c));

		if (c == NULL)
			return -ENOMEM;
		*tail = c;
		tail = &c->next;
		r->file->ncases++;
		res = read_case(r, item(r, cases, i), c);
	}
	return res;
}

static int
parse(struct reader *r, const char *path, struct slice text)
{
	yaml_parser_t parser;
	int res;

	text = slice_skip_bom(text);
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *) text.p, text.n);
	if (!yaml_parser_load(&parser, &r->doc)) {
		res = diag_fail(r->d, (unsigned) parser.problem_mark.line + 1,
		    (unsigned) parser.problem_mark.column + 1, "YAML: %s",
		    parser.problem == NULL ? "no memory" : parser.problem);
	} else {
		res = read_document(r, path);
		yaml_document_delete(&r->doc);
	}
	yaml_parser_delete(&parser);
	return res;
}

/* The file's text, in its arena. -EFBIG: longer than CASES_MAX. */
static int
load(const char *path, struct arena *a, struct slice *ret)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	int r = file_read_at(AT_FDCWD, path, CASES_MAX, &b);

	if (r < 0)
		return r;
	*ret = (struct slice){ arena_strdup(a, buf_get(&b)), b.n };
	return ret->p == NULL ? -ENOMEM : 0;
}

int
case_file_read(const char *path, struct case_file *ret, struct diag *d)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct slice text = { NULL, 0 };
	int res;

	if (r == NULL)
		return -ENOMEM;
	*ret = (struct case_file){ .cases = NULL };
	arena_init(&ret->a, 0);
	r->file = ret;
	r->d = d;
	res = load(path, &ret->a, &text);
	if (res < 0) {
		diag_set(d, 0, 0, "cannot read %s: %s", path, strerrordesc_np(-res));
	} else {
		res = batch_enc_new(&r->enc);
		if (res == 0)
			res = parse(r, path, text);
		if (res == -EINVAL)
			diag_place(d, path, text);
	}
	batch_enc_free(r->enc);
	free(r);
	if (res < 0)
		case_file_fini(ret);
	return res;
}

void
case_file_fini(struct case_file *f)
{
	arena_fini(&f->a);
}
