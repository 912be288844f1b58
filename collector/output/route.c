/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/route.h"
#include "collector/filter/filter.h"
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

struct route {
	enum priority minimum;
	struct arena arena;
	const struct filter *filter; /* NULL: any */
	struct fscratch *fs;
	struct route *earlier; /* what one of these takes is not for this one; NULL: no more */
};

/* The alert under way. */
struct reading {
	const struct alert *a;
	json_t *root, *fields; /* its JSON, and the output_fields there */
};

static const char *const priorities[] = { "Emergency", "Alert", "Critical", "Error", "Warning",
	"Notice", "Informational", "Debug" };

/* Names of an alert itself. */
static const struct own {
	const char *name;
	enum { A_TEXT, A_PRIORITY, A_JSON, A_FIELD } kind;
	size_t offset;   /* TEXT: in struct alert */
	const char *key; /* JSON */
} own[] = {
	{ "alert.rule", A_TEXT, offsetof(struct alert, rule), NULL },
	{ "alert.node", A_TEXT, offsetof(struct alert, node), NULL },
	{ "alert.cluster", A_TEXT, offsetof(struct alert, cluster), NULL },
	{ "mews.cluster", A_TEXT, offsetof(struct alert, cluster), NULL },
	{ "alert.priority", A_PRIORITY, 0, NULL },
	{ "alert.tags", A_JSON, 0, "tags" },
	{ "alert.source", A_JSON, 0, "source" },
	{ "alert.output", A_JSON, 0, "output" },
	{ "alert.field", A_FIELD, 0, NULL },
};

#define OWN_NAMES                                                                           \
	"alert.rule, alert.priority, alert.tags, alert.node, alert.cluster, alert.source, " \
	"alert.output, fields of rules (proc.name), and alert.field[NAME] for other output_fields"

static bool
find(struct slice name, struct slice key, struct named *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (!slice_eq(name, slice_str(own[i].name)) ||
		    (own[i].kind == A_FIELD) != (key.p != NULL))
			continue;
		ret->type = FT_STR;
		ret->list = strcmp(own[i].name, "alert.tags") == 0;
		ret->own = (int) i;
		if (own[i].kind == A_PRIORITY) {
			ret->values = priorities;
			ret->nvalues = ARRAY_SIZE(priorities);
		}
		return true;
	}
	return false;
}

/* ---- JSON to a value of a type ---- */

static void
add_object(const json_t *j, struct buf *b)
{
	char *text = json_dumps(j, JSON_COMPACT);

	buf_str(b, text == NULL ? "" : text);
	free(text);
}

static bool
as_text(const json_t *j, struct fscratch *fs, struct fval *ret)
{
	struct buf *b;

	if (json_is_string(j)) {
		ret->s = (struct slice){ json_string_value(j), json_string_length(j) };
		return true;
	}
	b = scratch_buf(fs);
	if (json_is_integer(j))
		buf_printf(b, "%lld", (long long) json_integer_value(j));
	else if (json_is_boolean(j))
		buf_str(b, json_is_true(j) ? "true" : "false");
	else if (json_is_real(j))
		buf_printf(b, "%.17g", json_real_value(j));
	else if (json_is_object(j))
		add_object(j, b);
	ret->s = scratch_take(fs, b);
	return ret->s.p != NULL && ret->s.n > 0;
}

/* A number is a text where rules print it as such: "0x1f". */
static bool
as_number(const json_t *j, int64_t *ret)
{
	const char *s = json_string_value(j);
	char *end;

	if (json_is_integer(j)) {
		*ret = json_integer_value(j);
		return true;
	}
	if (s == NULL)
		return false;
	errno = 0;
	*ret = strtoll(s, &end, 0);
	return end != s && *end == '\0' && errno == 0;
}

static bool
as_address(const json_t *j, struct fval *ret)
{
	const char *s = json_string_value(j);

	if (s == NULL)
		return false;
	ret->ip.family = strchr(s, ':') == NULL ? 4 : 6;
	return inet_pton(ret->ip.family == 4 ? AF_INET : AF_INET6, s, ret->ip.addr) == 1;
}

