/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uring_types.h - the types of io_uring, like kernel_types.h: a request, and the operands that the
 * kernel has copied into it by the time it is submitted.
 *
 * Each named type exists in all kernels since 6.0: libbpf would search modules for a missing one,
 * which needs CAP_SYS_ADMIN.
 */
#ifndef MEWS_DRIVER_URING_TYPES_H
#define MEWS_DRIVER_URING_TYPES_H

#include "driver/bpf/kernel_types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_cmd_data { /* since 6.0 */
	struct file *file;
};
struct io_ring_ctx;
struct io_cqe {
	u64 user_data;
	s32 res;
	int fd; /* until the completion */
};
struct io_kiocb {
	struct file *file;
	struct io_cmd_data cmd;
	u8 opcode;
	u32 flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	void *async_data;
};

struct filename {
	const char *name;
};
#define DELAYED_FILENAME /* since 7.0 */                \
	struct {                                        \
		struct filename *__incomplete_filename; \
	}

struct open_how {
	u64 flags, mode, resolve;
};
struct io_open {
	int dfd;
	u32 file_slot;
	struct filename *filename;
	struct open_how how;
};
struct io_open___7 {
	DELAYED_FILENAME filename;
};
struct io_unlink {
	int dfd, flags;
	struct filename *filename;
};
struct io_unlink___7 {
	DELAYED_FILENAME filename;
};
struct io_mkdir {
	int dfd;
	u16 mode;
	struct filename *filename;
};
struct io_mkdir___7 {
	DELAYED_FILENAME filename;
};
struct io_rename {
	int old_dfd, new_dfd, flags;
	struct filename *oldpath, *newpath;
};
struct io_rename___7 {
	DELAYED_FILENAME oldpath, newpath;
};
struct io_link { /* also of a symbolic link */
	int old_dfd, new_dfd, flags;
	struct filename *oldpath, *newpath;
};
struct io_link___7 {
	DELAYED_FILENAME oldpath, newpath;
};

struct io_close {
	int fd;
	u32 file_slot;
};
struct io_socket {
	int domain, type, protocol;
	u32 file_slot;
};
struct io_accept {
	int flags;
	u32 file_slot;
};
struct io_connect {
	void *addr;
	int addr_len;
};
struct io_shutdown { /* io_bind and io_listen, since 6.11, have their number at the same place */
	int how;
};
struct io_rw {
	u64 addr;
	u32 len;
};
struct io_sr_msg {
	void *buf; /* or the header of a message */
	int len;
	u16 addr_len; /* these two until 6.11 */
	void *addr;
};
struct msghdr {
	void *msg_name;
	int msg_namelen;
};
struct sockaddr_storage_k {
	char b[128];
};
struct io_async_msghdr {
	struct msghdr msg;
	struct sockaddr_storage_k addr;
	int free_iov_nr; /* 6.10 to 6.13 */
	struct {
		u32 nr;
	} vec; /* since 6.14 */
};

#pragma clang attribute pop

#endif
