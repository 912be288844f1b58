/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_status.h - a collector's status, printed for people. */
#ifndef MEWS_COLLECTOR_CTL_CTL_STATUS_H
#define MEWS_COLLECTOR_CTL_CTL_STATUS_H

#include <jansson.h>

/* Print the answer of /api/v1/status, in lines of at most 80 columns; rates are relative to the
 * earlier answer 'before'. */
void status_print(const json_t *j, const json_t *before);

#endif
