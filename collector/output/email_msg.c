/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/email_msg.h"
#include "collector/output/text.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/utf8.h"
#include <jansson.h>
#include <openssl/evp.h>

#define WORD_MAX 42 /* bytes in an encoded word, whose length is limited to 75 */
#define LINE     57 /* bytes in a line of 76 characters */

/* ---- counting ---- */

void
email_clear(struct email_digest *m)
{
	m->n = 0;
	m->count = m->others = 0;
	m->title[0] = '\0';
}

static struct email_group *
group_of(struct email_digest *m, const struct alert *a)
{
	for (size_t i = 0; i < m->n; i++) {
		struct email_group *g = &m->group[i];

		if (g->priority == a->priority && strcmp(g->rule, a->rule) == 0 &&
		    strcmp(g->node, a->node) == 0 && strcmp(g->cluster, a->cluster) == 0)
			return g;
	}
	return NULL;
}

/* A template's line, cut to fit. Is there one? */
static bool
add_line(const struct template *t, const struct alert *a, char *ret, size_t size)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	if (t == NULL || template_line_cut(t, a, size - sizeof("..."), &b) < 0)
		return false;
	(void) snprintf(ret, size, "%.*s", (int) b.n, b.n == 0 ? "" : b.p);
	return true;
}

static void
add_text(
    const struct email_digest *m, struct email_group *g, const struct alert *a, const json_t *root)
{
	json_t *output = json_object_get(root, "output");
	struct slice s = { json_string_value(output), json_string_length(output) };

	if (!add_line(m->body, a, g->text, sizeof(g->text)) && s.p != NULL)
		(void) escape_text(g->text, sizeof(g->text), text_body(s, a->priority));
}

/* The group of an alert, a new one if there is room; or NULL. */
static struct email_group *
add_group(struct email_digest *m, const struct alert *a, const json_t *root)
{
	struct email_group *g = group_of(m, a);

	if (g != NULL || m->n == EMAIL_GROUPS)
		return g;
	g = &m->group[m->n++];
	*g = (struct email_group){ .priority = a->priority, .first = UINT64_MAX };
	(void) snprintf(g->rule, sizeof(g->rule), "%s", a->rule);
	(void) snprintf(g->node, sizeof(g->node), "%s", a->node);
	(void) snprintf(g->cluster, sizeof(g->cluster), "%s", a->cluster);
	add_text(m, g, a, root);
	return g;
}

void
email_add(struct email_digest *m, const struct alert *a)
{
	json_t *root = json_loadb(a->json, a->json_len, JSON_ALLOW_NUL, NULL);
	struct email_group *g = add_group(m, a, root);
	struct repeats one = { 0 };

	repeats_add(&one, a, root);
	json_decref(root);
	if (m->count == 0) {
		memcpy(m->id, a->id, sizeof(m->id));
		m->first = one.first;
		m->last = one.last;
		m->worst = a->priority;
		(void) add_line(m->subject, a, m->title, sizeof(m->title));
	}
	m->count += one.count;
	m->first = MIN(m->first, one.first);
	m->last = MAX(m->last, one.last);
	m->worst = MIN(m->worst, a->priority);
	if (g == NULL) {
		m->others += one.count;
		return;
	}
	g->count += one.count;
	g->first = MIN(g->first, one.first);
	g->last = MAX(g->last, one.last);
}

bool
email_is_address(const char *s)
{
	const char *at = strchr(s, '@');

	if (at == NULL || at == s || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
	    strlen(s) > 254)
		return false;
	for (; *s != '\0'; s++) {
		if (*s <= ' ' || *s > '~' || strchr("<>()[],;:\\\"", *s) != NULL)
			return false;
	}
	return true;
}

/* ---- texts ---- */

static void
add_safe(struct buf *b, const char *s)
{
	escape_add(b, slice_str(s));
}

