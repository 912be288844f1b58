/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include "common/utf8.h"

enum { VALUES = 64 };

static bool
net_has(const struct konst *net, const struct fval *ip)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	uint8_t mask = (uint8_t) (0xff00 >> rest);

	if (net->v.ip.family != ip->ip.family || memcmp(net->v.ip.addr, ip->ip.addr, whole) != 0)
		return false;
	return rest == 0 || ((net->v.ip.addr[whole] ^ ip->ip.addr[whole]) & mask) == 0;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Less, equal, greater; for addresses 0 or not. */
static int
compare(const struct fval *l, const struct konst *k)
{
	const struct fval *r = &k->v;

	switch (r->type) {
	case FT_STR:
	case FT_BYTES:
		return slice_cmp(l->s, r->s);
	case FT_INT:
	case FT_DYN:
		return ORDER(l->i, r->i);
	case FT_UINT:
	case FT_PORT:
	case FT_RELTIME:
	case FT_ABSTIME:
		return ORDER(l->u, r->u);
	case FT_BOOL:
		return ORDER(l->b, r->b);
	case FT_DOUBLE:
		return ORDER(l->d, r->d);
	case FT_IP:
		return l->ip.family != r->ip.family ||
		       memcmp(l->ip.addr, r->ip.addr, l->ip.family == 4 ? 4 : 16) != 0;
	case FT_NET:
		return !net_has(k, l);
	}
	return 1;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
}

static bool
icontains(struct slice s, struct slice part)
{
	size_t k;

	for (size_t i = 0; part.n <= s.n && i <= s.n - part.n; i++) {
		for (k = 0; k < part.n && lower(s.p[i + k]) == lower(part.p[k]); k++)
			;
		if (k == part.n)
			return true;
	}
	return false;
}

/* Is the value one of the constants? */
static bool
is_one_of(const struct test *t, const struct fval *l)
{
	if (t->set != NULL)
		return set_has(t->set, l->s);
	if (t->vset != NULL)
		return vset_has(t->vset, l);
	for (size_t i = 0; i < t->nk; i++) {
		if (compare(l, &t->k[i]) == 0)
			return true;
	}
	return false;
}

/* The length of the leading ASCII, in whole words of 8 bytes; usually nearly all of the text. */
static size_t
ascii_eights(struct slice s)
{
	uint64_t w;
	size_t i;

	for (i = 0; s.n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s.p + i, sizeof(w));
		if (w & 0x8080808080808080ULL)
			break;
	}
	return i;
}

/* Replace each byte that is not UTF-8 by U+FFFD; p == NULL: no memory. */
static struct slice
as_utf8(struct slice s, struct fscratch *fs)
{
	const struct slice replacement = SLICE(UTF8_REPLACEMENT);
	size_t i = ascii_eights(s), n = 0, len;
	char *out;

	while (i < s.n && (len = utf8_len((struct slice){ s.p + i, s.n - i })) > 0)
		i += len;
	if (i == s.n)
		return s;
	out = fscratch_alloc(fs, s.n * replacement.n);
	for (i = 0; out != NULL && i < s.n; i += MAX(len, 1)) {
		struct slice c;

		len = utf8_len((struct slice){ s.p + i, s.n - i });
		c = len > 0 ? (struct slice){ s.p + i, len } : replacement;
		memcpy(out + n, c.p, c.n);
		n += c.n;
	}
	return (struct slice){ out, n };
}

static bool
regex_holds(const struct regex *regex, struct slice text, struct fscratch *fs)
{
	struct slice s = as_utf8(text, fs);

	return s.p != NULL && regex_match(regex, s.p, s.n);
}

