/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mews_preemptible.bpf.c - mews.bpf.c for kernels that may preempt a program: since 7.0. The same
 * maps and programs, with calls that older kernels do not have.
 */
#define MEWS_PREEMPTIBLE
#include "driver/bpf/mews.bpf.c"