void
email_subject(const struct email_digest *m, struct buf *ret)
{
	if (m->n != 1 || m->others > 0) {
		buf_printf(ret, "[Mews] %s: %lu alerts", priority_name(m->worst),
		    (unsigned long) m->count);
		return;
	}
	if (m->title[0] != '\0') {
		buf_str(ret, m->title);
	} else {
		buf_printf(ret, "[Mews] %s: ", priority_name(m->worst));
		add_safe(ret, m->group[0].rule);
		buf_str(ret, " on ");
		add_safe(ret, m->group[0].node);
	}
	if (m->count > 1)
		buf_printf(ret, " (%lu alerts)", (unsigned long) m->count);
}

static void
add_times(struct buf *b, uint64_t first, uint64_t last)
{
	char text[TEXT_SPAN];

	buf_str(b, text_span(first, last, text));
}

static const char *
slash(const struct email_group *g)
{
	return g->cluster[0] == '\0' ? "" : "/";
}

void
email_plain(const struct email_digest *m, struct buf *ret)
{
	buf_printf(ret, "%lu alert%s, ", (unsigned long) m->count, m->count == 1 ? "" : "s");
	add_times(ret, m->first, m->last);
	buf_str(ret, "\n");
	for (size_t i = 0; i < m->n; i++) {
		const struct email_group *g = &m->group[i];

		buf_printf(
		    ret, "\n%lu x %s: ", (unsigned long) g->count, priority_name(g->priority));
		add_safe(ret, g->rule);
		buf_str(ret, "\nnode ");
		add_safe(ret, g->cluster);
		buf_str(ret, slash(g));
		add_safe(ret, g->node);
		buf_str(ret, ", ");
		add_times(ret, g->first, g->last);
		buf_str(ret, "\n");
		buf_str(ret, g->text);
		buf_str(ret, "\n");
	}
	if (m->others > 0)
		buf_printf(ret, "\n%lu x other rules and nodes\n", (unsigned long) m->others);
	buf_printf(ret, "\nAll of them: mewsctl alerts. First id: %s\n", m->id);
}

/* Append a text with its marks as entities; after escape_add(), so without control characters. */
static void
add_html(struct buf *b, const char *s)
{
	CLEANUP(buf_fini) struct buf safe = BUF_INIT;

	add_safe(&safe, s);
	for (size_t i = 0; i < safe.n; i++) {
		switch (safe.p[i]) {
		case '&':
			buf_str(b, "&amp;");
			break;
		case '<':
			buf_str(b, "&lt;");
			break;
		case '>':
			buf_str(b, "&gt;");
			break;
		case '"':
			buf_str(b, "&quot;");
			break;
		case '\'':
			buf_str(b, "&#39;");
			break;
		default:
			buf_char(b, safe.p[i]);
		}
	}
	b->failed = b->failed || safe.failed;
}

static const char *
colour_of(enum priority p)
{
	static const char *const colours[] = { "#b3261e", "#b3261e", "#b3261e", "#d9480f",
		"#b58900", "#1c6dd0", "#6b7280", "#6b7280" };

	return colours[p];
}

static void
html_group(const struct email_group *g, struct buf *b)
{
	buf_printf(b,
	    "<div style=\"border-left:4px solid %s;margin:0 0 16px;padding:4px 0 4px "
	    "12px\"><div style=\"font-weight:600\">",
	    colour_of(g->priority));
	if (g->count > 1)
		buf_printf(b, "%lu &times; ", (unsigned long) g->count);
	add_html(b, g->rule);
	buf_printf(b,
	    "</div><div style=\"color:#6b7280;font-size:13px\"><span style=\"color:%s\">%s</span> "
	    "&middot; ",
	    colour_of(g->priority), priority_name(g->priority));
	add_html(b, g->cluster);
	buf_str(b, slash(g));
	add_html(b, g->node);
	buf_str(b, " &middot; ");
	add_times(b, g->first, g->last);
	buf_str(b, "</div><div style=\"margin-top:6px;overflow-wrap:anywhere\">");
	add_html(b, g->text);
	buf_str(b, "</div></div>\n");
}

