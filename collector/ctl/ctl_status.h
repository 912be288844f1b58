/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_status.h - a collector's status, printed for people. */
#ifndef MEWS_COLLECTOR_CTL_CTL_STATUS_H
#define MEWS_COLLECTOR_CTL_CTL_STATUS_H

#include <jansson.h>

/* The answer of /api/v1/status, in lines of at most 80 columns; 'before' is an earlier answer, of
 * which rates are made. */
void status_print(const json_t *j, const json_t *before);

#endif
