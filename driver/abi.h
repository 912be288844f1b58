/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * abi.h - what the kernel side and the sensor share besides event records: settings, counters, and
 * what the iterators print.
 *
 * Both sides are built together, so nothing here is an ABI between versions. Compiled by clang
 * -target bpf and by the host compiler.
 */
#ifndef MEWS_DRIVER_ABI_H
#define MEWS_DRIVER_ABI_H

#include "proto/event.h"

#define DRV_CPU_MAX   512  /* rings there may be; CPUs beyond share them */
#define DRV_NR_MAX    1024 /* system call numbers are below; a power of two */
#define DRV_CAUSE_MAX 4    /* causes of a drop in the kernel are below: proto/wire.h's wire_drop */

#define DRV_CAPTURE_MAX 512 /* rows, twice: by kind of caller; a power of two */
#define DRV_NUMBER_MAX  8   /* numbers of an event that the table fills */
#define DRV_TEXT_MAX    3   /* its texts */
#define DRV_DEMUX_MAX   2   /* calls that carry others: socketcall, ipc */
#define DRV_BRANCH_MAX  32  /* those that one carries; a power of two */
#define DRV_VALUE_MAX   8   /* values of a call: its result, its six arguments, and 0 */

/* The programs at the exit of system calls. */
enum drv_program {
#define PROGRAM(name) DRV_PROGRAM_##name,
#include "driver/captures.def"
	DRV_PROGRAM_MAX
};

/* Where in the values of a call something is: the result, argument n, or 0. */
#define DRV_RESULT 0
#define DRV_ARG(n) (1 + (n))
#define DRV_ZERO   7

/* A number of an event: a value, cut to its width. */
struct drv_number {
	__u8 value; /* which one */
	__u8 cut;   /* 64 less its width in bits */
	__u8 sign;  /* it is signed */
	__u8 zero;
};

enum drv_how {
	DRV_PATH,   /* a string, read at entry */
	DRV_STRING, /* a string, read at exit */
	DRV_ADDR,   /* an address, read at entry */
	DRV_DATA,   /* memory, read at exit */
};

/* A text of an event. */
struct drv_text {
	__u8 how;   /* enum drv_how */
	__u8 value; /* its place */
	__u8 size;  /* its length, where it is no string */
	__u8 bit; /* which parameter it is; above: 0 for the first path that is read at entry, 1 for
		     the second */
};
#define DRV_SECOND 0x80

/* What is read at a call's entry. */
enum drv_enter {
	DRV_ENTER_NOTHING,
	DRV_ENTER_PATH,
	DRV_ENTER_PATHS,
	DRV_ENTER_HOW,
	DRV_ENTER_ADDR
};

/* A row of captures.def: sensor/captures.c makes it, the programs read it. */
struct drv_capture {
	__u64 nums;   /* the event's numbers, as bits of 'present' */
	__u16 event;  /* EV_*; 0: no row */
	__u16 size;   /* of its header and numbers */
	__u8 program; /* enum drv_program */
	__u8 nnumbers, ntexts;
	__u8 enter;   /* enum drv_enter, */
	__u8 what[2]; /* of which values */
	__u8 zero[2];
	struct drv_number numbers[DRV_NUMBER_MAX];
	struct drv_text texts[DRV_TEXT_MAX];
};

/* What a system call's number means to a kind of caller. */
struct drv_call {
	__u16 program; /* enum drv_program */
	__u16 capture; /* which one; of the program 'branch', which demultiplexer */
};

/* A call within another. */
struct drv_branch {
	__u16 capture;
	__u8 memory;  /* how many arguments are in memory; 0: they are in registers, */
	__u8 from[6]; /* these values */
	__u8 zero;
};

/* All of it. */
struct drv_table {
	struct drv_capture captures[DRV_CAPTURE_MAX];
	struct drv_call calls[2][DRV_NR_MAX]; /* of 64-bit callers, of 32-bit ones */
	struct drv_branch branches[DRV_DEMUX_MAX][DRV_BRANCH_MAX];
};

/* Totals that the kernel side keeps. */
enum drv_count {
	DRV_COUNT_EXCLUDED, /* not captured, since an excluded thread group did it */
	DRV_COUNT_STASH,    /* entries of calls that got no memory for what is read there */
	DRV_COUNT_REREAD,   /* paths and addresses that were read at exit only: EVF_REREAD */
	DRV_COUNT_MAX
};

/* A process that is not captured: a number alone may come to be another's. */
struct drv_excluded {
	__u64 start; /* start_boottime of its main thread */
	__u64 pid;   /* thread group id; 0: none */
};

#define DRV_OWNERS 256 /* users of control groups are hashed to so many; a power of two */

/* How many pieces of memory are held for calls in flight, and by whom. */
struct drv_shares {
	__u32 all, by[DRV_OWNERS];
};

/* What the sensor may change while programs run; single words, each read by itself. */
struct drv_control {
	__u64 any[DRV_NR_MAX / 64];      /* system calls wanted of either kind of caller */
	__u64 calls[2][DRV_NR_MAX / 64]; /* of 64-bit callers, of 32-bit ones */
	__u64 events[DRV_NR_MAX / 64];   /* events wanted, asked where a number does not tell */
	struct drv_excluded exclude[2];
	__u32 scanner;      /* a thread group that is not captured with all its children; 0: none */
	__u32 armed;        /* the next record wakes the sensor; the kernel clears it */
	__u32 kicked;       /* the kernel has woken it since it last looked */
	__u32 enter_native; /* the general entry hook reads for 64-bit callers too */
	__u32 compat_seen;  /* a 32-bit caller came that wants an entry hook */
};

/* A thread, as the task iterator saw it. Ids are of the initial pid namespace unless named v*. */
struct drv_task {
	__u64 ts;    /* when it was read, boot time */
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

/* An open descriptor, as the file iterator saw it. */
struct drv_file {
	__u64 ts;    /* when it was read, boot time */
	__u64 start; /* start_boottime of the process */
	__u64 ino;
	__u64 magic; /* of its file system */
	__u32 pid, fd;
	__u32 flags;  /* as open() has them, O_CLOEXEC too */
	__u32 mode;   /* type and permissions, as stat() has them */
	__u32 mnt_id; /* as mountinfo has it */
	__u32 zero;
};

#endif
