/* SPDX-License-Identifier: Apache-2.0 */
/* image_members.c - the members of an entry that an image holds. */
#include "collector/state/image_int.h"

#define MEMBER(T, m, kind)                                                  \
	{                                                                   \
		offsetof(struct T, m), sizeof(((struct T *) NULL)->m), kind \
	}
#define NUM(m)  MEMBER(thread, m, IMAGE_NUM)
#define TEXT(m) MEMBER(thread, m, IMAGE_TEXT)
#define BOOL(m) MEMBER(thread, m, IMAGE_BOOL)

/* A new member of these structs belongs here, unless it follows from others; then raise
 * STATE_IMAGE_VERSION. */
_Static_assert(sizeof(struct thread) == 360, "is the new member in image_thread[]?");
_Static_assert(sizeof(struct fd_entry) == 80, "is the new member in image_fd[]?");

/* clang-format off */
const struct image_member image_thread[] = {
	NUM(start), NUM(clone_ts), NUM(pidns_start), NUM(updated), NUM(vtid), NUM(vpid), NUM(sid),
	NUM(pgid), NUM(vpgid), NUM(fdlimit), NUM(cap_inheritable), NUM(cap_permitted),
	NUM(cap_effective), NUM(exe_ino), NUM(exe_ino_ctime), NUM(exe_ino_mtime), NUM(pgft_maj),
	NUM(pgft_min), NUM(cgroup_id), NUM(vm_size), NUM(vm_rss), NUM(vm_swap), NUM(uid), NUM(gid),
	NUM(loginuid), NUM(tty), NUM(exe_flags), TEXT(comm), TEXT(exe), TEXT(exepath), TEXT(args),
	TEXT(args_text), TEXT(cmdline), TEXT(env), TEXT(cgroups), TEXT(container_id),
	TEXT(entered_by), TEXT(root), TEXT(cwd), NUM(nthreads), BOOL(placeholder), BOOL(dead), BOOL(pidns_known), BOOL(subreaper),
	BOOL(told), NUM(last_fd), NUM(seen), NUM(died),
};

#undef NUM
#undef TEXT
#define NUM(m)  MEMBER(fd_entry, m, IMAGE_NUM)
#define TEXT(m) MEMBER(fd_entry, m, IMAGE_TEXT)
/* Half of an address. */
#define HALF(m, i) { offsetof(struct fd_entry, m) + (i) * 8, 8, IMAGE_NUM }

const struct image_member image_fd[] = {
	NUM(ino), NUM(since), TEXT(name), TEXT(nameraw), TEXT(real), NUM(flags), NUM(dev),
	NUM(sport), NUM(dport), HALF(sip, 0), HALF(sip, 1), HALF(dip, 0), HALF(dip, 1), NUM(type),
	NUM(l4), NUM(role), NUM(state),
};

#undef NUM
#define NUM(m) MEMBER(state, m, IMAGE_NUM)

const struct image_member image_clock[] = {
	NUM(now), NUM(began), NUM(before), NUM(current), NUM(epoch),
};
/* clang-format on */

const size_t image_nclock = ARRAY_SIZE(image_clock);
const size_t image_nthread = ARRAY_SIZE(image_thread);
const size_t image_nfd = ARRAY_SIZE(image_fd);