static bool
as_value(const json_t *j, enum ftype type, struct fscratch *fs, struct fval *ret)
{
	int64_t number;

	*ret = (struct fval){ .type = type };
	switch (type) {
	case FT_STR:
	case FT_BYTES:
	case FT_DYN:
		return as_text(j, fs, ret);
	case FT_INT:
		return as_number(j, &ret->i);
	case FT_UINT:
	case FT_PORT:
	case FT_RELTIME:
	case FT_ABSTIME:
		if (!as_number(j, &number))
			return false;
		ret->u = (uint64_t) number;
		return true;
	case FT_BOOL:
		ret->b = json_is_true(j);
		return json_is_boolean(j);
	case FT_DOUBLE:
		ret->d = json_number_value(j);
		return json_is_number(j);
	case FT_IP:
	case FT_NET:
		return as_address(j, ret);
	}
	return false;
}

/* A text of the alert itself: true. Otherwise *j is where it is in the JSON. */
static bool
own_text(const struct reading *rd, const struct named *n, struct slice *ret, const json_t **j)
{
	const struct own *o = &own[n->own];

	switch (o->kind) {
	case A_TEXT:
		*ret = slice_str(*(const char *const *) ((const char *) rd->a + o->offset));
		return true;
	case A_PRIORITY:
		*ret = slice_str(priority_name(rd->a->priority));
		return true;
	case A_JSON:
		*j = json_object_get(rd->root, o->key);
		return false;
	case A_FIELD:
		*j = json_object_getn(rd->fields, n->key.p, n->key.n);
		return false;
	}
	return false;
}

static int
get(void *arg, const struct named *n, struct fscratch *fs, struct fval *ret, int max)
{
	const struct reading *rd = arg;
	const json_t *j = NULL;
	int k = 0;

	if (n->own < 0)
		j = json_object_getn(rd->fields, n->text.p, n->text.n);
	ret[0] = (struct fval){ .type = FT_STR };
	if (n->own >= 0 && own_text(rd, n, &ret[0].s, &j))
		return 1;
	if (j == NULL || json_is_null(j))
		return 0;
	if (!json_is_array(j))
		return as_value(j, n->type, fs, ret);
	for (size_t i = 0; i < json_array_size(j) && k < max; i++)
		k += as_value(json_array_get(j, i), n->type, fs, &ret[k]);
	return k > 0 ? k : -1;
}

int
route_new(const char *minimum, const char *condition, struct route **ret, struct diag *d)
{
	int prio = priority_of(minimum), r;
	struct route *route;
	struct filter *f = NULL;

	if (prio < 0)
		return diag_fail(
		    d, 0, 0, "must be a priority from emergency to debug, not '%s'", minimum);
	route = calloc(1, sizeof(*route));
	if (route == NULL)
		return -ENOMEM;
	route->minimum = (enum priority) prio;
	arena_init(&route->arena, 0);
	r = fscratch_new(&route->fs);
	if (r == 0 && condition != NULL && condition[0] != '\0') {
		r = filter_compile_named(slice_str(condition), find, &route->arena, &f, d);
		route->filter = f;
	}
	if (r == -EINVAL && d->code == DIAG_UNKNOWN_FIELD)
		diag_add(d, "; a condition on alerts has " OWN_NAMES);
	if (r < 0) {
		route_free(route);
		return r;
	}
	*ret = route;
	return 0;
}

void
route_free(struct route *r)
{
	while (r != NULL) {
		struct route *next = r->earlier;

		fscratch_free(r->fs);
		arena_fini(&r->arena);
		free(r);
		r = next;
	}
}

void
route_after(struct route *r, struct route *earlier)
{
	earlier->earlier = r->earlier;
	r->earlier = earlier;
}

/* 'unsure': the answer if it cannot be found out. */
static bool
matches(struct route *r, struct reading *rd, bool unsure)
{
	bool hit;

	if (rd->a->priority > r->minimum)
		return false;
	if (r->filter == NULL)
		return true;
	if (rd->root == NULL)
		rd->root = json_loadb(rd->a->json, rd->a->json_len, 0, NULL);
	if (rd->root == NULL)
		return unsure;
	rd->fields = json_object_get(rd->root, "output_fields");
	fscratch_reset(r->fs);
	hit = filter_match_named(r->filter, get, rd, r->fs);
	return fscratch_failed(r->fs) ? unsure : hit;
}

bool
route_takes(struct route *r, const struct alert *a)
{
	struct reading rd = { .a = a };
	bool takes = matches(r, &rd, true);

	for (struct route *e = r->earlier; takes && e != NULL; e = e->earlier)
		takes = !matches(e, &rd, false); /* rather to both than to none */
	json_decref(rd.root);
	return takes;
}
