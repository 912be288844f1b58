/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * open_file.h - an open file: its location and path.
 */
#ifndef MEWS_DRIVER_OPEN_FILE_H
#define MEWS_DRIVER_OPEN_FILE_H

#include "driver/bpf/core.h"

#define OVERLAYFS_MAGIC 0x794c7630
#define FMODE_CREATED   0x100000
#define S_IFMT          0170000
#define S_IFSOCK        0140000
#define S_IFIFO         0010000
#define ROOT_STALE      250     /* jiffies after which the machine's root is read again */
#define PATH_FAST       6       /* steps of a path without a function call */
#define PATH_CUT        0x10000 /* path_build(): the front is missing */
#define PATH_DOTS       3

/* The layer of an overlay that holds a file. */
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

/* The same for calls that are rarer than opens: slower, but quicker to verify. */
static __always_inline struct file *
fd_file_rare(struct task_struct *t, s64 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
	struct file **files = BPF_CORE_READ(fdt, fd);
	struct file *f = NULL;

	if (fd < 0 || fd >= BPF_CORE_READ(fdt, max_fds) ||
	    bpf_probe_read_kernel(&f, sizeof(f), files + fd) < 0)
		return NULL;
	return f;
}

/* In all kernel versions overlayfs stores the upper dentry right after the inode. */
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

/*
 * Look up the machine's root directory, that of the first process, and keep it in this CPU's
 * scratch memory. It hardly ever changes, so it is read again only now and then.
 */
static __always_inline void
root_look(struct scratch *s, struct task_struct *t)
{
	u64 now = bpf_jiffies64();
	struct pid_namespace *ns;
	struct super_block *sb;
	struct fs_struct *fs;
	struct dentry *d;

	if (s->root.dentry && now - s->root.looked < ROOT_STALE)
		return;
	ns = BPF_CORE_READ(t, thread_pid, numbers[0].ns);
	fs = BPF_CORE_READ(ns, child_reaper, fs);
	d = BPF_CORE_READ(fs, root.dentry);
	s->root.looked = now;
	s->root.mnt = (u64) BPF_CORE_READ(fs, root.mnt);
	sb = BPF_CORE_READ(d, d_sb);
	s->root.sb = (u64) sb;
	s->root.dev = BPF_CORE_READ(sb, s_dev);
	s->root.magic = BPF_CORE_READ(sb, s_magic);
	s->root.dentry = (u64) d;
}

struct named {
	struct dentry *parent;
	const char *name;
	u32 len;
};

/* Read a dentry's parent and name, in one read if they lie close together. */
static __always_inline struct named
dentry_named(struct dentry *d)
{
	const u32 at = bpf_core_field_offset(struct dentry, d_parent);
	const u32 len = bpf_core_field_offset(struct dentry, d_name.len) - at;
	const u32 name = bpf_core_field_offset(struct dentry, d_name.name) - at;
	u64 v[4] = {};

	if (len > sizeof(v) - sizeof(u64) || name > sizeof(v) - sizeof(u64))
		return (struct named){ BPF_CORE_READ(d, d_parent),
			(const char *) BPF_CORE_READ(d, d_name.name),
			BPF_CORE_READ(d, d_name.len) };
	bpf_probe_read_kernel(v, sizeof(v), (char *) d + at);
	return (struct named){ (void *) v[0], *(const char **) ((char *) v + name),
		*(u32 *) ((char *) v + len) };
}

/* Store the position of path_build(), and the dentry where its mount ends. It is in memory, so that
 * every step starts with the same (empty) verifier state and is checked once. */
static __always_inline void
path_walk(struct scratch *s, u64 mount, u64 top, u64 dentry, u32 pos)
{
	*(volatile u64 *) &s->walk.mount = mount;
	*(volatile u64 *) &s->walk.top = top;
	*(volatile u64 *) &s->walk.dentry = dentry;
	*(volatile u32 *) &s->walk.pos = pos;
}

enum path_end {
	PATH_GOES_ON,
	PATH_DONE,
	PATH_LONG, /* the next name does not fit */
	PATH_NONE, /* it leads nowhere */
};

/* Go one step up, and write the name in front of the path so far. Without a mount, stay in the file
 * system. */
