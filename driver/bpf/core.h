/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * core.h - shared by all capture programs: settings, the scratch record, texts, the rings.
 *
 * A record is built in this CPU's scratch memory and then copied into this CPU's ring in one call,
 * so a ring never holds a half-written record for long. Programs that use the scratch memory run
 * with preemption off (before 7.0 always; since then through ALONE_PROG() and
 * enter_branch_alone()), so they own it until they return.
 */
#ifndef MEWS_DRIVER_CORE_H
#define MEWS_DRIVER_CORE_H

#include "driver/bpf/kernel_types.h"

#include "driver/abi.h"

#define EINTR       4
#define ENOSYS      38
#define EINPROGRESS 115
#define ERESTARTSYS 512 /* and 513, 514, 516: user space sees EINTR, or the call is restarted */

#define PF_KTHREAD 0x00200000
#define PF_EXITING 0x00000004

/* Causes of a drop: proto/wire.h's enum wire_drop, which the kernel side cannot include. */
#define DROP_RING_FULL 1
#define DROP_TOO_LONG  2
#define DROP_FAULT     3

#define REC_MASK  (EV_RECORD_MAX - 1)
#define SEEN_READ 72 /* of a dentry: from d_parent to the end of an inline name */
#define PATH_SIZE 4096
#define ADDR_MAX  128 /* bytes of a sockaddr */

#define RECENT_MAX 4096 /* records of a CPU that are remembered; a power of two */

/* Set by the sensor before loading. */
const volatile __u32 ring_wake = 1 << 16; /* bytes in a ring that wake the sensor */

const volatile __u32 page_kib = 4; /* KiB of a page */

const volatile struct drv_table table = {}; /* compiled driver/captures.def */

/* Maximum bytes kept of a call's data. */
const volatile __u32 snaplen = 80;

/* Set by the sensor at any time. */
struct drv_control ctl = {};

#if defined(MEWS_PREEMPTIBLE) /* mews_preemptible.bpf.c */
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;
#define preempt_off() bpf_preempt_disable()
#define preempt_on()  bpf_preempt_enable()
#else
#define preempt_off() ((void) 0)
#define preempt_on()  ((void) 0)
#endif

/* Like BPF_PROG(), for a program that uses the CPU's scratch record: disables preemption, so that
 * no other thread's program overwrites the record. */
#define ALONE_PROG(name, args...)                                                         \
	name(unsigned long long *ctx);                                                    \
	static __always_inline int alone_##name(unsigned long long *ctx, ##args);         \
	int name(unsigned long long *ctx)                                                 \
	{                                                                                 \
		_Pragma("GCC diagnostic push")                                            \
		    _Pragma("GCC diagnostic ignored \"-Wint-conversion\"") preempt_off(); \
		(void) alone_##name(___bpf_ctx_cast(args));                               \
		preempt_on();                                                             \
		_Pragma("GCC diagnostic pop") return 0;                                   \
	}                                                                                 \
	static __always_inline int alone_##name(unsigned long long *ctx, ##args)

struct scratch {
	char
	    rec[EV_RECORD_MAX + EV_TEXT_MAX + 64]; /* any offset below EV_RECORD_MAX takes a text */
	char path[PATH_SIZE + 256];                /* a path, built from its end */
	char name[256];
	u64 seen[SEEN_READ / sizeof(u64) + 1]; /* same_turn(); its last word stays 0 */
	u64 words[16];                         /* read_words(); too large for the stack */
	u64 values[DRV_VALUE_MAX];             /* values_get(); [DRV_ZERO] stays 0 */
	u32 late;               /* arguments in memory of a call within another were read at exit */
	u32 off;                /* off_forget() */
	u32 unasked;            /* bytes added to the ring since its fill level was last queried */
	u32 recent[RECENT_MAX]; /* rec_end(): hashes of recent records */
	u32 numbers[EV_TYPE_MAX]; /* rec_end(): events of each type so far */
	struct {
		u64 mount, top, dentry;
		u32 pos;
	} walk; /* of path_build() */
	struct {
		u64 from, cut_at;
		u32 n, passing;
	} args; /* of args_build() */
	struct {
		u32 size, n; /* bytes of all pieces; bytes copied */
	} iov;               /* of iov_build() */
	struct {
		u64 sock;
		u32 call; /* call_id() */
	} mmsg;           /* mmsg_begin() */
	struct {
		u64 at, n;
		u32 compat;
	} passed; /* control messages that may pass descriptors: passed_note() */
	struct {
		u64 mnt, dentry, sb;
		u64 dev, magic; /* of its file system, as in super_block */
		u64 looked;     /* jiffies */
	} root;                 /* root_look() */
};

/* One per CPU; the sensor sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* A template; the sensor creates one per CPU with the configured size. */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* Drops, by event and cause. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EV_TYPE_MAX *DRV_CAUSE_MAX);
	__type(key, u32);
	__type(value, u64);
} drops SEC(".maps");

/* When, by cause. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DRV_CAUSE_MAX);
	__type(key, u32);
	__type(value, struct drv_hole);
} holes SEC(".maps");

/* Other totals, by enum drv_count. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DRV_COUNT_MAX);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

/* nums_OPENAT: the bits of an event's numbers. All are set at once; bits of texts as they are
 * found. */
