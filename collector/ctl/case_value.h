/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_value.h - a parameter's value as a person writes it.
 *
 *	number       12, -2, 0x1f, 0644; the table's words: O_RDWR|O_CREAT; ENOENT is -2; AT_FDCWD
 *	             for a descriptor; SIGKILL for a signal
 *	text         unchanged
 *	list         [sh, -c, id]: each with its terminating NUL
 *	address      10.0.0.1:443, [::1]:53, or the path of a unix socket
 *	connection   10.0.0.2:40000->10.0.0.1:443, or the path of a unix socket (proto/sock_parse.h)
 *	bytes        !hex 7f454c46
 */
#ifndef MEWS_COLLECTOR_CTL_CASE_VALUE_H
#define MEWS_COLLECTOR_CTL_CASE_VALUE_H

#include "common/arena.h"
#include "proto/compose.h"

/* Fill parameter 'i' of the record from a scalar. -EINVAL: *why names the expected form (static
 * text); -ENOMEM. Texts are allocated in 'a'. */
int case_value(struct composer *c, unsigned i, struct slice text, struct arena *a,
    const char **why) MUST_CHECK;

#endif
