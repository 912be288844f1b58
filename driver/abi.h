/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * abi.h - shared by the kernel side and the sensor besides event records: settings, counters, and
 * the iterators' output.
 *
 * Both sides are built together, so nothing here is an ABI between versions. Compiled by clang
 * -target bpf and by the host compiler.
 */
#ifndef MEWS_DRIVER_ABI_H
#define MEWS_DRIVER_ABI_H

#include "proto/event.h"

/* The number of an io_uring's own ("fixed") file is this plus its index: above all descriptors. */
#define URING_FIXED (1 << 30)

#define DRV_CPU_MAX   8192 /* maximum number of rings; the most CPUs that a kernel is built for */
#define DRV_NR_MAX    1024 /* limit for system call numbers; a power of two */
#define DRV_CAUSE_MAX 4    /* limit for causes of a drop in the kernel: proto/wire.h's wire_drop */

#define DRV_CAPTURE_MAX 512 /* rows, twice: by kind of caller; a power of two */
#define DRV_NUMBER_MAX  10  /* numbers of an event, at most */
#define DRV_TEXT_MAX    3   /* texts of an event, at most */
#define DRV_DEMUX_MAX   4   /* calls that carry others: socketcall, ipc, mmap; a power of two */
#define DRV_DEMUX_ONLY  2   /* the demultiplexer that has only branch 0, whatever its arguments */
#define DRV_BRANCH_MAX  32  /* calls within one of those; a power of two */
#define DRV_VALUE_MAX   16  /* values of a call: its result, its arguments, and others below */

/* The programs for the exit of system calls. */
enum drv_program {
#define PROGRAM(name) DRV_PROGRAM_##name,
#include "driver/captures.def"
	DRV_PROGRAM_MAX
};

/* Indexes into the values of a call: the result, argument n, 0, the memory of its process (KiB),
 * its credentials. */
#define DRV_RESULT  0
#define DRV_ARG(n)  (1 + (n))
#define DRV_ZERO    7
#define DRV_VM_SIZE 8
#define DRV_VM_RSS  9
#define DRV_VM_SWAP 10

/* The caller's effective ids, in the initial user namespace, and capabilities. */
#define DRV_CRED_EUID        11
#define DRV_CRED_EGID        12
#define DRV_CRED_INHERITABLE 13
#define DRV_CRED_PERMITTED   14
#define DRV_CRED_EFFECTIVE   15

/* A number of an event: a value, cut to its width. */
struct drv_number {
	__u8 value; /* index */
	__u8 cut;   /* 64 minus its width in bits */
	__u8 sign;  /* signed */
	__u8 extra; /* index of the value with its high word, or DRV_ZERO; DRV_ID16 */
};
#define DRV_ID16 0x80 /* an id of 16 bits, all of which set mean -1 */

enum drv_how {
	DRV_PATH,   /* a string, read at entry */
	DRV_STRING, /* a string, read at exit */
	DRV_ADDR,   /* an address, read at entry */
	DRV_MSG,    /* the address in a struct msghdr, read at entry */
	DRV_MSGS,   /* those in an array of struct mmsghdr, read at entry */
	DRV_DATA,   /* memory, read at exit */
	DRV_CWD,    /* the caller's working folder */
	DRV_ROOT,   /* the caller's root */
};

/* A text of an event. */
struct drv_text {
	__u8 how;   /* enum drv_how */
	__u8 value; /* index of its value */
	__u8 size;  /* index of its length, if it is no string */
	__u8 bit;   /* its parameter; DRV_SECOND: the second path read at entry */
};
#define DRV_SECOND 0x80

/* Reads at a call's entry. */
enum drv_enter {
	DRV_ENTER_NOTHING,
	DRV_ENTER_PATH,
	DRV_ENTER_PATHS,
	DRV_ENTER_HOW,
	DRV_ENTER_ADDR,
	DRV_ENTER_MSG,
	DRV_ENTER_MSGS
};

/* A row of captures.def: compiled by sensor/capture_table.c, read by the programs. */
struct drv_capture {
	__u64 nums;   /* the event's numbers, as bits of 'present' */
	__u16 event;  /* EV_*; 0: no row */
	__u16 size;   /* of header and numbers */
	__u8 program; /* enum drv_program */
	__u8 nnumbers, ntexts;
	__u8 enter;   /* enum drv_enter */
	__u8 what[2]; /* indexes of the values to read */
	__u8 zero[2];
	struct drv_number numbers[DRV_NUMBER_MAX];
	struct drv_text texts[DRV_TEXT_MAX];
};

/* The capture of a system call number. */
struct drv_call {
	__u16 program; /* enum drv_program */
	__u16 capture; /* index; for 'branch': the demultiplexer; for 'generic': the call's id */
};

/* A call within another (socketcall, ipc), or with its arguments in memory (mmap). */
struct drv_branch {
	__u16 capture; /* 0: it has no row */
	__u16 id;      /* of the call then; 0: it is not in the table */
	__u8 memory;   /* number of arguments in memory; 0: all are in registers */
	__u8 from[6];  /* those values */
	__u8 at;       /* the value with the address of that memory */
};

