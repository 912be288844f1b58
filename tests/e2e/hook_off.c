/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook_off PID PROGRAM - take from a process the link that keeps its eBPF program attached, without
 * its knowledge: the hook is gone. Its descriptor then is a copy of its standard error's.
 *
 * Exit codes: 0 done, 1 failed, 77 not on this machine.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FDS = 4096, TRIES = 200 };

static int
die(const char *what)
{
	(void) fprintf(stderr, "hook_off: %s: %s\n", what, strerrordesc_np(errno));
	return 1;
}

static bool
is_link(int pid, int fd)
{
	char path[64], link[64] = "";

	(void) snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return readlink(path, link, sizeof(link) - 1) > 0 && strstr(link, "bpf_link") != NULL;
}

/* Does the link, a copy of which is 'fd', belong to the program? */
static bool
is_of(int fd, const char *program)
{
	struct bpf_link_info link = { 0 };
	struct bpf_prog_info prog = { 0 };
	uint32_t size = sizeof(link);
	int of = -1;

	if (bpf_obj_get_info_by_fd(fd, &link, &size) == 0)
		of = bpf_prog_get_fd_by_id(link.prog_id);
	size = sizeof(prog);
	if (of >= 0 && bpf_obj_get_info_by_fd(of, &prog, &size) != 0)
		prog.name[0] = '\0';
	if (of >= 0)
		(void) close(of);
	return strcmp(prog.name, program) == 0;
}

/* The descriptor of the program's link in the process; -1: it has none. */
static int
find_link(int pid, const char *program)
{
	int pidfd = (int) syscall(SYS_pidfd_open, pid, 0), found = -1;

	for (int fd = 0; fd < FDS && found < 0 && pidfd >= 0; fd++) {
		int copy = is_link(pid, fd) ? (int) syscall(SYS_pidfd_getfd, pidfd, fd, 0) : -1;

		if (copy >= 0 && is_of(copy, program))
			found = fd;
		if (copy >= 0)
			(void) close(copy);
	}
	(void) close(pidfd);
	return found;
}

#if defined(__x86_64__)
/* Let the stopped thread, which waits in a system call, call dup2(2, fd). False: it does not wait.
 */
static bool
call_dup2(int pid, int fd)
{
	struct user_regs_struct was, regs;
	bool done;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &was) != 0 ||
	    (ptrace(PTRACE_PEEKTEXT, pid, was.rip - 2, NULL) & 0xffff) != 0x050f)
		return false;
	regs = was;
	regs.rax = SYS_dup2;
	regs.orig_rax = ~0ULL;
	regs.rdi = 2;
	regs.rsi = (unsigned) fd;
	regs.rip -= 2;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0)
		return false;
	done = ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 && waitpid(pid, NULL, 0) == pid &&
	       ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0 && regs.rax == (unsigned) fd;
	return ptrace(PTRACE_SETREGS, pid, NULL, &was) == 0 && done;
}
#else
static bool
call_dup2(int pid, int fd)
{
	(void) fd;
	(void) ptrace(PTRACE_DETACH, pid, NULL, NULL);
	exit(77);
}
#endif

int
main(int argc, char **argv)
{
	const int pid = argc == 3 ? (int) strtol(argv[1], NULL, 10) : 0;
	const int fd = pid > 0 ? find_link(pid, argv[2]) : -1;
	bool done = false;

	if (fd < 0) {
		(void) fprintf(stderr, "usage: hook_off PID PROGRAM, which it has attached\n");
		return 1;
	}
	for (int i = 0; i < TRIES && !done; i++) {
		if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0 ||
		    waitpid(pid, NULL, __WALL) != pid)
			return die("cannot attach");
		done = call_dup2(pid, fd);
		if (ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0)
			return die("cannot detach");
		if (!done)
			(void) nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	if (!done)
		return die("it never waits in a system call");
	return 0;
}
