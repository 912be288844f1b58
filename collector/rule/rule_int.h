/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_int.h - the steps from rule files to a ruleset; for rule_*.c only.
 *
 *	rule_yaml.c        a file -> YAML nodes with locations; locations inside scalars
 *	rule_read.c        nodes -> typed values: the shapes of keys, warnings for unknown ones
 *	rule_schema.c      the schema of a file, checked separately
 *	rule_collect.c     items -> definitions: define, replace, append, override
 *	rule_exceptions.c  exceptions: their shape, merging, and their text in a condition
 *	rule_lists.c       lists: items of items, textual substitution
 *	rule_macros.c      macros: parsed, and resolved into one another
 *	rule_stale.c       what a file changes, and what uses it
 *	rule_compile.c     conditions, outputs, events
 *	rule_select.c      rules enabled or disabled, and outputs extended, by the configuration
 *	rule_scope.c       rules limited by the configuration
 *	rule_blind.c       why a rule can never match today
 *	rule_describe.c    definitions and the rules made from them, as JSON
 *	rule_plan.c        the loaded rules in their order of evaluation
 *	rule_set.c         files in order, references
 *	rule_run.c         a thread's evaluation
 *	rule_force.c       since when a rule is in force
 *
 * An error (-EINVAL, reported in the log) does not end the loading: the other items of the file and
 * the other files are checked too, so that all errors are reported at once; each is reported once,
 * and its consequences are not. With an error there is no set.
 *
 * Definitions are cumulative over files, and a file must stand with what came before it. So after
 * each file, what it defines or changes is compiled, with what uses that, and nothing else. The
 * plan, the warnings about what is unused and the description are made once, after the last file.
 * Definitions live in the collection's arena, what is compiled from them in the ruleset's.
 */
#ifndef MEWS_COLLECTOR_RULE_RULE_INT_H
#define MEWS_COLLECTOR_RULE_RULE_INT_H

#include "collector/plan/plan.h"
#include "collector/rule/rule.h"
#include "common/arena.h"
#include "common/near.h"
#include <errno.h>
#include <pthread.h>
#include <yaml.h>

enum {
	RULE_FILE_MAX = 64 << 20, /* bytes of one rule file */
	RULE_TEXT_MAX = 64 << 20, /* bytes of one condition after lists */
	RULE_ITEMS_MAX = 4 << 20, /* items of all lists together */
	RULE_NAMES_MAX = 100000,  /* uses of one list in a condition, with earlier lists expanded */
	RULE_EVENTS_MANY = 100,   /* LOAD_NO_EVTTYPE */
	RULE_ERRORS_MAX = 1000,   /* reported errors */
};

enum rule_code_id {
#define RULE_CODE(ID, name, text) ID,
#include "collector/rule/rule_codes.def"
};

/* The kinds of items that have a name. */
enum item_type { ITEM_NONE, ITEM_LIST, ITEM_MACRO, ITEM_RULE, ITEM_TYPES };

/* A file that was read; its text is kept for locations. */
struct source {
	const char *name;
	struct slice text;
};

/* A location. Lines and columns from 1, columns in characters. */
struct rplace {
	const struct source *src;
	unsigned line, col;
	bool exact_scalar; /* of a scalar's first byte: offsets can be mapped */
	char style;        /* of the scalar: 0 plain, '\'', '"', '|' or '>' */
};

/* A text of a rule file. */
struct rtext {
	struct slice s;
	struct rplace at;
};

/* A sequence of texts: items of a list, tags, the pieces of an appended condition. */
struct rtexts {
	struct rtext *v;
	size_t n, cap;
};

/* ---- rule_mtext.c ---- */

