/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - Falco rule files: load them, ask them about an event.
 *
 * A ruleset is immutable and counted by references, so that shards share it and a reload swaps it
 * whole; the counters (evaluations and hits per rule) belong to each thread's own rule_run.
 */
#ifndef MEWS_COLLECTOR_RULE_RULE_H
#define MEWS_COLLECTOR_RULE_RULE_H

#include "collector/alert/alert.h"
#include "collector/filter/filter.h"
#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>
#include <stdint.h>

#define FALCO_ENGINE_VERSION "0.63.0" /* the rule engine version whose semantics these are */

struct ruleset;
struct format; /* a compiled output text */

struct rule {
	const char *name, *desc, *source;
	const char *condition; /* as written */
	const char *resolved;  /* canonical, macros and lists resolved: part of an alert's id */
	const char *exact;     /* the same, as expr_parse() takes it; NULL: not compiled */
	const char *output;
	const char *const *tags;
	size_t ntags;
	enum priority priority;
	bool enabled;
	bool loaded;        /* compiled and indexed: enabled, right source, priority high enough */
	const char *blind;  /* NULL, or why it can never match today: "needs bpf, ..." */
	const char *partly; /* NULL, or what of it never matches or never applies today */
	const char *file;
	unsigned line;
	uint32_t id; /* index in the ruleset */
	struct filter *filter;
	struct format *format;
	struct event_set events;
};

/* A row of rule_codes.def: Falco's name for it ("LOAD_ERR_COMPILE_CONDITION"), and a sentence. */
struct rule_code {
	const char *name, *text;
};

/* One error or warning. */
struct rule_msg {
	bool error;
	const struct rule_code *code;
	struct diag diag;
	const char *item_type;     /* "rule", "macro" or "list"; NULL: it is about the file */
	char *item_name;           /* "" without a type */
	const struct field *field; /* that is deprecated; NULL: the message is about no field */
	size_t offset;             /* of the place, in the file's bytes */
};

/* A file that loading came to, and its shape beside that of rule files. */
struct rule_file {
	char *name;
	enum { SCHEMA_NONE, SCHEMA_VALID, SCHEMA_INVALID } schema; /* none: it was not read */
	char **findings;
	size_t nfindings;
};

/* What loading said. Owned by the caller: rule_log_fini(). */
struct rule_log {
	struct rule_msg *v;
	size_t n, errors, warnings;
	struct rule_file *files; /* in order, up to the one with the first error */
	size_t nfiles;
};
void rule_log_fini(struct rule_log *l);
void rule_log_print(FILE *f, const struct rule_log *l);
/* What a message is about: "rule 'X'", or nothing. */
void rule_msg_item(const struct rule_msg *m, struct buf *out);

/* Rules to switch on or off, whatever their files say: one after the other, the last wins. */
struct rule_select {
	bool enable;
	enum { SELECT_NAME, SELECT_TAG, SELECT_PART } by;
	const char *what; /* a name, in which '*' is anything; a tag; a part of the name */
};

/* A field to add to output_fields. */
struct rule_extra {
	const char *name, *format; /* format NULL: the field of that name */
};

enum { RULE_TAGS_MAX = 16, RULE_EXTRA_MAX = 32, RULE_SELECT_MAX = 256, RULE_APPEND_MAX = 32 };

/* What to append to the outputs of rules that have all of these. */
struct rule_append {
	const char *source, *rule; /* NULL: any */
	const char *tags[RULE_TAGS_MAX];
	size_t ntags;
	const char *output; /* NULL: nothing */
	struct rule_extra extra[RULE_EXTRA_MAX];
	size_t nextra;
	bool suggested; /* the fields that say in which container */
};

/* What an alert's JSON holds. */
struct alert_json {
	bool iso8601; /* the time in the text, and its key */
	bool message; /* the text without time and priority */
	bool no_output, no_fields, no_tags;
};

/* All zero: every rule, nothing added, the first that matches. */
struct rule_options {
	enum priority min_priority; /* PRIO_DEBUG: all */
	bool match_all;             /* rule_matching: all */
	struct alert_json json;
	const struct rule_select *select;
	size_t nselect;
	const struct rule_append *append;
	size_t nappend;
	struct buf *describe; /* NULL, or where Falco's description of what was loaded goes */
};

/* Files or folders (their *.yaml and *.yml, by name), in order. -EINVAL: l says why; -ENOMEM. */
int ruleset_load(const char *const *paths, size_t n, const struct rule_options *o,
    struct ruleset **ret, struct rule_log *l) MUST_CHECK;