static __always_inline enum path_end
path_turn(struct scratch *s)
{
	struct mount *m = (void *) *(volatile u64 *) &s->walk.mount;
	struct dentry *d = (void *) *(volatile u64 *) &s->walk.dentry;
	u64 top = *(volatile u64 *) &s->walk.top;
	u32 pos = *(volatile u32 *) &s->walk.pos;
	struct named n;

	if ((u64) d == s->root.dentry && (!m || (u64) &m->mnt == s->root.mnt))
		return PATH_DONE;
	if ((u64) d == top) {
		struct mount *up = BPF_CORE_READ(m, mnt_parent);

		if (up == m)
			return PATH_DONE;
		path_walk(s, (u64) up, (u64) BPF_CORE_READ(up, mnt.mnt_root),
		    (u64) BPF_CORE_READ(m, mnt_mountpoint), pos);
		return PATH_GOES_ON;
	}
	n = dentry_named(d);
	if (d == n.parent) /* not in a folder: a pipe, a socket */
		return m && pos < PATH_SIZE ? PATH_DONE : PATH_NONE;
	n.len &= 0xff;
	if (pos <= n.len || pos > PATH_SIZE)
		return PATH_LONG;
	pos = (pos - n.len - 1) & (PATH_SIZE - 1);
	s->path[pos] = '/';
	if (bpf_probe_read_kernel(&s->path[pos + 1], n.len, n.name) < 0)
		return PATH_NONE;
	path_walk(s, (u64) m, top, (u64) n.parent, pos);
	return PATH_GOES_ON;
}

static long
path_turns(void *map, const u32 *key, u32 *value, void *end)
{
	struct scratch *s = scratch_get();
	enum path_end r = s ? path_turn(s) : PATH_NONE;

	*(u32 *) end = r;
	return r != PATH_GOES_ON;
}

/* The number of bytes built from 'pos' on, after writing "..." in place of a missing front; without
 * room, over the first of them, so that it never looks like a whole path. */
static __always_inline int
path_len(struct scratch *s, u32 pos, bool cut)
{
	if (cut) {
		pos = pos < PATH_DOTS ? 0 : (pos - PATH_DOTS) & (PATH_SIZE - 1);
		s->path[pos] = s->path[pos + 1] = s->path[pos + 2] = '.';
		return (int) (PATH_SIZE - pos) | PATH_CUT;
	}
	if (pos == PATH_SIZE)
		s->path[--pos & (PATH_SIZE - 1)] = '/';
	return (int) (PATH_SIZE - pos);
}

/*
 * Write the path of (mnt, dentry), relative to the machine's root from root_look(), to the end of
 * this CPU's path buffer; without 'mnt', the path within its file system, if the root is on it.
 * Returns its length; 0: it has none; with PATH_CUT: it was too long and its front is missing. Both
 * parameters are pointers: a global function takes only numbers, and is verified once for all
 * callers.
 */
__noinline int
path_build(u64 mnt, u64 dentry)
{
	struct scratch *s = scratch_get();
	struct vfsmount *first = (void *) mnt;
	enum path_end r = PATH_GOES_ON;

	if (!s || !dentry)
		return 0;
	path_walk(s, mnt ? mnt - bpf_core_field_offset(struct mount, mnt) : 0,
	    mnt ? (u64) BPF_CORE_READ(first, mnt_root) : 0, dentry, PATH_SIZE);
	for (int i = 0; i < PATH_FAST && r == PATH_GOES_ON; i++)
		r = path_turn(s);
	if (r == PATH_GOES_ON) {
		u32 end = r;

		bpf_for_each_map_elem(&turns, path_turns, &end, 0);
		r = end;
	}
	return r == PATH_NONE ? 0 : path_len(s, *(volatile u32 *) &s->walk.pos, r != PATH_DONE);
}

/* Like path_build(), for a cgroup's directory. */
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
		if (pos <= len || pos > PATH_SIZE)
			return path_len(s, pos, true);
		pos -= len + 1;
		pos &= PATH_SIZE - 1;
		s->path[pos] = '/';
		barrier_var(len); /* 6.12 forgets the bound from the comparison above */
		if (bpf_probe_read_kernel(&s->path[pos + 1], len & 0xff, s->name) < 0)
			return 0;
		kn = up;
	}
	return path_len(s, pos, true);
