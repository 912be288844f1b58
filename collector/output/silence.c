/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/silence.h"
#include "collector/output/route.h"
#include "collector/output/silence_file.h"
#include "common/clock.h"
#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>

#define LISTED_NS (24 * 3600 * NS_PER_S) /* after its end */

struct silences {
	pthread_mutex_t lock; /* guards all: */
	char *path;
	uint64_t next;                     /* number */
	struct silence *v[SILENCES_MAX];   /* oldest first */
	struct route *route[SILENCES_MAX]; /* the condition of each; NULL: none */
	size_t n;
	bool counted; /* something that is not in the file */
};

static bool
is_empty(const char *s)
{
	return s == NULL || *s == '\0';
}

static bool
in_force(const struct silence *x, uint64_t now)
{
	return now < x->until;
}

static void
drop(struct silences *s, size_t i)
{
	silence_free(s->v[i]);
	route_free(s->route[i]);
	s->n--;
	memmove(&s->v[i], &s->v[i + 1], (s->n - i) * sizeof(s->v[0]));
	memmove(&s->route[i], &s->route[i + 1], (s->n - i) * sizeof(s->route[0]));
}

/* Forget those that ended long ago, and if there is no room, the one that ended first. */
static void
sweep(struct silences *s, uint64_t now)
{
	size_t first = SILENCES_MAX;

	for (size_t i = s->n; i > 0; i--) {
		if (s->v[i - 1]->until + LISTED_NS < now)
			drop(s, i - 1);
	}
	for (size_t i = 0; s->n == SILENCES_MAX && i < s->n; i++) {
		if (!in_force(s->v[i], now) &&
		    (first == SILENCES_MAX || s->v[i]->until < s->v[first]->until))
			first = i;
	}
	if (first < SILENCES_MAX)
		drop(s, first);
}

/* Take one into the set; the silence is the set's, also on error. */
static int
take(struct silences *s, struct silence *x, struct diag *d)
{
	struct route *route = NULL;
	int r = 0;

	if (s->n == SILENCES_MAX)
		r = -ENOSPC;
	else if (!is_empty(x->condition))
		r = route_new("debug", x->condition, &route, d);
	if (r < 0) {
		silence_free(x);
		return r;
	}
	s->route[s->n] = route;
	s->v[s->n++] = x;
	return 0;
}

static int
take_read(void *arg, struct silence *x)
{
	struct silences *s = arg;
	struct diag d = { 0 };
	uint64_t number = x->number;
	int r = take(s, x, &d);

	s->next = MAX(s->next, number + 1);
	return r == -EINVAL ? -EBADMSG : r;
}

int
silences_open(const char *path, struct silences **ret, struct diag *d)
{
	struct silences *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->next = 1;
	s->path = strdup(path);
	r = s->path == NULL ? -ENOMEM : silence_file_read(path, take_read, s, d);
	if (r == -ENOMEM) {
		silences_close(s);
		return r;
	}
	while (r < 0 && s->n > 0)
		drop(s, 0);
	*ret = s;
	return r;
}

static int
save(struct silences *s)
{
	int r = silence_file_write(s->path, s->v, s->n);

	if (r == 0)
		s->counted = false;
	return r;
}

void
silences_close(struct silences *s)
{
	if (s == NULL)
		return;
	if (s->counted)
		(void) !save(s);
	while (s->n > 0)
		drop(s, s->n - 1);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

static int
check(const struct silence_spec *spec, struct diag *d)
{
	const char *const texts[] = { spec->rule, spec->node, spec->cluster, spec->condition,
		spec->why, spec->who };

	if (is_empty(spec->rule) && is_empty(spec->node) && is_empty(spec->cluster) &&
	    is_empty(spec->condition))
		return diag_fail(d, 0, 0,
		    "name a rule, a node, a cluster or a condition: a silence of all "
		    "alerts is no silence");
	if (is_empty(spec->why))
		return diag_fail(d, 0, 0, "say why: the reason is listed with the silence");
	if (spec->seconds == 0 || spec->seconds > SILENCE_SECONDS)
		return diag_fail(d, 0, 0, "say for how long: from a second to a year");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i] != NULL && strlen(texts[i]) > SILENCE_TEXT_MAX)
			return diag_fail(
			    d, 0, 0, "a text has more than %d bytes", SILENCE_TEXT_MAX);
	}
	return 0;
}

int
silences_add(struct silences *s, const struct silence_spec *spec, uint64_t *ret, struct diag *d)
{
	struct silence *x = NULL;
	uint64_t now = clock_real();
	int r = check(spec, d);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	sweep(s, now);
	r = silence_new(spec, s->next, now, &x);
	if (r == 0)
		r = take(s, x, d);
	if (r == 0) {
		r = save(s);
		if (r < 0)
			drop(s, s->n - 1);
		else
			*ret = s->next++;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

int
silences_end(struct silences *s, uint64_t number)
{
	uint64_t now = clock_real(), until = 0;
	int r = -ENOENT;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i]->number != number || !in_force(s->v[i], now))
			continue;
		until = s->v[i]->until;
		s->v[i]->until = now;
		r = save(s);
		if (r < 0)
			s->v[i]->until = until;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static bool
matches(const char *pattern, const char *text)
{
	return is_empty(pattern) || fnmatch(pattern, text, 0) == 0;
}

static bool
covers(struct silences *s, size_t i, const struct alert *a)
{
	const struct silence *x = s->v[i];

	return matches(x->rule, a->rule) && matches(x->node, a->node) &&
	       matches(x->cluster, a->cluster) &&
	       (s->route[i] == NULL || route_takes(s->route[i], a));
}

bool
silences_cover(struct silences *s, const struct alert *a)
{
	uint64_t now = clock_real();
	bool covered = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n && !covered; i++) {
		covered = in_force(s->v[i], now) && covers(s, i, a);
		s->v[i]->count += covered;
	}
	s->counted |= covered;
	pthread_mutex_unlock(&s->lock);
	return covered;
}

void
silences_json(struct silences *s, struct buf *ret)
{
	uint64_t now = clock_real();

	pthread_mutex_lock(&s->lock);
	sweep(s, now);
	buf_char(ret, '[');
	for (size_t i = 0; i < s->n; i++) {
		buf_str(ret, i > 0 ? "," : "");
		silence_json(s->v[i],
		    in_force(s->v[i], now) ? ",\"in_force\":true" : ",\"in_force\":false", ret);
	}
	buf_char(ret, ']');
	pthread_mutex_unlock(&s->lock);
}

size_t
silences_in_force(struct silences *s)
{
	uint64_t now = clock_real();
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n; i++)
		n += in_force(s->v[i], now);
	pthread_mutex_unlock(&s->lock);
	return n;
}
