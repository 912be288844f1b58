/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * file.h - an open file: where it lives, and a path written out.
 */
#ifndef MEWS_DRIVER_FILE_H
#define MEWS_DRIVER_FILE_H

#include "driver/bpf/core.h"

#define OVERLAYFS_MAGIC 0x794c7630
#define FMODE_CREATED   0x100000
#define S_IFMT          0170000
#define S_IFSOCK        0140000
#define PATH_DEPTH      64 /* names of one path */

/* Which side of an overlay a file is on. */
enum layer { LAYER_NONE, LAYER_UPPER, LAYER_LOWER };

static __always_inline struct file *
fd_file(struct task_struct *t, s64 fd)
{
	struct fdtable *fdt = t->files->fdt;
	struct file **files = fdt->fd;
	struct file *f = NULL;

	if (fd < 0 || fd >= fdt->max_fds || bpf_probe_read_kernel(&f, sizeof(f), files + fd) < 0)
		return NULL;
	return f;
}

/* Overlayfs keeps the upper dentry right behind the inode, in all versions. */
static __always_inline enum layer
inode_layer(struct inode *inode, unsigned long magic)
{
	struct dentry *upper = NULL;

	if (magic != OVERLAYFS_MAGIC)
		return LAYER_NONE;
	bpf_probe_read_kernel(
	    &upper, sizeof(upper), (char *) inode + bpf_core_type_size(struct inode));
	return upper ? LAYER_UPPER : LAYER_LOWER;
}

/* Where path_build() is. It lives in memory, so that every turn of its loop begins with the same
 * (nothing) known to the verifier, and is walked once. */
static __always_inline void
path_walk(struct scratch *s, u64 mount, u64 dentry, u32 pos)
{
	*(volatile u64 *) &s->walk.mount = mount;
	*(volatile u64 *) &s->walk.dentry = dentry;
	*(volatile u32 *) &s->walk.pos = pos;
}

/*
 * Write the path of (mnt, dentry) as seen from the root (rmnt, rdentry) to the end of this CPU's
 * path buffer. Its length; 0: nothing there; one that is too long or too deep is cut at its front,
 * and then longer than PATH_SIZE. All are pointers; a global function takes numbers only, and is
 * verified once for all its callers.
 */
__noinline int
path_build(u64 mnt, u64 dentry, u64 rmnt, u64 rdentry)
{
	struct scratch *s = scratch_get();
	u32 pos;

	if (!s || !mnt || !dentry)
		return 0;
	path_walk(s, mnt - bpf_core_field_offset(struct mount, mnt), dentry, PATH_SIZE);
	for (int i = 0; i < PATH_DEPTH; i++) {
		struct mount *m = (void *) *(volatile u64 *) &s->walk.mount;
		struct dentry *d = (void *) *(volatile u64 *) &s->walk.dentry;
		struct dentry *parent = BPF_CORE_READ(d, d_parent);
		u32 len;

		pos = *(volatile u32 *) &s->walk.pos;
		if ((u64) d == rdentry && (u64) &m->mnt == rmnt)
			goto done;
		if (d == BPF_CORE_READ(m, mnt.mnt_root) || d == parent) {
			struct mount *up = BPF_CORE_READ(m, mnt_parent);

			if (up == m || d != BPF_CORE_READ(m, mnt.mnt_root))
				goto done;
			path_walk(s, (u64) up, (u64) BPF_CORE_READ(m, mnt_mountpoint), pos);
			continue;
		}
		len = BPF_CORE_READ(d, d_name.len) & 0xff;
		if (pos <= len || pos > PATH_SIZE)
			return PATH_SIZE + 1;
		pos = (pos - len - 1) & (PATH_SIZE - 1);
		s->path[pos] = '/';
		if (bpf_probe_read_kernel(&s->path[pos + 1], len, BPF_CORE_READ(d, d_name.name)) <
		    0)
			return 0;
		path_walk(s, (u64) m, (u64) parent, pos);
	}
	return PATH_SIZE + 1;
done:
	if (pos == PATH_SIZE)
		s->path[--pos & (PATH_SIZE - 1)] = '/';
	return (int) (PATH_SIZE - pos);
}

/* As path_build(), of a cgroup's directory. */
__noinline int
cgroup_build(u64 knode)
{
	struct scratch *s = scratch_get();
	struct kernfs_node *kn = (void *) knode;
	u32 pos = PATH_SIZE;

	if (!s || !kn)
		return 0;
	for (int i = 0; i < 24; i++) {
		struct kernfs_node *up;
		long len;

		if (bpf_core_field_exists(kn->parent))
			up = BPF_CORE_READ(kn, parent);
		else
			up = BPF_CORE_READ((struct kernfs_node___new *) kn, __parent);
		if (!up)
			goto done;
		len = bpf_probe_read_kernel_str(s->name, sizeof(s->name), BPF_CORE_READ(kn, name));
		if (len <= 0)
			return 0;
		len = (len - 1) & 0xff;
		if (pos <= len)
			return PATH_SIZE + 1;
		pos -= len + 1;
		pos &= PATH_SIZE - 1;
		s->path[pos] = '/';
		if (bpf_probe_read_kernel(&s->path[pos + 1], len, s->name) < 0)
			return 0;
		kn = up;
	}
	return PATH_SIZE + 1;
done:
	if (pos == PATH_SIZE)
		s->path[--pos & (PATH_SIZE - 1)] = '/';
	return (int) (PATH_SIZE - pos);
}

/* Append the 'n' bytes that one of the above has built. A cut path is left out, and marked. */
static __always_inline u32
text_built(struct scratch *s, u32 off, u64 bit, int n)
{
	if (n > PATH_SIZE)
		rec_hdr(s)->flags |= EVF_CUT;
	if (n <= 0 || n > PATH_SIZE)
		return off;
	return text_kernel(s, off, bit, &s->path[(PATH_SIZE - n) & (PATH_SIZE - 1)], n);
}

/* The path of 'path', a struct path of the kernel, as a task whose root is that of 'fs' sees it.
 * The pointers are read, not loaded: so they are numbers to the verifier. */
static __always_inline u32
text_kpath(struct scratch *s, u32 off, u64 bit, struct fs_struct *fs, const struct path *path)
{
	return text_built(s, off, bit,
	    path_build((u64) BPF_CORE_READ(path, mnt), (u64) BPF_CORE_READ(path, dentry),
		(u64) BPF_CORE_READ(fs, root.mnt), (u64) BPF_CORE_READ(fs, root.dentry)));
}

#endif
