/* SPDX-License-Identifier: Apache-2.0 */
/* program_answer.h - the lines that a program answers: "ok", "retry WHY", "refuse WHY". */
#ifndef MEWS_COLLECTOR_OUTPUT_PROGRAM_ANSWER_H
#define MEWS_COLLECTOR_OUTPUT_PROGRAM_ANSWER_H

#include "collector/output/output.h"

#define ANSWER_MAX 4096 /* bytes of a line */

/* Bytes that the program has written; the caller appends. */
struct answers {
	char text[ANSWER_MAX];
	size_t n;
};

struct answer {
	enum output_result result;
	char why[200]; /* printable; "" with OUTPUT_DELIVERED */
};

/* Take the next line. 1; 0: there is no whole one yet; -EBADMSG: it is no answer, or too long. */
int answer_next(struct answers *in, struct answer *ret) MUST_CHECK;

#endif
