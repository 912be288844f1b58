/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/fold.h"
#include "common/buf.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

struct deed {
	char *key;
	uint64_t until;       /* monotonic ns: the end of its window */
	struct alert *latest; /* of those held; NULL: none */
	struct repeats repeats;
	uint64_t rows[FOLD_ROWS];
	size_t n;
};

struct fold {
	uint64_t window;
	const char *const *by;
	size_t nby;
	struct deed *v[FOLD_DEEDS]; /* oldest first */
	size_t n, held;
	size_t due; /* by fold_due() */
};

static const char *const usual[] = { "container.id", "proc.pname" };

int
fold_new(uint64_t window_ns, const char *const *by, size_t nby, struct fold **ret)
{
	struct fold *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	f->window = window_ns;
	f->by = by;
	f->nby = nby;
	*ret = f;
	return 0;
}

static void
deed_free(struct deed *d)
{
	if (d == NULL)
		return;
	alert_free(d->latest);
	free(d->key);
	free(d);
}

static void
drop(struct fold *f, size_t i)
{
	f->held -= f->v[i]->n;
	deed_free(f->v[i]);
	f->n--;
	memmove(&f->v[i], &f->v[i + 1], (f->n - i) * sizeof(f->v[0]));
}

void
fold_free(struct fold *f)
{
	while (f != NULL && f->n > 0)
		drop(f, f->n - 1);
	free(f);
}

/* The field that an entry of 'by' names for this rule, NULL: for all rules; NULL: it names none. */
static const char *
field_of(const char *entry, const char *rule)
{
	const char *field = strrchr(entry, ':');
	size_t n = field == NULL ? 0 : (size_t) (field - entry);

	if (field == NULL || rule == NULL)
		return field == NULL && rule == NULL ? entry : NULL;
	if (strlen(rule) != n || memcmp(entry, rule, n) != 0)
		return NULL;
	return field + 1 + strspn(field + 1, " ");
}

static void
add_value(struct buf *key, const json_t *fields, const char *field)
{
	char *text = json_dumps(json_object_get(fields, field), JSON_ENCODE_ANY);

	buf_char(key, ',');
	buf_str(key, text == NULL ? "" : text);
	free(text);
}

/* Add the values of the fields that are named for a rule, NULL: for all. Returns their number. */
static size_t
add_values(const struct fold *f, const char *rule, const json_t *fields, struct buf *key)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nby; i++) {
		const char *field = field_of(f->by[i], rule);

		if (field == NULL)
			continue;
		add_value(key, fields, field);
		n++;
	}
	return n;
}

/* What makes an alert, whose JSON is 'root', the same deed as another. */
static int
make_key(const struct fold *f, const struct alert *a, const json_t *root, struct buf *key)
{
	const json_t *fields = json_object_get(root, "output_fields");

	buf_json(key, slice_str(a->rule));
	buf_json(key, slice_str(a->node));
	buf_json(key, slice_str(a->cluster));
	if (add_values(f, a->rule, fields, key) == 0 && add_values(f, NULL, fields, key) == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
			add_value(key, fields, usual[i]);
	}
	return buf_ok(key);
}

static struct deed *
find(const struct fold *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->v[i]->key, key) == 0)
			return f->v[i];
	}
	return NULL;
}

/* Forget deeds whose window is over without a repeat; if all places are taken, the oldest without
 * one. */
static void
sweep(struct fold *f, uint64_t now)
{
	for (size_t i = f->n; i > 0; i--) {
		if (f->v[i - 1]->n == 0 && f->v[i - 1]->until <= now)
			drop(f, i - 1);
	}
	for (size_t i = 0; f->n == FOLD_DEEDS && i < f->n; i++) {
		if (f->v[i]->n == 0)
			drop(f, i);
	}
}

/* Begin a deed with an alert that is sent now. */
static int
begin(struct fold *f, const struct buf *key, uint64_t now)
{
	struct deed *d;

	sweep(f, now);
	if (f->n == FOLD_DEEDS)
		return -EAGAIN; /* all of them hold something: that is due */
	d = calloc(1, sizeof(*d));
	if (d != NULL)
		d->key = strdup(key->p);
	if (d == NULL || d->key == NULL) {
		deed_free(d);
		return -ENOMEM;
	}
	d->until = now + f->window;
	f->v[f->n++] = d;
	return 0;
}

static int
hold(struct fold *f, struct deed *d, const struct outbox_row *row, const json_t *root)
{
	struct alert *copy = NULL;

	if (alert_new(&row->alert, &copy) < 0)
		return -ENOMEM;
	alert_free(d->latest);
	d->latest = copy;
	repeats_add(&d->repeats, &row->alert, root);
	d->rows[d->n++] = row->rowid;
	f->held++;
	return 1;
}

static int
take(struct fold *f, const struct outbox_row *row, const json_t *root, uint64_t now)
{
	CLEANUP(buf_fini) struct buf key = BUF_INIT;
	struct deed *d;

	if (make_key(f, &row->alert, root, &key) < 0)
		return -ENOMEM;
	d = find(f, key.p);
	if (d != NULL && d->until <= now && d->n == 0) {
		d->until = now + f->window; /* the deed begins again */
		return 0;
	}
	if (d == NULL)
		return begin(f, &key, now);
	if (d->n == FOLD_ROWS || f->held == FOLD_HELD || d->until <= now)
		return -EAGAIN;
	return hold(f, d, row, root);
}

int
fold_take(struct fold *f, const struct outbox_row *row, uint64_t now)
{
	const struct alert *a = &row->alert;
	json_t *root = json_loadb(a->json, a->json_len, JSON_ALLOW_NUL, NULL);
	int r = take(f, row, root, now);

	json_decref(root);
	return r;
}

/* Is this one due? */
static bool
is_due(const struct fold *f, const struct deed *d, uint64_t now, bool all)
{
	return d->n > 0 && (all || d->until <= now || d->n == FOLD_ROWS || f->held == FOLD_HELD ||
			       f->n == FOLD_DEEDS);
}

bool
fold_due(struct fold *f, uint64_t now, bool all, struct fold_note *ret)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct deed *d = f->v[i];

		if (!is_due(f, d, now, all))
			continue;
		if (ret == NULL)
			return true;
		ret->alert = d->latest;
		ret->repeats = d->repeats;
		memcpy(ret->rows, d->rows, d->n * sizeof(d->rows[0]));
		ret->nrows = d->n;
		f->due = i;
		return true;
	}
	return false;
}

void
fold_sent(struct fold *f, uint64_t now)
{
	struct deed *d = f->v[f->due];

	f->held -= d->n;
	d->n = 0;
	d->repeats = (struct repeats){ 0 };
	alert_free(d->latest);
	d->latest = NULL;
	d->until = now + f->window;
}

size_t
fold_held(const struct fold *f)
{
	return f->held;
}

void
fold_clear(struct fold *f, void (*fn)(void *arg, uint64_t rowid), void *arg)
{
	while (f->n > 0) {
		const struct deed *d = f->v[0];

		for (size_t i = 0; i < d->n; i++)
			fn(arg, d->rows[i]);
		drop(f, 0);
	}
}
