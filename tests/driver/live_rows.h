/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_rows.h - calls that need only a trigger.
 *
 * A trigger makes the call with CALL() and states after each with WANT() the expected record:
 *
 *	static void
 *	t_dup3(struct facts *f)
 *	{
 *		CALL(f, "dup3", 2, 78, O_CLOEXEC);
 *		WANT(f, "oldfd=2 newfd=78 flags=O_CLOEXEC");
 *		CALL(f, "dup3", 2, 2, 0);
 *		WANT(f, "oldfd=2 newfd=2 flags=0");
 *	}
 *
 * The harness runs it as a 64-bit caller, in a second thread, as an x32 caller if the kernel has
 * them, and as a 32-bit caller if the call exists for them, each in a separate process and an empty
 * folder. It compares the result with the call's return value and the thread with the caller, and
 * fails if a parameter has no WANT(), if no call succeeded or none failed, if there are more or
 * fewer records of the event than calls, or if anything was read at exit that could be read at
 * entry. A call without an event of its own needs no WANT(): its generic event is checked. A
 * trigger makes other calls through the C library, unless they are the same event.
 */
#ifndef MEWS_TESTS_DRIVER_LIVE_ROWS_H
#define MEWS_TESTS_DRIVER_LIVE_ROWS_H

#include "tests/driver/live.h"
#include <stdint.h>

struct live_row {
	const char *name; /* of the system call */
	void (*trigger)(struct facts *f);
	const char *one; /* why it cannot both succeed and fail; NULL: it does both */
	bool no_thread;  /* each thread makes such calls of its own */
};

#define LIVE_ROW_ONE(name, reason)             \
	{                                      \
#name, t_##name, reason, false \
	}
#define LIVE_ROW(name) LIVE_ROW_ONE(name, NULL)
/* An address sanitizer maps and unmaps memory for each thread. */
#if defined(__SANITIZE_ADDRESS__)
#define LIVE_ROW_MAPS(name)                 \
	{                                   \
#name, t_##name, NULL, true \
	}
#else
#define LIVE_ROW_MAPS(name) LIVE_ROW(name)
#endif

/* Each ends with a NULL name. */
extern const struct live_row file_rows[], path_rows[], fd_rows[], self_rows[], net_rows[],
    msg_rows[], query_rows[], ipc_rows[], memory_rows[], admin_rows[], mmsg_rows[], wait_rows[],
    option_rows[], generic_rows[];

/* Run a trigger in all possible ways, and check. */
void live_row_run(struct live *l, const struct live_row *row);

/* Make the call of that name in proto/syscalls.def; at most six arguments, as numbers. -errno. */
#define CALL(f, name, ...) live_call((f), (name), (const int64_t[6]){ __VA_ARGS__ })
long live_call(struct facts *f, const char *name, const int64_t args[6]);

/*
 * The expected record of the last call: "name=value" separated by blanks. A value is a number,
 * words of the parameter's table separated by '|', a text (without blanks; in hexadecimal after
 * "hex:"), an address in hexadecimal, '-': absent, or '+': any number but 0. The harness checks the
 * first parameter, the result.
 */
#define WANT(f, ...) live_want((f), __VA_ARGS__)
void live_want(struct facts *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Pass a text, or bytes, as an argument: a copy that a 32-bit pointer can reach. */
int64_t live_str(struct facts *f, const char *text);
int64_t live_mem(struct facts *f, const void *p, size_t n);

/* The memory that such an argument refers to. */
void *live_at(struct facts *f, int64_t arg);

/* Pass an array of words of the caller's size: 64 or 32 bits. */
int64_t live_words(struct facts *f, const int64_t *words, size_t n);

/* The id 'n' as the kernel takes it: older calls of 32-bit programs (setuid, but not setuid32) have
 * ids of 16 bits, all of which set mean -1. */
long live_id(long n);

/* Does it call through another call, ipc() or socketcall(), or with its arguments in memory? */
bool live_carried(void);

/* Does the trigger run as a 64-bit caller, or one of x32? */
bool live_wide(void);

/* Has the call structures with words of 32 bits? */
bool live_narrow(void);

/* Format an address for WANT(); the result is valid for two calls, and at most 127 bytes. */
const char *live_hex(const void *p, size_t n);

/* The device number of a descriptor as the kernel shows it to user space, and its inode; 0:
 * error. */
unsigned long live_dev(long fd);
unsigned long live_ino(long fd);

#endif
