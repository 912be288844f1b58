/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel column of names.def agrees with the kernel's headers on this machine. */
#include "proto/names.h"
#include "proto/schema.h"
#include "tests/support/test.h"
#include <asm/resource.h>
#include <linux/bpf.h>
#include <linux/close_range.h>
#include <linux/dqblk_xfs.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/pidfd.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/quota.h>
#include <linux/sched.h>
#include <linux/sem.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names that differ in the headers. */
#define DQF_NONE                  0
#define V1_DQF_RSQUASH            DQF_ROOT_SQUASH
#define IORING_SETUP_ATTACH_RW    IORING_SETUP_ATTACH_WQ
#define IORING_FEAT_ENTER_EXT_ARG IORING_FEAT_EXT_ARG
#define RDONLY                    MS_RDONLY
#define NOSUID                    MS_NOSUID
#define NODEV                     MS_NODEV
#define NOEXEC                    MS_NOEXEC
#define SYNCHRONOUS               MS_SYNCHRONOUS
#define REMOUNT                   MS_REMOUNT
#define MANDLOCK                  MS_MANDLOCK
#define DIRSYNC                   MS_DIRSYNC
#define NOATIME                   MS_NOATIME
#define NODIRATIME                MS_NODIRATIME
#define BIND                      MS_BIND
#define MOVE                      MS_MOVE
#define REC                       MS_REC
#define SILENT                    MS_SILENT
#define POSIXACL                  MS_POSIXACL
#define UNBINDABLE                MS_UNBINDABLE
#define PRIVATE                   MS_PRIVATE
#define SLAVE                     MS_SLAVE
#define SHARED                    MS_SHARED
#define RELATIME                  MS_RELATIME
#define KERNMOUNT                 MS_KERNMOUNT
#define I_VERSION                 MS_I_VERSION
#define STRICTATIME               MS_STRICTATIME
#define LAZYTIME                  MS_LAZYTIME
#define NOSEC                     MS_NOSEC
#define BORN                      MS_BORN
#define ACTIVE                    MS_ACTIVE
#define NOUSER                    MS_NOUSER

/* Names that user space headers leave out. */
#define SOL_TCP           6
#define SPLICE_F_MOVE     0x1
#define SPLICE_F_NONBLOCK 0x2
#define SPLICE_F_MORE     0x4
#define SPLICE_F_GIFT     0x8
#define F_GETLK64         12 /* for 32-bit callers */
#define F_SETLK64         13
#define F_SETLKW64        14
#define FORCE             0x1
#define DETACH            0x2
#define EXPIRE            0x4
#define NOFOLLOW          0x8
#if !defined(__x86_64__)
#define PTRACE_GETREGS         12 /* for 32-bit callers */
#define PTRACE_SETREGS         13
#define PTRACE_GETFPREGS       14
#define PTRACE_SETFPREGS       15
#define PTRACE_OLDSETOPTIONS   21
#define PTRACE_GET_THREAD_AREA 22
#define PTRACE_SET_THREAD_AREA 0 /* does not exist */
#define PTRACE_ARCH_PRCTL      0
#define PTRACE_GETFPXREGS      0
#define PTRACE_SETFPXREGS      0
#define PTRACE_SINGLEBLOCK     0
#define MAP_32BIT              0
#endif

static const struct {
	const char *table, *word;
	uint64_t stated; /* in names.def */
	uint32_t kernel; /* in the headers */
} rows[] = {
#define NAME(table, word, value)              { #table, #word, value, (uint32_t) (word) },
#define NAME_FROM(table, word, value, kernel) { #table, #word, kernel, (uint32_t) (word) },
#define NAME_ARCH(table, word, value, x86, arm64) \
	{ #table, #word, NAMES_BY_ARCH(x86, arm64), (uint32_t) (word) },
#include "proto/names.def"
};

static void
headers(void **state)
{
	(void) state;
	assert_true(ARRAY_SIZE(rows) > 500);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].stated != NAMES_NO && rows[i].stated != rows[i].kernel)
			fail_msg("%s.%s is 0x%llx in names.def, 0x%x in the headers", rows[i].table,
			    rows[i].word, (unsigned long long) rows[i].stated, rows[i].kernel);
	}
}

/* The mask of the access mode, used by NAME_ELSE(). */
static void
access_mode(void **state)
{
	const struct ev_names *names = schema_get(EV_OPEN)->params[EVP_OPEN_flags].names;
	uint64_t mask = 0;

	(void) state;
	for (size_t i = 0; i < names->n; i++)
		mask |= names->v[i].other ? names->v[i].kernel : 0;
	assert_int_equal(O_ACCMODE, mask);
}

/* Only numbers have translated tables, and SAME tables do not change values. */
static void
kinds(void **state)
{
	(void) state;
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];

		assert_int_equal(0, s->raw & s->texts);
		for (unsigned k = 0; k < s->nparams; k++) {
			const struct ev_names *t = s->params[k].names;
			bool raw = t->kind == NAMES_FLAGS || t->kind == NAMES_ENUM;

			assert_int_equal(raw, s->raw >> k & 1);
			for (size_t n = 0; t->kind == NAMES_SAME && n < t->n; n++)
				assert_int_equal(t->v[n].value, t->v[n].kernel);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(access_mode),
		cmocka_unit_test(kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
