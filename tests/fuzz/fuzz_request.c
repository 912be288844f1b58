/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_request.c - the bytes of a request: an accepted one keeps the contract, a refused one has a
 * reason. */
#include "collector/ingest/check.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
promises(const Wire__Request *q)
{
	switch (q->body_case) {
	case WIRE__REQUEST__BODY_HELLO:
		must(node_name_ok(q->hello->node) && strlen(q->hello->boot_id) == 36);
		must(strlen(q->hello->cluster) <= 127 && q->hello->n_labels <= LABELS_MAX);
		break;
	case WIRE__REQUEST__BODY_BATCH:
		must(q->batch->seq != 0 && q->batch->events <= WIRE_EVENTS_MAX);
		must(q->batch->body != NULL && q->batch->body->size <= WIRE_COLUMNS_MAX);
		break;
	default:
		must(q->body_case != WIRE__REQUEST__BODY__NOT_SET);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Wire__Request *q = NULL;
	struct refusal why;
	uint8_t *packed;
	size_t n;

	if (request_read(data, size, &q, &why) < 0) {
		must(q == NULL && why.code != WIRE__REJECT__CODE__NONE && why.text[0] != '\0');
		return 0;
	}
	promises(q);
	n = wire__request__get_packed_size(q);
	packed = malloc(n + 1);
	must(packed != NULL && wire__request__pack(q, packed) == n); /* every byte is read */
	wire__request__free_unpacked(q, NULL);
	free(packed);
	return 0;
}
