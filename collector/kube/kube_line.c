/* SPDX-License-Identifier: Apache-2.0 */
/* kube_line.c - the door: what an API server answers, as JSON, becomes objects. */
#include "collector/kube/kube_int.h"
#include <errno.h>
#include <stdlib.h>

/* Texts may have any character: an environment variable of a pod is not ours to judge. */
#define LOAD JSON_ALLOW_NUL

static int
keep_version(struct feed *f, const json_t *meta)
{
	struct slice v = kube_text(meta, "resourceVersion");

	if (v.n == 0 || v.n >= sizeof(f->version) || memchr(v.p, '\0', v.n) != NULL)
		return -EBADMSG;
	(void) snprintf(f->version, sizeof(f->version), "%.*s", SLICE_ARG(v));
	return 0;
}

/* An object without a name or uid is none of ours: it is left out. */
static int
put_object(struct feed *f, const json_t *o)
{
	struct kube_object *made = NULL;
	int r = kube_object_new(f->kind, o, &made);

	if (r == 0)
		kube_put(f->kube->store, made);
	return r == -EINVAL ? 0 : r;
}

static int
take_page(struct feed *f, json_t *page, uint64_t now)
{
	const json_t *meta = json_object_get(page, "metadata"),
		     *items = json_object_get(page, "items");
	struct slice more = kube_text(meta, "continue");
	int r = 0;

	/* a list without objects may have "items": null */
	if (!json_is_object(meta) || !(json_is_array(items) || json_is_null(items)))
		return -EBADMSG;
	if (f->more == NULL)
		kube_list(f->kube->store, f->kind);
	for (size_t i = 0; r == 0 && i < json_array_size(items); i++)
		r = put_object(f, json_array_get(items, i));
	free(f->more);
	f->more = NULL;
	if (r < 0)
		return r;
	if (more.n > 0) {
		f->more = strndup(more.p, more.n);
		return f->more == NULL ? -ENOMEM : 0;
	}
	r = keep_version(f, meta);
	if (r == 0)
		kube_list_end(f->kube->store, f->kind, now);
	return r;
}

int
feed_page(struct feed *f, uint64_t now)
{
	json_error_t e;
	json_t *page = json_loadb(f->in.p, f->in.n, LOAD, &e);
	int r = page == NULL ? -EBADMSG : take_page(f, page, now);

	json_decref(page);
	return r;
}

static bool
is(const json_t *o, const char *key, const char *word)
{
	return slice_eq(kube_text(o, key), slice_str(word));
}

/* The server ends the watch, with a Status. */
static void
take_error(struct feed *f, const json_t *status)
{
	bool expired = json_integer_value(json_object_get(status, "code")) == 410 ||
		       is(status, "reason", "Expired") || is(status, "reason", "Gone");

	f->end = expired ? END_EXPIRED : END_ERROR;
	(void) snprintf(
	    f->error, sizeof(f->error), "%.*s", SLICE_ARG(kube_text(status, "message")));
}

static int
take_change(struct feed *f, const json_t *line, uint64_t now)
{
	const json_t *o = json_object_get(line, "object");
	struct kube_object *made = NULL;
	int r = 0;

	counter_add(&f->kube->changes, 1);
	if (is(line, "type", "ADDED") || is(line, "type", "MODIFIED")) {
		r = put_object(f, o);
	} else if (is(line, "type", "DELETED")) {
		r = kube_object_new(f->kind, o, &made);
		if (r == 0)
			kube_delete(f->kube->store, made, now);
		kube_object_unref(made);
		r = r == -EINVAL ? 0 : r;
	} else if (!is(line, "type", "BOOKMARK")) {
		return -EBADMSG;
	}
	return r < 0 ? r : keep_version(f, json_object_get(o, "metadata"));
}

void
feed_line(struct feed *f, struct slice line, uint64_t now)
{
	json_error_t e;
	json_t *o = json_loadb(line.p, line.n, LOAD, &e);

	if (o == NULL)
		f->end = END_NONSENSE;
	else if (is(o, "type", "ERROR"))
		take_error(f, json_object_get(o, "object"));
	else if (take_change(f, o, now) < 0)
		f->end = END_NONSENSE;
	json_decref(o);
}
