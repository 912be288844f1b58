/* SPDX-License-Identifier: Apache-2.0 */
/* link_int.h - shared by link.c (time and sending) and link_recv.c (answers). */
#ifndef MEWS_SENSOR_LINK_INT_H
#define MEWS_SENSOR_LINK_INT_H

#include "sensor/link.h"

/* Report it, unless it equals the last note. */
void link_note(struct link *l, enum log_level level, const char *text);

void link_set_state(struct link *l, enum link_state state, uint64_t now);

/* Close; retry after 'wait', with jitter, or after the back-off if 'wait' is 0. */
void link_hang_up(struct link *l, uint64_t now, uint64_t wait);

/* Report an error, close, and retry after the back-off. */
void link_fail(struct link *l, uint64_t now, const char *why);

/* Send the request that was packed into l->out with the result 'r'. 0 or -errno. */
int link_put_out(struct link *l, uint64_t now, int kind, int r) MUST_CHECK;

#endif
