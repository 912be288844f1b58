/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mews_preemptible.bpf.c - mews.bpf.c for kernels that give the CPU to another thread while a
 * program runs: since 7.0. The same maps and programs, which call what older kernels do not have.
 */
#define MEWS_PREEMPTIBLE
#include "driver/bpf/mews.bpf.c"
