/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * admin.h - calls whose command decides what their arguments are: fsconfig, keyctl, quotactl.
 */
#ifndef MEWS_DRIVER_ADMIN_H
#define MEWS_DRIVER_ADMIN_H

#include "driver/bpf/call.h"
#include "proto/names.h"

EXIT(fsconfig)
{
	EXIT_BEGIN(FSCONFIG, true);
	u64 key = call_arg(regs, compat, 2), value = call_arg(regs, compat, 3);
	u32 cmd = (u32) call_arg(regs, compat, 1);

	e->res = call_result(ret);
	e->fd = arg_int(regs, compat, 0);
	e->cmd = cmd;
	e->aux = arg_int(regs, compat, 4);
	if (key)
		off = text_path_of(s, st, compat, off, EV_BIT(FSCONFIG, key), 0, key);
	if (cmd == NK_fsconfig_cmd_FSCONFIG_SET_BINARY)
		off = text_data(s, off, EV_BIT(FSCONFIG, value_bytebuf), value, e->aux);
	else if (cmd == NK_fsconfig_cmd_FSCONFIG_SET_STRING ||
		 cmd == NK_fsconfig_cmd_FSCONFIG_SET_PATH ||
		 cmd == NK_fsconfig_cmd_FSCONFIG_SET_PATH_EMPTY)
		off = text_path_of(s, st, compat, off, EV_BIT(FSCONFIG, value_charbuf), 1, value);
	EXIT_END();
}

/* The kinds of an argument of keyctl, its first byte. */
#define KEYCTL_INT64 0
#define KEYCTL_TEXT  1

/* The arguments of an operation after the first: how many, and which of them are strings, as bits
 * above. */
#define KEY_ARGS(n)           (n)
#define KEY_TEXTS(n, strings) ((n) | (strings) << 4)
#define KEY_ARG2              1
#define KEY_ARG3              2
#define KEY_ARG4              4
#define KEY_OPERATIONS        64 /* a power of two; those without an entry have no arguments */

#define KEY(operation) [NK_keyctl_operation_KEYCTL_##operation]
static const u8 key_shapes[KEY_OPERATIONS] = {
	KEY(GET_KEYRING_ID) = KEY_ARGS(2),
	KEY(JOIN_SESSION_KEYRING) = KEY_TEXTS(1, KEY_ARG2),
	KEY(UPDATE) = KEY_ARGS(3),
	KEY(REVOKE) = KEY_ARGS(1),
	KEY(CHOWN) = KEY_ARGS(3),
	KEY(SETPERM) = KEY_ARGS(2),
	KEY(DESCRIBE) = KEY_ARGS(3),
	KEY(CLEAR) = KEY_ARGS(1),
	KEY(LINK) = KEY_ARGS(2),
	KEY(UNLINK) = KEY_ARGS(2),
	KEY(SEARCH) = KEY_TEXTS(4, KEY_ARG3 | KEY_ARG4),
	KEY(READ) = KEY_ARGS(3),
	KEY(INSTANTIATE) = KEY_ARGS(4),
	KEY(NEGATE) = KEY_ARGS(3),
	KEY(SET_REQKEY_KEYRING) = KEY_ARGS(1),
	KEY(SET_TIMEOUT) = KEY_ARGS(2),
	KEY(ASSUME_AUTHORITY) = KEY_ARGS(1),
	KEY(GET_SECURITY) = KEY_ARGS(3),
	KEY(REJECT) = KEY_ARGS(4),
	KEY(INSTANTIATE_IOV) = KEY_ARGS(4),
	KEY(INVALIDATE) = KEY_ARGS(1),
	KEY(GET_PERSISTENT) = KEY_ARGS(2),
	KEY(DH_COMPUTE) = KEY_ARGS(4),
	KEY(PKEY_QUERY) = KEY_TEXTS(3, KEY_ARG4),
	KEY(PKEY_ENCRYPT) = KEY_TEXTS(4, KEY_ARG3),
	KEY(PKEY_DECRYPT) = KEY_TEXTS(4, KEY_ARG3),
	KEY(PKEY_SIGN) = KEY_TEXTS(4, KEY_ARG3),
	KEY(PKEY_VERIFY) = KEY_TEXTS(4, KEY_ARG3),
	KEY(RESTRICT_KEYRING) = KEY_TEXTS(3, KEY_ARG3 | KEY_ARG4),
	KEY(MOVE) = KEY_ARGS(4),
	KEY(CAPABILITIES) = KEY_ARGS(2),
	KEY(WATCH_KEY) = KEY_ARGS(3),
};
#undef KEY

/* Add argument 'i', counted from 0 after the operation; 0 if it has fewer. Numbers of a 32-bit
 * caller are signed, so that those of special keyrings are the same for all. */
static __always_inline u32
text_key(struct scratch *s, struct pt_regs *regs, bool compat, u32 off, u64 bit, u32 shape, int i)
{
	u64 v = call_arg(regs, compat, 1 + i);

	if (shape >> 4 >> i & 1)
		return text_dyn_str(s, off, bit, KEYCTL_TEXT, v);
	if ((u32) i >= (shape & 0xf))
		v = 0;
	else if (compat)
		v = (s64) (s32) v;
	return text_dyn(s, off, bit, KEYCTL_INT64, v, sizeof(v));
}

