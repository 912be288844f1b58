/* SPDX-License-Identifier: Apache-2.0 */
/* test_batch_bad.c - bodies that the decoder refuses, and events of other versions. */
#include "proto/batch.h"
#include "proto/wire.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

/* Two opens by one thread, as columns that a case can corrupt. */
struct columns {
	Wire__Columns msg;
	ProtobufCBinaryData dict[16];
	uint32_t tid[2], pid[2], type[2], origin[2], cpu[2], flags[2];
	uint64_t start[2], absent[2];
	int64_t time[2], params[64];
};

static void
columns_init(struct columns *c)
{
	static uint8_t name[] = "/etc/x";

	*c = (struct columns){
		.dict = { { 6, name } },
		.tid = { 7 },
		.pid = { 7 },
		.start = { 9 },
		.type = { EV_OPEN, EV_OPEN },
		.time = { 100, 1 },
		.params = { 3, 1, 0, 0, 0, 5, 0, -5, -1, 0, 0, 0, -5, 0 },
	};
	wire__columns__init(&c->msg);
	c->msg.n_dict = 1;
	c->msg.dict = c->dict;
	c->msg.n_tid = c->msg.n_pid = c->msg.n_start = c->msg.n_cpu = 1;
	c->msg.tid = c->tid;
	c->msg.pid = c->pid;
	c->msg.start = c->start;
	c->msg.n_type = c->msg.n_time = c->msg.n_origin = 2;
	c->msg.type = c->type;
	c->msg.time = c->time;
	c->msg.origin = c->origin;
	c->msg.cpu = c->cpu;
	c->msg.flags = c->flags;
	c->msg.absent = c->absent;
	c->msg.n_params = 14;
	c->msg.params = c->params;
}

static int
decode_with(const struct columns *c, const struct peer_schema *peer, bool again, struct batch **b,
    const char **why)
{
	size_t n = wire__columns__get_packed_size(&c->msg);
	uint8_t *p = malloc(n + 1);
	Wire__Body body = WIRE__BODY__INIT;
	int r;

	assert_non_null(p);
	assert_int_equal(n, wire__columns__pack(&c->msg, p));
	body.size = (uint32_t) n;
	body.data = (ProtobufCBinaryData){ n, p };
	r = again ? batch_decode_again(&body, peer, b, why) : batch_decode(&body, peer, b, why);
	free(p);
	return r;
}

static int
decode(const struct columns *c, const struct peer_schema *peer, struct batch **b, const char **why)
{
	return decode_with(c, peer, false, b, why);
}

static int
decode_again(const struct columns *c, struct batch **b, const char **why)
{
	return decode_with(c, NULL, true, b, why);
}

#define SPOIL(name)                          \
	static void name(struct columns *c); \
	static void name(struct columns *c)

SPOIL(spoil_nothing)
{
	(void) c;
}
SPOIL(spoil_type)
{
	c->type[1] = 0;
}
SPOIL(spoil_type_high)
{
	c->type[1] = EV_TYPE_MAX;
}
SPOIL(spoil_origin)
{
	c->origin[1] = 1;
}
SPOIL(spoil_text)
{
	c->params[8] = 1;
}
SPOIL(spoil_text_negative)
{
	c->params[8] = -2;
}
SPOIL(spoil_cpu)
{
	c->cpu[0] = 65536;
}
SPOIL(spoil_few_params)
{
	c->msg.n_params = 13;
}
SPOIL(spoil_many_params)
{
	c->msg.n_params = 15;
}
SPOIL(spoil_time)
{
	c->msg.n_time = 1;
}
SPOIL(spoil_origins)
{
	c->msg.n_origin = 1;
}
SPOIL(spoil_cpus)
{
	c->msg.n_cpu = 0;
}
SPOIL(spoil_flags)
{
	c->msg.n_flags = 2;
}
SPOIL(spoil_absents)
{
	c->msg.n_absent = 1;
}
SPOIL(spoil_pids)
{
	c->msg.n_pid = 2;
}
SPOIL(spoil_starts)
{
	c->msg.n_start = 0;
}
SPOIL(spoil_dict)
{
	c->msg.n_dict = 15;
}
SPOIL(spoil_absent)
{
	c->absent[c->msg.n_absent++] = 0;
	c->absent[c->msg.n_absent++] = 1 << 7;
}

