/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/kube/kube_object.h"
#include "common/buf.h"
#include <errno.h>
#include <stdlib.h>

/* An object under way: its texts, one after the other, and where each begins. */
struct draft {
	struct kube_object o; /* with offsets in place of pointers */
	struct buf text;
};

struct slice
kube_text(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? (struct slice){ json_string_value(v), json_string_length(v) }
				 : (struct slice){ NULL, 0 };
}

static struct slice
put(struct draft *d, struct slice s)
{
	struct slice at = { (const char *) d->text.n, s.n }; /* NOLINT(performance-no-int-to-ptr) */

	buf_slice(&d->text, s);
	return at;
}

static struct slice
put_text(struct draft *d, const json_t *o, const char *key)
{
	return put(d, kube_text(o, key));
}

/* Labels, or a selector. */
static struct slice
put_list(struct draft *d, json_t *list)
{
	size_t begin = d->text.n;
	const char *key;
	json_t *v;

	json_object_foreach(list, key, v)
	{
		size_t n = strlen(key) + json_string_length(v) + 2;

		if (!json_is_string(v) || d->text.n - begin + n > KUBE_LIST_MAX)
			continue;
		buf_str(&d->text, key);
		buf_char(&d->text, '=');
		buf_str(&d->text, json_string_value(v));
		buf_char(&d->text, '\0');
	}
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an offset, until the texts have their place */
	return (struct slice){ (const char *) begin, d->text.n - begin };
}

/* The owner that controls it. */
static void
put_owner(struct draft *d, const json_t *meta)
{
	const json_t *list = json_object_get(meta, "ownerReferences");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		if (!json_is_true(json_object_get(o, "controller")))
			continue;
		d->o.owner.kind = put_text(d, o, "kind");
		d->o.owner.name = put_text(d, o, "name");
		d->o.owner.uid = put_text(d, o, "uid");
		return;
	}
}

/* One probe of a container, if it is a command. */
static void
put_probe(
    struct draft *d, size_t begin, struct slice name, const json_t *probe, enum kube_probe which)
{
	const json_t *words = json_object_get(json_object_get(probe, "exec"), "command");
	size_t was = d->text.n, i;
	json_t *word;

	if (json_array_size(words) == 0)
		return;
	buf_printf(&d->text, "%d %zu %.*s", (int) which, json_array_size(words), SLICE_ARG(name));
	buf_char(&d->text, '\0');
	json_array_foreach((json_t *) words, i, word)
	{
		buf_slice(
		    &d->text, (struct slice){ json_string_value(word), json_string_length(word) });
		buf_char(&d->text, '\0');
	}
	if (d->text.n - begin > KUBE_LIST_MAX)
		d->text.n = was;
}

static struct slice
put_probes(struct draft *d, const json_t *spec)
{
	size_t begin = d->text.n, i;
	json_t *one;

	json_array_foreach(json_object_get(spec, "containers"), i, one)
	{
		struct slice name = kube_text(one, "name");

		put_probe(d, begin, name, json_object_get(one, "livenessProbe"), KUBE_LIVENESS);
		put_probe(d, begin, name, json_object_get(one, "readinessProbe"), KUBE_READINESS);
	}
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): as above */
	return (struct slice){ (const char *) begin, d->text.n - begin };
}

static void
settle(struct slice *s, const struct kube_object *o)
{
	s->p = o->text + (size_t) s->p;
}

static int
finish(const struct draft *d, struct kube_object **ret)
{
	struct kube_object *o;

	if (buf_ok(&d->text) < 0)
		return -ENOMEM;
	o = malloc(sizeof(*o) + d->text.n + 1);
	if (o == NULL)
		return -ENOMEM;
	*o = d->o;
	o->size = sizeof(*o) + d->text.n + 1;
	o->refs = 1;
	if (d->text.n > 0)
		(void) memcpy(o->text, d->text.p, d->text.n);
	struct slice *const all[] = { &o->uid, &o->name, &o->ns, &o->labels, &o->owner.kind,
		&o->owner.name, &o->owner.uid, &o->mirror, &o->ip, &o->probes, &o->selector };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		settle(all[i], o);
	*ret = o;
	return 0;
}

int
kube_object_new(enum kube_kind kind, const json_t *o, struct kube_object **ret)
{
	const json_t *meta = json_object_get(o, "metadata");
	struct draft d = { .o = { .kind = kind }, .text = BUF_INIT };
	int r;

	if (kube_text(meta, "uid").n == 0 || kube_text(meta, "name").n == 0)
		return -EINVAL;
	d.o.uid = put_text(&d, meta, "uid");
	d.o.name = put_text(&d, meta, "name");
	d.o.ns = put_text(&d, meta, "namespace");
	d.o.labels = put_list(&d, json_object_get(meta, "labels"));
	put_owner(&d, meta);
	if (kind == KUBE_POD) {
		d.o.mirror = put_text(
		    &d, json_object_get(meta, "annotations"), "kubernetes.io/config.mirror");
		d.o.ip = put_text(&d, json_object_get(o, "status"), "podIP");
		d.o.probes = put_probes(&d, json_object_get(o, "spec"));
	} else if (kind == KUBE_SERVICE) {
		d.o.selector =
		    put_list(&d, json_object_get(json_object_get(o, "spec"), "selector"));
	}
	r = finish(&d, ret);
	buf_fini(&d.text);
	return r;
}

void
kube_object_unref(struct kube_object *o)
{
	if (o != NULL && --o->refs == 0)
		free(o);
}

bool
kube_object_same(const struct kube_object *a, const struct kube_object *b)
{
	/* the texts in their order, and where each ends */
	return a->size == b->size && a->uid.n == b->uid.n && a->name.n == b->name.n &&
	       a->ns.n == b->ns.n && a->labels.n == b->labels.n &&
	       a->owner.kind.n == b->owner.kind.n && a->owner.name.n == b->owner.name.n &&
	       a->mirror.n == b->mirror.n && a->ip.n == b->ip.n && a->probes.n == b->probes.n &&
	       memcmp(a->text, b->text, a->size - sizeof(*a) - 1) == 0;
}

static bool
has(struct slice list, struct slice member)
{
	struct slice s;

	while ((s = slice_next(&list)).p != NULL) {
		if (slice_eq(s, member))
			return true;
	}
	return false;
}

bool
kube_selects(struct slice selector, struct slice labels)
{
	struct slice s;
	bool any = false;

	while ((s = slice_next(&selector)).p != NULL) {
		if (!has(labels, s))
			return false;
		any = true;
	}
	return any;
}

struct slice
kube_probe_in(struct slice probes, struct slice container, enum kube_probe which)
{
	struct slice head;

	while ((head = slice_next(&probes)).p != NULL) {
		char *name;
		unsigned long kind = strtoul(head.p, &name, 10), n = strtoul(name, &name, 10);
		const char *words = probes.p;

		while (n > 0 && slice_next(&probes).p != NULL)
			n--;
		name += *name == ' ';
		if (kind == (unsigned long) which && slice_eq(slice_str(name), container))
			return (struct slice){ words, (size_t) (probes.p - words) };
	}
	return (struct slice){ NULL, 0 };
}
