/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - Falco rule files: load them, evaluate them on events.
 *
 * A ruleset is immutable and reference-counted, so that shards share it and a reload swaps it
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
	const char *exact;     /* the same, accepted by expr_parse(); NULL: not compiled */
	const char *output;
	const char *const *tags;
	size_t ntags;
	enum priority priority;
	bool enabled;
	bool loaded;        /* compiled and indexed: enabled, right source, priority high enough */
	const char *blind;  /* NULL, or why it can never match today: "needs bpf, ..." */
	const char *partly; /* NULL, or the parts that never match or never apply today */
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
	const struct field *field; /* the deprecated one; NULL: not about a field */
	size_t offset;             /* of the location, in the file's bytes */
};

enum { RULE_REPLACED_MAX = 10000 };

/* A file that was loaded, and the result of checking its schema. */
struct rule_file {
	char *name;
	enum { SCHEMA_NONE, SCHEMA_VALID, SCHEMA_INVALID } schema; /* none: it was not read */
	char **findings;
	size_t nfindings, findings_cap;
};

/* A rule that a later definition has replaced as a whole, and the files of both. */
struct rule_replaced {
	char *rule, *was, *by;
};

/* Messages of loading. Owned by the caller: rule_log_fini(). */
struct rule_log {
	struct rule_msg *v;
	size_t n, cap, errors, warnings;
	struct rule_replaced *replaced; /* of another file; the first RULE_REPLACED_MAX */
	size_t nreplaced, replaced_cap;
	struct rule_file *files; /* in order, up to the one with the first error */
	size_t nfiles, files_cap;
};
void rule_log_fini(struct rule_log *l);
void rule_log_print(FILE *f, const struct rule_log *l);
/* The subject of a message: "rule 'X'", or nothing. */
void rule_msg_item(const struct rule_msg *m, struct buf *out);

/* Rules to enable or disable, regardless of their files: applied in order, the last one wins. */
struct rule_select {
	bool enable;
	enum { SELECT_NAME, SELECT_TAG, SELECT_PART } by;
	const char *what; /* a name, in which '*' matches anything; a tag; a part of the name */
};

/* A condition that limits rules to where it is true, or where it cannot be told. */
struct rule_scope {
	struct rule_select to; /* 'what' NULL: all rules on system calls; 'enable' is not used */
	const char *condition; /* as configured */
	const char *text;      /* what is and-ed: scope_compile() */
};

/* A field to add to output_fields. */
struct rule_extra {
	const char *name, *format; /* format NULL: the field of that name */
};

enum {
	RULE_TAGS_MAX = 16,
	RULE_EXTRA_MAX = 32,
	RULE_SELECT_MAX = 256,
	RULE_SCOPES_MAX = 64,
	RULE_APPEND_MAX = 32
};

/* Text and fields to append to the outputs of rules that match all of these. */
struct rule_append {
	const char *source, *rule; /* NULL: any */
	const char *tags[RULE_TAGS_MAX];
	size_t ntags;
	const char *output; /* NULL: nothing */
	struct rule_extra extra[RULE_EXTRA_MAX];
	size_t nextra;
	bool suggested; /* append the fields that identify the container */
};

/* The contents of an alert's JSON. */
struct alert_json {
	bool iso8601; /* the time in the text, and its key */
	bool message; /* the text without time and priority */
	bool no_output, no_fields, no_tags;
};

/* All zero: load every rule, append nothing, only the first match. */
struct rule_options {
	enum priority min_priority; /* PRIO_DEBUG: all */
	bool match_all;             /* rule_matching: all */
	struct alert_json json;
	const struct rule_select *select;
	size_t nselect;
	const struct rule_scope *scopes;
	size_t nscopes;
	const struct rule_append *append;
	size_t nappend;
	const struct filter_secrets *secrets; /* of the sensors, for warnings; NULL: as built in */
	struct buf *describe; /* NULL, or receives Falco's description of the loaded definitions */
};

/* Load files or folders, in order: of a folder its bundles (*.bundle: folders of rule files), then
 * its *.yaml and *.yml, each by name. -EINVAL: see l; -ENOMEM. */
int ruleset_load(const char *const *paths, size_t n, const struct rule_options *o,
    struct ruleset **ret, struct rule_log *l) MUST_CHECK;
/* Is something of this name in a folder loaded? */
bool rule_name_loads(const char *name);
/* Is that a bundle? */
bool rule_name_is_bundle(const char *name);
/* The same for one text in memory, for tests and fuzzing. */
int ruleset_parse(const char *name, struct slice yaml, const struct rule_options *o,
    struct ruleset **ret, struct rule_log *l) MUST_CHECK;
struct ruleset *ruleset_ref(struct ruleset *s);
void ruleset_unref(struct ruleset *s);