bool
value_holds(enum fop op, const struct fval *l, const struct konst *k, struct fscratch *fs)
{
	const struct slice s = k->v.s;

	switch (op) {
	case FOP_EQ:
		return has_text(l) ? slice_eq(l->s, s) : compare(l, k) == 0;
	case FOP_NE:
		return has_text(l) ? !slice_eq(l->s, s) : compare(l, k) != 0;
	case FOP_LT:
		return compare(l, k) < 0;
	case FOP_LE:
		return compare(l, k) <= 0;
	case FOP_GT:
		return compare(l, k) > 0;
	case FOP_GE:
		return compare(l, k) >= 0;
	case FOP_CONTAINS:
		return s.n == 0 || (l->s.n >= s.n && memmem(l->s.p, l->s.n, s.p, s.n) != NULL);
	case FOP_ICONTAINS:
		return icontains(l->s, s);
	case FOP_STARTSWITH:
		return slice_starts(l->s, s);
	case FOP_ENDSWITH:
		return slice_ends(l->s, s);
	case FOP_GLOB:
		return glob_match(s, l->s, false);
	case FOP_IGLOB:
		return glob_match(s, l->s, true);
	case FOP_REGEX:
		return regex_holds(k->regex, l->s, fs);
	case FOP_BCONTAINS:
	case FOP_BSTARTSWITH:
	case FOP_TYPE:
	case FOP_EXISTS:
	case FOP_IN:
	case FOP_INTERSECTS:
	case FOP_PMATCH:
	case FOP_NEVER:
		break;
	}
	return false;
}

/* Apply a modifier: it depends on how many constants hold. */
static bool
modified(const struct test *t, const struct fval *l, struct fscratch *fs)
{
	size_t hits = 0;

	for (size_t i = 0; i < t->nk; i++)
		hits += value_holds(t->op, l, &t->k[i], fs);
	if (t->mod == FMOD_ONEOF)
		return hits == 1;
	return t->mod == FMOD_ANYOF ? hits > 0 : hits > 0 && hits == t->nk;
}

/* Compare one value of the left side with the constants. */
static bool
check_value(const struct test *t, const struct fval *l, struct fscratch *fs)
{
	if (t->op == FOP_IN || t->op == FOP_INTERSECTS)
		return is_one_of(t, l);
	if (t->op == FOP_PMATCH)
		return pmatch_match(t, l->s, fs);
	return t->mod != FMOD_NONE ? modified(t, l, fs) : value_holds(t->op, l, &t->k[0], fs);
}

/* Compare several values: all must pass, or any. */
static bool
check_many(const struct test *t, const struct view *v, struct fscratch *fs, value_fn *one)
{
	struct fval val[VALUES];
	int n = source_get(t->left, v, fs, val, VALUES);
	bool all =
	    (t->multi == FM_LIST && t->op == FOP_IN) || (t->multi == FM_EITHER && t->op == FOP_NE);

	if (t->op == FOP_EXISTS || n == 0)
		return n != 0;
	for (int i = 0; i < n; i++) {
		if (one(t, &val[i], fs) != all)
			return !all;
	}
	return all;
}

/* Compare with a right side that is a field or a transformer. */
static bool
check_right(const struct test *t, const struct view *v, struct fscratch *fs)
{
	struct fval left[VALUES], right[VALUES];
	int n = source_get(t->left, v, fs, left, VALUES), m;
	bool all = t->op == FOP_IN, hit;

	if (n == 0)
		return false;
	m = source_get(t->right, v, fs, right, VALUES);
	if (m == 0)
		return false;
	if (t->op != FOP_IN && t->op != FOP_INTERSECTS)
		return value_holds(t->op, &left[0], &(struct konst){ .v = right[0] }, fs);
	for (int i = 0; i < n; i++) {
		hit = false;
		for (int k = 0; k < m && !hit; k++)
			hit = value_holds(FOP_EQ, &left[i], &(struct konst){ .v = right[k] }, fs);
		if (hit != all)
			return !all;
	}
	return all;
}

bool
check_run_by(const struct test *t, const struct view *v, struct fscratch *fs, value_fn *one)
{
	struct fval l;

	if (t->op == FOP_NEVER)
		return false;
	if (t->right != NULL)
		return check_right(t, v, fs);
	if (t->multi != FM_ONE)
		return check_many(t, v, fs, one);
	if (source_get(t->left, v, fs, &l, 1) == 0)
		return false;
	return t->op == FOP_EXISTS || one(t, &l, fs);
}

static bool
check_type(const struct test *t, const struct view *v)
{
	unsigned num = v->ev->schema->num;
	bool hit = num == EV_SYSCALL
		       ? event_set_has_call(t->events, syscall_of_id(ev_num(v->ev, EVP_SYSCALL_ID)))
		       : event_set_has(t->events, num);

	return hit != t->invert;
}

bool
check_run(const struct test *t, const struct view *v, struct fscratch *fs)
{
	return t->op == FOP_TYPE ? check_type(t, v) : check_run_by(t, v, fs, check_value);
}
