/* SPDX-License-Identifier: Apache-2.0 */
/* own_alert.h - alerts of the collector itself, on their way into the outbox. */
#ifndef MEWS_COLLECTOR_WATCH_OWN_ALERT_H
#define MEWS_COLLECTOR_WATCH_OWN_ALERT_H

#include "collector/outbox/outbox.h"

/* Give an alert to the outbox, as one of the collector of this cluster and name; it is freed in any
 * case. False: not now. */
bool own_alert_put(struct outbox *o, const char *cluster, const char *name, struct alert *a);

#endif