/* A text with the location of each of its bytes. */
struct mseg {
	size_t start;             /* in the text */
	const struct rtext *from; /* NULL: no location */
	size_t off;               /* in 'from' */
	bool linear;              /* each byte has its own; otherwise all have 'off' */
};
struct mtext {
	struct buf b;
	struct mseg *seg;
	size_t nseg, cap;
};
void mtext_fini(struct mtext *m);
void mtext_add(struct mtext *m, struct slice s, const struct rtext *from, size_t off, bool linear);
void mtext_pieces(struct mtext *m, const struct rtexts *t);
void mtext_copy(struct mtext *m, const struct mtext *from, size_t lo, size_t hi);
void mtext_origin(const struct mtext *m, size_t off, const struct rtext **from, size_t *at);
/* The location in a file of a line and column (from 1, bytes) of the text. */
struct rplace mtext_place(const struct mtext *m, unsigned line, unsigned col);

struct def_list {
	struct def_list *next;
	struct rtext name;
	struct rtexts items;    /* raw */
	struct rtexts compiled; /* items of items, quoted */
	struct rtexts lists;    /* those named by items */
	struct slice joined;    /* compiled, separated by commas */
	unsigned index, visibility;
	bool stale;  /* to be compiled */
	bool used;   /* by any other definition; mark_used() */
	bool shared; /* for files that are loaded later: no warning if unused */
};

struct def_macro {
	struct def_macro *next;
	struct rtext name;
	struct rtexts condition; /* pieces, joined by blanks */
	unsigned index, visibility;
	/* of the last compilation */
	struct expr *expr;
	struct rtexts lists; /* in its condition */
	struct mtext text;
	enum { MACRO_RAW, MACRO_BUSY, MACRO_DONE, MACRO_BROKEN } state;
	bool stale, used, shared; /* see struct def_list */
};

/* "a", or ["a", "b"], or [["a", "b"], "c"]. */
struct rvalue {
	bool is_list;
	struct rtext text;
	struct rvalue *v;
	size_t n;
};

struct def_exception {
	struct def_exception *next;
	struct rtext name;
	struct rvalue fields, comps;
	struct rvalue values; /* always a list; n == 0: none */
	bool has_fields, has_comps;
};

struct def_rule {
	struct def_rule *next;
	struct rtext name;
	struct rtexts condition, output, desc; /* pieces */
	struct rtexts tags;
	struct def_exception *exceptions;
	struct slice source;
	struct rplace at, output_at;
	enum priority priority;
	bool enabled, warn_evttypes, skip_unknown, unknown_source, capture;
	uint64_t capture_ms;
	unsigned index, visibility;
	bool stale; /* see struct def_list */
	/* of the last compilation */
	const struct expr *expr; /* resolved */
	struct rtexts lists;     /* in its condition */
	struct mtext text;       /* its condition with its exceptions, lists written out */
	struct rule rule;
	int result; /* of compile_rule() */
	bool muted; /* a warning about it was suppressed */
};

/* A plugin required by a file. */
struct def_plugin {
	struct def_plugin *next, *alternatives;
	struct rtext name, version;
};

/* Everything defined so far, and the log. */
struct collection {
	struct arena *a;
	struct rule_log *log;
	const struct rule_options *options;
	struct def_list *lists, **lists_end;
	struct def_macro *macros, **macros_end;
	struct def_rule *rules, **rules_end;
	struct def_plugin *plugins;
	unsigned long engine[3]; /* the highest version that a file requires */
	unsigned next_index;
	size_t nitems;
	struct rtexts broken[ITEM_TYPES]; /* names of items not read because of errors */
	enum item_type item;              /* the subject of messages, */
	struct slice item_name;           /* and its name */
	bool quiet; /* no warnings: more files follow, which may change what they are about */
	bool muted; /* set when a warning is suppressed */
	bool again; /* no errors: they were reported */
};

/* ---- messages: rule_log.c ---- */

/* Combine two results: no memory takes precedence over an error, that over anything else. */
static inline int
rule_worse(int a, int b)
{
	return a == -ENOMEM || b == 0 || (a < 0 && b > 0) ? a : b;
}

