/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/syscalls.h"
#include <errno.h>
#include <stdlib.h>

/* What is added to the numbers of callers other than x86-64's. */
#define BASE_IA32  0x1000
#define BASE_ARM32 0x2000
#define BASE_ARM64 0x3000

#define ID(x86_64, ia32, arm64, arm32)            \
	((x86_64) >= 0     ? (x86_64)             \
	    : (ia32) >= 0  ? BASE_IA32 + (ia32)   \
	    : (arm32) >= 0 ? BASE_ARM32 + (arm32) \
	    : (arm64) >= 0 ? BASE_ARM64 + (arm64) \
			   : SYSCALL_ID_NONE)

const struct syscall_info syscalls[SC_MAX] = {
#define SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32) \
	{ #name, { x86_64, x32, ia32, arm64, arm32 }, ID(x86_64, ia32, arm64, arm32) },
#include "proto/syscalls.def"
};

uint16_t
syscall_id_unnamed(enum syscall_caller c, unsigned nr)
{
	static const uint16_t base[CALLERS] = {
		[CALLER_IA32] = BASE_IA32, [CALLER_ARM32] = BASE_ARM32, [CALLER_ARM64] = BASE_ARM64
	};

	return (uint16_t) (base[c] + nr);
}

static int
compare(const void *key, const void *elem)
{
	const struct syscall_info *c = elem;
	const struct slice *name = key;

	return slice_cmp(*name, slice_str(c->name));
}

int
syscall_find(struct slice name)
{
	const struct syscall_info *c =
	    bsearch(&name, syscalls, SC_MAX, sizeof(syscalls[0]), compare);

	return c == NULL ? -ENOENT : (int) (c - syscalls);
}

unsigned
syscall_of_id(int64_t id)
{
	switch (id) {
#define SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32)                           \
	case (x86_64) < 0 && (ia32) < 0 && (arm64) < 0 && (arm32) < 0 ? -1 - SC_##name: \
		ID(x86_64, ia32, arm64, arm32) : return SC_##name;
#include "proto/syscalls.def"
	default:
		return SC_UNNAMED;
	}
}

const char *
syscall_name(int64_t id)
{
	unsigned index = id < 0 ? SC_UNNAMED : syscall_of_id(id);

	return index == SC_UNNAMED ? NULL : syscalls[index].name;
}

/* Calls whose event is not named like them. */
static const struct {
	uint16_t index, event;
} renamed[] = {
	{ SC__llseek, EV_LLSEEK },
	{ SC__newselect, EV_SELECT },
	{ SC_chown32, EV_CHOWN },
	{ SC_fchown32, EV_FCHOWN },
	{ SC_fcntl64, EV_FCNTL },
	{ SC_futex_time64, EV_FUTEX },
	{ SC_getegid32, EV_GETEGID },
	{ SC_geteuid32, EV_GETEUID },
	{ SC_getgid32, EV_GETGID },
	{ SC_getresgid32, EV_GETRESGID },
	{ SC_getresuid32, EV_GETRESUID },
	{ SC_getuid32, EV_GETUID },
	{ SC_lchown32, EV_LCHOWN },
	{ SC_ppoll_time64, EV_PPOLL },
	{ SC_pread64, EV_PREAD },
	{ SC_prlimit64, EV_PRLIMIT },
	{ SC_pwrite64, EV_PWRITE },
	{ SC_recvmmsg_time64, EV_RECVMMSG },
	{ SC_sendfile64, EV_SENDFILE },
	{ SC_setfsuid32, EV_SETFSUID },
	{ SC_setgid32, EV_SETGID },
	{ SC_setregid32, EV_SETREGID },
	{ SC_setresgid32, EV_SETRESGID },
	{ SC_setresuid32, EV_SETRESUID },
	{ SC_setreuid32, EV_SETREUID },
	{ SC_setuid32, EV_SETUID },
	{ SC_ugetrlimit, EV_GETRLIMIT },
};

const struct ev_schema *
syscall_event(unsigned index)
{
	for (size_t i = 0; i < ARRAY_SIZE(renamed); i++) {
		if (renamed[i].index == index)
			return schema_get(renamed[i].event);
	}
	return index >= SC_MAX ? NULL : schema_by_name(slice_str(syscalls[index].name), 0);
}
