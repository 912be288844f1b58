/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include <string.h>

/* Capabilities, control groups, users and groups. */

static const char *const caps[] = { "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
	"KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE",
	"NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
	"SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
	"AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
	"BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE" };

int
get_proc_caps(const struct fget *g)
{
	struct buf *out = scratch_buf(g->fs);
	uint64_t set;

	memcpy(&set, (const char *) g->v->thread + g->a, sizeof(set));
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (!(set >> i & 1))
			continue;
		if (out->n > 0)
			buf_char(out, ' ');
		buf_str(out, "CAP_");
		buf_str(out, caps[i]);
	}
	return put_text(g, scratch_take(g->fs, out));
}

/* A controller's usual name; the kernel names some differently. */
static struct slice
controller_name(struct slice s)
{
	static const struct {
		const char *kernel, *usual;
	} names[] = {
		{ "io", "blkio" },
		{ "mem", "memory" },
		{ "perf", "perf_event" },
	};
	const struct slice suffix = SLICE("_cgroup");

	if (slice_ends(s, suffix))
		s.n -= suffix.n;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (slice_eq(s, slice_str(names[i].kernel)))
			return slice_str(names[i].usual);
	}
	return s;
}

/* Take the next of a list of "controller=/path", each with its NUL. */
static bool
next_cgroup(struct slice *list, struct slice *name, struct slice *path)
{
	const char *nul, *eq;
	size_t n;

	while (list->n > 0) {
		nul = memchr(list->p, '\0', list->n);
		n = nul == NULL ? list->n : (size_t) (nul - list->p);
		eq = memchr(list->p, '=', n);
		if (eq != NULL) {
			*name = controller_name((struct slice){ list->p, (size_t) (eq - list->p) });
			*path = (struct slice){ eq + 1, n - (size_t) (eq + 1 - list->p) };
		}
		n += nul != NULL;
		list->p += n;
		list->n -= n;
		if (eq != NULL)
			return true;
	}
	return false;
}

/*
 * Controllers of the list. The path in the unified hierarchy, which has no name, is listed with
 * them only to identify containers. On a machine with only the unified hierarchy /proc has nothing
 * else: then it is the path of each controller.
 */
static const char *const unified[] = { "cpuset", "cpu", "cpuacct", "blkio", "memory" };

/* Does the list have no controller? Then *path is the path in the unified hierarchy. */
static bool
is_unified(struct slice list, struct slice *path)
{
	struct slice name, none = { NULL, 0 };

	*path = none;
	while (next_cgroup(&list, &name, path)) {
		if (name.n > 0)
			return false;
	}
	return path->p != NULL;
}

static void
put_cgroup(struct buf *out, struct slice name, struct slice path)
{
	if (out->n > 0)
		buf_char(out, ' ');
	buf_slice(out, name);
	buf_char(out, '=');
	buf_slice(out, path);
}

int
get_proc_cgroups(const struct fget *g)
{
	struct slice list = view_text(g->v, g->v->thread->cgroups), name, path;
	struct buf *out;

	if (list.n == 0)
		return 0;
	out = scratch_buf(g->fs);
	if (is_unified(list, &path)) {
		for (size_t i = 0; i < ARRAY_SIZE(unified); i++)
			put_cgroup(out, slice_str(unified[i]), path);
	}
	while (next_cgroup(&list, &name, &path)) {
		if (name.n > 0)
			put_cgroup(out, name, path);
	}
	return put_text(g, scratch_take(g->fs, out));
}

int
get_proc_cgroup(const struct fget *g)
{
	struct slice list = view_text(g->v, g->v->thread->cgroups), name, path;

	if (is_unified(list, &path)) {
		for (size_t i = 0; i < ARRAY_SIZE(unified); i++) {
			if (slice_eq(slice_str(unified[i]), g->f->key))
				return put_text(g, path);
		}
	}
	while (next_cgroup(&list, &name, &path)) {
		if (slice_eq(name, g->f->key))
			return put_text(g, path);
	}
	return 0;
}

int
get_user_uid(const struct fget *g)
{
	return put_uint(g, g->v->thread->uid);
}

static int
user_text(const struct fget *g, uint32_t uid, int what)
{
	static const char *const root[] = {
		[TXT_NAME] = "root", [TXT_HOME] = "/root", [TXT_SHELL] = "<NA>"
	};
	const struct user_info *u = state_user(g->v->state, g->v->thread, uid);
	uint32_t id = u == NULL          ? INTERN_NULL
		      : what == TXT_NAME ? u->name
		      : what == TXT_HOME ? u->home
					 : u->shell;

	if (id != INTERN_NULL)
		return put_id(g, id);
	return put_word(g, uid == 0 ? root[what] : "<NA>");
}

int
get_user_text(const struct fget *g)
{
	return user_text(g, g->v->thread->uid, g->a);
}

int
get_user_loginuid(const struct fget *g)
{
	uint32_t uid = g->v->thread->loginuid;

	return put_int(g, uid == UINT32_MAX ? -1 : (int64_t) uid);
}

int
get_user_loginname(const struct fget *g)
{
	uint32_t uid = g->v->thread->loginuid;

	return uid == UINT32_MAX ? put_word(g, "<NA>") : user_text(g, uid, TXT_NAME);
}

int
get_group_gid(const struct fget *g)
{
	return put_uint(g, g->v->thread->gid);
}

int
get_group_name(const struct fget *g)
{
	uint32_t gid = g->v->thread->gid, id = state_group(g->v->state, g->v->thread, gid);

	if (id != INTERN_NULL)
		return put_id(g, id);
	return put_word(g, gid == 0 ? "root" : "<NA>");
}
