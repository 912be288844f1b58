/* SPDX-License-Identifier: Apache-2.0 */
/* live_iter.c - the kernel's iterators: their items about this process. */
#include "common/clock.h"
#include "tests/driver/live.h"
#include "tests/driver/live_procfs.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct seek {
	struct drv_task self;
	unsigned found, kernel;
};

/* Read all of an iterator, an item of 'size' bytes at a time. False: it ends with an error. */
static bool
walk(void *st, enum source_iter which, size_t size, void (*fn)(void *arg, const void *item),
    void *arg)
{
	int fd = source_bpf.iter(st, which);
	ssize_t n = -1;
	char item[1024];

	if (fd < 0)
		return false;
	while ((n = read(fd, item, size)) == (ssize_t) size)
		fn(arg, item);
	(void) close(fd);
	return n == 0;
}

static void
seek(void *arg, const void *item)
{
	const struct drv_task *t = item;
	struct seek *s = arg;

	if (t->tid == (uint32_t) getpid()) {
		s->self = *t;
		s->found++;
	}
	s->kernel += t->ptid == 2 && t->exe_ino == 0;
}

struct seek_file {
	uint32_t fd;
	struct drv_file file;
	unsigned found;
};

static void
seek_file(void *arg, const void *item)
{
	const struct drv_file *f = item;
	struct seek_file *s = arg;

	if (f->pid != (uint32_t) getpid() || f->fd != s->fd)
		return;
	s->file = *f;
	s->found++;
}

void
live_files(struct live *l)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), p[2];
	struct seek_file s = { .fd = (uint32_t) fd };
	int64_t tick = 1000000000 / sysconf(_SC_CLK_TCK), start = proc_stat(getpid(), 22);
	uint64_t before = clock_boot();
	struct stat st;

	live_begin(l, "the walk of all descriptors");
	live_that(l, fd >= 0 && fstat(fd, &st) == 0 && pipe(p) == 0, "there is something to see");
	live_that(
	    l, walk(l->st, SOURCE_FILES, sizeof(struct drv_file), seek_file, &s), "it ends well");
	live_that(l, s.found == 1, "ours is in it once");
	live_that(l, s.file.ino == st.st_ino && s.file.mode == st.st_mode, "what it is is right");
	live_that(l, (s.file.flags & (O_CLOEXEC | O_ACCMODE)) == (O_CLOEXEC | O_RDONLY),
	    "so is how it was opened");
	live_that(l, s.file.ts >= before && s.file.ts <= clock_boot(), "and when that was");
	live_that(l,
	    (int64_t) s.file.start >= start * tick && (int64_t) s.file.start < (start + 1) * tick,
	    "and whose it is");
	s = (struct seek_file){ .fd = (uint32_t) p[1] };
	(void) walk(l->st, SOURCE_FILES, sizeof(struct drv_file), seek_file, &s);
	live_that(l, S_ISFIFO(s.file.mode) && (s.file.flags & (O_CLOEXEC | O_ACCMODE)) == O_WRONLY,
	    "a pipe is one");
	close(p[0]);
	close(p[1]);
	close(fd);
}

void
live_tasks(struct live *l)
{
	struct seek s = { 0 };
	int64_t tick = 1000000000 / sysconf(_SC_CLK_TCK), start = proc_stat(getpid(), 22);
	char comm[64];

	live_begin(l, "the walk of all threads");
	live_that(l, walk(l->st, SOURCE_TASKS, sizeof(struct drv_task), seek, &s), "it ends well");
	live_that(l, s.found == 1, "we are in it once");
	live_that(l, s.kernel > 0, "so are threads of the kernel");
	live_that(l,
	    s.self.pid == (uint32_t) getpid() && s.self.ptid == (uint32_t) getppid() &&
		s.self.pgid == (uint32_t) getpgid(0) && s.self.sid == (uint32_t) getsid(0),
	    "our ids are right");
	live_that(l,
	    (int64_t) s.self.start >= start * tick && (int64_t) s.self.start < (start + 1) * tick,
	    "our start is right");
	live_that(l,
	    (int64_t) s.self.cap_effective == proc_status(getpid(), "CapEff", 0, 16) &&
		(int64_t) s.self.cap_inheritable == proc_status(getpid(), "CapInh", 0, 16),
	    "our capabilities are right");
	live_that(l, s.self.uid == geteuid() && s.self.gid == getegid(), "so is who we are");
	(void) read_proc(getpid(), "comm", comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = '\0';
	live_that(l, strcmp(comm, s.self.comm) == 0, "our name is right");
	live_that(l, s.self.vm_size > 0 && s.self.fdlimit > 0, "our size and limit are there");
}

unsigned
live_seen(void *st)
{
	struct seek s = { 0 };

	(void) walk(st, SOURCE_TASKS, sizeof(struct drv_task), seek, &s);
	return s.found;
}
