/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_enroll.c - any bytes as a line, a request to the enroller, and its answer. */
#include "collector/ctl/enroll_serve.h"
#include "proto/enroll_line.h"
#include "sensor/enroll_call.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *) data, size };
	struct enroll_line l;
	struct enroll_ask ask;
	struct enroll_reply reply;
	struct diag d = { 0 }, e = { 0 }, f = { 0 };
	char again[ENROLL_LINE_MAX];
	int r = enroll_line_parse(text, &l, &d);

	if (r == 0) {
		enroll_line_print(&l, again);
		if (enroll_line_parse(slice_str(again), &l, &d) != 0)
			abort();
	} else if (r != -EINVAL || d.msg[0] == '\0') {
		abort();
	}
	if (enroll_ask_parse(text, &ask, &e) == 0 ? ask.key == NULL : e.msg[0] == '\0')
		abort();
	enroll_ask_fini(&ask);
	r = enroll_reply_parse(text, &reply, &f);
	if (r == 0 ? reply.ca == NULL || reply.crl == NULL || reply.collector == NULL
		   : f.msg[0] == '\0')
		abort();
	enroll_reply_fini(&reply);
	return 0;
}
