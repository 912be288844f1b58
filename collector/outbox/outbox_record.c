/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_record.c - a row of the history: its columns and its checksum. */
#include "collector/outbox/outbox_int.h"
#include <xxhash.h>

uint64_t
outbox_record_sum(const struct outbox_record *r)
{
	const uint64_t numbers[] = { r->n, r->added, r->time, r->priority };
	const struct slice texts[] = { r->id, r->rule, r->cluster, r->node, r->json };
	uint64_t h = XXH3_64bits(numbers, sizeof(numbers));

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		h = XXH3_64bits_withSeed(texts[i].p, texts[i].n, h);
	return h;
}

static void
bind_slice(sqlite3_stmt *st, int at, struct slice s)
{
	(void) sqlite3_bind_text64(st, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void
outbox_record_bind(sqlite3_stmt *st, const struct outbox_record *r)
{
	(void) sqlite3_bind_int64(st, 1, (sqlite3_int64) r->n);
	bind_slice(st, 2, r->id);
	(void) sqlite3_bind_int64(st, 3, (sqlite3_int64) r->added);
	(void) sqlite3_bind_int64(st, 4, (sqlite3_int64) r->time);
	(void) sqlite3_bind_int64(st, 5, (sqlite3_int64) r->priority);
	bind_slice(st, 6, r->rule);
	bind_slice(st, 7, r->cluster);
	bind_slice(st, 8, r->node);
	bind_slice(st, 9, r->json);
	(void) sqlite3_bind_int64(st, 10, (sqlite3_int64) outbox_record_sum(r));
}

static struct slice
column(sqlite3_stmt *st, int at)
{
	const char *s = (const char *) sqlite3_column_text(st, at);

	return s == NULL ? (struct slice){ "", 0 }
			 : (struct slice){ s, (size_t) sqlite3_column_bytes(st, at) };
}

bool
outbox_record_read(sqlite3_stmt *st, struct outbox_record *ret)
{
	ret->n = (uint64_t) sqlite3_column_int64(st, 0);
	ret->id = column(st, 1);
	ret->added = (uint64_t) sqlite3_column_int64(st, 2);
	ret->time = (uint64_t) sqlite3_column_int64(st, 3);
	ret->priority = (uint64_t) sqlite3_column_int64(st, 4);
	ret->rule = column(st, 5);
	ret->cluster = column(st, 6);
	ret->node = column(st, 7);
	ret->json = column(st, 8);
	return sqlite3_column_type(st, 9) == SQLITE_INTEGER &&
	       (uint64_t) sqlite3_column_int64(st, 9) == outbox_record_sum(ret);
}

void
outbox_record_of(struct outbox_record *ret, const struct alert *a, uint64_t n, uint64_t added)
{
	*ret = (struct outbox_record){
		.n = n,
		.added = added,
		.time = a->time,
		.priority = a->priority,
		.id = slice_str(a->id),
		.rule = slice_str(a->rule),
		.cluster = slice_str(a->cluster),
		.node = slice_str(a->node),
		.json = { a->json, a->json_len },
	};
}

bool
outbox_record_plausible(const struct outbox_record *r)
{
	static const char key[] = ",\"uuid\":\"";
	const size_t tail = sizeof(key) - 1 + r->id.n + 2; /* of the JSON: the key, the id, "} */
	const char *end = r->json.p + r->json.n;

	return outbox_id_length_ok(r->id.n) && r->rule.n > 0 && r->priority <= PRIO_DEBUG &&
	       r->json.n > tail && r->json.p[0] == '{' &&
	       memcmp(end - tail, key, sizeof(key) - 1) == 0 &&
	       memcmp(end - r->id.n - 2, r->id.p, r->id.n) == 0 && memcmp(end - 2, "\"}", 2) == 0;
}
