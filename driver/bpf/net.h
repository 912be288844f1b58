/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * net.h - connect: the requested address, and the resulting endpoints.
 */
#ifndef MEWS_DRIVER_NET_H
#define MEWS_DRIVER_NET_H

#include "driver/bpf/call.h"
#include "driver/bpf/open.h"
#include "driver/bpf/open_file.h"

#define AF_UNIX  1
#define AF_INET  2
#define AF_INET6 10

#define UN_PATH 108

static __always_inline u16
swap16(u16 v)
{
	return v >> 8 | v << 8;
}

/* The socket of a descriptor; NULL: not a socket. */
static __always_inline struct sock *
fd_sock(struct task_struct *t, s64 fd)
{
	struct file *f = fd_file(t, fd);
	struct socket *sock;

	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	sock = BPF_CORE_READ(f, private_data);
	return BPF_CORE_READ(sock, sk);
}

/* Find the name in 'n' bytes at 'path': an abstract name begins after its NUL. Sets its start,
 * returns its length. */
static __always_inline u32
un_name(const char **path, u32 n)
{
	char c = 0;

	if (n > UN_PATH)
		n = UN_PATH;
	bpf_probe_read_kernel(&c, 1, *path);
	if (c == '\0' && n > 0) {
		++*path;
		n--;
	}
	return n;
}

/* Copy a socket's name to 'to'. Returns its size in bytes. */
static __always_inline u32
un_copy(char *to, const char *path, u32 n)
{
	u32 len = un_name(&path, n);
	long r = bpf_probe_read_kernel_str(to, UN_PATH, path);

	if (r <= 0)
		return 0;
	r--;
	return r < len ? r : len;
}

/* Add a kernel sockaddr of 'len' bytes at 'sa', as a SOCKADDR. */
static __always_inline u32
text_sockaddr(struct scratch *s, u32 off, u64 bit, const char *sa, s32 len)
{
	char *to = text_at(s, off);
	u16 family = 0;
	u32 n = 1;

	if (len < (s32) sizeof(family))
		return off;
	bpf_probe_read_kernel(&family, sizeof(family), sa);
	to[0] = family;
	if (family == AF_INET && len >= 8) {
		u16 port = 0;

		bpf_probe_read_kernel(&port, sizeof(port), sa + 2);
		bpf_probe_read_kernel(to + 1, 4, sa + 4);
		*(u16 *) (to + 5) = swap16(port);
		n = 7;
	} else if (family == AF_INET6 && len >= 24) {
		u16 port = 0;

		bpf_probe_read_kernel(&port, sizeof(port), sa + 2);
		bpf_probe_read_kernel(to + 1, 16, sa + 8);
		*(u16 *) (to + 17) = swap16(port);
		n = 19;
	} else if (family == AF_UNIX && len > 2) {
		n = 1 + (un_copy(to + 1, sa + 2, len - 2) & 0x7f);
	}
	return text_end(s, off, n, bit);
}

/* Add both endpoints of a connected socket, as a SOCKTUPLE. */
static __always_inline u32
text_tuple(struct scratch *s, u32 off, u64 bit, struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	char *to = text_at(s, off);
	u32 n;

	to[0] = family;
	if (family == AF_INET) {
		*(u32 *) (to + 1) = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		*(u16 *) (to + 5) = BPF_CORE_READ(sk, __sk_common.skc_num);
		*(u32 *) (to + 7) = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		*(u16 *) (to + 11) = swap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
		n = 13;
	} else if (family == AF_INET6) {
		BPF_CORE_READ_INTO(
		    (struct in6_addr_k *) (to + 1), sk, __sk_common.skc_v6_rcv_saddr);
		*(u16 *) (to + 17) = BPF_CORE_READ(sk, __sk_common.skc_num);
		BPF_CORE_READ_INTO((struct in6_addr_k *) (to + 19), sk, __sk_common.skc_v6_daddr);
		*(u16 *) (to + 35) = swap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
		n = 37;
	} else if (family == AF_UNIX) {
		struct sock *peer = BPF_CORE_READ((struct unix_sock *) sk, peer);
		struct unix_address *a =
		    peer ? BPF_CORE_READ((struct unix_sock *) peer, addr) : NULL;

		*(u64 *) (to + 1) = (u64) sk;
		*(u64 *) (to + 9) = (u64) peer;
		n = 17;
		if (a)
			n += un_copy(to + 17, (const char *) &a->name[0].sun_path,
				 BPF_CORE_READ(a, len) - 2) &
			     0x7f;
	} else {
		return off;
	}
	return text_end(s, off, n, bit);
}

/* Add the address read at entry, or read it now. */
static __always_inline u32
text_addr(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u64 addr, s32 len)
{
	if (st && st->len[0] <= ADDR_MAX)
		return text_sockaddr(s, off, bit, st->head, st->len[0]);
	if (len <= 0 || len > ADDR_MAX)
		return off;
	reread(s, compat);
	if (bpf_probe_read_user(s->path, (u32) len & 0xff, (void *) addr) < 0)
		return off;
	return text_sockaddr(s, off, bit, s->path, len);
}

EXIT(connect)
{
	EXIT_BEGIN(CONNECT, true);
	struct sock *sk;
	s64 fd;

	capture_now(s, st, regs, compat, ret);
	fd = (s32) s->values[DRV_ARG(0)];
	e->res = call_result(ret);
	e->fd = fd;
	sk = ret == 0 || ret == -EINPROGRESS ? fd_sock(t, fd) : NULL;
	if (sk)
		off = text_tuple(s, off, EV_BIT(CONNECT, tuple), sk);
	off = text_addr(s, st, compat, off, EV_BIT(CONNECT, addr), s->values[DRV_ARG(1)],
	    s->values[DRV_ARG(2)]);
	late_mark(s, compat);
	EXIT_END();
}

#endif
