/* SPDX-License-Identifier: Apache-2.0 */
/* live_memory.c - calls about the memory of a process. */
#include "common/macros.h"
#include "tests/driver/live_rows.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FREE 0x20000000L /* nothing is mapped there; 32-bit callers reach it too */

/* A page that a 32-bit caller can name. */
static int64_t
page(const struct facts *f)
{
	return (int64_t) (((uintptr_t) f->mem + 4095) & ~(uintptr_t) 4095);
}

static void
t_mprotect(struct facts *f)
{
	(void) CALL(f, "mprotect", page(f), 4096, PROT_READ | PROT_WRITE);
	WANT(f, "addr=%ld length=4096 prot=PROT_READ|PROT_WRITE", (long) page(f));
	(void) CALL(f, "mprotect", 1, 2, PROT_EXEC);
	WANT(f, "addr=1 length=2 prot=PROT_EXEC");
}

static void
t_mlock(struct facts *f)
{
	(void) CALL(f, "mlock", page(f), 4096);
	WANT(f, "addr=%ld len=4096", (long) page(f));
	(void) CALL(f, "mlock", 0, 4096);
	WANT(f, "addr=0 len=4096");
}

static void
t_munlock(struct facts *f)
{
	(void) CALL(f, "munlock", page(f), 4096);
	WANT(f, "addr=%ld len=4096", (long) page(f));
	(void) CALL(f, "munlock", 0, 4096);
	WANT(f, "addr=0 len=4096");
}

static void
t_mlock2(struct facts *f)
{
	(void) CALL(f, "mlock2", page(f), 4096, MLOCK_ONFAULT);
	WANT(f, "addr=%ld len=4096 flags=MLOCK_ONFAULT", (long) page(f));
	(void) CALL(f, "mlock2", 0, 4096, 0);
	WANT(f, "addr=0 len=4096 flags=0");
}

static void
t_mlockall(struct facts *f)
{
	/* of pages that are there: a sanitizer reserves terabytes */
	(void) CALL(f, "mlockall", MCL_CURRENT | MCL_ONFAULT);
	WANT(f, "flags=MCL_CURRENT|MCL_ONFAULT");
	(void) CALL(f, "mlockall", 0);
	WANT(f, "flags=0");
}

static void
t_munlockall(struct facts *f)
{
	(void) CALL(f, "munlockall", 0);
	WANT(f, " ");
}

/* The size of the process in KiB as the kernel shows it, without a change of it. */
static long
size_now(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY);

	if (read(fd, text, sizeof(text) - 1) <= 0)
		_exit(1);
	(void) close(fd);
	return strtol(text, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* State the memory of the process after the last call; it has many pages, of which none is
 * swapped. */
static void
want_memory(struct facts *f, const char *rest)
{
	/* 32 bits on the wire, less than the size of a process under a sanitizer */
	WANT(f, "vm_size=%ld vm_rss=+ vm_swap=0 %s", MIN(size_now(), (long) UINT32_MAX), rest);
}

/* So many pages that their counters, which lag, are not 0. */
static void
touch_pages(void)
{
	static char pages[8 << 20];

	memset(pages, 1, sizeof(pages));
}

/* As the last argument of a call of this kind of caller. */
static unsigned long
narrow(long v)
{
	return live_wide() ? (unsigned long) v : (unsigned long) (uint32_t) v;
}

static void
t_brk(struct facts *f)
{
	char rest[64];
	long end;

	touch_pages();
	end = CALL(f, "brk", 0);
	want_memory(f, "addr=0");
	(void) CALL(f, "brk", end + 4096);
	(void) snprintf(rest, sizeof(rest), "addr=%lu", narrow(end + 4096));
	want_memory(f, rest);
}

/* Map a file, then try to map a descriptor that is not open; 'unit' is that of the offset. */
static void
map(struct facts *f, const char *call, long unit, const char *offset)
{
	int fd = memfd_create("file", 0);
	char rest[160];

	touch_pages();
	if (ftruncate(fd, 3 * 4096) != 0)
		_exit(1);
	(void) CALL(f, call, FREE, 8192, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 4096 / unit);
	(void) snprintf(rest, sizeof(rest),
	    "addr=%ld length=8192 prot=PROT_READ|PROT_EXEC flags=MAP_SHARED fd=%d %s=%ld", FREE, fd,
	    offset, 4096 / unit);
	want_memory(f, rest);
	(void) CALL(f, call, FREE + 65536, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void) snprintf(rest, sizeof(rest),
	    "addr=%ld length=4096 prot=PROT_READ|PROT_WRITE flags=MAP_PRIVATE|MAP_ANONYMOUS fd=-1 "
	    "%s=0",
	    FREE + 65536, offset);
	want_memory(f, rest);
	(void) CALL(f, call, 0, 4096, PROT_WRITE, MAP_PRIVATE | MAP_FIXED, 4711, 0);
	(void) snprintf(rest, sizeof(rest),
	    "addr=0 length=4096 prot=PROT_WRITE flags=MAP_PRIVATE|MAP_FIXED fd=4711 %s=0", offset);
	want_memory(f, rest);
}

static void
t_mmap(struct facts *f)
{
	map(f, "mmap", 1, "offset");
}

static void
t_mmap2(struct facts *f)
{
	map(f, "mmap2", 4096, "pgoffset");
}

static void
t_munmap(struct facts *f)
{
	char rest[64];

	touch_pages();
	if (mmap((void *) FREE, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED)
		_exit(1);
	(void) CALL(f, "munmap", FREE, 8192);
	(void) snprintf(rest, sizeof(rest), "addr=%ld length=8192", FREE);
	want_memory(f, rest);
	(void) CALL(f, "munmap", 1, 4096);
	want_memory(f, "addr=1 length=4096");
}

const struct live_row memory_rows[] = {
	LIVE_ROW(mprotect),
	LIVE_ROW(mlock),
	LIVE_ROW(munlock),
	LIVE_ROW(mlock2),
	LIVE_ROW(mlockall),
	LIVE_ROW_ONE(munlockall, "it cannot fail"),
	LIVE_ROW_ONE(brk, "it returns the old end instead of failing"),
	LIVE_ROW_MAPS(mmap),
	LIVE_ROW(mmap2),
	LIVE_ROW_MAPS(munmap),
	{ .name = NULL },
};