static const struct {
	void (*spoil)(struct columns *c);
	const char *why;
} spoil_cases[] = {
	{ spoil_nothing, NULL },
	{ spoil_type, "an event's number is unknown" },
	{ spoil_type_high, "an event's number is unknown" },
	{ spoil_origin, "an origin's index is outside the origins" },
	{ spoil_text, "a text's index is outside the dictionary" },
	{ spoil_text_negative, "a text's index is outside the dictionary" },
	{ spoil_cpu, "a CPU's number is out of range" },
	{ spoil_few_params, "fewer parameters than the events have" },
	{ spoil_many_params, "more parameters than the events have" },
	{ spoil_time, "columns of unequal length" },
	{ spoil_origins, "columns of unequal length" },
	{ spoil_cpus, "origin columns of unequal length" },
	{ spoil_flags, "origin columns of unequal length" },
	{ spoil_absents, "columns of unequal length" },
	{ spoil_pids, "origin columns of unequal length" },
	{ spoil_starts, "origin columns of unequal length" },
	{ spoil_dict, "more texts than parameters" },
	{ spoil_absent, "an absent parameter that the event does not have" },
};

static void
columns(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(spoil_cases); i++) {
		struct batch *b = NULL;
		const char *why = NULL;
		struct columns c;
		int r;

		columns_init(&c);
		spoil_cases[i].spoil(&c);
		r = decode(&c, NULL, &b, &why);
		if (spoil_cases[i].why == NULL) {
			assert_int_equal(0, r);
			batch_free(b);
			continue;
		}
		assert_int_equal(-EBADMSG, r);
		assert_null(b);
		assert_string_equal(spoil_cases[i].why, why);
	}
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct {
	int encoding;
	uint32_t size;
	const uint8_t *p;
	size_t n;
	const char *why;
} byte_cases[] = {
	{ 2, 0, BYTES(0), "unknown encoding" },
	{ 0, 2, BYTES(0), "the size does not match the data" },
	{ 0, WIRE_COLUMNS_MAX + 1, BYTES(0), "the columns are too large" },
	{ 0, 1, BYTES(0x80), "the columns are cut short" },
	{ 0, 1, BYTES(0x0a), "the columns are cut short" },
	{ 0, 2, BYTES(0x0a, 0x01), "the columns are cut short" },
	{ 0, 3, BYTES(0x08, 0x80, 0x80), "the columns are cut short" },
	{ 0, 4, BYTES(0x0d, 0, 0, 0), "the columns are cut short" },
	{ 0, 11, BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
	    "the columns are cut short" },
	{ 0, 2, BYTES(0x2b, 0x2c), "the columns have an unknown encoding" },
	{ 0, 2, BYTES(0x0a, 0), "more texts than parameters" },
	{ 0, 5, BYTES(0x15, 0, 0, 0, 0), "a column's values are not packed" }, /* tid as fixed32 */
	{ 0, 2, BYTES(0x10, 0), "a column's values are not packed" },
	{ 0, 4, BYTES(0x12, 0, 0x12, 0), "a column comes twice" },
	{ 0, 4, BYTES(0x12, 2, 0, 0x80), "a column's values are damaged" },
	{ 1, 0, BYTES(0), "the size does not match the compressed data" },
	{ 1, 5, BYTES(0x28, 0xb5, 0x2f, 0xfd, 0x20),
	    "the size does not match the compressed data" },
};

