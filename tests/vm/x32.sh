#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# x32.sh: calls with the numbers of x32. Debian's general kernel has them if it is told so when it starts; its
# cloud kernels do not.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
live=${MEWS_BUILD:-$(realpath "$here/../../build/release")}/tests/driver
files=("$live/test_live" /bin/cat /bin/true /bin/sh /bin/rm)
said=$("$here/run.sh" -t 600 -a syscall.x32=y "${files[@]/#/-f}" 6.1-x32 "$live/test_live" --only x32) || {
	code=$?
	echo "$said"
	exit "$code"
}
echo "$said"
[ "$(grep -c '^ok   x32: ' <<<"$said")" = 5 ] || { echo "FAIL: not all of the five cases ran" >&2; exit 1; }
