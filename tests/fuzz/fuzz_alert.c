/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_alert.c - any bytes as an alert's JSON, rule and node, in each form that outputs send: no
 * control character, JSON that is JSON, headers that are ours alone.
 */
#include "collector/output/email_msg.h"
#include "collector/output/syslog_msg.h"
#include "collector/output/template.h"
#include "collector/output/text.h"
#include "common/utf8.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
want(bool ok)
{
	if (!ok)
		abort();
}

static bool
is_json(struct slice s)
{
	json_t *root = json_loadb(s.p, s.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);

	json_decref(root);
	return root != NULL;
}

/* One line of UTF-8, without characters that move a cursor; tabs if 'tabs'. */
static void
check_line(struct slice s, bool tabs)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);

		want(n > 0 && ((unsigned char) *s.p >= ' ' || (tabs && *s.p == '\t')) &&
		     *s.p != 0x7f);
		s = (struct slice){ s.p + n, s.n - n };
	}
}

static void
shapes(const struct alert *a, bool whole)
{
	static const enum text_format json[] = { TEXT_OCSF, TEXT_ECS },
				      lines[] = { TEXT_CEF, TEXT_LEEF, TEXT_PLAIN, TEXT_BARE };
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(json); i++) {
		buf_clear(&b);
		text_shape(&b, a, json[i]);
		want(is_json(buf_get(&b)));
		check_line(buf_get(&b), false);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		buf_clear(&b);
		text_shape(&b, a, lines[i]);
		check_line(buf_get(&b), lines[i] == TEXT_LEEF);
	}
	buf_clear(&b);
	text_shape(&b, a, TEXT_CLOUDEVENTS);
	want(!whole || is_json(buf_get(&b)));
	buf_clear(&b);
	if (text_fit(&b, a, TEXT_ECS, 2000) == 0)
		want(b.n <= 2000 && is_json(buf_get(&b)));
	buf_fini(&b);
}

static void
syslog(const struct alert *a)
{
	struct syslog_form f = { SYSLOG_5424, 1, "mews", "x@1", TEXT_CEF, NULL, 2048 };
	struct template *t = NULL;
	struct diag d = { 0 };
	struct buf b = BUF_INIT;

	want(template_line_new("%alert.output %proc.name %alert.json", "t", &t, &d) == 0);
	for (int i = 0; i < 2; i++) {
		buf_clear(&b);
		f.template = i == 0 ? NULL : t;
		if (syslog_msg(&f, a, &b) == 0) {
			want(b.n <= 2048);
			check_line(buf_get(&b), false);
		}
	}
	template_free(t);
	buf_fini(&b);
}

/* Whatever the alert says, a mail has our headers, lines of at most 998 bytes, and base64. */
static void
mail(const struct alert *a)
{
	static const char *const to[] = { "b@c.example" };
	struct email_digest *m = calloc(1, sizeof(*m));
	struct buf b = BUF_INIT;
	const char *line, *end, *body;
	struct template *t = NULL;
	struct diag d = { 0 };

	want(m != NULL && template_line_new("%alert.rule: %proc.name", "t", &t, &d) == 0);
	if (a->priority % 2 == 1)
		m->subject = m->body = t;
	email_add(m, a);
	email_add(m, a);
	want(m->count == 2);
	email_message(m, "a@c.example", to, 1, a->time, &b);
	want(buf_ok(&b) == 0 && memchr(b.p, '\0', b.n) == NULL);
	body = strstr(b.p, "\r\n\r\n");
	want(body != NULL);
	for (line = b.p; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
		want(end - line <= 998);
		check_line((struct slice){ line, (size_t) (end - line) }, false);
		want(line > body || *line == ' ' || strncmp(line, "Date: ", 6) == 0 ||
		     strncmp(line, "From: ", 6) == 0 || strncmp(line, "To: ", 4) == 0 ||
		     strncmp(line, "Subject: ", 9) == 0 || strncmp(line, "Message-ID: ", 12) == 0 ||
		     strncmp(line, "Auto-Submitted: ", 16) == 0 ||
		     strncmp(line, "MIME-Version: ", 14) == 0 ||
		     strncmp(line, "Content-Type: ", 14) == 0);
	}
	want(*line == '\0' && strstr(b.p, "\n\n") == NULL);
	buf_fini(&b);
	template_free(t);
	free(m);
}

static const char *
no_param(void *arg, const char *name)
{
	(void) arg;
	(void) name;
	return NULL;
}

static void
templates(const struct alert *a, bool whole)
{
	static const char body[] =
	    "{\"a\": \"%alert.rule %alert.cef %alert.summary\", \"b\": %alert.ecs, \"c\": "
	    "%proc.name, \"d\": \"%alert.key\"}";
	struct template *t = NULL;
	struct diag d = { 0 };

	for (enum template_escape e = TEMPLATE_PLAIN; e <= TEMPLATE_HTML; e++) {
		struct buf b = BUF_INIT;

		want(template_new(body, "t", e, no_param, NULL, &t, &d) == 0);
		if (template_fill(t, a, (struct slice){ a->json, a->json_len }, NULL, &b) == 0)
			want(is_json(buf_get(&b)));
		else
			want(!whole);
		buf_clear(&b);
		if (template_fit(t, a, 3000, &b) == 0)
			want(b.n <= 3000 && is_json(buf_get(&b)));
		template_free(t);
		buf_fini(&b);
	}
}

/* The first line is the rule, the second the node, the rest the JSON. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *) data, size), *rest = text;
	struct alert a = { .id = "6f1f5c1e-8f63-8d5e-9a41-7b8e0c0f3a01", .cluster = "c" };
	json_t *root;

	want(text != NULL);
	a.rule = strsep(&rest, "\n");
	a.node = rest == NULL ? "" : strsep(&rest, "\n");
	a.json = rest == NULL ? "" : rest;
	a.json_len = strlen(a.json);
	a.priority = (enum priority)(size % 8);
	a.time = 1795361065353780313ULL;
	root = json_loadb(a.json, a.json_len, JSON_ALLOW_NUL, NULL);
	shapes(&a, root != NULL);
	syslog(&a);
	mail(&a);
	templates(&a, json_is_object(root));
	json_decref(root);
	free(text);
	return 0;
}
