/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mews.bpf.c - includes all hooks and capture programs.
 */
#include "driver/bpf/core.h"

#include "driver/bpf/accept.h"
#include "driver/bpf/admin.h"
#include "driver/bpf/argv.h"
#include "driver/bpf/call.h"
#include "driver/bpf/enter.h"
#include "driver/bpf/hooks.h"
#include "driver/bpf/iter.h"
#include "driver/bpf/mmsg.h"
#include "driver/bpf/msg.h"
#include "driver/bpf/net.h"
#include "driver/bpf/open.h"
#include "driver/bpf/open_file.h"
#include "driver/bpf/passed.h"
#include "driver/bpf/pipe.h"
#include "driver/bpf/proc.h"
#include "driver/bpf/query.h"
#include "driver/bpf/semaphore.h"
#include "driver/bpf/sockopt.h"
#include "driver/bpf/system.h"
#include "driver/bpf/table.h"
#include "driver/bpf/uring.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
