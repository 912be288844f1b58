/* SPDX-License-Identifier: Apache-2.0 */
/* kube_look.c - look-ups in a side: keys, pods, and what belongs to a pod. */
#include "collector/kube/kube_store_int.h"
#include <xxhash.h>

struct slice
kube_key_text(const struct kube_object *o, bool mirror)
{
	if (mirror)
		return o->mirror;
	return o->kind == KUBE_NAMESPACE ? o->name : o->uid;
}

static bool
slot_is(const struct kube_slot *s, const struct kube_key *k)
{
	return s->o->kind == k->kind && slice_eq(kube_key_text(s->o, s->mirror), k->text);
}

TABLE_TYPE(slots, struct kube_slot, struct kube_key, s->o == NULL, slot_is(s, k), s->hash);

static uint64_t
key_hash(const struct kube_key *k)
{
	return XXH3_64bits_withSeed(k->text.p, k->text.n, k->kind);
}

struct kube_slot *
kube_slot_put(struct kube_side *side, const struct kube_key *k)
{
	struct kube_slot *s = table_put(&slots, &side->table, key_hash(k), k);

	if (s != NULL)
		s->hash = key_hash(k);
	return s;
}

void
kube_slot_remove(struct kube_side *side, struct kube_slot *s)
{
	table_remove(&slots, &side->table, s);
}

struct kube_slot *
kube_find(const struct kube_side *side, enum kube_kind kind, struct slice text)
{
	const struct kube_key k = { kind, text };

	return text.n == 0 ? NULL : table_get(&slots, &side->table, key_hash(&k), &k);
}

static const struct kube_object *
look(const struct kube_side *side, enum kube_kind kind, struct slice text)
{
	const struct kube_slot *s = kube_find(side, kind, text);

	return s == NULL ? NULL : s->o;
}

const struct kube_object *
kube_pod(const struct kube_side *side, struct slice uid)
{
	const struct kube_object *o = look(side, KUBE_POD, uid);

	if (o == NULL && uid.n > 0)
		(void) atomic_fetch_add_explicit(side->misses, 1, memory_order_relaxed);
	return o;
}

/* The kinds of owners, as references name them, that are watched. */
static const struct {
	const char *word;
	enum kube_kind kind;
} owners[] = {
	{ "ReplicaSet", KUBE_REPLICASET },
	{ "Deployment", KUBE_DEPLOYMENT },
	{ "ReplicationController", KUBE_CONTROLLER },
	{ "Job", KUBE_JOB },
};

/* KUBE_KINDS: another one. */
static enum kube_kind
owner_kind(const struct kube_owner *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		if (slice_eq(w->kind, slice_str(owners[i].word)))
			return owners[i].kind;
	}
	return KUBE_KINDS;
}

/* The owner itself; NULL: it is not known. */
static const struct kube_object *
owner_of(const struct kube_side *side, const struct kube_owner *w)
{
	enum kube_kind kind = owner_kind(w);

	return kind == KUBE_KINDS ? NULL : look(side, kind, w->uid);
}

static bool
name_owner(const struct kube_side *side, const struct kube_owner *w, struct kube_named *ret)
{
	const struct kube_object *o = owner_of(side, w);

	*ret = (struct kube_named){ .kind = w->kind, .name = w->name, .uid = w->uid };
	if (o != NULL)
		ret->labels = o->labels;
	return w->name.n > 0;
}

bool
kube_related(const struct kube_side *side, const struct kube_object *pod, enum kube_kind kind,
    struct kube_named *ret)
{
	const struct kube_owner *w = &pod->owner;
	const struct kube_object *o = pod;

	if (kind == KUBE_NAMESPACE) {
		o = look(side, KUBE_NAMESPACE, pod->ns);
		*ret = (struct kube_named){ .name = pod->ns };
	} else {
		*ret = (struct kube_named){ .name = pod->name };
	}
	if (kind == KUBE_POD || kind == KUBE_NAMESPACE) {
		if (o != NULL) {
			ret->uid = o->uid;
			ret->labels = o->labels;
		}
		return true;
	}
	if (kind == KUBE_DEPLOYMENT) {
		o = owner_of(side, w);
		if (o == NULL)
			return false;
		w = &o->owner;
	}
	return owner_kind(w) == kind && name_owner(side, w, ret);
}

bool
kube_workload(const struct kube_side *side, const struct kube_object *pod, struct kube_named *ret)
{
	enum { CLIMB = 4 };
	const struct kube_owner *w = &pod->owner;
	const struct kube_object *o;

	for (int i = 0; i < CLIMB && (o = owner_of(side, w)) != NULL && o->owner.name.n > 0; i++)
		w = &o->owner;
	return name_owner(side, w, ret);
}

static int
service_cmp(const struct kube_object *a, struct slice ns, struct slice name)
{
	int c = slice_cmp(a->ns, ns);

	return c != 0 ? c : slice_cmp(a->name, name);
}

size_t
kube_service_place(const struct kube_side *side, struct slice ns, struct slice name)
{
	size_t low = 0, high = side->nservices;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (service_cmp(side->services[mid], ns, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t
kube_services(const struct kube_side *side, const struct kube_object *pod,
    const struct kube_object *ret[KUBE_SERVICES])
{
	size_t n = 0;

	for (size_t i = kube_service_place(side, pod->ns, SLICE(""));
	     i < side->nservices && n < KUBE_SERVICES; i++) {
		const struct kube_object *o = side->services[i];

		if (!slice_eq(o->ns, pod->ns))
			break;
		if (kube_selects(o->selector, pod->labels))
			ret[n++] = o;
	}
	return n;
}
