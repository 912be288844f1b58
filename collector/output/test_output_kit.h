/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_kit.h - one output under test, without its thread. */
#ifndef MEWS_COLLECTOR_OUTPUT_TEST_OUTPUT_KIT_H
#define MEWS_COLLECTOR_OUTPUT_TEST_OUTPUT_KIT_H

#include "collector/output/output.h"

#define BENCH_ROWS 1000

/* An output under test, and how its rows ended. */
struct bench {
	const struct output_ops *ops;
	struct cfg *cfg;
	void *st;
	unsigned ended[BENCH_ROWS + 1];
	unsigned delivered, refused, retry;
};

/* What an '@' in a configuration stands for: a file's path, a peer's address. */
extern char bench_path[64];

/* The output's done(): counts. */
void bench_ended(void *arg, uint64_t rowid, enum output_result result, const char *why);

/* Bind the configuration; the second opens the output, too. A failure ends the test. */
struct bench *bench_new(const struct output_ops *ops, const char *yaml);
struct bench *bench_open(const struct output_ops *ops, const char *yaml);
void bench_close(struct bench *b);

/* Submit alert 'n': as the output's submit(). */
int bench_submit(struct bench *b, unsigned n);
/* Submit these, polling while the output is full. */
void bench_submit_all(struct bench *b, unsigned from, unsigned to);

#endif
