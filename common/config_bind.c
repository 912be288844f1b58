/* SPDX-License-Identifier: Apache-2.0 */
#include "common/array.h"
#include "common/config.h"
#include "common/config_int.h"
#include "common/near.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct unit {
	const char *name;
	uint64_t factor;
};
static const struct unit size_units[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "KiB", 1ULL << 10 },
	{ "MiB", 1ULL << 20 },
	{ "GiB", 1ULL << 30 },
	{ "TiB", 1ULL << 40 },
};
static const struct unit msec_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60000 },
	{ "h", 3600000 },
	{ "d", 86400000 },
};

static const struct {
	const char *word; /* for --help */
	const char *like; /* describes a valid value in errors */
} types[] = {
	[OPT_STR] = { "text", "a text" },
	[OPT_BOOL] = { "bool", "true or false" },
	[OPT_U64] = { "number", "a number" },
	[OPT_SIZE] = { "size", "a size, such as 512, 64KiB or 8MiB" },
	[OPT_MSEC] = { "time", "a time, such as 250ms, 10s, 5m, 2h or 7d" },
	[OPT_LIST] = { "list", "a list" },
};

void
cfg_entry_place(const struct cfg *c, const struct cfg_entry *e, bool key, struct diag *d)
{
	struct slice content = e->file != NULL ? e->file->content : c->content;

	if (strncmp(e->key, "outputs.", strlen("outputs.")) == 0)
		content = (struct slice){ NULL, 0 }; /* the line may have a password or a URL */
	d->line = key ? e->kline : e->line;
	d->col = key ? e->kcol : e->col;
	if (d->line > 0)
		diag_place(d, e->file != NULL ? e->file->name : c->name, content);
	else
		diag_place(d, "command line", (struct slice){ NULL, 0 });
}

/* The rest of an entry's key after 'key', "" or ".REST"; NULL: it is another one. */
static const char *
rest_of(const struct cfg *c, const struct cfg_entry *e, const char *key)
{
	size_t n = c->list == NULL ? 0 : strlen(c->list);
	const char *have = e->key;

	if (n > 0 && strncmp(key, c->list, n) == 0 && (key[n] == '.' || key[n] == '\0')) {
		size_t m = strlen(c->element);

		if (strncmp(have, c->element, m) != 0)
			return NULL;
		have += m;
		key += n;
	}
	n = strlen(key);
	if (strncmp(have, key, n) != 0 || (have[n] != '.' && have[n] != '\0'))
		return NULL;
	return have + n;
}

static bool
is_key(const struct cfg *c, const struct cfg_entry *e, const char *key)
{
	const char *rest = rest_of(c, e, key);

	return rest != NULL && *rest == '\0';
}

size_t
cfg_elements(const struct cfg *c, const char *prefix)
{
	size_t n = strlen(prefix), most = 0;

	for (size_t i = 0; i < c->n; i++) {
		const char *k = c->entry[i].key;
		char *end;
		unsigned long v;

		if (strncmp(k, prefix, n) != 0 || k[n] != '.' || k[n + 1] < '0' || k[n + 1] > '9')
			continue;
		v = strtoul(k + n + 1, &end, 10);
		if (*end == '.' && v < c->n)
			most = MAX(most, v + 1);
	}
	return most;
}

void
cfg_select(struct cfg *c, const char *prefix, size_t element)
{
	c->list = prefix;
	(void) snprintf(
	    c->element, sizeof(c->element), "%s.%zu", prefix == NULL ? "" : prefix, element);
}

char *
cfg_copy(struct cfg *c, const char *text)
{
	return arena_strdup(&c->arena, slice_str(text));
}

