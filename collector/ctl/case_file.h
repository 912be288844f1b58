/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_file.h - rule tests as people write them: processes and events in, alerts expected.
 *
 *	rules: [../mews_rules.yaml]       # tested rules, relative to this file; --rules overrides
 *	cases:
 *	  - name: a password file is read by cat
 *	    processes:                    # running before: parameters of the event 'task', by pid
 *	      - {pid: 10, ppid: 1, comm: bash, exepath: /usr/bin/bash, argv: [bash], cwd: /root/}
 *	    events:                       # by name, their parameters by name
 *	      - openat: {fd: 3, dirfd: AT_FDCWD, name: /etc/shadow, flags: O_RDONLY}
 *	        by: 10                    # tid, or {tid: 11, pid: 10}; default: the last process
 *	    alerts:                       # in order; [] for none
 *	      - rule: Sensitive file read
 *	        fields: {fd.name: /etc/shadow, fd.sip: null}
 *
 * Values of fields appear only in 'fields', which are compared: events and processes are raw, and
 * their fields are computed as on a node. EVENTS.md lists events and parameters.
 */
#ifndef MEWS_COLLECTOR_CTL_CASE_FILE_H
#define MEWS_COLLECTOR_CTL_CASE_FILE_H

#include "common/arena.h"
#include "common/buf.h"
#include "common/diag.h"
#include "proto/wire.pb-c.h"

struct case_field {
	struct case_field *next;
	const char *name, *want; /* want NULL: the field has no value */
};

struct case_alert {
	struct case_alert *next;
	const char *rule;
	const char *output; /* NULL: any */
	struct case_field *fields;
};

/* The file's arena owns everything in it. */
struct rule_case {
	struct rule_case *next;
	const char *name;
	unsigned line;
	Wire__Body *processes, *events;
	struct case_alert *alerts;
};

struct case_file {
	struct arena a;
	struct rule_case *cases;
	const char **rules; /* paths */
	size_t nrules, ncases;
};

/* -EINVAL and *d; -ENOMEM; -errno and *d. After an error there is nothing to free. */
int case_file_read(const char *path, struct case_file *ret, struct diag *d) MUST_CHECK;
void case_file_fini(struct case_file *f);

#endif
