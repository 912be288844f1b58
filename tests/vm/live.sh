#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# live.sh KERNEL: run the live cases of tests/driver under one of the kernels.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
live=${MEWS_BUILD:-$(realpath "$here/../../build/release")}/tests/driver
command=("$live/test_live") cpus=1
files=("$live/test_live" "$live/compat32" /bin/cat /bin/true /bin/sh /bin/rm)
if [ "$1" = newest ]; then
	# since 7.0 events are missed (and counted) when a thread is preempted in a program: real-time threads are
	# not preempted; two processors, since a busily waiting thread takes one
	files+=(/usr/bin/chrt) cpus=2
	command=(sh -c "echo -1 >/proc/sys/kernel/sched_rt_runtime_us; chrt -f 1 $live/test_live")
fi
exec "$here/run.sh" -t 900 -c $cpus "${files[@]/#/-f}" "$1" "${command[@]}"
