/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_int.h - the tree between text and program; filter_*.c only.
 *
 * Nodes live in the arena of the parse. A macro's tree may be part of several conditions, so
 * nothing below an E_REF is changed. Locations refer to the text from which the node was parsed.
 */
#ifndef MEWS_COLLECTOR_FILTER_FILTER_INT_H
#define MEWS_COLLECTOR_FILTER_FILTER_INT_H

#include "collector/field/field_bind.h"
#include "collector/filter/filter.h"

#define FILTER_SIZE_MAX   4000000 /* values of a condition, with macros expanded ... */
#define FILTER_CHECK_SIZE 40      /* ... of which a check, and, or, not counts as so many */

enum fop {
	FOP_EXISTS,
	FOP_LE,
	FOP_LT,
	FOP_GE,
	FOP_GT,
	FOP_EQ,
	FOP_NE,
	FOP_GLOB,
	FOP_IGLOB,
	FOP_CONTAINS,
	FOP_ICONTAINS,
	FOP_BCONTAINS,
	FOP_STARTSWITH,
	FOP_BSTARTSWITH,
	FOP_ENDSWITH,
	FOP_REGEX,
	FOP_INTERSECTS,
	FOP_IN,
	FOP_PMATCH,
	/* of compiled checks only: */
	FOP_TYPE,  /* the event's type is one of some */
	FOP_NEVER, /* false, as Falco has it */
};

enum fmod { FMOD_NONE, FMOD_ONEOF, FMOD_ANYOF, FMOD_ALLOF };

enum xform { XF_TOLOWER, XF_TOUPPER, XF_B64, XF_BASENAME, XF_LEN, XF_JOIN, XF_CONCAT, XF_GETOPT };

enum term_kind {
	T_FIELD, /* text: its name; arg */
	T_XFORM, /* text: its name; kids; arg */
	T_TEXT,  /* text: a constant */
	T_LIST,  /* kids */
};

/* A side of an operator, or an argument of a transformer. */
struct term {
	enum term_kind kind;
	enum xform xform;
	struct slice text;
	struct slice arg;          /* within [ ]; p == NULL: none */
	const struct field *field; /* FIELD: of exactly this name, NULL: none */
	struct place at;
	struct term *kids, *next;
};

enum expr_kind {
	E_AND,
	E_OR,
	E_NOT,
	E_MACRO, /* not resolved yet */
	E_REF,   /* a macro's tree, shared */
	E_CHECK,
};

struct check {
	struct term *left;
	struct slice op_text; /* as written: "==" */
	enum fop op;
	enum fmod mod;
	bool by_name;       /* in NAME: the list prints without parentheses after a modifier */
	struct term *right; /* NULL for exists; T_LIST for a list; T_FIELD is val() */
	struct place op_at;
};

struct expr {
	enum expr_kind kind;
	struct place at;
	size_t size; /* of nodes and values, with macros expanded */
	unsigned depth;
	struct expr *kids, *next; /* AND, OR, NOT */
	struct slice name;        /* MACRO, REF */
	const struct expr *ref;   /* REF */
	struct check *check;      /* CHECK */
};

/* ---- filter_lex.c: take what is at the current position if it fits ---- */

struct lex {
	struct slice text;
	size_t pos;
	struct slice last; /* the last thing taken, for messages */
	size_t seen;       /* position of 'seen_at', a cache for locations */
	struct place seen_at;
	unsigned depth;
	struct arena *a;
	struct diag *d;
};

void lex_init(struct lex *l, struct slice text, struct arena *a, struct diag *d);
struct place lex_place(struct lex *l, size_t pos);
bool lex_blank(struct lex *l);
bool lex_str(struct lex *l, const char *s);
bool lex_ident(struct lex *l, struct slice *ret);
bool lex_field(struct lex *l, struct slice *ret);
bool lex_arg(struct lex *l, struct slice *ret);
bool lex_hex(struct lex *l, struct slice *ret);
bool lex_num(struct lex *l, struct slice *ret);
bool lex_bare(struct lex *l, struct slice *ret);
bool lex_is_bare(unsigned char c);

/* 1: taken, *ret unescaped, in the arena. 0: no closed quoted string here. Else -errno. */
int lex_quoted(struct lex *l, struct slice *ret) MUST_CHECK;

#define lex_fail(l, pos, ...)                                                                  \
	(diag_set((l)->d, lex_place((l), (pos)).line, lex_place((l), (pos)).col, __VA_ARGS__), \
	    -EINVAL)

/* Go one level deeper: -EINVAL if that is too deep. The caller restores l->depth. */
int lex_enter(struct lex *l) MUST_CHECK;

/* ---- filter_term.c: 1: taken. 0: not here. Else -errno. ---- */

int term_new(struct lex *l, enum term_kind kind, size_t pos, struct slice text,
    struct term **ret) MUST_CHECK; /* 0 or -ENOMEM */
int term_field(struct lex *l, struct term **ret) MUST_CHECK;
int term_ref(struct lex *l, struct term **ret) MUST_CHECK; /* val(field), or a transformer */
int term_xform(struct lex *l, struct term **ret) MUST_CHECK;
int term_text(struct lex *l, struct term **ret) MUST_CHECK;
/* 0; the opening parenthesis (at 'start') is already taken. */
int term_list(struct lex *l, size_t start, struct term **ret) MUST_CHECK;

#define XFORM_NAMES \
	"'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'"

/* ---- filter_print.c ---- */

/* A term's canonical text: "tolower(proc.name)". */
void term_print(const struct term *t, struct buf *out);

#endif
