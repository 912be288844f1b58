/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/bpf_progs.h"
#include "common/macros.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const char *const names[] = {
#define PROG(name) #name,
	PROGS(PROG)
#undef PROG
};

const char *
prog_name(enum prog p)
{
	return names[p];
}

void
progs_init(struct progs *p)
{
	for (unsigned i = 0; i < PROG_MAX; i++)
		p->fd[i] = -1;
}

int
progs_of(struct progs *p, const struct bpf_object *obj)
{
	for (unsigned i = 0; i < PROG_MAX; i++) {
		const struct bpf_program *prog = bpf_object__find_program_by_name(obj, names[i]);

		if (prog == NULL || bpf_program__fd(prog) < 0)
			continue;
		p->fd[i] = fcntl(bpf_program__fd(prog), F_DUPFD_CLOEXEC, 0);
		if (p->fd[i] < 0)
			return -errno;
	}
	return 0;
}

void
progs_close(struct progs *p)
{
	for (unsigned i = 0; i < PROG_MAX; i++) {
		if (p->fd[i] >= 0)
			(void) close(p->fd[i]);
	}
	progs_init(p);
}
