/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/bpf_progs.h"
#include "common/macros.h"
#include <bpf/libbpf.h>

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

void
progs_of(struct progs *p, const struct bpf_object *obj)
{
	for (unsigned i = 0; i < PROG_MAX; i++) {
		const struct bpf_program *prog = bpf_object__find_program_by_name(obj, names[i]);

		p->fd[i] = prog == NULL ? -1 : MAX(bpf_program__fd(prog), -1);
	}
}
