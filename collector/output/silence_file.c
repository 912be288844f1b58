/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/silence_file.h"
#include "common/clock.h"
#include "common/file.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
	const char *key;
	size_t spec, at; /* in struct silence_spec and struct silence */
} texts[] = {
#define TEXT(name)                                                                         \
	{                                                                                  \
#name, offsetof(struct silence_spec, name), offsetof(struct silence, name) \
	}
	TEXT(rule), TEXT(node), TEXT(cluster), TEXT(condition), TEXT(why), TEXT(who)
};
static const struct {
	const char *key;
	size_t at;
} numbers[] = { { "number", offsetof(struct silence, number) },
	{ "created", offsetof(struct silence, created) },
	{ "until", offsetof(struct silence, until) },
	{ "count", offsetof(struct silence, count) } };

static char **
text_of(struct silence *x, size_t i)
{
	return (char **) ((char *) x + texts[i].at);
}

static const uint64_t *
number_of(const struct silence *x, size_t i)
{
	return (const uint64_t *) ((const char *) x + numbers[i].at);
}

int
silence_new(const struct silence_spec *spec, uint64_t number, uint64_t now, struct silence **ret)
{
	struct silence *x = calloc(1, sizeof(*x));

	for (size_t i = 0; x != NULL && i < ARRAY_SIZE(texts); i++) {
		const char *s = *(const char *const *) ((const char *) spec + texts[i].spec);

		*text_of(x, i) = strdup(s == NULL ? "" : s);
		if (*text_of(x, i) == NULL) {
			silence_free(x);
			x = NULL;
		}
	}
	if (x == NULL)
		return -ENOMEM;
	x->number = number;
	x->created = now;
	x->until = now + spec->seconds * NS_PER_S;
	*ret = x;
	return 0;
}

void
silence_free(struct silence *x)
{
	for (size_t i = 0; x != NULL && i < ARRAY_SIZE(texts); i++)
		free(*text_of(x, i));
	free(x);
}

void
silence_json(const struct silence *x, const char *more, struct buf *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		buf_printf(ret, "%c\"%s\":%llu", i == 0 ? '{' : ',', numbers[i].key,
		    (unsigned long long) *number_of(x, i));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		buf_printf(ret, ",\"%s\":", texts[i].key);
		buf_json(ret, slice_str(*text_of((struct silence *) x, i)));
	}
	buf_str(ret, more);
	buf_char(ret, '}');
}

/* A silence of the file; NULL: it is none. */
static struct silence *
parse(const json_t *j)
{
	struct silence_spec spec = { 0 };
	struct silence *x = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *s = json_string_value(json_object_get(j, texts[i].key));

		if (s == NULL || strlen(s) > SILENCE_TEXT_MAX)
			return NULL;
		*(const char **) ((char *) &spec + texts[i].spec) = s;
	}
	if (silence_new(&spec, 0, 0, &x) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const json_t *v = json_object_get(j, numbers[i].key);

		if (!json_is_integer(v) || json_integer_value(v) < 0) {
			silence_free(x);
			return NULL;
		}
		*(uint64_t *) number_of(x, i) = (uint64_t) json_integer_value(v);
	}
	return x;
}

int
silence_file_parse(struct slice text, int (*take)(void *arg, struct silence *x), void *arg)
{
	json_t *root = json_loadb(text.p, text.n, 0, NULL), *j;
	int r = json_is_array(root) ? 0 : -EBADMSG;
	size_t i;

	json_array_foreach(root, i, j)
	{
		struct silence *x = parse(j);

		r = x == NULL ? -EBADMSG : take(arg, x);
		if (r < 0)
			break;
	}
	json_decref(root);
	return r;
}

int
silence_file_read(
    const char *path, int (*take)(void *arg, struct silence *x), void *arg, struct diag *d)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	char aside[PATH_MAX];
	int r;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = file_read(path, "file of silences", false, &text, d);
	if (r < 0)
		return r == -EBADMSG ? -EIO : r;
	r = silence_file_parse(buf_get(&text), take, arg);
	if (r == 0 || r == -ENOMEM)
		return r;
	(void) snprintf(aside, sizeof(aside), "%s.damaged", path);
	(void) rename(path, aside);
	diag_set(d, 0, 0,
	    "'%s' is damaged and is now '%s': no silence is in force; make them again with "
	    "'mewsctl silence add'",
	    path, aside);
	return -EBADMSG;
}

int
silence_file_write(const char *path, struct silence *const *v, size_t n)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct diag d = { 0 };

	buf_str(&text, "[\n");
	for (size_t i = 0; i < n; i++) {
		silence_json(v[i], "", &text);
		buf_str(&text, i + 1 < n ? ",\n" : "\n");
	}
	buf_str(&text, "]\n");
	if (buf_ok(&text) < 0)
		return -ENOMEM;
	return file_replace(path, buf_get(&text), 0600, &d);
}