struct drv_table {
	struct drv_capture captures[DRV_CAPTURE_MAX];
	struct drv_call calls[2][DRV_NR_MAX]; /* of 64-bit callers, of 32-bit ones */
	struct drv_branch branches[DRV_DEMUX_MAX][DRV_BRANCH_MAX];
};

/* From when to when events were dropped, boot ns. A pause of DRV_HOLE_NS ends a hole; here is the
 * newest one. 'last' 0: none. */
struct drv_hole {
	__u64 first, last;
};
#define DRV_HOLE_NS 1000000000ULL

/* Totals counted by the kernel side. */
enum drv_count {
	DRV_COUNT_EXCLUDED, /* not captured: from an excluded process */
	DRV_COUNT_STASH,    /* entries of calls without memory for a stash */
	DRV_COUNT_REREAD,   /* paths and addresses read only at exit: EVF_REREAD */
	DRV_COUNT_MAX
};

/* The kinds of hooks that the sensor checks with a call of its own: a canary. */
enum drv_canary {
	DRV_CANARY_ENTER,
	DRV_CANARY_EXIT,
	DRV_CANARY_FORK,
	DRV_CANARY_EXEC,
	DRV_CANARY_END, /* of a thread */
	DRV_CANARY_SUBMIT,
	DRV_CANARY_COMPLETE,
	DRV_CANARY_NONE, /* a hook that is not checked */
	DRV_CANARY_MAX
};

/* A process excluded from capture. The start time guards against reuse of the pid. */
struct drv_excluded {
	__u64 start; /* start_boottime of its main thread */
	__u64 pid;   /* thread group id; 0: none */
};

#define DRV_OWNERS 256 /* hash size for users of control groups; a power of two */

/* The number of stashes or tails in use, in total and by owner. */
struct drv_shares {
	__u32 all, by[DRV_OWNERS];
};

enum drv_armed {
	DRV_ARMED_NOT,  /* only a ring with many bytes */
	DRV_ARMED_ANY,  /* the next record */
	DRV_ARMED_NEWS, /* the next record that is news */
};

/* Settings that the sensor may change while programs run; each word is read independently. */
struct drv_control {
	__u64 any[DRV_NR_MAX / 64];      /* system calls wanted from either kind of caller */
	__u64 calls[2][DRV_NR_MAX / 64]; /* from 64-bit callers, from 32-bit ones */
	__u64 events[DRV_NR_MAX / 64];   /* wanted events, for calls that may be one of several */
	__u64 lean[DRV_NR_MAX / 64];     /* of these: only what process state needs */
	__u64 quiet[DRV_NR_MAX / 64];    /* of these: no rule looks at them, so they are no news */
	__u32 within[DRV_DEMUX_MAX];     /* wanted calls without a row within another, by number */
	struct drv_excluded exclude[2];
	__u32 scanner;      /* thread group excluded with all its children; 0: none */
	__u32 armed;        /* DRV_ARMED_*: what wakes the sensor; the kernel side clears it */
	__u32 news;         /* a record that is news was added; the sensor clears it */
	__u32 kicked;       /* the kernel side has woken the sensor since its last poll */
	__u32 enter_native; /* the general entry hook also handles 64-bit callers */
	__u32 compat_seen;  /* a 32-bit caller needs the entry hook */
	__u32 dropped;      /* set after the counters of drops changed; the sensor clears it */
	__u32 canary; /* the thread that checks the hooks, excluded with its children; 0: none */
	__u32 zero;
};

/* A thread, from the task iterator. Ids are of the initial pid namespace unless named v*. */
struct drv_task {
	__u64 ts;    /* time of reading, boot time */
	__u64 start; /* start_boottime of the thread: with tid, its identity */
	__u64 cap_inheritable, cap_permitted, cap_effective;
	__u64 cgroup_id; /* of the default hierarchy */
	__u64 exe_ino, exe_dev;
	__u64 exe_ctime, exe_mtime; /* ns */
	__u64 pidns_init_start;     /* start_boottime of its pid namespace's init */
	__u64 fdlimit;
	__u64 pgft_maj, pgft_min;
	__u32 vm_size, vm_rss, vm_swap; /* KiB */
	__u32 tid, pid;
	__u32 ptid; /* thread group of the parent */
	__u32 pgid, vpgid, sid;
	__u32 vtid, vpid; /* innermost namespace */
	__u32 uid, gid;   /* effective */
	__u32 loginuid;   /* 0xffffffff: not set */
	__u32 tty;        /* device number; 0: none */
	__u32 exe_flags;  /* as parameter 'flags' of execve */
	char comm[16];
};

/* An open descriptor, from the file iterator. */
struct drv_file {
	__u64 ts;    /* time of reading, boot time */
	__u64 start; /* start_boottime of the process */
	__u64 ino;
	__u64 magic; /* of its file system */
	__u32 pid, fd;
	__u32 flags;  /* as in open(), including O_CLOEXEC */
	__u32 mode;   /* type and permissions, as from stat() */
	__u32 mnt_id; /* as in mountinfo */
	__u32 zero;
};

#endif
