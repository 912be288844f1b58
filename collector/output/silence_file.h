/* SPDX-License-Identifier: Apache-2.0 */
/* silence_file.h - one silence, and the file of all. */
#ifndef MEWS_COLLECTOR_OUTPUT_SILENCE_FILE_H
#define MEWS_COLLECTOR_OUTPUT_SILENCE_FILE_H

#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"

#define SILENCE_TEXT_MAX 1024 /* bytes of each text */

/* What a silence is asked for with. NULL or "": any. */
struct silence_spec {
	const char *rule, *node, *cluster; /* '*' stands for any characters */
	const char *condition;             /* as outputs.NAME.condition */
	const char *why, *who;
	uint64_t seconds;
};

struct silence {
	uint64_t number, created, until;                     /* realtime ns */
	uint64_t count;                                      /* alerts kept back, once per output */
	char *rule, *node, *cluster, *condition, *why, *who; /* "": any */
};

/* Make one. -ENOMEM. */
int silence_new(const struct silence_spec *spec, uint64_t number, uint64_t now,
    struct silence **ret) MUST_CHECK;
void silence_free(struct silence *x);

/* Append it as a JSON object; 'more' follows its last member. */
void silence_json(const struct silence *x, const char *more, struct buf *ret);

/* Call take() for each in a file's text, which gets it, until that returns an error. -EBADMSG: it
 * is not such a text. */
int silence_file_parse(
    struct slice text, int (*take)(void *arg, struct silence *x), void *arg) MUST_CHECK;
/* Call take() for each in the file, which gets it, until that returns an error. 0 also if there is
 * no file. -EBADMSG and *d: it was damaged, and is set aside as PATH.damaged. Other -errno and *d.
 */
int silence_file_read(const char *path, int (*take)(void *arg, struct silence *x), void *arg,
    struct diag *d) MUST_CHECK;
/* Replace the file; on the disk when it returns. -errno. */
int silence_file_write(const char *path, struct silence *const *v, size_t n) MUST_CHECK;

#endif
