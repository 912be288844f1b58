#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [--dump FILE]: capture every event live, and compare it with an independent source. Prints
# EVENT passed/total for each event of the table, and for calls that have only their name; then how
# many checks passed and failed in all. Exit status: 0 all passed; 1 some failed, or an event has
# fewer than two checks; 77 not root.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
live=${MEWS_BUILD:-$here/../../build/release}/tests/driver/test_live

[ -x "$live" ] || {
	echo "run.sh: $live is missing: cmake --preset release && cmake --build --preset release" >&2
	exit 1
}
exec "$live" "$@"
