/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_grpc.c - any bytes as what a runtime's socket says, and as its message. */
#include "common/clock.h"
#include "sensor/container_read.h"
#include "sensor/grpc.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct grpc_header space = { "containerd-namespace", "default" };
	const struct container_ask ask = { .full = "x" };
	struct container_info c = { .ask = &ask };
	struct buf answer = BUF_INIT;
	int pair[2];

	if (size > 64u << 10 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return 0;
	if (write(pair[1], data, size) != (ssize_t) size || shutdown(pair[1], SHUT_WR) < 0)
		abort();
	if (grpc_call(pair[0], clock_mono() + NS_PER_S, "/a.B/C", &space, SLICE("ask"), &answer) <
		0 &&
	    answer.n != 0)
		abort();
	(void) close(pair[0]);
	(void) close(pair[1]);
	arena_init(&c.arena, 0);
	container_containerd_answer(&c, buf_get(&answer));
	container_containerd_answer(&c, (struct slice){ (const char *) data, size });
	container_containerd_sandbox(&c, (struct slice){ (const char *) data, size });
	buf_fini(&answer);
	container_info_fini(&c);
	return 0;
}
