/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/hide.h"
#include "common/macros.h"
#include <string.h>

#define HEADER_LEAST 4 /* bytes of a header's value: shorter ones are no secrets */

void
hide_add(struct hide *h, struct slice secret, size_t least)
{
	if (secret.n == 0 || secret.n < least)
		return;
	if (h->n == HIDE_MAX)
		h->all = true;
	else
		h->v[h->n++] = secret;
}

/* Hide the parts between characters of 'between'. */
static void
add_parts(struct hide *h, struct slice s, const char *between, size_t least)
{
	size_t from = 0;

	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && strchr(between, s.p[i]) == NULL)
			continue;
		hide_add(h, (struct slice){ s.p + from, i - from }, least);
		from = i + 1;
	}
}

void
hide_url(struct hide *h, const char *url)
{
	const char *start = url == NULL ? NULL : strstr(url, "://");
	const char *path, *at;

	if (start == NULL)
		return;
	start += strlen("://");
	path = start + strcspn(start, "/?#");
	at = memrchr(start, '@', (size_t) (path - start));
	if (at != NULL)
		add_parts(h, (struct slice){ start, (size_t) (at - start) }, ":", 1);
	add_parts(h, slice_str(path), "/?&=#", HIDE_WORD);
}

void
hide_header(struct hide *h, const char *line)
{
	struct slice value = slice_str(line + strcspn(line, ":"));
	size_t first;

	for (; value.n > 0 && (*value.p == ':' || *value.p == ' '); value.n--)
		value.p++;
	hide_add(h, value, HEADER_LEAST);
	first = value.n == 0 ? 0 : strcspn(value.p, " ");
	if (first < value.n)
		add_parts(h, (struct slice){ value.p + first, value.n - first }, " ", HEADER_LEAST);
}

/* The length of the longest secret that begins here, or 0. */
static size_t
secret_at(const struct hide *h, struct slice s)
{
	size_t longest = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct slice *v = &h->v[i];

		if (v->n <= s.n && v->n > longest && memcmp(v->p, s.p, v->n) == 0)
			longest = v->n;
	}
	return longest;
}

void
hide_text(const struct hide *h, struct slice text, struct buf *ret)
{
	static const char instead[] = "(not shown)";

	if (h == NULL || h->n == 0) {
		buf_slice(ret, text);
		return;
	}
	if (h->all && text.n > 0) {
		buf_str(ret, instead);
		return;
	}
	for (size_t i = 0; i < text.n;) {
		size_t n = secret_at(h, (struct slice){ text.p + i, text.n - i });

		if (n > 0)
			buf_str(ret, instead);
		else
			buf_char(ret, text.p[i]);
		i += MAX(n, (size_t) 1);
	}
}