EXIT(keyctl)
{
	EXIT_BEGIN(KEYCTL, false);
	u32 operation = (u32) call_arg(regs, compat, 0), shape = 0;
	u32 at = operation & (KEY_OPERATIONS - 1);

	barrier_var(at); /* for the verifier, which needs the mask */
	if (operation < KEY_OPERATIONS)
		shape = key_shapes[at];
	e->res = call_result(ret);
	e->operation = operation;
	off = text_key(s, regs, compat, off, EV_BIT(KEYCTL, arg2), shape, 0);
	off = text_key(s, regs, compat, off, EV_BIT(KEYCTL, arg3), shape, 1);
	off = text_key(s, regs, compat, off, EV_BIT(KEYCTL, arg4), shape, 2);
	off = text_key(s, regs, compat, off, EV_BIT(KEYCTL, arg5), shape, 3);
	EXIT_END();
}

/* A struct if_dqblk: the limits of a user or group, and which of them are valid. */
struct quota_limits {
	u64 bhardlimit, bsoftlimit, curspace, ihardlimit, isoftlimit, curinodes, btime, itime;
	u32 valid;
};
#define QIF_BLIMITS       1
#define QIF_SPACE         2
#define QIF_ILIMITS       4
#define QIF_BTIME         16
#define QIF_ITIME         32
#define QUOTA_LIMITS_SIZE 68 /* without padding: 32-bit callers have none */

/* A struct if_dqinfo: those of a file system. */
struct quota_info {
	u64 bgrace, igrace;
	u32 flags, valid;
};
#define IIF_BGRACE 1
#define IIF_IGRACE 2
#define IIF_FLAGS  4

static __always_inline void
quota_limits(struct scratch *s, struct ev_QUOTACTL *e, u64 at)
{
	const struct quota_limits *q = (const struct quota_limits *) s->words;

	if (bpf_probe_read_user(s->words, QUOTA_LIMITS_SIZE, (void *) at) < 0)
		return;
	if (q->valid & QIF_BLIMITS) {
		e->dqb_bhardlimit = q->bhardlimit;
		e->dqb_bsoftlimit = q->bsoftlimit;
	}
	if (q->valid & QIF_SPACE)
		e->dqb_curspace = q->curspace;
	if (q->valid & QIF_ILIMITS) {
		e->dqb_ihardlimit = q->ihardlimit;
		e->dqb_isoftlimit = q->isoftlimit;
	}
	if (q->valid & QIF_BTIME)
		e->dqb_btime = q->btime;
	if (q->valid & QIF_ITIME)
		e->dqb_itime = q->itime;
}

static __always_inline void
quota_info(struct ev_QUOTACTL *e, u64 at)
{
	struct quota_info q = {};

	bpf_probe_read_user(&q, sizeof(q), (void *) at);
	if (q.valid & IIF_BGRACE)
		e->dqi_bgrace = q.bgrace;
	if (q.valid & IIF_IGRACE)
		e->dqi_igrace = q.igrace;
	if (q.valid & IIF_FLAGS)
		e->dqi_flags = q.flags;
}

#define QUOTA_NO_FLAGS ~0U /* translated to 0; no flag is set has a word of its own */
#define QUOTA(command) NK_quotactl_cmd_Q_##command

/* The type of the quota is in the command's lowest byte. The third argument is an id or a format,
 * by the command; so is the last one a path, or something in memory. */
EXIT(quotactl)
{
	EXIT_BEGIN(QUOTACTL, true);
	u64 special = call_arg(regs, compat, 1), at = call_arg(regs, compat, 3);
	u32 cmd = (u32) call_arg(regs, compat, 0) >> 8, id = (u32) call_arg(regs, compat, 2);
	u32 format = 0;

	e->res = call_result(ret);
	e->dqi_flags = QUOTA_NO_FLAGS;
	e->cmd = cmd;
	e->type = (u32) call_arg(regs, compat, 0) & 0xff;
	if (cmd == QUOTA(QUOTAON))
		e->quota_fmt = id;
	if (cmd == QUOTA(GETQUOTA) || cmd == QUOTA(SETQUOTA) || cmd == QUOTA(XGETQUOTA) ||
	    cmd == QUOTA(XSETQLIM))
		e->id = id;
	if (cmd == QUOTA(GETQUOTA) || cmd == QUOTA(SETQUOTA))
		quota_limits(s, e, at);
	if (cmd == QUOTA(GETINFO) || cmd == QUOTA(SETINFO))
		quota_info(e, at);
	if (cmd == QUOTA(GETFMT)) {
		bpf_probe_read_user(&format, sizeof(format), (void *) at);
		e->quota_fmt_out = format;
	}
	if (special)
		off = text_path_of(s, st, compat, off, EV_BIT(QUOTACTL, special), 0, special);
	if (cmd == QUOTA(QUOTAON))
		off = text_path_of(s, st, compat, off, EV_BIT(QUOTACTL, quotafilepath), 1, at);
	EXIT_END();
}

#endif