done:
	return path_len(s, pos, false);
}

/* Append a path built by one of the above. */
static __always_inline u32
text_built(struct scratch *s, u32 off, u64 bit, int n)
{
	u32 len = n & ~PATH_CUT;

	if (n <= 0 || len > PATH_SIZE)
		return off;
	if (n & PATH_CUT)
		rec_hdr(s)->flags |= EVF_CUT;
	return text_kernel(s, off, bit, &s->path[(PATH_SIZE - len) & (PATH_SIZE - 1)], len);
}

/* Add the path of 'path', a kernel struct path, relative to the machine's root, as /proc/PID/exe of
 * 't' shows it. Its pointers are read, not dereferenced, so they are numbers to the verifier. */
static __always_inline u32
text_kpath(struct scratch *s, u32 off, u64 bit, struct task_struct *t, const struct path *path)
{
	root_look(s, t);
	return text_built(s, off, bit,
	    path_build((u64) BPF_CORE_READ(path, mnt), (u64) BPF_CORE_READ(path, dentry)));
}

/* Is it a memfd? A memfd has only a name. */
static __always_inline bool
is_memfd(struct dentry *d)
{
	char name[6] = "";

	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(d, d_name.name));
	return BPF_CORE_READ(d, d_parent) == d && name[0] == 'm' && name[1] == 'e' &&
	       name[2] == 'm' && name[3] == 'f' && name[4] == 'd' && name[5] == ':';
}

/* The location of an open file. */
struct place {
	u64 mnt, dentry, sb;
};

/* Set all but 'sb'. Returns the inode. */
static __always_inline struct inode *
file_place(struct scratch *s, struct file *f, struct place *ret)
{
	const u32 path = bpf_core_field_offset(struct file, f_path);
	const u32 mnt = path + bpf_core_field_offset(struct path, mnt);
	const u32 dentry = path + bpf_core_field_offset(struct path, dentry);
	const u32 inode = bpf_core_field_offset(struct file, f_inode);
	const u32 first = MIN(path, inode), apart = MAX(mnt, MAX(dentry, inode)) - first;
	u64 *v = s->words;

	if (apart > sizeof(s->words) - sizeof(u64)) {
		ret->mnt = (u64) BPF_CORE_READ(f, f_path.mnt);
		ret->dentry = (u64) BPF_CORE_READ(f, f_path.dentry);
		return BPF_CORE_READ(f, f_inode);
	}
	bpf_probe_read_kernel(v, apart + sizeof(u64), (char *) f + first);
	ret->mnt = word_at(v, first, mnt);
	ret->dentry = word_at(v, first, dentry);
	return (struct inode *) word_at(v, first, inode);
}

/*
 * Build the path of the caller's open file, independent of symbolic links, chroots and bind mounts.
 * On the file system of the machine's root it is the path there, so a bind mount does not show;
 * elsewhere it is the path through the mount used. Call root_look() first.
 */
__noinline int
real_build(u64 mnt, u64 dentry, u64 sb)
{
	struct scratch *s = scratch_get();
	int n = 0;

	if (!s || !dentry)
		return 0;
	if (sb == s->root.sb)
		n = path_build(0, dentry);
	return n ? n : path_build(mnt, dentry);
}

#define SAME_MAX 256 /* bytes compared at most */

/* Do the 'n' bytes built equal the text at 'off'? Both are followed by zeroes. Long texts count as
 * different. */
__noinline int
text_same(u32 off, u32 n)
{
	struct scratch *s = scratch_get();
	const u64 *given, *built;

	if (!s || n > SAME_MAX || *(u32 *) &s->rec[off & REC_MASK] != n)
		return 0;
	given = (void *) text_at(s, off);
	built = (void *) &s->path[(PATH_SIZE - n) & (PATH_SIZE - 1)];
	for (u32 i = 0; i < SAME_MAX / sizeof(u64); i++) {
		if (i * sizeof(u64) >= n)
			return 1;
		if (given[i] != built[i])
			return 0;
	}
	return 1;
}

