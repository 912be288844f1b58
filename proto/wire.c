/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"
#include <errno.h>

static void
add_counted(struct buf *out, struct slice s)
{
	const unsigned char n[4] = { (unsigned char) (s.n >> 24), (unsigned char) (s.n >> 16),
		(unsigned char) (s.n >> 8), (unsigned char) s.n };

	buf_add(out, n, sizeof(n));
	buf_slice(out, s);
}

int
wire_proof_text(struct slice nonce, struct slice node, struct slice cluster, struct slice collector,
    struct buf *out)
{
	add_counted(out, SLICE("mews-proof-1"));
	add_counted(out, nonce);
	add_counted(out, node);
	add_counted(out, cluster);
	add_counted(out, collector);
	return buf_ok(out);
}