size_t ruleset_rules(const struct ruleset *s, const struct rule *const **ret); /* load order */
struct ruleset_counts {
	size_t rules, macros, lists;    /* defined in the files */
	size_t in_force, blind, partly; /* loaded rules, and of these */
};
void ruleset_counts(const struct ruleset *s, struct ruleset_counts *ret);

/* The events on which any loaded rule can match, without those that only state needs. */
void ruleset_events(const struct ruleset *s, struct event_set *ret);

/* What sensors capture while 'a' is in force; with 'b' (or NULL) also during a change to that. */
void ruleset_interest(const struct ruleset *a, const struct ruleset *b, struct interest *ret);

/* A thread's part: counters, scratch. */
struct rule_run;
int rule_run_new(struct ruleset *s, struct rule_run **ret) MUST_CHECK; /* takes a reference */
void rule_run_free(struct rule_run *r);

/*
 * The cost and result of a rule: events on which it was evaluated, its matches, and the checks run
 * for it because no verdict on the value was known.
 */
struct rule_sum {
	uint64_t evals, hits, checks;
	uint64_t suppressed; /* hits reported in a summary instead of an alert */
};
void rule_run_suppressed(struct rule_run *r, const struct rule *rule); /* counts one */
void rule_run_sum(const struct rule_run *r, uint32_t rule, struct rule_sum *ret);
/* A hash of all that decides what the set's rules match; the same for the same rules in the same
 * order, by the same version. Any thread. -ENOMEM. */
int ruleset_hash(const struct ruleset *s, uint64_t ret[2]) MUST_CHECK;
/* Sum over all runs of the set, including ended ones. Any thread. */
void ruleset_sum(struct ruleset *s, uint32_t rule, struct rule_sum *ret);
/* Continue the counts of rules with the same names in 'from', which no thread evaluates any
 * more. */
void ruleset_inherit(struct ruleset *s, struct ruleset *from);

/* Since when a rule is in force in every shard without a change of what it matches, realtime ns,
 * and the version of the interest that covers its events since then. */
struct rule_force {
	uint64_t since; /* 0: it is about to be */
	uint32_t interest;
};
/* The set is in force in every shard; rules that are the same in the set before (or NULL) keep
 * their times. One thread. */
void ruleset_in_force(struct ruleset *s, struct ruleset *before, uint64_t now, uint32_t interest);
/* Find a rule, and since when it is in force. Any thread. NULL: there is none of this name. */
const struct rule *ruleset_force(struct ruleset *s, const char *name, struct rule_force *ret);
/* The same for an event, by its number. False: not all events of this type are wanted. */
bool ruleset_event_force(struct ruleset *s, unsigned num, struct rule_force *ret);
/* Append what ruleset_force_resume() of a later collector needs. */
void ruleset_force_keep(struct ruleset *s, struct buf *out);
/* The set has just come into force, without one before it: rules that match the same events as in
 * the kept set keep their times. One thread. -EBADMSG: it is none, and nothing changes; -ENOMEM. */
int ruleset_force_resume(struct ruleset *s, struct slice kept) MUST_CHECK;

/* Evaluate one event: call hit() for each rule that matches (only the first, unless match_all). */
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

/* One of our own fields in output_fields: a text, JSON, or a boolean. */
struct format_own {
	const char *name, *text;
	bool yes;
	struct slice json; /* p NULL: it is none */
};
/* Append an alert's output_fields, including ours (by name): "name":value,... without the braces.
 * Returns where in 'out' the last of ours ends. */
size_t format_fields(const struct format *f, const struct view *v, struct fscratch *fs,
    const struct format_own *own, size_t nown, struct buf *out);
/* Call fn for each field in output_fields, once, by name; or for each as the text names them, in
 * order. */
void format_each_field(
    const struct format *f, void (*fn)(void *, const struct field_ref *), void *arg);
void format_each_use(
    const struct format *f, void (*fn)(void *, const struct field_ref *), void *arg);

/* Data of an alert besides its rule and event. */
struct alert_origin {
	const char *cluster, *node, *boot_id;
	uint64_t sensor_start, seq;
	uint32_t losses; /* the loss windows that contain the event: bits of enum loss_cause */
	uint64_t
	    kube_stale; /* s that what is known of the cluster's pods may be old; 0: it is not */
};

/* Buffers reused for each alert: initially zero, alert_scratch_fini(). */
struct alert_scratch {
	struct buf text, json;
};
void alert_scratch_fini(struct alert_scratch *s);

/*
 * The deterministic id: a UUID (RFC 9562, version 8) from the first 128 bits of the SHA-256 of
 * cluster, node, boot, sensor start, batch sequence, event index, rule name and resolved condition,
 * each with its length before it. -ENOMEM.
 */
int alert_id(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct buf *scratch, char ret[ALERT_ID_SIZE]) MUST_CHECK;

/* Make Falco's JSON line for this rule and event, with its deterministic id. -ENOMEM. */
int alert_render(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct alert_scratch *s, struct alert **ret) MUST_CHECK;

#endif