#define NUM_BIT(index, TYPE) ((u64) (sizeof(struct { EV_T_##TYPE(n) }) / sizeof(u64)) << (index))
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) \
	static const u64 nums_##ID __attribute__((unused)) = 0
#define PARAM(ID, index, name, TYPE, FMT, table) | NUM_BIT(index, TYPE)
#define EVENT_END(ID)                            ;
#include "proto/events.def"

static __always_inline void
count(u32 which)
{
	u64 *n = bpf_map_lookup_elem(&counts, &which);

	if (n)
		++*n;
}

/* An event of time 'ts' was dropped. */
static __always_inline void
dropped(u32 type, u32 cause, u64 ts)
{
	struct drv_hole *hole = bpf_map_lookup_elem(&holes, &cause);
	u32 key = type * DRV_CAUSE_MAX + cause;
	u64 *n = bpf_map_lookup_elem(&drops, &key);
	u64 was = 0;

	if (hole) {
		if (ts > hole->last + DRV_HOLE_NS)
			hole->first = ts;
		hole->last = ts;
	}
	if (n)
		was = __sync_fetch_and_add(n, 1); /* for its barrier: the flag is read after it */
	barrier_var(was);
	if (!ctl.dropped) /* so that a storm of drops does not write one line from all CPUs */
		ctl.dropped = 1;
}

static __always_inline struct task_struct *
current_task(void)
{
	return (struct task_struct *) bpf_get_current_task_btf();
}

/* Is 'bit' set in a bitmap of DRV_NR_MAX bits? */
static __always_inline bool
bit_get(const volatile u64 *map, u64 bit)
{
	u64 word = bit >> 6;

	barrier_var(word); /* keep the mask: the compiler, unlike the verifier, knows the bound */
	return map[word & (DRV_NR_MAX / 64 - 1)] >> (bit & 63) & 1;
}

static __always_inline bool
wanted(u32 type)
{
	return bit_get(ctl.events, type);
}

/* Does only process state want the event? */
static __always_inline bool
lean(u32 type)
{
	return bit_get(ctl.lean, type);
}

static __always_inline struct scratch *
scratch_get(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&scratches, &cpu);
}

/* Begin a record of thread 't'. Its numbers, 'size' bytes with the header, are 0 and marked
 * present. */
static __always_inline void
rec_begin(struct scratch *s, u32 type, u32 size, u64 nums, struct task_struct *t)
{
	struct ev_hdr *h = (struct ev_hdr *) s->rec;

	__builtin_memset(h, 0, sizeof(*h));
	for (u32 i = sizeof(*h); i < size; i += sizeof(u64))
		*(u64 *) &s->rec[i] = 0;
	h->type = type;
	h->cpu = bpf_get_smp_processor_id();
	h->ts = bpf_ktime_get_boot_ns();
	h->start = t->start_boottime;
	h->tid = t->pid;
	h->pid = t->tgid;
	h->present = nums;
}

