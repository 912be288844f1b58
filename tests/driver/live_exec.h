/* SPDX-License-Identifier: Apache-2.0 */
/* live_exec.h - the cases of execve and execveat; rows in live_proc.c. */
#ifndef MEWS_TESTS_DRIVER_LIVE_EXEC_H
#define MEWS_TESTS_DRIVER_LIVE_EXEC_H

#include "tests/driver/live.h"

void d_exec(struct facts *f), d_memfd(struct facts *f), d_exec_overlay(struct facts *f);
void d_exec_fail(struct facts *f);
/* Start a session with a terminal, so that there is a tty. */
void take_terminal(void);
live_fn c_exec, m_exec, c_memfd, c_exec_overlay, c_exec_fail;

#endif
