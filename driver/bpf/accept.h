/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * accept.h - accept, accept4: both ends, and the queue of the listening socket.
 */
#ifndef MEWS_DRIVER_ACCEPT_H
#define MEWS_DRIVER_ACCEPT_H

#include "driver/bpf/net.h"

/* Set the fill level of a listening socket's queue. */
#define QUEUE_OF(e, listener)                                                        \
	do {                                                                         \
		struct sock *l_ = (listener);                                        \
                                                                                     \
		if (l_) {                                                            \
			(e)->queuelen = BPF_CORE_READ(l_, sk_ack_backlog);           \
			(e)->queuemax = BPF_CORE_READ(l_, sk_max_ack_backlog);       \
			if ((e)->queuemax && (e)->queuelen)                          \
				(e)->queuepct = (e)->queuelen * 100 / (e)->queuemax; \
		}                                                                    \
	} while (0)

EXIT(accept)
{
	EXIT_BEGIN(ACCEPT, true);
	struct sock *sk = fd_sock(t, ret);

	capture_now(s, regs, compat, ret);
	e->fd = call_result(ret);
	if (sk) {
		QUEUE_OF(e, fd_sock(t, (s32) s->values[DRV_ARG(0)]));
		off = text_tuple_to(s, off, EV_BIT(ACCEPT, tuple), sk, true, NULL, 0);
	}
	late_mark(s, compat);
	EXIT_END();
}

EXIT(accept4)
{
	EXIT_BEGIN(ACCEPT4, true);
	struct sock *sk = fd_sock(t, ret);

	capture_now(s, regs, compat, ret);
	e->fd = call_result(ret);
	e->flags = (s32) s->values[DRV_ARG(3)];
	if (sk) {
		QUEUE_OF(e, fd_sock(t, (s32) s->values[DRV_ARG(0)]));
		off = text_tuple_to(s, off, EV_BIT(ACCEPT4, tuple), sk, true, NULL, 0);
	}
	late_mark(s, compat);
	EXIT_END();
}

#endif
