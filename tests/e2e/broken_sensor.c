/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broken_sensor.c - mews-sensor with hooks that do nothing on the CPU of the environment variable
 * BROKEN_CPU: those at the exit of calls, and of programs started. Linked with --wrap=source_bpf.
 */
#include "driver/abi.h"
#include "sensor/source.h"
#include <stdlib.h>

extern const struct source_ops __real_source_bpf;
extern struct source_ops __wrap_source_bpf;
struct source_ops __wrap_source_bpf;

static int
open_broken(void *st, const struct source_opts *o, struct diag *d)
{
	const char *cpu = getenv("BROKEN_CPU"); /* NOLINT(concurrency-mt-unsafe): one thread */
	struct source_opts broken = *o;

	broken.broken_kinds = 1U << DRV_CANARY_EXIT | 1U << DRV_CANARY_EXEC;
	broken.broken_cpu = (uint32_t) strtoul(cpu == NULL ? "0" : cpu, NULL, 10);
	return __real_source_bpf.open(st, &broken, d);
}

__attribute__((constructor)) static void
wrap_source(void)
{
	__wrap_source_bpf = __real_source_bpf;
	__wrap_source_bpf.open = open_broken;
}