void
email_html(const struct email_digest *m, struct buf *ret)
{
	buf_str(ret,
	    "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	    "content=\"width=device-width,initial-scale=1\"></head>\n<body style=\"margin:0;"
	    "padding:16px;font:16px/1.4 sans-serif;color:#111827;background:#ffffff\"><div "
	    "style=\"max-width:600px;margin:0 auto\">\n<p style=\"margin:0 0 16px\">");
	buf_printf(ret, "%lu alert%s, ", (unsigned long) m->count, m->count == 1 ? "" : "s");
	add_times(ret, m->first, m->last);
	buf_str(ret, "</p>\n");
	for (size_t i = 0; i < m->n; i++)
		html_group(&m->group[i], ret);
	if (m->others > 0)
		buf_printf(
		    ret, "<p>%lu &times; other rules and nodes</p>\n", (unsigned long) m->others);
	buf_printf(ret,
	    "<p style=\"color:#6b7280;font-size:13px\">All of them: <code>mewsctl alerts</code>. "
	    "First id: %s</p></div></body></html>\n",
	    m->id);
}

/* ---- the message ---- */

static void
add_base64(struct buf *b, const char *p, size_t n)
{
	unsigned char out[4 * (LINE / 3) + 1];
	int len = EVP_EncodeBlock(out, (const unsigned char *) p, (int) n);

	buf_add(b, (const char *) out, (size_t) len);
}

static void
add_header(struct buf *b, const char *name, const char *value)
{
	buf_str(b, name);
	buf_str(b, ": ");
	buf_str(b, value);
	buf_str(b, "\r\n");
}

/* As encoded words, whole characters in each. */
static void
add_subject(struct buf *b, const struct email_digest *m)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	size_t at = 0;

	email_subject(m, &text);
	buf_str(b, "Subject:");
	while (at < text.n) {
		size_t n = MIN(text.n - at, (size_t) WORD_MAX);

		while (n > 1 && at + n < text.n && utf8_continues(text.p[at + n]))
			n--;
		buf_str(b, " =?UTF-8?B?");
		add_base64(b, text.p + at, n);
		buf_str(b, "?=\r\n");
		at += n;
	}
	b->failed = b->failed || text.failed;
}

static void
add_date(struct buf *b, uint64_t now)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t s = (time_t) (now / NS_PER_S);
	struct tm tm = { 0 };

	(void) gmtime_r(&s, &tm);
	buf_printf(b, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void
add_part(struct buf *b, const char *type, const struct buf *text)
{
	buf_str(b, "--mews-part\r\n");
	buf_printf(b, "Content-Type: %s; charset=utf-8\r\n", type);
	buf_str(b, "Content-Transfer-Encoding: base64\r\n\r\n");
	for (size_t at = 0; at < text->n; at += LINE) {
		add_base64(b, text->p + at, MIN(text->n - at, (size_t) LINE));
		buf_str(b, "\r\n");
	}
	b->failed = b->failed || text->failed;
}

void
email_message(const struct email_digest *m, const char *from, const char *const *to, size_t nto,
    uint64_t now, struct buf *ret)
{
	CLEANUP(buf_fini) struct buf plain = BUF_INIT;
	CLEANUP(buf_fini) struct buf html = BUF_INIT;

	add_date(ret, now);
	add_header(ret, "From", from);
	for (size_t i = 0; i < nto; i++) {
		buf_str(ret, i == 0 ? "To: " : ",\r\n ");
		buf_str(ret, to[i]);
	}
	buf_str(ret, "\r\n");
	add_subject(ret, m);
	/* sent again after a lost answer, it has the same name */
	buf_printf(
	    ret, "Message-ID: <%s.%lu%s>\r\n", m->id, (unsigned long) m->count, strchr(from, '@'));
	add_header(ret, "Auto-Submitted", "auto-generated");
	add_header(ret, "MIME-Version", "1.0");
	add_header(ret, "Content-Type", "multipart/alternative; boundary=mews-part");
	buf_str(ret, "\r\n");
	email_plain(m, &plain);
	email_html(m, &html);
	add_part(ret, "text/plain", &plain);
	add_part(ret, "text/html", &html);
	buf_str(ret, "--mews-part--\r\n");
}
