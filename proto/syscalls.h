/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls.h - syscalls.def at run time: names, numbers and ids of system calls.
 *
 * A call without an event of its own becomes a generic event, EV_SYSCALL, with its id: the number
 * on x86-64 for 64-bit callers, whatever the machine is. A call that those lack has another
 * architecture's number above a base, so that each name has one id, and each id one name.
 *
 * Everything here is constant and may be used by any thread.
 */
#ifndef MEWS_PROTO_SYSCALLS_H
#define MEWS_PROTO_SYSCALLS_H

#include "common/slice.h"
#include "proto/schema.h"

enum syscall_index {
#define SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32) SC_##name,
#include "proto/syscalls.def"
	SC_MAX
};

/* Every number without a name; evt.type is then "syscall". */
#define SC_UNNAMED SC_MAX

/* The numbers of a call: index into syscalls[].number. */
enum syscall_caller { CALLER_X86_64, CALLER_X32, CALLER_IA32, CALLER_ARM64, CALLER_ARM32, CALLERS };

struct syscall_info {
	const char *name;
	int16_t number[CALLERS]; /* -1: it does not exist */
	uint16_t id;             /* SYSCALL_ID_NONE: it has no number at all */
};
extern const struct syscall_info syscalls[SC_MAX];

#define SYSCALL_ID_NONE    0xffff
#define SYSCALL_ID_UNNAMED 0xfffe /* all of SC_UNNAMED, where sets of calls are sent */

/* The id of number 'nr' of a kind of caller, if no name has it. */
uint16_t syscall_id_unnamed(enum syscall_caller c, unsigned nr);

/* The index of a name; -ENOENT: no architecture has it, nor is it a tracepoint. */
int syscall_find(struct slice name) MUST_CHECK;

/* The index of an id; SC_UNNAMED: no name has it. */
unsigned syscall_of_id(int64_t id);

/* The name of an id; NULL: none. */
const char *syscall_name(int64_t id);

/* The event that the call becomes, which may have another name (pread for pread64); NULL: the
 * generic one. */
const struct ev_schema *syscall_event(unsigned index);

#endif
