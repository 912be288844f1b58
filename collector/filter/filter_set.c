/* SPDX-License-Identifier: Apache-2.0 */
/* Constants by hash: a check with many of them takes one step. */
#include "collector/filter/filter_prog.h"
#include "common/hashtable.h"
#include <string.h>
#include <xxhash.h>

/* A table at most half full; slots hold 1 + the text's index. */
struct set {
	struct slice *text;
	uint32_t *slot;
	size_t n, mask;
};

struct text_key {
	const struct set *set;
	struct slice text;
};

TABLE_TYPE(texts, uint32_t, struct text_key, *s == 0, slice_eq(k->set->text[*s - 1], k->text),
    *s); /* none is taken out: no hash is needed */

struct set *
set_new(struct arena *a, size_t n)
{
	struct set *s = arena_alloc(a, sizeof(*s));
	size_t slots = 4;

	while (slots < n * 2)
		slots *= 2;
	if (s == NULL)
		return NULL;
	s->mask = slots - 1;
	s->text = arena_alloc(a, MAX(n, 1) * sizeof(*s->text));
	s->slot = arena_alloc(a, slots * sizeof(*s->slot));
	return s->text == NULL || s->slot == NULL ? NULL : s;
}

static size_t
find(const struct set *s, struct slice text)
{
	const struct text_key key = { s, text };

	return slots_find(&texts, s->slot, s->mask, XXH3_64bits(text.p, text.n), &key);
}

void
set_add(struct set *s, struct slice text)
{
	size_t i = find(s, text);

	if (s->slot[i] != 0)
		return;
	s->text[s->n++] = text;
	s->slot[i] = (uint32_t) s->n;
}

bool
set_has(const struct set *s, struct slice text)
{
	return s->slot[find(s, text)] != 0;
}

size_t
set_size(const struct set *s)
{
	return s->n;
}

/* ---- numbers, addresses, networks ---- */

enum { KEY_MAX = 18, NET_KINDS = 33 + 129 };

/* A network's length: networks of one kind are distinguished by their first bits. */
struct net_kind {
	uint8_t family, bits;
};

struct vset {
	enum ftype type;
	struct set *keys;
	struct net_kind *kinds; /* networks only */
	size_t nkinds;
};

bool
vset_takes(enum ftype t)
{
	return t == FT_INT || t == FT_UINT || t == FT_PORT || t == FT_IP || t == FT_NET;
}

/* The compared part as bytes: a number; an address with its family; of a network the first bits. */
static size_t
key_of(enum ftype type, const struct fval *v, unsigned bits, uint8_t key[KEY_MAX])
{
	size_t whole = bits / 8, n;

	if (type != FT_IP && type != FT_NET) {
		memcpy(key, &v->u, sizeof(v->u));
		return sizeof(v->u);
	}
	n = v->ip.family == 4 ? 4 : 16;
	key[0] = v->ip.family;
	key[1] = type == FT_NET ? (uint8_t) bits : 0;
	memcpy(key + 2, v->ip.addr, n);
	if (type == FT_NET && whole < n) {
		key[2 + whole] &= (uint8_t) (0xff00 >> bits % 8);
		memset(key + 3 + whole, 0, n - whole - 1);
	}
	return 2 + n;
}

static void
add_kind(struct vset *s, struct net_kind k)
{
	for (size_t i = 0; i < s->nkinds; i++) {
		if (s->kinds[i].family == k.family && s->kinds[i].bits == k.bits)
			return;
	}
	s->kinds[s->nkinds++] = k;
}

struct vset *
vset_new(struct arena *a, const struct konst *k, size_t n)
{
	struct vset *s = arena_alloc(a, sizeof(*s));
	char *keys = arena_alloc(a, n * KEY_MAX);

	if (s == NULL || keys == NULL || (s->keys = set_new(a, n)) == NULL)
		return NULL;
	s->type = k[0].v.type;
	if (s->type == FT_NET) {
		s->kinds = arena_alloc(a, NET_KINDS * sizeof(*s->kinds));
		if (s->kinds == NULL)
			return NULL;
	}
	for (size_t i = 0; i < n; i++, keys += KEY_MAX) {
		size_t len = key_of(s->type, &k[i].v, k[i].bits, (uint8_t *) keys);

		set_add(s->keys, (struct slice){ keys, len });
		if (s->kinds != NULL)
			add_kind(s, (struct net_kind){ k[i].v.ip.family, k[i].bits });
	}
	return s;
}

bool
vset_has(const struct vset *s, const struct fval *v)
{
	uint8_t key[KEY_MAX];

	if (s->kinds == NULL)
		return set_has(
		    s->keys, (struct slice){ (const char *) key, key_of(s->type, v, 0, key) });
	for (size_t i = 0; i < s->nkinds; i++) {
		const struct net_kind *k = &s->kinds[i];

		if (k->family == v->ip.family &&
		    set_has(s->keys,
			(struct slice){ (const char *) key, key_of(FT_NET, v, k->bits, key) }))
			return true;
	}
	return false;
}
