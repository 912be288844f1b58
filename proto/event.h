/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * event.h - the layout of an event record, for the kernel side and the sensor.
 *
 * A record is a header, then the numbers of the event as 64-bit values in the table's order, then
 * its texts in the table's order: a 32-bit length, the bytes, padding to 8. So a number is at a
 * constant offset (one store for the kernel side), and only texts are appended.
 *
 * Bit i of 'present' says that parameter i (events.def's index, including our own extra ones) is
 * filled. An absent number holds 0; an absent text takes no room. Everything is aligned to 8
 * without holes: a hole would leak kernel memory to user space.
 *
 * Compiled by clang -target bpf (which brings its own __u32...) and by the host compiler.
 */
#ifndef MEWS_PROTO_EVENT_H
#define MEWS_PROTO_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

struct ev_hdr {
	__u32 len;     /* whole record, a multiple of 8 */
	__u16 type;    /* EV_*, events.def's num */
	__u16 cpu;     /* of the event */
	__u64 ts;      /* boot-time nanoseconds; for snapshot events, the time of reading */
	__u64 start;   /* start_boottime of the thread, ns: with tid, its identity */
	__u32 tid;     /* initial pid namespace */
	__u32 pid;     /* thread group id, initial pid namespace */
	__u64 present; /* bit i: parameter i is filled */
	__u16 flags;   /* EVF_* */
	__u16 news;    /* 1: no repeat of a recent event, for the sensor: it is not sent */
	__u32 number; /* of its type on its CPU, from 1, dropped ones included; not sent; 0: none */
};

/* ev_hdr.flags */
#define EVF_CUT      0x1  /* a text was longer than its cap (EV_TEXT_MAX) and was cut */
#define EVF_REREAD   0x2  /* an argument was read at exit instead of entry */
#define EVF_COMPAT   0x4  /* a 32-bit caller (int 0x80, ia32), or a call of x32's own */
#define EVF_URING    0x8  /* an operation submitted through io_uring, not a system call */
#define EVF_REDACTED 0x10 /* a secret in the arguments or the environment was replaced */

#define EV_TEXT_MAX   4096  /* bytes of one path, of all arguments, of all environment */
#define EV_OPEN_FDS   1024  /* descriptors covered by execve.open_fds, a bit each */
#define EV_RECORD_MAX 32768 /* limit for one record */
#define EV_PARAM_MAX  40    /* parameters of one event, including our own */

/* The flags of events.def: the effects of an event. Values up to EF_WAITS are Falco's. */
#define EF_CREATES_FD  0x01
#define EF_DESTROYS_FD 0x02
#define EF_USES_FD     0x04
#define EF_READS_FD    0x08
#define EF_WRITES_FD   0x10
#define EF_STATE       0x20
#define EF_WAITS       0x80
#define EF_ENTRY       0x10000 /* a call's entry; its exit has the next number */
#define EF_ASYNC       0x20000 /* reported by the sensor, not done by a thread */
#define EF_FS_PATH     0x40000 /* fs.path.* and evt.abspath apply to its paths, as in Falco */
#define EF_ANY_FD      (EF_CREATES_FD | EF_DESTROYS_FD | EF_USES_FD)

enum ev_type {
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) EV_##ID = num,
#include "proto/events.def"
	EV_TYPE_MAX = 512 /* limit for event numbers */
};

/*
 * Storage of a type: a number, EV_NUM, is a member of the event's struct; a text, EV_TEXT, is
 * appended. Numbers are sign-extended if the type is signed.
 *
 * SOCKADDR   family (1 byte), then: IPv4 address (4, network order) and port (2, little-endian);
 *            IPv6 address (16) and port (2); AF_UNIX path without terminator
 * SOCKTUPLE  family, then: source address, source port, destination address, destination port
 *            (as above); AF_UNIX: source and destination (8 each, kernel addresses), path
 * BYTEBUF    bytes; lists (args, env, cgroups) are strings, each with its terminating NUL
 * Texts have no terminator.
 */
#define EV_NUM(name) __u64 name;
#define EV_TEXT(name)

#define EV_T_ERRNO(n)        EV_NUM(n)
#define EV_T_FD(n)           EV_NUM(n)
#define EV_T_PID(n)          EV_NUM(n)
#define EV_T_UID(n)          EV_NUM(n)
#define EV_T_GID(n)          EV_NUM(n)
#define EV_T_INT16(n)        EV_NUM(n)
#define EV_T_INT32(n)        EV_NUM(n)
#define EV_T_INT64(n)        EV_NUM(n)
#define EV_T_UINT8(n)        EV_NUM(n)
#define EV_T_UINT16(n)       EV_NUM(n)
#define EV_T_UINT32(n)       EV_NUM(n)
#define EV_T_UINT64(n)       EV_NUM(n)
#define EV_T_FLAGS8(n)       EV_NUM(n)
#define EV_T_FLAGS16(n)      EV_NUM(n)
#define EV_T_FLAGS32(n)      EV_NUM(n)
#define EV_T_ENUMFLAGS8(n)   EV_NUM(n)
#define EV_T_ENUMFLAGS16(n)  EV_NUM(n)
#define EV_T_ENUMFLAGS32(n)  EV_NUM(n)
#define EV_T_MODE(n)         EV_NUM(n)
#define EV_T_SIGTYPE(n)      EV_NUM(n)
#define EV_T_SIGSET(n)       EV_NUM(n)
#define EV_T_PORT(n)         EV_NUM(n)
#define EV_T_IPV4ADDR(n)     EV_NUM(n)
#define EV_T_RELTIME(n)      EV_NUM(n)
#define EV_T_ABSTIME(n)      EV_NUM(n)
#define EV_T_SYSCALLID(n)    EV_NUM(n)
#define EV_T_CHARBUF(n)      EV_TEXT(n)
#define EV_T_CHARBUFARRAY(n) EV_TEXT(n)
#define EV_T_BYTEBUF(n)      EV_TEXT(n)
#define EV_T_FSPATH(n)       EV_TEXT(n)
#define EV_T_FSRELPATH(n)    EV_TEXT(n)
#define EV_T_SOCKADDR(n)     EV_TEXT(n)
#define EV_T_SOCKTUPLE(n)    EV_TEXT(n)
#define EV_T_DYN(n)          EV_TEXT(n)
#define EV_T_IPV6ADDR(n)     EV_TEXT(n)
#define EV_T_FDLIST(n)       EV_TEXT(n)

/* struct ev_OPENAT { struct ev_hdr hdr; __u64 fd; __u64 dirfd; ... }: header and numbers. */
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) \
	struct ev_##ID {                               \
		struct ev_hdr hdr;
#define PARAM(ID, index, name, TYPE, FMT, table) EV_T_##TYPE(name)
#define EVENT_END(ID) \
	}             \
	;
#include "proto/events.def"

/* EVP_OPENAT_name: a parameter's index, and EV_BIT() its bit in 'present'. */
enum ev_param_index {
#define PARAM(ID, index, name, TYPE, FMT, table) EVP_##ID##_##name = index,
#include "proto/events.def"
};
#define EV_BIT(ID, name) (1ULL << EVP_##ID##_##name)

#pragma GCC diagnostic pop

#endif