static void
bytes(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(byte_cases); i++) {
		Wire__Body body = WIRE__BODY__INIT;
		struct batch *b = NULL;
		const char *why = NULL;
		uint8_t copy[16];

		assert_true(byte_cases[i].n <= sizeof(copy));
		memcpy(copy, byte_cases[i].p, byte_cases[i].n);
		body.encoding = (Wire__Body__Encoding) byte_cases[i].encoding;
		body.size = byte_cases[i].size;
		body.data = (ProtobufCBinaryData){ byte_cases[i].n, copy };
		assert_int_equal(-EBADMSG, batch_decode(&body, NULL, &b, &why));
		assert_null(b);
		assert_string_equal(byte_cases[i].why, why);
	}
}

/* Unknown fields come from a newer peer; a column with too many values is refused. */
static void
too_many(void **state)
{
	static uint8_t p[WIRE_EVENTS_MAX + 64];
	Wire__Body body = WIRE__BODY__INIT;
	struct batch *b = NULL;
	const char *why = NULL;

	(void) state;
	for (size_t i = 0; i < 1024; i++)
		memcpy(p + 3 * i, (const uint8_t[]){ 0x80, 0x01, 0 }, 3); /* field 16 */
	body.data = (ProtobufCBinaryData){ 3072, p };
	body.size = 3072;
	assert_int_equal(0, batch_decode(&body, NULL, &b, &why));
	assert_int_equal(0, b->nev);
	batch_free(b);

	memset(p, 0, sizeof(p));
	memcpy(p, (const uint8_t[]){ 0x2a, 0x81, 0x80, 0x04 }, 4); /* type: 65537 zeros */
	body.data.len = body.size = 4 + WIRE_EVENTS_MAX + 1;
	assert_int_equal(-EBADMSG, batch_decode(&body, NULL, &b, &why));
	assert_string_equal("too many events", why);
}

/* Decode into the memory of the previous batch, valid or not. */
static void
again(void **state)
{
	Wire__Body body = WIRE__BODY__INIT;
	struct batch *b = NULL;
	const char *why = NULL;

	(void) state;
	for (unsigned i = 0; i < 3; i++) {
		struct columns c;

		columns_init(&c);
		c.type[0] = i == 1 ? 0 : EV_OPEN;
		assert_int_equal(i == 1 ? -EBADMSG : 0, decode_again(&c, &b, &why));
		assert_non_null(b);
		assert_int_equal(i == 1 ? 0 : 2, b->nev);
		if (i != 1)
			assert_true(slice_eq(SLICE("/etc/x"), ev_text(b, &b->ev[0], 1)));
	}
	assert_int_equal(0, batch_decode_again(&body, NULL, &b, &why));
	assert_int_equal(0, b->nev);
	batch_free(b);
}

/* Compressed frames with a wrong size or end. */
static void
compressed(void **state)
{
	uint8_t plain[2000] = { 0 }, frame[2100];
	Wire__Body body = WIRE__BODY__INIT;
	struct batch *b = NULL;
	const char *why = NULL;
	size_t n = ZSTD_compress(frame, sizeof(frame), plain, sizeof(plain), 1);

	(void) state;
	assert_false(ZSTD_isError(n));
	body.encoding = WIRE__BODY__ENCODING__ZSTD;
	body.data = (ProtobufCBinaryData){ n, frame };
	body.size = sizeof(plain) - 1;
	assert_int_equal(-EBADMSG, batch_decode(&body, NULL, &b, &why));
	assert_string_equal("the size does not match the compressed data", why);
	body.size = sizeof(plain);
	body.data.len = n + 1;
	assert_int_equal(-EBADMSG, batch_decode(&body, NULL, &b, &why));
	assert_string_equal("the size does not match the compressed data", why);
	body.data.len = n;
	assert_int_equal(-EBADMSG, batch_decode(&body, NULL, &b, &why));
	assert_string_equal("the columns are not a Columns message", why);
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t) (i * i >> 3);
	n = ZSTD_compress(frame, sizeof(frame), plain, sizeof(plain), 1);
	body.data.len = n;
	frame[n / 2] ^= 0xff;
	frame[n / 2 + 1] ^= 0xff;
	assert_int_equal(-EBADMSG, batch_decode(&body, NULL, &b, &why));
}

