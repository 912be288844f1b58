/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sockopt.h - setsockopt and getsockopt.
 */
#ifndef MEWS_DRIVER_SOCKOPT_H
#define MEWS_DRIVER_SOCKOPT_H

#include "driver/bpf/call.h"
#include "proto/names.h"

#define SOL_SOCKET      NV_setsockopt_level_SOL_SOCKET
#define SO_RCVTIMEO     NV_setsockopt_optname_SO_RCVTIMEO
#define SO_SNDTIMEO     NV_setsockopt_optname_SO_SNDTIMEO
#define SO_RCVTIMEO_NEW 66 /* with 64 bits also for a 32-bit caller */
#define SO_SNDTIMEO_NEW 67
#define SO_OPTION_NONE  (~0U) /* translated to UNKNOWN */

/* The kinds of a value, its first byte. */
#define SOCKOPT_BYTES   0
#define SOCKOPT_ERRNO   1
#define SOCKOPT_UINT32  2
#define SOCKOPT_UINT64  3
#define SOCKOPT_TIMEVAL 4

/* The options of SOL_SOCKET that are numbers of 32 bits, as a set of their numbers. */
#define SO_BIT(name) (1ULL << NK_setsockopt_optname_SO_##name)
#define SO_NUMBERS                                                                               \
	(SO_BIT(DEBUG) | SO_BIT(REUSEADDR) | SO_BIT(TYPE) | SO_BIT(DONTROUTE) |                  \
	    SO_BIT(BROADCAST) | SO_BIT(SNDBUF) | SO_BIT(RCVBUF) | SO_BIT(SNDBUFFORCE) |          \
	    SO_BIT(RCVBUFFORCE) | SO_BIT(KEEPALIVE) | SO_BIT(OOBINLINE) | SO_BIT(NO_CHECK) |     \
	    SO_BIT(PRIORITY) | SO_BIT(BSDCOMPAT) | SO_BIT(REUSEPORT) | SO_BIT(PASSCRED) |        \
	    SO_BIT(RCVLOWAT) | SO_BIT(SNDLOWAT) | SO_BIT(SECURITY_AUTHENTICATION) |              \
	    SO_BIT(SECURITY_ENCRYPTION_TRANSPORT) | SO_BIT(SECURITY_ENCRYPTION_NETWORK) |        \
	    SO_BIT(DETACH_FILTER) | SO_BIT(TIMESTAMP) | SO_BIT(ACCEPTCONN) | SO_BIT(PASSSEC) |   \
	    SO_BIT(TIMESTAMPNS) | SO_BIT(MARK) | SO_BIT(TIMESTAMPING) | SO_BIT(PROTOCOL) |       \
	    SO_BIT(DOMAIN) | SO_BIT(RXQ_OVFL) | SO_BIT(WIFI_STATUS) | SO_BIT(PEEK_OFF) |         \
	    SO_BIT(NOFCS) | SO_BIT(LOCK_FILTER) | SO_BIT(SELECT_ERR_QUEUE) | SO_BIT(BUSY_POLL) | \
	    SO_BIT(MAX_PACING_RATE) | SO_BIT(BPF_EXTENSIONS) | SO_BIT(INCOMING_CPU))

static __always_inline u32
sockopt_kind(u32 level, u32 name)
{
	if (level != SOL_SOCKET)
		return SOCKOPT_BYTES;
	switch (name) {
	case NK_setsockopt_optname_SO_ERROR:
		return SOCKOPT_ERRNO;
	case NK_setsockopt_optname_SO_COOKIE:
		return SOCKOPT_UINT64;
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO_NEW:
		return SOCKOPT_TIMEVAL;
	default:
		return name < 64 && SO_NUMBERS >> name & 1 ? SOCKOPT_UINT32 : SOCKOPT_BYTES;
	}
}

/* Read a struct timeval, in nanoseconds. */
static __always_inline u64
timeval_read(u64 at, bool narrow)
{
	s64 wide[2] = {};
	s32 half[2] = {};

	if (!narrow) {
		bpf_probe_read_user(wide, sizeof(wide), (void *) at);
		return wide[0] * 1000000000 + wide[1] * 1000;
	}
	bpf_probe_read_user(half, sizeof(half), (void *) at);
	return (s64) half[0] * 1000000000 + (s64) half[1] * 1000;
}

/* Add the value at 'at', 'n' bytes; as a number if it is a known one. */
static __always_inline u32
text_sockopt(struct scratch *s, u32 off, u64 bit, u32 level, u32 name, u64 at, u32 n, bool compat)
{
	u32 kind = sockopt_kind(level, name), size = kind == SOCKOPT_UINT32 ? 4 : 8;
	u64 v = 0;

	if (kind == SOCKOPT_BYTES || n < 4)
		return text_dyn_data(s, off, bit, SOCKOPT_BYTES, at, n);
	if (kind == SOCKOPT_TIMEVAL)
		v = timeval_read(at, compat && (name == SO_RCVTIMEO || name == SO_SNDTIMEO));
	else
		bpf_probe_read_user(&v, kind == SOCKOPT_UINT64 ? 8 : 4, (void *) at);
	if (kind == SOCKOPT_ERRNO)
		v = -(s64) (s32) v;
	return text_dyn(s, off, bit, kind, v, size);
}

/* Both have the same parameters. */
_Static_assert(sizeof(struct ev_SETSOCKOPT) == sizeof(struct ev_GETSOCKOPT) &&
		   EV_BIT(SETSOCKOPT, val) == EV_BIT(GETSOCKOPT, val),
    "setsockopt and getsockopt differ");

/* The value that getsockopt got and its length are there when it returns. */
EXIT(sockopt)
{
	EXIT_BEGIN(SETSOCKOPT, true);
	u32 level, name, len;
	bool get;

	e->hdr.type = capture_at(capture_now(s, regs, compat, ret))->event;
	get = e->hdr.type == EV_GETSOCKOPT;
	level = (u32) s->values[DRV_ARG(1)];
	name = (u32) s->values[DRV_ARG(2)];
	if (lean(e->hdr.type) && (level != SOL_SOCKET || name != NK_setsockopt_optname_SO_ERROR))
		EXIT_SKIP();
	len = (u32) s->values[DRV_ARG(4)];
	if (get && bpf_probe_read_user(&len, sizeof(len), (void *) s->values[DRV_ARG(4)]) < 0)
		len = 0;
	e->res = call_result(ret);
	e->fd = (s32) s->values[DRV_ARG(0)];
	e->level = level;
	e->optname = level == SOL_SOCKET ? name : SO_OPTION_NONE;
	e->optlen = len;
	if (!get || ret == 0)
		off = text_sockopt(s, off, EV_BIT(SETSOCKOPT, val), level, name,
		    s->values[DRV_ARG(3)], len, compat && !is_x32(regs));
	late_mark(s, compat);
	EXIT_END();
}

#endif
