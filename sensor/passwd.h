/* SPDX-License-Identifier: Apache-2.0 */
/* passwd.h - parse lines of passwd, group, subuid and subgid files. */
#ifndef MEWS_SENSOR_PASSWD_H
#define MEWS_SENSOR_PASSWD_H

#include "common/macros.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stdint.h>

struct user_line {
	struct slice name, home, shell;
	uint32_t uid, gid;
};

/* False: a line of NIS ('+', '-'), or not a passwd (group) line with all fields and decimal ids.
 * The slices borrow from the line. */
bool user_parse(struct slice line, struct user_line *ret) MUST_CHECK;
bool group_parse(struct slice line, struct slice *name, uint32_t *gid) MUST_CHECK;

/* A range of ids that a user may give to others; the name may be a number. */
bool subid_parse(
    struct slice line, struct slice *name, uint32_t *first, uint32_t *count) MUST_CHECK;

/* Take the next line of a text, without its end. False after the last. */
bool line_next(struct slice *rest, struct slice *line);

#endif