static int
make_peer(unsigned num, size_t n, struct peer_schema **ret, const char **why)
{
	const struct ev_schema *s = schema_get(num);
	Wire__EventSchema msg = WIRE__EVENT_SCHEMA__INIT, *v[] = { &msg, &msg };
	uint32_t types[100] = { 0 };

	for (size_t i = 0; s != NULL && i < MIN(n, (size_t) s->nparams); i++)
		types[i] = s->params[i].type;
	msg.num = num;
	msg.n_types = n;
	msg.types = types;
	return peer_schema_new(v, 1, ret, why);
}

/* The peer sends an event with fewer or more parameters than ours. */
static void
other_version(void **state)
{
	static const int counts[] = { 2, 6, 8 };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		size_t n = (size_t) counts[i];
		struct peer_schema *peer = NULL;
		struct batch *b = NULL;
		const char *why = NULL;
		struct columns c;

		assert_int_equal(0, make_peer(EV_OPEN, n, &peer, &why));
		columns_init(&c);
		c.msg.n_params = 2 * n;
		memset(c.params, 0, sizeof(c.params));
		c.params[0] = 3;
		c.params[1] = 1;
		c.params[n] = -5; /* smaller than the first one's */
		if (n > 5)
			c.params[5] = 77;
		assert_int_equal(0, decode(&c, peer, &b, &why));
		assert_int_equal(3, ev_num(&b->ev[0], 0));
		assert_int_equal(-2, ev_num(&b->ev[1], 0));
		assert_true(slice_eq(SLICE("/etc/x"), ev_text(b, &b->ev[1], 1)));
		assert_int_equal(n > 2, ev_has(&b->ev[1], 2));
		assert_int_equal(n > 5 ? 77 : 0, ev_num(&b->ev[1], 5));
		assert_int_equal(n > 5 ? 77 : 0, b->ev[0].v[5]); /* room for all of ours */
		assert_false(ev_has(&b->ev[1], 6));
		batch_free(b);
		c.type[0] = EV_CREAT;
		assert_int_equal(-EBADMSG, decode(&c, peer, &b, &why));
		assert_string_equal("an event that the Hello did not name", why);
		peer_schema_free(peer);
	}
}

static void
bad_peers(void **state)
{
	Wire__EventSchema msg = WIRE__EVENT_SCHEMA__INIT, *v[] = { &msg, &msg };
	uint32_t types[] = { PT_FD, PT_CHARBUF };
	struct peer_schema *peer = NULL;
	const char *why = NULL;

	(void) state;
	assert_int_equal(-EBADMSG, make_peer(EV_TYPE_MAX, 0, &peer, &why));
	assert_string_equal("an event's number is out of range", why);
	assert_int_equal(-EBADMSG, make_peer(EV_OPEN, 65, &peer, &why));
	assert_string_equal("an event has too many parameters", why);
	assert_int_equal(0, make_peer(EV_TYPE_MAX - 1, 64, &peer, &why)); /* unknown to us */
	peer_schema_free(peer);
	peer = NULL;
	msg.num = EV_OPEN;
	msg.types = types;
	msg.n_types = 2;
	assert_int_equal(-EBADMSG, peer_schema_new(v, 1, &peer, &why));
	assert_string_equal("an event's parameter has another type here", why);
	msg.n_types = 1;
	assert_int_equal(-EBADMSG, peer_schema_new(v, 2, &peer, &why));
	assert_string_equal("an event is described twice", why);
	assert_null(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns),
		cmocka_unit_test(bytes),
		cmocka_unit_test(too_many),
		cmocka_unit_test(again),
		cmocka_unit_test(compressed),
		cmocka_unit_test(other_version),
		cmocka_unit_test(bad_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
