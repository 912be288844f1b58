/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_file_int.h - reading a file of rule tests; for case_*.c only.
 *
 *	case_yaml.c     nodes of the document, and their expected shapes
 *	case_event.c    processes and events -> batches
 *	case_file.c     the file, its cases, the alerts expected
 */
#ifndef MEWS_COLLECTOR_CTL_CASE_FILE_INT_H
#define MEWS_COLLECTOR_CTL_CASE_FILE_INT_H

#include "collector/ctl/case_file.h"
#include "proto/batch.h"
#include "proto/compose.h"
#include <yaml.h>

enum { CASE_THREADS_MAX = 1024 };

struct who {
	uint32_t tid, pid, ppid;
};

struct reader {
	yaml_document_t doc;
	struct case_file *file;
	struct diag *d;
	/* of the case under way */
	struct who threads[CASE_THREADS_MAX];
	size_t nthreads;
	uint64_t now; /* boot ns */
	struct batch_enc *enc;
	struct composer c;
	union ev_record rec;
};

#define read_fail(r, n, ...)                                   \
	diag_fail((r)->d, (unsigned) (n)->start_mark.line + 1, \
	    (unsigned) (n)->start_mark.column + 1, __VA_ARGS__)

/* ---- case_yaml.c ---- */

size_t npairs(const yaml_node_t *n);
size_t nitems(const yaml_node_t *n);
yaml_node_t *item(struct reader *r, const yaml_node_t *n, size_t i);

/* The i-th key of a mapping, and its value; p is NULL if the key is not a scalar. */
struct slice pair(struct reader *r, const yaml_node_t *n, size_t i, yaml_node_t **value);
yaml_node_t *get(struct reader *r, const yaml_node_t *n, const char *key); /* NULL: no such key */
struct slice scalar(const yaml_node_t *n); /* p is NULL: not a scalar */
bool is_null(const yaml_node_t *n);        /* null or ~, unquoted */

/* Check that a node is a mapping with only these keys (NULL: any; ends with NULL), a list, a text,
 * a number: -EINVAL and r->d, or -ENOMEM. */
int want_map(
    struct reader *r, const yaml_node_t *n, const char *what, const char *const *keys) MUST_CHECK;
int want_list(struct reader *r, const yaml_node_t *n, const char *what) MUST_CHECK;
int want_text(
    struct reader *r, const yaml_node_t *n, const char *what, const char **ret) MUST_CHECK;
int want_number(struct reader *r, const yaml_node_t *n, const char *what, uint32_t *ret) MUST_CHECK;

/* ---- case_event.c: 'n' may be NULL for no processes ---- */

int read_processes(struct reader *r, yaml_node_t *n, struct rule_case *c) MUST_CHECK;
int read_events(struct reader *r, const yaml_node_t *n, struct rule_case *c) MUST_CHECK;

#endif
