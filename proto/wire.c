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

const char *
wire_blind_text(unsigned bit)
{
	static const char *const texts[BLIND_BITS] = {
		"operations submitted through io_uring are not seen: its kernel is too old, or "
		"lacks the "
		"tracepoints; forbid rings (sysctl kernel.io_uring_disabled=2), or use 6.0 or "
		"newer",
		"on some CPUs, paths and addresses are not read at the entry of system calls: "
		"another "
		"thread may change them",
		"on some CPUs, system calls are not seen",
		"on some CPUs, new processes are not seen",
		"on some CPUs, started programs are not seen",
		"on some CPUs, the end of processes is not seen",
		"on some CPUs, operations submitted through io_uring are not seen",
	};

	return bit < BLIND_BITS ? texts[bit]
				: "a part of the node is not seen; update mewsctl to learn which";
}
