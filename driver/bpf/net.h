/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * net.h - connect: the requested address, and the resulting endpoints.
 */
#ifndef MEWS_DRIVER_NET_H
#define MEWS_DRIVER_NET_H

#include "driver/bpf/call.h"
#include "driver/bpf/open.h"
#include "driver/bpf/open_file.h"

#define IPPROTO_TCP 6

#define AF_UNIX  1
#define AF_INET  2
#define AF_INET6 10

#define UN_PATH 108

static __always_inline u16
swap16(u16 v)
{
	return v >> 8 | v << 8;
}

/* The socket of an open file, which may be NULL; NULL: not a socket. */
static __always_inline struct sock *
file_sock(struct file *f)
{
	struct socket *sock;

	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	sock = BPF_CORE_READ(f, private_data);
	return BPF_CORE_READ(sock, sk);
}

static __always_inline struct sock *
fd_sock(struct task_struct *t, s64 fd)
{
	return file_sock(fd_file_rare(t, fd));
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

/* Write an end of an internet tuple: the address, then the port. Returns its size in bytes. */
static __always_inline u32
end_local(char *to, struct sock *sk, u16 family)
{
	if (family == AF_INET) {
		*(u32 *) to = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		*(u16 *) (to + 4) = BPF_CORE_READ(sk, __sk_common.skc_num);
		return 6;
	}
	BPF_CORE_READ_INTO((struct in6_addr_k *) to, sk, __sk_common.skc_v6_rcv_saddr);
	*(u16 *) (to + 16) = BPF_CORE_READ(sk, __sk_common.skc_num);
	return 18;
}

static __always_inline u32
end_peer(char *to, struct sock *sk, u16 family)
{
	if (family == AF_INET) {
		*(u32 *) to = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		*(u16 *) (to + 4) = swap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
		return 6;
	}
	BPF_CORE_READ_INTO((struct in6_addr_k *) to, sk, __sk_common.skc_v6_daddr);
	*(u16 *) (to + 16) = swap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	return 18;
}

/* Write the end that a kernel sockaddr names. */
static __always_inline u32
end_named(char *to, const char *sa, u16 family)
{
	u32 size = family == AF_INET ? 4 : 16;
	u16 port = 0;

	bpf_probe_read_kernel(&port, sizeof(port), sa + 2);
	if (family == AF_INET)
		bpf_probe_read_kernel(to, 4, sa + 4);
	else
		bpf_probe_read_kernel(to, 16, sa + 8);
	*(u16 *) (to + size) = swap16(port);
	return size + 2;
}

/* Write both ends of a local socket. Returns their size in bytes. */
static __always_inline u32
tuple_unix(char *to, struct sock *sk, bool inbound)
{
	struct sock *peer = BPF_CORE_READ((struct unix_sock *) sk, peer);
	struct sock *server = inbound ? sk : peer;
	struct unix_address *a = server ? BPF_CORE_READ((struct unix_sock *) server, addr) : NULL;
	u32 n = 17;

	to[0] = AF_UNIX;
	*(u64 *) (to + 1) = (u64) (inbound ? peer : sk);
	*(u64 *) (to + 9) = (u64) (inbound ? sk : peer);
	if (a)
		n += un_copy(
			 to + 17, (const char *) &a->name[0].sun_path, BPF_CORE_READ(a, len) - 2) &
		     0x7f;
	return n;
}

/*
 * Write both ends of socket 'sock' to the text at 'off', with the peer in s->path, 'len' bytes; 0:
 * the socket's own. Returns their size in bytes; 0: it has none. A separate function, so that it is
 * verified once, not for each path to it.
 */
__noinline int
tuple_build(u32 off, u64 sock, u32 inbound, s32 len)
{
	struct scratch *s = scratch_get();
	struct sock *sk = (void *) sock;
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family), named = 0;
	u32 size = family == AF_INET ? 6 : 18;
	char *to, *local, *peer;

	if (!s)
		return 0;
	to = text_at(s, off);
	if (family == AF_UNIX)
		return tuple_unix(to, sk, inbound);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	to[0] = family;
	local = to + 1 + (inbound ? size : 0);
	peer = to + 1 + (inbound ? 0 : size);
	(void) end_local(local, sk, family);
	if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP &&
	    BPF_CORE_READ(sk, __sk_common.skc_dport))
		len = 0; /* connected: the kernel ignores the name, so a caller could pass any */
	if (len >= (family == AF_INET ? 8 : 24)) {
		bpf_probe_read_kernel(&named, sizeof(named), s->path);
		if (named == 0) /* AF_UNSPEC, which the kernel takes for AF_INET */
			named = AF_INET;
	}
	if (named == family)
		(void) end_named(peer, s->path, family);
	else
		(void) end_peer(peer, sk, family);
	return 1 + 2 * size;
}

/*
 * Add both ends of a socket, as a SOCKTUPLE: from here to the peer, or 'inbound', from the peer to
 * here. 'sa', of 'len' bytes in the kernel, names the peer where the socket has none of its own;
 * NULL: it has.
 */
