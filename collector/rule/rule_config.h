/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_config.h - the configuration of rules: which are enabled, texts appended to outputs, the
 * contents of alerts. One thread; strings belong to the configuration, and must not outlive it.
 *
 *	rule:
 *	  select:
 *	    - disable: { tag: network }
 *	    - enable: { rule: "Terminal shell*" }
 *	  scopes:
 *	    - condition: k8s.ns.name in (shop, till)
 *	      tag: network
 *	append_output:
 *	  - match: { source: syscall, tags: [container], rule: "Terminal shell in container" }
 *	    extra_output: "pid=%proc.pid"
 *	    extra_fields: [evt.num, { owner: "team of %user.name" }]
 *	  - suggested_output: true
 */
#ifndef MEWS_COLLECTOR_RULE_RULE_CONFIG_H
#define MEWS_COLLECTOR_RULE_RULE_CONFIG_H

#include "collector/rule/rule.h"
#include "common/config.h"

struct rule_config {
	struct rule_options options; /* points into the rest */
	struct rule_select select[RULE_SELECT_MAX];
	struct rule_scope scopes[RULE_SCOPES_MAX];
	struct rule_append append[RULE_APPEND_MAX];
	struct cfg *cfg; /* that owns the texts */
	int last;        /* index of the last entry of append_output in the configuration */
	int last_scope;  /* the same of rule.scopes */
};

/* Read 'rule.select', 'rule.scopes', 'append_output' and 'alert.*'; without 'append_output' the
 * suggested fields are appended. -EINVAL and *d; -ENOMEM. */
int rule_config_read(struct rule_config *rc, struct cfg *cfg, struct diag *d) MUST_CHECK;

/* Add one selection: "rule" (a name with '*'), "tag" or "contains". -EINVAL and d->msg. */
int rule_config_select(struct rule_config *rc, bool enable, const char *by, const char *what,
    struct diag *d) MUST_CHECK;

/* The condition with what makes it unknown, appended to *ret. -EINVAL and *d; -ENOMEM. */
int scope_compile(const char *condition, struct buf *ret, struct diag *d) MUST_CHECK;

/* For --help. */
void rule_config_help(FILE *f);

#endif
