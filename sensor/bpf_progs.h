/* SPDX-License-Identifier: Apache-2.0 */
/* bpf_progs.h - the programs that are attached or run from user space, by their descriptors. */
#ifndef MEWS_SENSOR_BPF_PROGS_H
#define MEWS_SENSOR_BPF_PROGS_H

#include "common/macros.h"

#define PROGS(X)             \
	X(on_sys_exit)       \
	X(on_fork)           \
	X(on_exec)           \
	X(on_exit)           \
	X(on_signal)         \
	X(on_uring_complete) \
	X(on_uring_overflow) \
	X(on_uring_submit)   \
	X(on_sys_enter)      \
	X(enter_1)           \
	X(enter_2)           \
	X(enter_3)           \
	X(enter_4)           \
	X(enter_5)           \
	X(enter_6)           \
	X(each_task)         \
	X(each_file)

enum prog {
#define PROG(name) PROG_##name,
	PROGS(PROG)
#undef PROG
	    PROG_MAX
};

struct progs {
	int fd[PROG_MAX]; /* -1: not loaded */
};

struct bpf_object;

/* The name of a program in driver/bpf. */
const char *prog_name(enum prog p);

/* None is loaded. */
void progs_init(struct progs *p);

/* New descriptors of a loaded object's programs, until progs_close(). -errno. */
int progs_of(struct progs *p, const struct bpf_object *obj) MUST_CHECK;
void progs_close(struct progs *p);

#endif
