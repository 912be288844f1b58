/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/format_int.h"
#include "common/hex.h"
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

/* Append a length (32 bits, least significant byte first) and the bytes. */
static void
add_bytes(struct buf *b, const void *p, size_t n)
{
	unsigned char len[4];

	for (unsigned i = 0; i < sizeof(len); i++)
		len[i] = (unsigned char) (n >> (8 * i));
	buf_add(b, len, sizeof(len));
	buf_add(b, p, n);
}

void
alert_id_text(struct buf *b, const char *s)
{
	add_bytes(b, s, strlen(s));
}

static void
add_u64(struct buf *b, uint64_t v)
{
	unsigned char p[8];

	for (unsigned i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char) (v >> (8 * i));
	add_bytes(b, p, sizeof(p));
}

int
alert_id_end(const struct buf *b, char ret[ALERT_ID_SIZE])
{
	static const uint8_t groups[] = { 4, 2, 2, 2, 6 }; /* bytes between the dashes */
	unsigned char md[EVP_MAX_MD_SIZE];
	char *p = ret;

	if (buf_ok(b) < 0)
		return -ENOMEM;
	if (EVP_Digest(b->p, b->n, md, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;                          /* no other failure is possible */
	md[6] = (unsigned char) ((md[6] & 0x0f) | 0x80); /* RFC 9562: version 8 */
	md[8] = (unsigned char) ((md[8] & 0x3f) | 0x80); /* and its variant */
	for (size_t i = 0, at = 0; i < ARRAY_SIZE(groups); at += groups[i++]) {
		if (i > 0)
			*p++ = '-';
		hex_encode(p, md + at, groups[i]);
		p += 2 * groups[i];
	}
	return 0;
}

int
alert_id_event(const struct rule *rule, uint32_t index, const struct alert_origin *o,
    const char *kind, struct buf *scratch, char ret[ALERT_ID_SIZE])
{
	buf_clear(scratch);
	alert_id_text(scratch, o->cluster);
	alert_id_text(scratch, o->node);
	alert_id_text(scratch, o->boot_id);
	add_u64(scratch, o->sensor_start);
	add_u64(scratch, o->seq);
	add_u64(scratch, index);
	alert_id_text(scratch, rule->name);
	alert_id_text(scratch, rule->resolved);
	if (kind != NULL)
		alert_id_text(scratch, kind);
	return alert_id_end(scratch, ret);
}

int
alert_id(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct buf *scratch, char ret[ALERT_ID_SIZE])
{
	return alert_id_event(rule, v->ev->index, o, NULL, scratch, ret);
}
