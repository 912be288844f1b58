/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/check.h"
#include "common/hex.h"
#include "proto/event.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNPACK_MAX (8u << 20) /* bytes of memory that one message may take when decoded */
#define SEQ_MAX    (UINT64_MAX / 2)

/* ---- memory: a few bytes on the wire must not expand to a hundred megabytes ---- */

static void *
budget_alloc(void *arg, size_t n)
{
	size_t *left = arg;

	if (n > *left)
		return NULL;
	*left -= n;
	return malloc(n);
}

static void
budget_free(void *arg, void *p)
{
	(void) arg;
	free(p);
}

/* ---- texts ---- */

bool
node_name_ok(const char *name)
{
	size_t n =
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n <= 255 && name[n] == '\0' && name[0] != '.' && name[0] != '-';
}

static bool
printable(const char *s, size_t max)
{
	size_t n = 0;

	for (; s[n] != '\0'; n++) {
		if (n == max || s[n] < ' ' || s[n] > '~')
			return false;
	}
	return true;
}

/* Is it a UUID as in /proc/sys/kernel/random/boot_id? */
static bool
uuid_ok(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == 'x' ? hex_digit(s[i]) < 0 : s[i] != '-')
			return false;
	}
	return s[sizeof(form) - 1] == '\0';
}

/* ---- bodies; each function returns the error, or NULL ---- */

static const char *
check_interfaces(const Wire__Hello *h)
{
	if (h->n_interfaces > 4096)
		return "more than 4096 addresses";
	for (size_t i = 0; i < h->n_interfaces; i++) {
		const Wire__Interface *f = h->interfaces[i];

		if (f->address.len != 4 && f->address.len != 16)
			return "an address is neither 4 nor 16 bytes long";
		if (f->prefix > f->address.len * 8)
			return "a network prefix is longer than its address";
		if (!printable(f->name, 64))
			return "an interface has no valid name";
	}
	return NULL;
}

static const char *
check_hello(const Wire__Hello *h, Wire__Reject__Code *code)
{
	if (h->protocol < WIRE_OLDEST || h->protocol > WIRE_PROTOCOL) {
		*code = WIRE__REJECT__CODE__PROTOCOL;
		return "this collector speaks another protocol: bring sensor and collector to "
		       "neighbouring versions";
	}
	if (!node_name_ok(h->node))
		return "the node's name must be 1 to 255 letters, digits, '.', '-', '_'";
	if (!printable(h->cluster, 127))
		return "the cluster's name must be at most 127 printable characters";
	if (!uuid_ok(h->boot_id))
		return "the boot id is not a UUID";
	if (h->sensor_start == 0)
		return "the sensor's start is missing";
	if (!printable(h->version, 63) || !printable(h->kernel, 127) || !printable(h->arch, 31))
		return "version, kernel or architecture is too long or not printable";
	if (h->n_labels > LABELS_MAX)
		return "more than 64 labels";
	for (size_t i = 0; i < h->n_labels; i++) {
		if (!printable(h->labels[i]->key, 128) || !printable(h->labels[i]->value, 256))
			return "a label is too long or not printable";
	}
	if (h->durable_seq > SEQ_MAX)
		return "a batch number is out of range";
	if (h->n_schema > EV_TYPE_MAX)
		return "more events are described than can exist";
	return check_interfaces(h);
}

static const char *
check_body(const Wire__Body *b, Wire__Reject__Code *code)
{
	if (b == NULL)
		return "the events are missing";
	if (b->encoding != WIRE__BODY__ENCODING__PLAIN && b->encoding != WIRE__BODY__ENCODING__ZSTD)
		return "the events are in an unknown encoding";
	if (b->size > WIRE_COLUMNS_MAX) {
		*code = WIRE__REJECT__CODE__TOO_LARGE;
		return "the events are more than 8 MiB before compression";
	}
	return NULL;
}

static const char *
check_batch(const Wire__Batch *b, Wire__Reject__Code *code)
{
	if (b->seq == 0 || b->seq > SEQ_MAX)
		return "the batch has no number";
	if (b->events > WIRE_EVENTS_MAX) {
		*code = WIRE__REJECT__CODE__TOO_LARGE;
		return "the batch has more than 65536 events";
	}
	if (b->n_drops > DROPS_MAX)
		return "the batch has too many drop counters";
	if (b->n_accounts > EV_TYPE_MAX)
		return "the batch has too many accounts";
	return check_body(b->body, code);
}

static const char *
check_request(const Wire__Request *q, Wire__Reject__Code *code)
{
	switch (q->body_case) {
	case WIRE__REQUEST__BODY_HELLO:
		return check_hello(q->hello, code);
	case WIRE__REQUEST__BODY_PROOF:
		return NULL;
	case WIRE__REQUEST__BODY_BATCH:
		return check_batch(q->batch, code);
	case WIRE__REQUEST__BODY_POLL:
		return q->poll->n_drops > DROPS_MAX || q->poll->skip_to > SEQ_MAX
			   ? "a poll with impossible numbers"
			   : NULL;
	case WIRE__REQUEST__BODY_BYE:
		return NULL;
	case WIRE__REQUEST__BODY__NOT_SET:
	case _WIRE__REQUEST__BODY__CASE_IS_INT_SIZE:
		break;
	}
	return "the request is empty, or of an unknown kind";
}

int
request_read(const uint8_t *p, size_t n, Wire__Request **ret, struct refusal *why)
{
	size_t left = UNPACK_MAX;
	ProtobufCAllocator budget = { budget_alloc, budget_free, &left };
	Wire__Reject__Code code = WIRE__REJECT__CODE__MALFORMED;
	Wire__Request *q;
	const char *text;

	*why = (struct refusal){ code, 0, "the message cannot be decoded" };
	q = wire__request__unpack(&budget, n, p);
	if (q == NULL)
		return -EBADMSG;
	text = check_request(q, &code);
	if (text == NULL) {
		*ret = q;
		return 0;
	}
	*why = (struct refusal){ code, 0, text };
	if (q->body_case == WIRE__REQUEST__BODY_BATCH)
		why->seq = q->batch->seq;
	wire__request__free_unpacked(q, NULL);
	return -EBADMSG;
}
