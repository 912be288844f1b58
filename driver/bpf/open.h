/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * open.h - open, openat, openat2, creat, close, close_range, dup, dup2, dup3, link, linkat.
 */
#ifndef MEWS_DRIVER_OPEN_H
#define MEWS_DRIVER_OPEN_H

#include "driver/bpf/call.h"
#include "driver/bpf/file.h"

/* Flags of open() as the kernel numbers them; those that differ between architectures first. */
#if defined(__TARGET_ARCH_x86)
#define K_O_DIRECT    040000
#define K_O_LARGEFILE 0100000
#define K_O_DIRECTORY 0200000
#else
#define K_O_DIRECTORY 040000
#define K_O_DIRECT    0200000
#define K_O_LARGEFILE 0400000
#endif
#define K_O_CREAT    0100
#define K_O_EXCL     0200
#define K_O_TRUNC    01000
#define K_O_APPEND   02000
#define K_O_NONBLOCK 04000
#define K_O_DSYNC    010000
#define K_O_CLOEXEC  02000000
#define K_O_SYNC     04010000
#define K_O_TMPFILE1 020000000 /* without O_DIRECTORY, which is a part of it */
#define K_O_TMPFILE  (K_O_TMPFILE1 | K_O_DIRECTORY)

/* As proto/names.def's open_flags. */
#define N_O_CREAT     0x4
#define N_O_APPEND    0x8
#define N_O_DSYNC     0x10
#define N_O_EXCL      0x20
#define N_O_NONBLOCK  0x40
#define N_O_SYNC      0x80
#define N_O_TRUNC     0x100
#define N_O_DIRECT    0x200
#define N_O_DIRECTORY 0x400
#define N_O_LARGEFILE 0x800
#define N_O_CLOEXEC   0x1000
#define N_O_TMPFILE   0x2000
#define N_O_F_CREATED 0x4000
#define N_FD_UPPER    0x8000
#define N_FD_LOWER    0x10000

#define FLAG(from, to) ((flags & (from)) ? (to) : 0)

/* The kernel's flags in our numbers. Any bit of O_TMPFILE or O_SYNC counts as all of it: so does
 * the schema's other implementation, and rules rely on what it shows. */
static __always_inline u32
open_flags(u64 flags)
{
	u32 access = flags & 3;

	return (access == 0      ? 1
		   : access == 1 ? 2
				 : 3) |
	       FLAG(K_O_CREAT, N_O_CREAT) | FLAG(K_O_APPEND, N_O_APPEND) |
	       FLAG(K_O_SYNC, N_O_SYNC | N_O_DSYNC) | FLAG(K_O_EXCL, N_O_EXCL) |
	       FLAG(K_O_NONBLOCK, N_O_NONBLOCK) | FLAG(K_O_TRUNC, N_O_TRUNC) |
	       FLAG(K_O_DIRECT, N_O_DIRECT) | FLAG(K_O_DIRECTORY, N_O_DIRECTORY) |
	       FLAG(K_O_LARGEFILE, N_O_LARGEFILE) | FLAG(K_O_CLOEXEC, N_O_CLOEXEC) |
	       FLAG(K_O_TMPFILE, N_O_TMPFILE);
}

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

/* What descriptor 'fd' of the caller refers to, opened with these flags; zeroes if it is none. */
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

static __always_inline u32
opened_flags(const struct opened *o)
{
	return (o->created ? N_O_F_CREATED : 0) | (o->layer == LAYER_UPPER ? N_FD_UPPER : 0) |
	       (o->layer == LAYER_LOWER ? N_FD_LOWER : 0);
}

/* The path of what was opened, unless it is the text 'name', the first one, which begins at
 * 'first'. What user space computes of a relative path, or of one with links, is not known here. */
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
	e->flags = open_flags(flags) | opened_flags(&o);
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
	e->flags = open_flags(flags) | opened_flags(&o);
	e->mode = open_mode(flags, call_arg(regs, compat, 3));
	e->dev = o.dev;
	e->ino = o.ino;
	off = text_path(s, st, compat, off, EV_BIT(OPENAT, name), call_arg(regs, compat, 1));
	off = opened_text(s, off, EV_BIT(OPENAT, name), EV_BIT(OPENAT, realname), sizeof(*e), &o);
	EXIT_END();
}

/* The kernel's resolve flags in our numbers. */
static __always_inline u32
resolve_flags(u64 flags)
{
	return FLAG(0x08, 0x1) | FLAG(0x10, 0x2) | FLAG(0x02, 0x4) | FLAG(0x04, 0x8) |
	       FLAG(0x01, 0x10) | FLAG(0x20, 0x20);
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
	e->flags = read ? open_flags(how[0]) | opened_flags(&o) : 0;
	e->mode = open_mode(how[0], how[1]);
	e->resolve = resolve_flags(how[2]);
	e->dev = o.dev;
	e->ino = o.ino;
	off = text_path(s, st, compat, off, EV_BIT(OPENAT2, name), call_arg(regs, compat, 1));
	off = opened_text(s, off, EV_BIT(OPENAT2, name), EV_BIT(OPENAT2, realname), sizeof(*e), &o);
	EXIT_END();
}

EXIT(close)
{
	EXIT_BEGIN(CLOSE, false);
	e->res = call_result(ret);
	e->fd = arg_int(regs, compat, 0);
	EXIT_END();
}

EXIT(close_range)
{
	EXIT_BEGIN(CLOSE_RANGE, false);
	e->res = call_result(ret);
	e->first = call_arg(regs, compat, 0);
	e->last = call_arg(regs, compat, 1);
	e->flags = call_arg(regs, compat, 2);
	EXIT_END();
}

EXIT(dup)
{
	EXIT_BEGIN(DUP, false);
	e->res = call_result(ret);
	e->oldfd = arg_int(regs, compat, 0);
	EXIT_END();
}

EXIT(dup2)
{
	EXIT_BEGIN(DUP2, false);
	e->res = call_result(ret);
	e->oldfd = arg_int(regs, compat, 0);
	e->newfd = arg_int(regs, compat, 1);
	EXIT_END();
}

EXIT(dup3)
{
	EXIT_BEGIN(DUP3, false);
	u64 flags = call_arg(regs, compat, 2);

	e->res = call_result(ret);
	e->oldfd = arg_int(regs, compat, 0);
	e->newfd = arg_int(regs, compat, 1);
	e->flags = FLAG(K_O_CLOEXEC, N_O_CLOEXEC);
	EXIT_END();
}

EXIT(link)
{
	EXIT_BEGIN(LINK, true);
	e->res = call_result(ret);
	off = text_path_of(s, st, compat, off, EV_BIT(LINK, oldpath), 0, call_arg(regs, compat, 0));
	off = text_path_of(s, st, compat, off, EV_BIT(LINK, newpath), 1, call_arg(regs, compat, 1));
	EXIT_END();
}

EXIT(linkat)
{
	EXIT_BEGIN(LINKAT, true);
	e->res = call_result(ret);
	e->olddir = arg_int(regs, compat, 0);
	e->newdir = arg_int(regs, compat, 2);
	e->flags = call_arg(regs, compat, 4) & 0x1400; /* AT_SYMLINK_FOLLOW, AT_EMPTY_PATH */
	off =
	    text_path_of(s, st, compat, off, EV_BIT(LINKAT, oldpath), 0, call_arg(regs, compat, 1));
	off =
	    text_path_of(s, st, compat, off, EV_BIT(LINKAT, newpath), 1, call_arg(regs, compat, 3));
	EXIT_END();
}

#endif