static __always_inline u32
text_tuple_to(
    struct scratch *s, u32 off, u64 bit, struct sock *sk, bool inbound, const char *sa, s32 len)
{
	int n;

	if (sa && sa != s->path)
		bpf_probe_read_kernel(s->path, NAMED_SIZE, sa);
	n = tuple_build(off, (u64) sk, inbound, sa ? len : 0);
	return n <= 0 ? off : text_end(s, off, n, bit);
}

static __always_inline u32
text_tuple(struct scratch *s, u32 off, u64 bit, struct sock *sk)
{
	return text_tuple_to(s, off, bit, sk, false, NULL, 0);
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

	capture_now(s, regs, compat, ret);
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

/*
 * Messages that only process state wants. It needs those that show another peer of a socket without
 * a connection: the ends of a connected one are known from connect(), accept() or socketpair().
 */
#define SOCK_STREAM     1
#define TCP_ESTABLISHED 1 /* of any connected socket */

/* A hash of the ends last told, by the socket's inode. An evicted one is told again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, u64);
} peers SEC(".maps");

/* Can a message show another peer? 'named': it names its own. */
static __always_inline bool
peer_may_change(struct sock *sk, bool named)
{
	return sk && BPF_CORE_READ(sk, sk_type) != SOCK_STREAM &&
	       (named || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_ESTABLISHED);
}

static __always_inline u64
end_hash(const char *end, u32 size)
{
	u64 h = size == 6 ? *(u32 *) end | (u64) * (u16 *) (end + 4) << 32 : *(u64 *) end;

	if (size == 18)
		h = h * 31 + *(u64 *) (end + 8) * 17 + *(u16 *) (end + 16);
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/* Do the ends in the text at 'off' differ from those last told of the socket with inode 'ino'? The
 * same in both directions. A separate function, so that it is verified once. */
__noinline int
peer_changed(u32 off, u64 ino)
{
	struct scratch *s = scratch_get();
	const char *text;
	u64 now, *told;
	u32 size;

	if (!s)
		return 0;
	text = text_at(s, off);
	size = text[0] == AF_INET ? 6 : text[0] == AF_INET6 ? 18 : 8;
	now = end_hash(text + 1, size) + end_hash(text + 1 + size, size);
	told = bpf_map_lookup_elem(&peers, &ino);
	if (told && *told == now)
		return 0;
	bpf_map_update_elem(&peers, &ino, &now, BPF_ANY);
	return 1;
}

/* The same for the tuple between 'first' and 'off', if there is one, of the socket of 'fd'. */
static __always_inline bool
peer_is_news(struct task_struct *t, s64 fd, u32 first, u32 off)
{
	struct file *f = off == first ? NULL : fd_file_rare(t, fd);

	return f && peer_changed(first, BPF_CORE_READ(f, f_inode, i_ino));
}

/* The address to which a message is sent, read at entry or now. Sets its length; 0: none. */
static __always_inline const char *
addr_sent(struct scratch *s, struct stash *st, bool compat, u64 addr, s32 n, s32 *len)
{
	u32 size;

	*len = 0;
	if (st && st->len[0] <= ADDR_MAX) {
		*len = st->len[0];
		return st->head;
	}
	if (addr == 0 || n <= 0 || n > ADDR_MAX)
		return NULL;
	if (!lean(rec_hdr(s)->type)) /* else it is never read at entry */
		reread(s, compat);
	size = (u32) n;
	barrier_var(size); /* keep the mask: the compiler, unlike the verifier, knows it */
	if (bpf_probe_read_user(s->path, size & 0xff, (void *) addr) == 0)
		*len = n;
	return s->path;
}

#define MSG_FASTOPEN 0x20000000

/* Has the message left? TCP Fast Open may connect first, and send later. */
static __always_inline bool
is_sent(s64 ret)
{
	return ret >= 0 || ret == -EINPROGRESS;
}

/*
 * A message has connected its socket by TCP Fast Open: write a connect event before it. The name
 * of the peer, 'len' bytes, is in s->path.
 */
__noinline int
fastopen_event(s64 fd, s32 len, s64 ret)
{
	struct task_struct *t = current_task();
	struct scratch *s = scratch_get();
	struct ev_CONNECT *e;
	struct sock *sk;
	u32 off = sizeof(*e), flags;

	if (!s || !wanted(EV_CONNECT))
		return 0;
	sk = fd_sock(t, fd);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	flags = rec_hdr(s)->flags;
	e = REC_BEGIN(s, CONNECT, t);
	e->res = ret < 0 ? -EINPROGRESS : 0;
	e->fd = fd;
	e->hdr.flags = flags | (is_compat(t) ? EVF_COMPAT : 0);
	off = text_tuple(s, off, EV_BIT(CONNECT, tuple), sk);
	off = text_sockaddr(s, off, EV_BIT(CONNECT, addr), s->path, len);
	rec_end(off);
	return 0;
}

/* The same for a message with MSG_FASTOPEN to the name 'sa'. True: the record that was begun has to
 * be begun again. */
static __always_inline bool
fastopen(struct scratch *s, s64 fd, const char *sa, s32 len, s64 ret)
{
	if (!sa || !is_sent(ret))
		return false;
	if (sa != s->path)
		bpf_probe_read_kernel(s->path, NAMED_SIZE, sa);
	(void) fastopen_event(fd, len < NAMED_SIZE ? len : NAMED_SIZE, ret);
	return true;
}

/* send has the same parameters, and no address. */
_Static_assert(sizeof(struct ev_SEND) == sizeof(struct ev_SENDTO), "send and sendto differ");
_Static_assert(EV_BIT(SEND, tuple) == EV_BIT(SENDTO, tuple), "send and sendto differ");

EXIT(sendto)
{
	EXIT_BEGIN(SENDTO, true);
	const char *sa;
	struct sock *sk;
	bool quiet;
	u32 first, type, marks;
	s32 len;

	e->hdr.type = capture_at(capture_now(s, regs, compat, ret))->event;
	quiet = lean(e->hdr.type);
	if (e->hdr.type == EV_SEND)
		s->values[DRV_ARG(4)] = 0;
	if (s->values[DRV_ARG(3)] & MSG_FASTOPEN) {
		type = e->hdr.type;
		sa = addr_sent(
		    s, st, compat, s->values[DRV_ARG(4)], (s32) s->values[DRV_ARG(5)], &len);
		marks = rec_hdr(s)->flags;
		if (fastopen(s, (s32) s->values[DRV_ARG(0)], sa, len, ret))
			e = REC_BEGIN(s, SENDTO, t);
		e->hdr.type = type;
		e->hdr.flags = marks;
	}
	sk = is_sent(ret) ? fd_sock(t, (s32) s->values[DRV_ARG(0)]) : NULL;
	if (quiet && !peer_may_change(sk, s->values[DRV_ARG(4)] != 0))
		EXIT_SKIP();
	e->res = call_result(ret);
	e->fd = (s32) s->values[DRV_ARG(0)];
	e->size = (u32) s->values[DRV_ARG(2)];
	if (!quiet)
		off = text_data(s, off, EV_BIT(SENDTO, data), s->values[DRV_ARG(1)],
		    ret > 0 ? ret : s->values[DRV_ARG(2)]);
	first = off;
	sa = addr_sent(s, st, compat, s->values[DRV_ARG(4)], (s32) s->values[DRV_ARG(5)], &len);
	if (sk)
		off = text_tuple_to(s, off, EV_BIT(SENDTO, tuple), sk, false, sa, len);
	if (quiet && !peer_is_news(t, (s32) s->values[DRV_ARG(0)], first, off))
		EXIT_SKIP();
	late_mark(s, compat);
	EXIT_END();
}

/* recv has the same parameters, its tuple last, and no address. */
_Static_assert(sizeof(struct ev_RECV) == sizeof(struct ev_RECVFROM), "recv and recvfrom differ");
_Static_assert(EV_BIT(RECV, data) == EV_BIT(RECVFROM, data), "recv and recvfrom differ");

EXIT(recvfrom)
{
	EXIT_BEGIN(RECVFROM, true);
	u64 tuple = EV_BIT(RECVFROM, tuple), addr;
	struct sock *sk;
	bool quiet;
	u32 first;
	s32 len = 0;

	e->hdr.type = capture_at(capture_now(s, regs, compat, ret))->event;
	quiet = lean(e->hdr.type);
	sk = ret >= 0 ? fd_sock(t, (s32) s->values[DRV_ARG(0)]) : NULL;
	if (quiet && !peer_may_change(sk, false))
		EXIT_SKIP();
	if (e->hdr.type == EV_RECV) {
		e->hdr.present = nums_RECV;
		tuple = EV_BIT(RECV, tuple);
		s->values[DRV_ARG(4)] = 0;
	}
	e->res = call_result(ret);
	e->fd = (s32) s->values[DRV_ARG(0)];
	e->size = (u32) s->values[DRV_ARG(2)];
	/* with MSG_TRUNC the result may exceed the buffer */
	if (!quiet)
		off = text_data(s, off, EV_BIT(RECVFROM, data), s->values[DRV_ARG(1)],
		    ret < (s64) s->values[DRV_ARG(2)] ? ret : (s64) s->values[DRV_ARG(2)]);
	first = off;
	addr =
	    s->values[DRV_ARG(4)]; /* the kernel has written the sender's there, and its length */
	if (addr && bpf_probe_read_user(&len, sizeof(len), (void *) s->values[DRV_ARG(5)]) == 0 &&
	    bpf_probe_read_user(s->path, NAMED_SIZE, (void *) addr) < 0)
		len = 0;
	if (sk)
		off = text_tuple_to(s, off, tuple, sk, true, len > 0 ? s->path : NULL, len);
	if (quiet && !peer_is_news(t, (s32) s->values[DRV_ARG(0)], first, off))
		EXIT_SKIP();
	late_mark(s, compat);
	EXIT_END();
}

#endif
