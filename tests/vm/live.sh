#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# live.sh KERNEL: the live cases of tests/driver under a kernel of the shelf.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
live=${MEWS_BUILD:-$(realpath "$here/../../build/release")}/tests/driver
exec "$here/run.sh" -t 900 -f "$live/test_live" -f "$live/compat32" -f /bin/cat -f /bin/true -f /bin/sh -f /bin/rm \
	"$1" "$live/test_live"