/* The same for one text in memory: tests and fuzzing. */
int ruleset_parse(const char *name, struct slice yaml, const struct rule_options *o,
    struct ruleset **ret, struct rule_log *l) MUST_CHECK;
struct ruleset *ruleset_ref(struct ruleset *s);
void ruleset_unref(struct ruleset *s);

size_t ruleset_rules(const struct ruleset *s, const struct rule *const **ret); /* load order */
struct ruleset_counts {
	size_t rules, macros, lists;    /* that the files define */
	size_t in_force, blind, partly; /* rules that are loaded, and of these */
};
void ruleset_counts(const struct ruleset *s, struct ruleset_counts *ret);

/* The events that any loaded rule can match on, without the state set. */
void ruleset_events(const struct ruleset *s, struct event_set *ret);

/* A thread's own part: counters, scratch. */
struct rule_run;
int rule_run_new(struct ruleset *s, struct rule_run **ret) MUST_CHECK; /* takes a reference */
void rule_run_free(struct rule_run *r);

/*
 * What a rule has cost and given: the events that it was asked about, its matches, and the checks
 * that had to be run for it, since no verdict on the value was known yet.
 */
struct rule_sum {
	uint64_t evals, hits, checks;
	uint64_t suppressed; /* of the hits: in a summary, not an alert of their own */
};
void rule_run_suppressed(struct rule_run *r, const struct rule *rule); /* counts one */
void rule_run_sum(const struct rule_run *r, uint32_t rule, struct rule_sum *ret);
/* Of all runs of the set, also of those that are no more. Any thread. */
void ruleset_sum(struct ruleset *s, uint32_t rule, struct rule_sum *ret);
/* Go on counting where the rules of the same names in 'from' are; nobody runs that any more. */
void ruleset_inherit(struct ruleset *s, struct ruleset *from);

/* Evaluate one event: calls hit() for each rule that matches (the first only, unless match_all). */
typedef void rule_hit_fn(void *arg, const struct rule *rule, const struct view *v);
void rule_run_event(struct rule_run *r, const struct view *v, rule_hit_fn *hit, void *arg);

/* ---- output: format*.c ---- */

struct format_options {
	struct alert_json json;
	const struct rule_extra *extra;
	size_t nextra;
};

/* Compile "text %field ..."; null fields print <NA>. -EINVAL and *d (line 1, col in the text). */
int format_compile(const char *text, const struct format_options *o, struct arena *a,
    struct format **ret, struct diag *d) MUST_CHECK;
void format_text(
    const struct format *f, const struct view *v, struct fscratch *fs, struct buf *out);

/* A field of ours in output_fields: a text, or yes or no. */
struct format_own {
	const char *name, *text;
	bool yes;
};
/* The output_fields of an alert, ours (by name) among them: "name":value,... without the braces.
 * Returns where in 'out' the last of ours ends. */
size_t format_fields(const struct format *f, const struct view *v, struct fscratch *fs,
    const struct format_own *own, size_t nown, struct buf *out);
/* Each field that output_fields has, once, by name; each as the text names them, in its order. */
void format_each_field(
    const struct format *f, void (*fn)(void *, const struct field_ref *), void *arg);
void format_each_use(
    const struct format *f, void (*fn)(void *, const struct field_ref *), void *arg);

/* What an alert carries beside its rule and event. */
struct alert_origin {
	const char *cluster, *node, *boot_id;
	uint64_t sensor_start, seq;
	uint32_t losses; /* the loss windows that the event is in: bits of enum loss_cause */
};

/* Buffers that rendering uses again for each alert: zero to begin with, alert_scratch_fini(). */
struct alert_scratch {
	struct buf text, json;
};
void alert_scratch_fini(struct alert_scratch *s);

/*
 * The deterministic id: a UUID (RFC 9562, version 8) made of the first 128 bits of the SHA-256 of
 * cluster, node, boot, sensor start, batch sequence, event index, rule name and resolved condition,
 * each with its length before it. -ENOMEM.
 */
int alert_id(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct buf *scratch, char ret[ALERT_ID_SIZE]) MUST_CHECK;

/* Falco's JSON line for this rule and event, with its deterministic id. -ENOMEM. */
int alert_render(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct alert_scratch *s, struct alert **ret) MUST_CHECK;

#endif
