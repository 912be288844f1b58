/* SPDX-License-Identifier: Apache-2.0 */
/* link_int.h - between link.c (time and sending) and link_recv.c (answers). */
#ifndef MEWS_SENSOR_LINK_INT_H
#define MEWS_SENSOR_LINK_INT_H

#include "sensor/link.h"

/* Say it, unless it is what was said last. */
void link_note(struct link *l, enum log_level level, const char *text);

void link_set_state(struct link *l, enum link_state state, uint64_t now);

/* Close; the next try comes after 'wait', with jitter, or after the back-off if that is 0. */
void link_hang_up(struct link *l, uint64_t now, uint64_t wait);

/* The same with the back-off, and an error said. */
void link_fail(struct link *l, uint64_t now, const char *why);

/* Send what was packed into l->out with the result 'r'. 0 or -errno. */
int link_put_out(struct link *l, uint64_t now, int kind, int r) MUST_CHECK;

#endif
