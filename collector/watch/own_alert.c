/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/own_alert.h"
#include <stdlib.h>

struct told {
	struct outbox_txn txn;
	struct stream_id id;
};

static void
put_done(struct outbox_txn *t, int r)
{
	(void) r;
	free(CONTAINER_OF(t, struct told, txn));
}

bool
own_alert_put(struct outbox *o, const char *cluster, const char *name, struct alert *a)
{
	struct told *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		alert_free(a);
		return false;
	}
	(void) snprintf(k->id.cluster, sizeof(k->id.cluster), "%s", cluster);
	(void) snprintf(k->id.node, sizeof(k->id.node), "%s", name);
	k->txn = (struct outbox_txn){ .stream = &k->id, .alerts = a, .done = put_done };
	if (outbox_put(o, &k->txn) == 0)
		return true;
	alert_free(a);
	free(k);
	return false;
}
