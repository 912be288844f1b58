/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * open.h - open, openat, openat2, creat, open_by_handle_at.
 */
#ifndef MEWS_DRIVER_OPEN_H
#define MEWS_DRIVER_OPEN_H

#include "driver/bpf/call.h"
#include "driver/bpf/open_file.h"
#include "proto/names.h"

#define K_O_CREAT    NK_open_flags_O_CREAT
#define K_O_TMPFILE1 (NK_open_flags_O_TMPFILE & ~NK_open_flags_O_DIRECTORY) /* its own bit */

static __always_inline u32
open_mode(u64 flags, u64 mode)
{
	return flags & (K_O_CREAT | K_O_TMPFILE1) ? mode & 07777 : 0;
}

struct opened {
	struct place place;
	u32 dev;
	u64 ino;
	bool created;
	enum layer layer;
};

/* Describe the file of descriptor 'fd' of the caller, opened with these flags; zeroes if there is
 * none. */
static __always_inline void
opened_get(struct scratch *s, struct task_struct *t, s64 fd, u64 flags, struct opened *o)
{
	struct file *f = fd_file(t, fd);
	struct inode *inode;
	u64 in_inode[2], in_sb[2];

	__builtin_memset(o, 0, sizeof(*o));
	if (!f)
		return;
	root_look(s, t);
	inode = file_place(s, f, &o->place);
	read_words(s, inode, bpf_core_field_offset(struct inode, i_sb),
	    bpf_core_field_offset(struct inode, i_ino), in_inode);
	in_sb[0] = s->root.dev;
	in_sb[1] = s->root.magic;
	if (in_inode[0] != s->root.sb)
		read_words(s, (void *) in_inode[0],
		    bpf_core_field_offset(struct super_block, s_dev),
		    bpf_core_field_offset(struct super_block, s_magic), in_sb);
	o->place.sb = in_inode[0];
	o->dev = dev_encode((u32) in_sb[0]);
	o->ino = in_inode[1];
	o->layer = inode_layer(inode, in_sb[1]);
	if (flags & (K_O_CREAT | K_O_TMPFILE1))
		o->created = BPF_CORE_READ(f, f_mode) & FMODE_CREATED;
}

/* Combine the kernel's flags and, above them, our own. */
static __always_inline u64
opened_flags(u64 flags, const struct opened *o)
{
	u64 ours = (o->created ? NV_open_flags_O_F_CREATED : 0) |
		   (o->layer == LAYER_UPPER ? NV_open_flags_FD_UPPER_LAYER : 0) |
		   (o->layer == LAYER_LOWER ? NV_open_flags_FD_LOWER_LAYER : 0);

	return (u32) flags | ours << 32;
}

/* Add the path of the opened file, unless it equals the text 'name', the first text, at 'first'.
 * The absolute path that user space derives from a relative path or links is unknown here. */
static __always_inline u32
opened_text(struct scratch *s, u32 off, u64 name, u64 real, u32 first, const struct opened *o)
{
	if (!o->place.dentry)
		return off;
	return text_real(s, off, real, &o->place, (rec_hdr(s)->present & name) ? first : 0);
}

EXIT(open)
{
	EXIT_BEGIN(OPEN, true);
	u64 flags = call_arg(regs, compat, 1);
	struct opened o;

	opened_get(s, t, ret, flags, &o);
	e->fd = call_result(ret);
	e->flags = opened_flags(flags, &o);
	e->mode = open_mode(flags, call_arg(regs, compat, 2));
	e->dev = o.dev;
	e->ino = o.ino;
	off = text_path(s, st, compat, off, EV_BIT(OPEN, name), call_arg(regs, compat, 0));
	off = opened_text(s, off, EV_BIT(OPEN, name), EV_BIT(OPEN, realname), sizeof(*e), &o);
	EXIT_END();
}

EXIT(creat)
{
	EXIT_BEGIN(CREAT, true);
	struct opened o;

	opened_get(s, t, ret, K_O_CREAT, &o);
	e->fd = call_result(ret);
	e->mode = call_arg(regs, compat, 1) & 07777;
	e->dev = o.dev;
	e->ino = o.ino;
	e->creat_flags = o.layer; /* the upper layer is 1, the lower one 2 */
	off = text_path(s, st, compat, off, EV_BIT(CREAT, name), call_arg(regs, compat, 0));
	off = opened_text(s, off, EV_BIT(CREAT, name), EV_BIT(CREAT, realname), sizeof(*e), &o);
	EXIT_END();
}

EXIT(openat)
{
	EXIT_BEGIN(OPENAT, true);
	u64 flags = call_arg(regs, compat, 2);
	struct opened o;

	opened_get(s, t, ret, flags, &o);
	e->fd = call_result(ret);
	e->dirfd = arg_int(regs, compat, 0);
	e->flags = opened_flags(flags, &o);
	e->mode = open_mode(flags, call_arg(regs, compat, 3));
	e->dev = o.dev;
	e->ino = o.ino;
	off = text_path(s, st, compat, off, EV_BIT(OPENAT, name), call_arg(regs, compat, 1));
	off = opened_text(s, off, EV_BIT(OPENAT, name), EV_BIT(OPENAT, realname), sizeof(*e), &o);
	EXIT_END();
}

EXIT(openat2)
{
	EXIT_BEGIN(OPENAT2, true);
	u64 how[3] = { 0, 0, 0 };
	struct opened o;
	bool read = true;

	if (st)
		__builtin_memcpy(how, st->how, sizeof(how));
	else
		read =
		    bpf_probe_read_user(how, sizeof(how), (void *) call_arg(regs, compat, 2)) == 0;
	opened_get(s, t, ret, how[0], &o);
	if (!read)
		e->hdr.present &=
		    ~(EV_BIT(OPENAT2, flags) | EV_BIT(OPENAT2, mode) | EV_BIT(OPENAT2, resolve));
	e->fd = call_result(ret);
	e->dirfd = arg_int(regs, compat, 0);
	e->flags = read ? opened_flags(how[0], &o) : 0;
	e->mode = open_mode(how[0], how[1]);
	e->resolve = (u32) how[2];
	e->dev = o.dev;
	e->ino = o.ino;
	off = text_path(s, st, compat, off, EV_BIT(OPENAT2, name), call_arg(regs, compat, 1));
	off = opened_text(s, off, EV_BIT(OPENAT2, name), EV_BIT(OPENAT2, realname), sizeof(*e), &o);
	EXIT_END();
}

EXIT(open_by_handle_at)
{
	EXIT_BEGIN(OPEN_BY_HANDLE_AT, false);
	u64 flags = call_arg(regs, compat, 2);
	struct opened o;

	opened_get(s, t, ret, flags, &o);
	e->fd = call_result(ret);
	e->mountfd = arg_int(regs, compat, 0);
	e->flags = opened_flags(flags, &o);
	e->dev = o.dev;
	e->ino = o.ino;
	if (o.place.dentry)
		off = text_real(s, off, EV_BIT(OPEN_BY_HANDLE_AT, path), &o.place, 0);
	EXIT_END();
}

#endif