#define REC_BEGIN(s, ID, t)                                                  \
	({                                                                   \
		rec_begin(s, EV_##ID, sizeof(struct ev_##ID), nums_##ID, t); \
		(struct ev_##ID *) (s)->rec;                                 \
	})

static __always_inline struct ev_hdr *
rec_hdr(struct scratch *s)
{
	return (struct ev_hdr *) s->rec;
}

/* The turns of a loop: bpf_for_each_map_elem() is the only one that no supported kernel's verifier
 * unrolls. As many elements as a path can have names. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PATH_SIZE / 2 + 64);
	__type(key, u32);
	__type(value, u32);
} turns SEC(".maps");

/* The address of the bytes of the text at 'off'. */
static __always_inline char *
text_at(struct scratch *s, u32 off)
{
	return &s->rec[(off & REC_MASK) + sizeof(u32)];
}

/*
 * Return the same offset, unknown to the verifier: it then checks the code after a text once, not
 * for each length and absence of the texts before it.
 */
static __always_inline u32
off_forget(struct scratch *s, u32 off)
{
	*(volatile u32 *) &s->off = off;
	return *(volatile u32 *) &s->off;
}

/* Finish the text of 'n' bytes at 'off': set its length, padding and bit. Returns the next text's
 * offset. */
static __always_inline u32
text_end(struct scratch *s, u32 off, u32 n, u64 bit)
{
	off &= REC_MASK;
	barrier_var(n); /* for the verifier, even where the compiler knows the bound */
	if (n > EV_TEXT_MAX) {
		n = EV_TEXT_MAX;
		rec_hdr(s)->flags |= EVF_CUT;
	}
	*(u32 *) &s->rec[off] = n;
	*(u64 *) &s->rec[off + sizeof(u32) + n] = 0;
	rec_hdr(s)->present |= bit;
	return off_forget(s, off + ((sizeof(u32) + n + 7) & ~7U));
}

/* Like bpf_probe_read_user_str(), which before 6.15 returns 0 for an empty string, not 1 for its
 * NUL. */
static __always_inline long
read_user_str(void *to, u32 room, const void *from)
{
	long n = bpf_probe_read_user_str(to, room, from);

	return n == 0 ? 1 : n;
}

/* Add a user space string. If it cannot be read, it is absent and the offset unchanged. */
static __always_inline u32
text_user_str(struct scratch *s, u32 off, u64 bit, const void *p)
{
	long n = read_user_str(text_at(s, off), EV_TEXT_MAX + 2, p);

	return n <= 0 ? off : text_end(s, off, (u32) n - 1, bit);
}

/* Add [from, to) of user space, cut to the size of a text. */
static __always_inline u32
text_user(struct scratch *s, u32 off, u64 bit, u64 from, u64 to)
{
	u64 n = to - from;

	if (from >= to)
		return text_end(s, off, 0, bit);
	if (n > EV_TEXT_MAX)
		n = EV_TEXT_MAX + 1;
	barrier_var(n);
	if (n > EV_TEXT_MAX + 1 || bpf_probe_read_user(text_at(s, off), (u32) n, (void *) from) < 0)
		return off;
	return text_end(s, off, (u32) n, bit);
}

/* Add the 'n' bytes at 'from', up to the snap length. */
static __always_inline u32
text_data(struct scratch *s, u32 off, u64 bit, u64 from, s64 n)
{
	return text_user(s, off, bit, from, from + (n <= 0 ? 0 : n < snaplen ? n : snaplen));
}

/* Add a kernel string. */
static __always_inline u32
text_kernel_str(struct scratch *s, u32 off, u64 bit, const void *p)
{
	long n = bpf_probe_read_kernel_str(text_at(s, off), EV_TEXT_MAX + 2, p);

	return n <= 0 ? off : text_end(s, off, (u32) n - 1, bit);
}

/* Add 'n' bytes of kernel memory, at most EV_TEXT_MAX. */
static __always_inline u32
text_kernel(struct scratch *s, u32 off, u64 bit, const void *p, u32 n)
{
	if (n > EV_TEXT_MAX)
		return off;
	barrier_var(
	    n); /* keep the mask: 6.1 forgets the bound of a register that was stored before */
	n &= 2 * EV_TEXT_MAX - 1;
	if (bpf_probe_read_kernel(text_at(s, off), n, p) < 0)
		return off;
	return text_end(s, off, n, bit);
}

/* Add a value whose type is in its first byte: a number of 'size' bytes. */
static __always_inline u32
text_dyn(struct scratch *s, u32 off, u64 bit, u8 kind, u64 value, u32 size)
{
	char *to = text_at(s, off);

	to[0] = kind;
	*(u64 *) (to + 1) = value;
	return text_end(s, off, 1 + size, bit);
}

/* The same: the 'n' bytes of user space at 'from', up to the snap length. */
static __always_inline u32
text_dyn_data(struct scratch *s, u32 off, u64 bit, u8 kind, u64 from, u32 n)
{
	char *to = text_at(s, off);

	if (n > snaplen)
		n = snaplen;
	barrier_var(n);
	to[0] = kind;
	if (n >= EV_TEXT_MAX || bpf_probe_read_user(to + 1, n, (void *) from) < 0)
		n = 0;
	return text_end(s, off, 1 + n, bit);
}

/* The same: a string of user space. */
static __always_inline u32
text_dyn_str(struct scratch *s, u32 off, u64 bit, u8 kind, u64 from)
{
	char *to = text_at(s, off);
	long n = read_user_str(to + 1, EV_TEXT_MAX, (void *) from);

	to[0] = kind;
	return text_end(s, off, n <= 0 ? 1 : (u32) n, bit);
}

/* The address of the kernel's byte 'at' in a buffer read from 'first' on. */
static __always_inline const void *
read_at(const void *v, u32 first, u32 at)
{
	u32 i = at - first;

	/* or the compiler subtracts 'first' from the pointer, which is prohibited; and before 6.17
	 * the verifier does not track a negation */
	barrier_var(i);
	return (const char *) v + i;
}

static __always_inline u64
word_at(const u64 *v, u32 first, u32 at)
{
	return *(const u64 *) read_at(v, first, at);
}

/* Read two kernel words, at p + first and p + second: in one read if they lie close together in
 * this order, as all current uses do in all known kernels. */
static __always_inline void
read_words(struct scratch *s, const void *p, u32 first, u32 second, u64 ret[2])
{
	u32 apart = second - first;

	if (apart <= sizeof(s->words) - sizeof(u64) && apart % sizeof(u64) == 0) {
		bpf_probe_read_kernel(s->words, apart + sizeof(u64), p + first);
		ret[0] = s->words[0];
		ret[1] = word_at(s->words, first, second);
	} else {
		bpf_probe_read_kernel(&ret[0], sizeof(u64), p + first);
		bpf_probe_read_kernel(&ret[1], sizeof(u64), p + second);
	}
}

/* Convert a device number to stat()'s format. */
static __always_inline u32
dev_encode(u32 dev)
{
	u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | (major << 8) | ((minor & ~0xffU) << 12);
}

#endif