/* Add an error (-EINVAL; -ENOMEM), or a warning (0; -ENOMEM). */
int rule_fail(struct collection *c, enum rule_code_id code, const struct rplace *at,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
int rule_warn(struct collection *c, enum rule_code_id code, const struct rplace *at,
    const char *fmt, ...) PRINTF_LIKE(4, 5) MUST_CHECK;
/* The same, about a deprecated field. */
int rule_warn_field(struct collection *c, const struct field *f, const struct rplace *at,
    const char *fmt, ...) PRINTF_LIKE(4, 5) MUST_CHECK;

/* Add a file about to be read; *ret is valid until the next. -ENOMEM. */
int rule_log_file(struct rule_log *l, const char *name, struct rule_file **ret) MUST_CHECK;
/* Add a rule that a definition in another file replaces. -ENOMEM. */
int rule_log_replaced(
    struct rule_log *l, struct slice rule, const char *was, const char *by) MUST_CHECK;
/* Add a finding about its schema. -ENOMEM. */
int rule_file_warn(struct rule_file *f, const char *text) MUST_CHECK;

/* ---- rule_schema.c ---- */

/* Check the schema of one document; sets file->schema. -ENOMEM. */
int check_schema(yaml_document_t *doc, struct rule_file *file) MUST_CHECK;

/* ---- rule_yaml.c ---- */

/* Get the next document of a parser: 1, 0 at the end, or a message and -EINVAL. */
int yaml_next(struct collection *c, yaml_parser_t *p, const struct source *src,
    yaml_document_t *ret) MUST_CHECK;
struct rplace yaml_place(const struct source *src, const yaml_node_t *n);

/* The location of byte 'off' of a scalar's value. */
struct rplace place_within(const struct rtext *t, size_t off);

/* ---- rule_read.c: one item's keys ---- */

struct item {
	struct collection *c;
	yaml_document_t *doc;
	yaml_node_t *map;
	const struct source *src;
	struct rplace at;
};

yaml_node_t *item_get(const struct item *it, const char *key); /* NULL: no such key */
bool item_has(const struct item *it, const char *key);
bool node_is_null(const yaml_node_t *n);
/* -EINVAL and a message if the key is missing ('need'), of another shape, or empty ('need'). If it
 * is missing and not needed: 0, and *ret untouched. */
int item_text(const struct item *it, const char *key, bool need, struct rtext *ret) MUST_CHECK;
int item_bool(const struct item *it, const char *key, bool *ret) MUST_CHECK;
int item_texts(const struct item *it, const char *key, bool need, struct rtexts *ret) MUST_CHECK;
int node_text(const struct item *it, const yaml_node_t *n, struct rtext *ret) MUST_CHECK;
int item_warn_unknown(const struct item *it, const char *const *known) MUST_CHECK;
int texts_add(struct arena *a, struct rtexts *t, const struct rtext *x) MUST_CHECK;
int texts_join(struct arena *a, const struct rtexts *t, const char **ret) MUST_CHECK;
bool parse_bool(struct slice s, bool *ret);

/* ---- rule_collect.c, rule_override.c ---- */

/* Read one file's text into the collection. -EINVAL: see the log. */
int collect_source(struct collection *c, const struct source *src) MUST_CHECK;
struct def_list *find_list(const struct collection *c, struct slice name);
struct def_macro *find_macro(const struct collection *c, struct slice name);

enum override_op { OV_NONE, OV_APPEND, OV_REPLACE };
struct override {
	const char *key;
	bool replace_only;
	enum override_op op;
};
/* Read 'override' for these keys (n rows; op is set). *any: the key is present. */
int read_override(const struct item *it, struct override *v, size_t n, bool *any) MUST_CHECK;
/* Read 'append'; deprecated. */
int read_append(const struct item *it, bool *ret) MUST_CHECK;

/* ---- rule_item.c ---- */

int read_rule(const struct item *it) MUST_CHECK;
struct def_rule *find_rule(const struct collection *c, struct slice name);
/* Is it missing because there was an error in it? */
bool is_broken(const struct collection *c, enum item_type what, struct slice name);
/* A hint for a missing name: "; did you mean 'X'?", or "". */
const char *like_rule(const struct collection *c, struct slice name, struct near *n);

/* ---- rule_exceptions.c ---- */

int read_exceptions(const struct item *it, bool append, struct def_exception **list) MUST_CHECK;
int check_exceptions(struct collection *c, struct def_rule *r) MUST_CHECK;

/* ---- rule_lists.c ---- */

/* Is the name of the list in the text, where substitute_lists() would replace it? */
bool text_names_list(const struct mtext *m, const struct def_list *l);
int compile_lists(struct collection *c) MUST_CHECK;
/* Replace each list's name by its items, and name these lists in *used. 'm' is replaced. */
int substitute_lists(struct collection *c, struct mtext *m, struct rtexts *used) MUST_CHECK;

/* ---- rule_scope.c ---- */

/* The same, limited by the scopes of the configuration. */
void add_scopes(
    struct mtext *m, const struct def_rule *d, const struct rule *r, const struct rule_options *o);

void add_exceptions(struct mtext *m, const struct def_rule *r);

/* ---- rule_select.c ---- */

bool rule_selects(const struct rule_select *s, const struct rule *r);
/* Is the rule enabled, by its file and the configuration together? */
bool rule_selected(const struct rule_options *o, const struct rule *r);
/* Append the configured text to the rule's output; *ret is for format_compile(). */
int append_output(const struct rule_options *o, const struct rule *r, struct mtext *out,
    struct format_options *ret, struct arena *a) MUST_CHECK;

/* ---- rule_macros.c ---- */

/* Parse and resolve all macros. */
int compile_macros(struct collection *c) MUST_CHECK;
/* Resolve a rule's references to macros; it sees all of them. */
int resolve_rule(struct collection *c, struct expr *e, const struct mtext *m) MUST_CHECK;
/* Report an error of filter or format at its location in the rule files. 'm' is the text that was
 * read, unless the origin in 'd' is a macro. */
int fail_at(
    struct collection *c, enum rule_code_id code, const struct mtext *m, const struct diag *d);
/* That location. */
struct rplace diag_origin_place(
    const struct collection *c, const struct mtext *m, const struct diag *d);
/* Set the subject of messages from now on; the name is borrowed. */
static inline void
set_item(struct collection *c, enum item_type what, struct slice name)
{
	c->item = what;
	c->item_name = name;
}

/* ---- rule_stale.c ---- */

/* Mark users of stale definitions as stale, unless they have an error themselves. */
void mark_stale(struct collection *c);
void clear_stale(struct collection *c);
/* Set 'used' of lists and macros. */
void mark_used(struct collection *c);

/* ---- rule_compile.c ---- */

struct ruleset {
	struct arena a; /* definitions and what is compiled from them */
	struct rule *rules;
	const struct rule **order;
	size_t n;
	struct ruleset_counts counts;
	struct rule_options options;
	struct event_set events;
	struct plan *plan;
	const struct rule **asked; /* items of the plan: rules that name events first */
	size_t nasked, ntyped;
	pthread_mutex_t lock;
	struct rule_run *runs;    /* under 'lock' */
	struct rule_sum *past;    /* per rule, under 'lock': counts of ended runs */
	struct rule_force *force; /* per rule, under 'lock' */
	struct rule_force began;  /* under 'lock': of the first set in a chain of reloads */
	_Atomic unsigned refs;
};

/* Compile stale definitions. -EINVAL: see the log; -ENOMEM. */
int compile_stale(struct collection *c, struct ruleset *s) MUST_CHECK;
/* Make the set from what compiled without errors: rules, counts, description, plan. -ENOMEM. */
int compile_set(struct collection *c, struct ruleset *s) MUST_CHECK;
/* Set r->blind and r->partly, from r->events and the tree. */
int find_blind(
    struct collection *c, struct ruleset *s, struct rule *r, const struct expr *e) MUST_CHECK;

/* ---- rule_describe.c ---- */

/* Describe the collection from which 's' was compiled, as Falco's JSON. 'out' is cleared.
 * -ENOMEM. */
int describe_all(const struct collection *c, const struct ruleset *s, struct buf *out) MUST_CHECK;

/* ---- rule_plan.c ---- */

/* Plan the loaded rules, and set s->events. */
int plan_rules(struct ruleset *s) MUST_CHECK;

#endif