/* Parse digits and a unit: 0; -EINVAL if it is something else; -ERANGE beyond 64 bits. */
static int
parse_number(const char *s, const struct unit *units, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	bool any = false;

	for (; *s >= '0' && *s <= '9'; s++, any = true) {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
			return -ERANGE;
	}
	if (!any)
		return -EINVAL;
	if (v == 0 && *s == '\0') { /* zero needs no unit */
		*ret = 0;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(s, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(v, units[i].factor, ret))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

static int
parse_value(const struct opt *o, const char *s, uint64_t *ret)
{
	if (o->type == OPT_SIZE)
		return parse_number(s, size_units, ARRAY_SIZE(size_units), ret);
	if (o->type == OPT_MSEC)
		return parse_number(s, msec_units, ARRAY_SIZE(msec_units), ret);
	return parse_number(s, size_units, 1, ret);
}

/* Format a number in the largest unit that divides it. */
static void
format_number(const struct opt *o, uint64_t v, char out[32])
{
	const struct unit *u = o->type == OPT_MSEC ? msec_units : size_units;
	size_t n = o->type == OPT_MSEC ? ARRAY_SIZE(msec_units) : ARRAY_SIZE(size_units);
	size_t i = o->type == OPT_U64 ? 0 : n - 1;

	while (i > 0 && (v == 0 || v % u[i].factor != 0 || u[i].name[0] == 'B'))
		i--;
	(void) snprintf(out, 32, "%" PRIu64 "%s", v / u[i].factor, u[i].name);
}

static int
bind_number(const struct opt *o, const char *s, uint64_t *ret, struct diag *d)
{
	char least[32], most[32];
	int r = parse_value(o, s, ret);

	if (r == -EINVAL)
		return diag_fail(
		    d, 0, 0, "'%s' must be %s, not '%s'", o->key, types[o->type].like, s);
	if (r == 0 && *ret >= o->min && (o->max == 0 || *ret <= o->max))
		return 0;
	format_number(o, o->min, least);
	format_number(o, o->max == 0 ? UINT64_MAX : o->max, most);
	return diag_fail(d, 0, 0, "'%s' must be from %s to %s, not '%s'", o->key, least, most, s);
}

static int
bind_bool(const struct opt *o, const char *s, bool *ret, struct diag *d)
{
	*ret = strcmp(s, "true") == 0 || strcmp(s, "yes") == 0;
	if (*ret || strcmp(s, "false") == 0 || strcmp(s, "no") == 0)
		return 0;
	return diag_fail(d, 0, 0, "'%s' must be true or false, not '%s'", o->key, s);
}

/* Bind one value, not a list. 'value' is owned by the cfg; NULL: empty. */
static int
bind_value(const struct opt *o, char *value, char *base, struct diag *d)
{
	void *at = base + o->offset;

	switch (o->type) {
	case OPT_STR:
		*(char **) at = value;
		return 0;
	case OPT_BOOL:
		return bind_bool(o, value == NULL ? "false" : value, at, d);
	case OPT_U64:
	case OPT_SIZE:
	case OPT_MSEC:
		return bind_number(o, value == NULL ? "0" : value, at, d);
	case OPT_LIST:
		break;
	}
	return -EINVAL;
}

static int
list_add(struct cfg *c, struct opt_list *l, struct slice s)
{
	if (ARENA_RESERVE(&c->arena, l->v, l->n, 1, l->cap) < 0 ||
	    (l->v[l->n] = arena_strdup(&c->arena, s)) == NULL)
		return -ENOMEM;
	l->n++;
	return 0;
}

/* Bind the default; commas separate a list's elements. */
static int
bind_default(struct cfg *c, const struct opt *o, char *base, struct diag *d)
{
	const char *p = o->def;
	char *value = NULL;

	if (o->type != OPT_LIST) {
		if (p != NULL) {
			value = arena_strdup(&c->arena, slice_str(p));
			if (value == NULL)
				return -ENOMEM;
		}
		return bind_value(o, value, base, d);
	}
	*(struct opt_list *) (void *) (base + o->offset) = (struct opt_list){ .v = NULL };
	while (p != NULL && *p != '\0') {
		size_t n = strcspn(p, ",");

		if (list_add(c, (void *) (base + o->offset), (struct slice){ p, n }) < 0)
			return -ENOMEM;
		p += n + (p[n] == ',');
	}
	return 0;
}

static int
bind_entry(
    struct cfg *c, const struct opt *o, struct cfg_entry *e, bool first, char *base, struct diag *d)
{
	struct opt_list *l = (void *) (base + o->offset);
	int r;

	if (o->type == OPT_LIST) {
		if (first)
			*l = (struct opt_list){ .v = NULL };
		if (e->value == NULL)
			return 0;
		return list_add(c, l, slice_str(e->value));
	}
	if (e->list)
		r = diag_fail(d, 0, 0, "'%s' takes one value, not a list", o->key);
	else if (e->value == NULL)
		r = diag_fail(
		    d, 0, 0, "'%s' has no value; leave the line out for the default", o->key);
	else
		r = bind_value(o, e->value, base, d);
	if (r == -EINVAL)
		cfg_entry_place(c, e, false, d);
	return r;
}

static int
bind_opt(struct cfg *c, const struct opt *o, char *base, struct diag *d)
{
	bool over = false, first = true;
	int r = bind_default(c, o, base, d);

	for (size_t i = 0; i < c->n; i++) {
		if (is_key(c, &c->entry[i], o->key)) {
			c->entry[i].known = true;
			over |= c->entry[i].line == 0;
		}
	}
	for (size_t i = 0; r == 0 && i < c->n; i++) {
		struct cfg_entry *e = &c->entry[i];

		if (!is_key(c, e, o->key) || (over && e->line != 0))
			continue;
		r = bind_entry(c, o, e, first, base, d);
		first = false;
	}
	return r;
}

int
cfg_bind(struct cfg *c, const struct opt *opts, size_t n, void *base, struct diag *d)
{
	int r;

	*d = (struct diag){ 0 };
	if (ARRAY_RESERVE(c->key, c->nkey, n, c->key_cap) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		c->key[c->nkey++] = opts[i].key;
	for (size_t i = 0; i < n; i++) {
		r = bind_opt(c, &opts[i], base, d);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Is it an empty section, such as 'kafka:' with all its lines commented out? */
static bool
is_section(const struct cfg *c, const struct cfg_entry *e)
{
	size_t n = strlen(e->key);

	for (size_t i = 0; e->value == NULL && !e->list && i < c->nkey; i++) {
		if (strncmp(c->key[i], e->key, n) == 0 && c->key[i][n] == '.')
			return true;
	}
	return false;
}

/* Find the first entry from index *i on that no table has, or NULL. */
static const struct cfg_entry *
next_unknown(const struct cfg *c, size_t *i)
{
	for (; *i < c->n; ++*i) {
		const struct cfg_entry *e = &c->entry[*i];

		if (!e->known && !is_section(c, e))
			return &c->entry[(*i)++];
	}
	return NULL;
}

static void
say_unknown(const struct cfg *c, const struct cfg_entry *e, struct diag *d)
{
	struct near near = near_to(slice_str(e->key));

	*d = (struct diag){ 0 };
	for (size_t k = 0; k < c->nkey; k++)
		near_try(&near, slice_str(c->key[k]));
	diag_set(d, 0, 0, "unknown key '%s'%s", e->key, near_hint(&near));
	cfg_entry_place(c, e, true, d);
}

int
cfg_check_unknown(const struct cfg *c, struct diag *d)
{
	size_t i = 0;
	const struct cfg_entry *e = next_unknown(c, &i);

	*d = (struct diag){ 0 };
	if (e == NULL)
		return 0;
	say_unknown(c, e, d);
	return -EINVAL;
}

int
cfg_tell_unknown(const struct cfg *c, void (*tell)(void *arg, const struct diag *d), void *arg)
{
	const struct cfg_entry *e;
	struct diag d;
	size_t i = 0;
	int r = 0;

	while ((e = next_unknown(c, &i)) != NULL) {
		say_unknown(c, e, &d);
		tell(arg, &d);
		r = -EINVAL;
	}
	return r;
}

int
cfg_each(struct cfg *c, const char *prefix,
    int (*fn)(void *arg, const char *rest, const char *value, struct diag *d), void *arg,
    struct diag *d)
{
	const char *rest;

	*d = (struct diag){ 0 };
	for (size_t i = 0; i < c->n; i++) {
		struct cfg_entry *e = &c->entry[i];
		int r;

		rest = rest_of(c, e, prefix);
		if (rest == NULL)
			continue;
		e->known = true;
		if (*rest == '\0') { /* the section itself, empty */
			if (e->value == NULL)
				continue;
			diag_set(d, 0, 0, "'%s' must hold 'key: value' lines", prefix);
			cfg_entry_place(c, e, false, d);
			return -EINVAL;
		}
		r = fn(arg, rest + 1, e->value == NULL ? "" : e->value, d);
		if (r == -EINVAL)
			cfg_entry_place(c, e, false, d);
		if (r < 0)
			return r;
	}
	return 0;
}

bool
cfg_has(const struct cfg *c, const char *prefix)
{
	for (size_t i = 0; i < c->n; i++) {
		if (rest_of(c, &c->entry[i], prefix) != NULL)
			return true;
	}
	return false;
}

void
cfg_place(const struct cfg *c, const char *key, struct diag *d)
{
	const struct cfg_entry *found = NULL, *first = NULL;

	for (size_t i = 0; i < c->n; i++) {
		if (is_key(c, &c->entry[i], key))
			found = &c->entry[i]; /* the last wins */
		if (first == NULL && c->list != NULL && rest_of(c, &c->entry[i], c->list) != NULL)
			first = &c->entry[i]; /* the element without the key */
	}
	if (found != NULL || first != NULL) {
		cfg_entry_place(c, found != NULL ? found : first, found == NULL, d);
		return;
	}
	d->line = 0;
	d->col = 0;
	diag_place(d, c->name, (struct slice){ NULL, 0 });
}

bool
cfg_is_secret(const struct cfg *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->entry[i].secret && is_key(c, &c->entry[i], key))
			return true;
	}
	return false;
}

int
cfg_wrong(const struct cfg *c, const char *key, const char *what, const char *value, struct diag *d)
{
	cfg_place(c, key, d);
	if (value != NULL && cfg_is_secret(c, key))
		return diag_fail(
		    d, d->line, d->col, "'%s' must be %s, not what its file contains", key, what);
	return diag_fail(
	    d, d->line, d->col, "'%s' must be %s, not '%s'", key, what, value == NULL ? "" : value);
}

void
opt_print(FILE *f, const struct opt *opts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct opt *o = &opts[i];

		fprintf(f, "  %-28s %-7s %s", o->key, types[o->type].word, o->help);
		if (o->def != NULL && o->def[0] != '\0')
			fprintf(f, " [%s]", o->def);
		fputc('\n', f);
	}
}
