/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_rows.c - what the rows of driver/captures.def cost at a start of the sensor.
 *
 * Loads the programs with the first 14 rows of the table, with 100 and with all, in turn, several
 * times. Prints for each: the rows, the instructions that the verifier went through, and the median
 * of the milliseconds. Needs root.
 */
#include "common/clock.h"
#include "sensor/capture_table.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <mews.skel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 5

struct load {
	double ms;
	unsigned long long insns;
	unsigned programs;
};

_Noreturn static void
die(const char *what, int err)
{
	errno = err < 0 ? -err : err;
	(void) fprintf(stderr, "bench_rows: %s: %m\n", what);
	_exit(EXIT_FAILURE);
}

/* Leave only the first 'rows' rows in the table. A row has two places: captures_compile(). */
static void
cut(struct drv_table *t, size_t rows)
{
	for (size_t i = 1 + 2 * rows; i < DRV_CAPTURE_MAX; i++)
		memset(&t->captures[i], 0, sizeof(t->captures[i]));
	for (size_t i = rows; i < ncaptures; i++) {
		for (int k = 0; k < 2; k++) {
			if (captures[i].nr[k] >= 0)
				t->calls[k][captures[i].nr[k]] = (struct drv_call){ 0 };
		}
	}
}

/* Add up what the verifier did for each program. */
static void
count(const struct bpf_object *obj, struct load *ret)
{
	struct bpf_program *p;

	ret->insns = 0;
	ret->programs = 0;
	bpf_object__for_each_program(p, obj)
	{
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);

		if (bpf_program__fd(p) < 0)
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size) != 0)
			die("cannot ask about a program", errno);
		ret->insns += info.verified_insns;
		ret->programs++;
	}
}

static struct load
load(size_t rows)
{
	struct mews_bpf *skel = mews_bpf__open();
	struct load ret;
	uint64_t start;
	size_t bad;
	int r;

	if (skel == NULL)
		die("cannot open the programs", errno);
	if (captures_compile(&skel->rodata->table, &bad) < 0)
		die("cannot compile the table", EINVAL);
	cut(&skel->rodata->table, rows);
	start = clock_mono();
	r = mews_bpf__load(skel);
	ret.ms = (double) (clock_mono() - start) / 1e6;
	if (r < 0)
		die("cannot load the programs", r);
	count(skel->obj, &ret);
	mews_bpf__destroy(skel);
	return ret;
}

static int
compare_ms(const void *a, const void *b)
{
	const struct load *x = a, *y = b;

	return (x->ms > y->ms) - (x->ms < y->ms);
}

int
main(void)
{
	const size_t rows[] = { 14, 100, ncaptures };
	struct load got[ARRAY_SIZE(rows)][ROUNDS];

	for (size_t k = 0; k < ROUNDS; k++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			got[i][k] = load(rows[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		qsort(got[i], ROUNDS, sizeof(got[i][0]), compare_ms);
		printf("%zu rows: %u programs, %llu instructions verified, %.0f ms\n", rows[i],
		    got[i][0].programs, got[i][0].insns, got[i][ROUNDS / 2].ms);
	}
	return 0;
}
