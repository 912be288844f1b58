/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/schema.h"
#include "tests/support/evbuild.h"
#include "tests/support/test.h"
#include <errno.h>

static struct evb b;

/* linkat with texts and numbers in turn, one text and one number absent. */
static struct ev_hdr *
make(void)
{
	evb_begin(&b, EV_LINKAT, 3, 4);
	evb_num(&b, "res", -2);
	evb_num(&b, "olddir", 5);
	evb_text(&b, "oldpath", "a");
	evb_text(&b, "newpath", "/long/enough");
	evb_num(&b, "flags", 1);
	(void) evb_end(&b);
	return &b.rec.hdr;
}

static void
reading(void **state)
{
	const struct ev_hdr *rec = make();
	const struct ev_schema *s = schema_get(EV_LINKAT);

	(void) state;
	assert_int_equal(0, record_check(rec, rec->len));
	assert_int_equal(0, record_check(rec, rec->len + 8)); /* more may follow */
	assert_int_equal(-2, record_num(rec, s, EVP_LINKAT_res));
	assert_int_equal(5, record_num(rec, s, EVP_LINKAT_olddir));
	assert_int_equal(0, record_num(rec, s, EVP_LINKAT_newdir));
	assert_int_equal(1, record_num(rec, s, EVP_LINKAT_flags));
	assert_int_equal(0, record_num(rec, s, EVP_LINKAT_oldpath));
	assert_int_equal(0, record_num(rec, s, 60));
	assert_true(slice_eq(SLICE("a"), record_text(rec, s, EVP_LINKAT_oldpath)));
	assert_true(slice_eq(SLICE("/long/enough"), record_text(rec, s, EVP_LINKAT_newpath)));
	assert_null(record_text(rec, s, EVP_LINKAT_res).p);
	assert_null(record_text(rec, s, 60).p);
	((struct ev_LINKAT *) (void *) &b.rec)->newdir = 9; /* the struct has the same layout */
	b.rec.hdr.present |= EV_BIT(LINKAT, newdir);
	assert_int_equal(9, record_num(rec, s, EVP_LINKAT_newdir));
}

static void
empty_text(void **state)
{
	const struct ev_schema *s = schema_get(EV_OPEN);

	(void) state;
	evb_begin(&b, EV_OPEN, 1, 1);
	evb_text(&b, "name", "");
	(void) evb_end(&b);
	assert_non_null(record_text(&b.rec.hdr, s, EVP_OPEN_name).p);
	assert_int_equal(0, record_text(&b.rec.hdr, s, EVP_OPEN_name).n);
}

static void
set_text_len(uint32_t n)
{
	memcpy(b.rec.bytes + sizeof(struct ev_LINKAT), &n, sizeof(n));
}

static void
lies(void **state)
{
	struct ev_hdr *rec;

	(void) state;
	for (uint32_t n = 0; n < make()->len; n++) /* cut at any byte */
		assert_int_equal(-EBADMSG, record_check(&b.rec, n));
	for (uint32_t n = 0; n < 400; n++) { /* a wrong length */
		rec = make();
		if (n != rec->len) {
			rec->len = n;
			assert_int_equal(-EBADMSG, record_check(rec, sizeof(b.rec)));
		}
	}
	rec = make();
	rec->len = EV_RECORD_MAX + 8;
	assert_int_equal(-EBADMSG, record_check(rec, EV_RECORD_MAX + 8));
	rec = make();
	rec->type = 0;
	assert_int_equal(-EBADMSG, record_check(rec, rec->len));
	rec = make();
	rec->type = UINT16_MAX;
	assert_int_equal(-EBADMSG, record_check(rec, rec->len));
	rec = make();
	rec->present |= 1ULL << schema_get(EV_LINKAT)->nparams;
	assert_int_equal(-EBADMSG, record_check(rec, rec->len));
	rec = make();
	rec->present |= 1ULL << 63;
	assert_int_equal(-EBADMSG, record_check(rec, rec->len));
	rec = make();
	rec->present &= ~EV_BIT(LINKAT, oldpath); /* its bytes are left over now */
	assert_int_equal(-EBADMSG, record_check(rec, rec->len));
	for (uint32_t n = 5; n < 64; n++) {
		rec = make();
		set_text_len(n);
		assert_int_equal(-EBADMSG, record_check(rec, rec->len));
	}
	rec = make();
	set_text_len(UINT32_MAX);
	assert_int_equal(-EBADMSG, record_check(rec, rec->len));
	set_text_len(UINT32_MAX - 3);
	assert_int_equal(-EBADMSG, record_check(rec, rec->len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(empty_text),
		cmocka_unit_test(lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
