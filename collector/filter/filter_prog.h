/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_prog.h - a compiled condition; filter_*.c and plan*.c only.
 *
 * Everything lives in the arena that the condition was compiled into and never changes after, so
 * threads share it.
 */
#ifndef MEWS_COLLECTOR_FILTER_FILTER_PROG_H
#define MEWS_COLLECTOR_FILTER_FILTER_PROG_H

#include "collector/field/fscratch.h"
#include "collector/filter/filter_int.h"
#include "collector/filter/filter_regex.h"

/* A source of values. */
struct source {
	enum { S_FIELD, S_XFORM, S_CONST, S_LIST, S_NAMED } kind;
	enum ftype type; /* of its values */
	bool list;       /* it has several values */
	enum xform xform;
	struct field_ref ref;
	const struct named *named; /* NAMED */
	struct fval k;
	struct source *args, *next; /* XFORM, LIST */
	struct slice arg;           /* XFORM: within [ ] */
	struct slice text;          /* for the dump */
};

/* A constant on the right. */
struct konst {
	struct fval v;
	uint8_t bits; /* of a network */
	const struct regex *regex;
};

struct set;  /* texts, by hash */
struct vset; /* numbers, addresses or networks, by hash */
struct regex;

/* A check. */
struct test {
	enum fop op;
	struct source *left;
	struct source *right; /* NULL: constants */
	struct konst *k;      /* nk, as they are written */
	size_t nk;
	struct slice *globs; /* pmatch: paths with wildcards */
	size_t nglobs;
	struct set *set; /* in, intersects: texts; pmatch: other paths; evt: calls without a row */
	struct vset *vset; /* in, intersects: the constants again, if they are many and not texts */
	struct event_set *events;
	bool invert; /* evt: the numbers not in the set */
	enum fmulti multi;
	enum fmod mod;
};

/* A compiled condition: a tree of checks, with macros expanded. */
enum cond_kind { C_CHECK, C_AND, C_OR, C_NOT };
struct cond {
	uint8_t kind;                   /* enum cond_kind */
	struct test *test;              /* CHECK */
	const struct cond *kids, *next; /* AND, OR, NOT */
};

struct field_node {
	const struct field_ref *ref;
	struct field_node *next;
};

struct warning {
	struct diag diag;
	struct warning *next;
};

struct filter {
	const struct cond *cond;
	struct event_set events;
	struct field_node *fields;
	struct warning *warnings;
};

/* A compilation under way. */
struct compile {
	struct arena *a;
	struct diag *d;
	struct filter *f;
	named_find_fn *find; /* names are of values, not of fields; NULL: fields */
	const struct filter_secrets *secrets;
	const struct expr *origin; /* the macro whose tree is being compiled; NULL: none */
	unsigned nested;           /* transformers around the current one */
	struct warning **warning_tail;
};

#define compile_fail(c, at, ...) diag_fail((c)->d, (at).line, (at).col, __VA_ARGS__)
#define compile_fail_as(c, why, at, ...) \
	diag_fail_as((c)->d, (why), (at).line, (at).col, __VA_ARGS__)

/* ---- filter_source.c ---- */

/* Compile a field or a transformer, and check its types; 'rhs': on the right side. */
int source_new(struct compile *c, const struct term *t, bool rhs, struct source **ret) MUST_CHECK;
/* Like field_get(). */
int source_get(
    const struct source *s, const struct view *v, struct fscratch *fs, struct fval *ret, int max);

/* ---- filter_named.c ---- */

/* The view of an evaluation on named values. */
struct named_view {
	struct view view;
	named_get_fn *get;
	void *arg;
};

/* Compile a name; the same for its values: like source_new() and source_get() of a field. */
int named_new(struct compile *c, const struct term *t, struct source *ret) MUST_CHECK;
int named_get(
    const struct named *n, const struct view *v, struct fscratch *fs, struct fval *ret, int max);
/* Put the constant in the spelling of the name's values. -EINVAL: it is none of them. */
int named_constant(
    struct compile *c, const struct named *n, const struct term *t, struct fval *ret) MUST_CHECK;

/* ---- filter_getopt.c ---- */

/* want.p == NULL: the values of all options, -1 if there are none; else that of one, 0: null. */
int getopt_values(const struct fval *args, int n, struct slice spec, struct slice want,
    struct fval *ret, int max);

/* ---- filter_value.c ---- */

/* Parse a constant of a type. -EINVAL: c->d has the reason. */
int value_parse(struct compile *c, const struct field *field, enum ftype type, const struct term *t,
    struct konst *ret) MUST_CHECK;
const char *ftype_name(enum ftype t);

static inline bool
has_text(const struct fval *v)
{
	return v->type == FT_STR || v->type == FT_BYTES;
}

/* ---- filter_check.c ---- */

int check_compile(struct compile *c, const struct check *k, struct test **ret) MUST_CHECK;

/* ---- filter_run.c ---- */

/* Evaluate one check on one event, for the plan. */
bool check_run(const struct test *t, const struct view *v, struct fscratch *fs);

/* Does the check hold on one value of its left side? */
typedef bool value_fn(const struct test *t, const struct fval *l, struct fscratch *fs);
/* The same, with 'one' to decide on one value; not for FOP_TYPE. */
bool check_run_by(const struct test *t, const struct view *v, struct fscratch *fs, value_fn *one);
/* One operator on one value and one constant; not for FOP_IN, FOP_INTERSECTS, FOP_PMATCH. */
bool value_holds(enum fop op, const struct fval *l, const struct konst *k, struct fscratch *fs);

/* ---- filter_match.c ---- */

/* Evaluate a condition on one event: see filter_match(). */
bool cond_holds(const struct cond *c, const struct view *v, struct fscratch *fs);

/* ---- filter_same.c ---- */

/* Are two checks equal? Then so are their hashes. */
bool test_same(const struct test *a, const struct test *b);
uint64_t test_hash(const struct test *t);

/* ---- filter_events.c ---- */

/* The numbers of a name; false: no event or system call has it. */
bool event_name_set(struct slice name, struct event_set *ret);
void events_infer(const struct expr *e, struct event_set *ret);

/* ---- filter_redacted.c ---- */

struct redact;
/* Has the field a text of arguments or an environment? */
bool redacted_field(const struct field_ref *f);
/* Why a constant, compared with such a field, cannot match what sensors send; NULL: it can. */
const char *redacted_constant(const struct redact *r, const struct field_ref *f, struct slice text);

/* ---- filter_set.c, filter_glob.c, filter_pmatch.c ---- */

struct set *set_new(struct arena *a, size_t n) MUST_CHECK; /* room for n */
void set_add(struct set *s, struct slice text);
bool set_has(const struct set *s, struct slice text);
size_t set_size(const struct set *s);

/* The same for constants of one type, n > 0: numbers, addresses or networks. */
struct vset *vset_new(struct arena *a, const struct konst *k, size_t n) MUST_CHECK;
/* Is the value one of them, or in one of them? */
bool vset_has(const struct vset *s, const struct fval *v);
/* Is there a set for constants of this type? */
bool vset_takes(enum ftype t);

/* fnmatch() without flags: '*' and '?' match '/' too. */
bool glob_match(struct slice pattern, struct slice text, bool fold);

bool is_wild(struct slice path);
/* Compile the right side of pmatch into t->set and t->globs. */
int pmatch_compile(struct compile *c, struct test *t) MUST_CHECK;
bool pmatch_match(const struct test *t, struct slice path, struct fscratch *fs);

#endif