#define SEEN_NAME  40 /* bytes of an inline name that are compared */
#define SAME_TURNS 8

/*
 * Go one step up: does the text at 'off' have the dentry's name after a slash, in front of what was
 * already matched? An inline name is part of the dentry, which is read once; other names are not
 * compared (PATH_NONE).
 */
static __always_inline enum path_end
same_turn(struct scratch *s, u32 off)
{
	const u32 at = bpf_core_field_offset(struct dentry, d_parent);
	struct mount *m = (void *) *(volatile u64 *) &s->walk.mount;
	u64 d = *(volatile u64 *) &s->walk.dentry, top = *(volatile u64 *) &s->walk.top;
	u32 pos = *(volatile u32 *) &s->walk.pos, len, from;
	u64 name;

	if (d == s->root.dentry && (!m || (u64) &m->mnt == s->root.mnt))
		return pos == 0 ? PATH_DONE : PATH_NONE;
	if (pos == 0 || pos > SAME_MAX)
		return PATH_NONE;
	if (d == top) {
		struct mount *up = BPF_CORE_READ(m, mnt_parent);

		path_walk(s, (u64) up, (u64) BPF_CORE_READ(up, mnt.mnt_root),
		    (u64) BPF_CORE_READ(m, mnt_mountpoint), pos);
		return up == m ? PATH_NONE : PATH_GOES_ON;
	}
	if (bpf_probe_read_kernel(s->seen, SEEN_READ, (void *) d + at) < 0)
		return PATH_NONE;
	len =
	    *(const u32 *) read_at(s->seen, at, bpf_core_field_offset(struct dentry, d_name.len)) &
	    0xff;
	name = word_at(s->seen, at, bpf_core_field_offset(struct dentry, d_name.name)) - (d + at);
	if (name >= SEEN_READ - SEEN_NAME + sizeof(u64) || len > SEEN_NAME || len >= pos)
		return PATH_NONE;
	from = (off + sizeof(u32) + pos - len) & REC_MASK;
	if (s->rec[(from - 1) & REC_MASK] != '/')
		return PATH_NONE;
	for (u32 i = 0; i < SEEN_NAME && i < len; i += sizeof(u64)) {
		u64 differ = *(u64 *) &s->rec[from + i] ^ *(u64 *) ((char *) s->seen + name + i);

		if (len - i < sizeof(u64))
			differ &= (1ULL << ((len - i) * 8)) - 1;
		if (differ)
			return PATH_NONE;
	}
	path_walk(s, (u64) m, top, s->seen[0], pos - len - 1);
	return PATH_GOES_ON;
}

/* Does the text at 'off' equal the path of an open file? Most files are opened by their real path,
 * and comparing it from its end with the kernel's dentries is cheaper than building it. False: it
 * differs, or was not compared. */
__noinline int
same_walk(u32 off, u64 mnt, u64 dentry, u64 sb)
{
	struct scratch *s = scratch_get();
	struct vfsmount *first = (void *) mnt;
	enum path_end r = PATH_GOES_ON;
	bool on_root;

	if (!s || !mnt || !dentry)
		return 0;
	on_root = sb == s->root.sb;
	path_walk(s, on_root ? 0 : mnt - bpf_core_field_offset(struct mount, mnt),
	    on_root ? 0 : (u64) BPF_CORE_READ(first, mnt_root), dentry,
	    *(u32 *) &s->rec[off & REC_MASK]);
	for (int i = 0; i < SAME_TURNS && r == PATH_GOES_ON; i++)
		r = same_turn(s, off);
	return r == PATH_DONE;
}

/* Add the path of an open file, unless it equals the text at 'given' (0: none). */
static __always_inline u32
text_real(struct scratch *s, u32 off, u64 bit, const struct place *p, u32 given)
{
	struct dentry *d = (void *) p->dentry;
	int n;

	if (given && same_walk(given, p->mnt, p->dentry, p->sb))
		return off;
	n = real_build(p->mnt, p->dentry, p->sb);
	if (n == 0)
		return is_memfd(d) ? text_kernel_str(s, off, bit, BPF_CORE_READ(d, d_name.name))
				   : off;
	return given && text_same(given, n) ? off : text_built(s, off, bit, n);
}

#endif
