#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# verdict_entries.sh BUILD - remove each entry of collector/state/touches.def and of the column depends_on
# of collector/field/fields.def, one at a time, and check that unit.verdict's program then fails.
# ROUNDS=N: how many rounds to try per entry [100000].
# Exit status: 0 if it fails for each entry, else 1 with the entries that nothing notices.
set -euo pipefail

program=$1/collector/plan/test_verdict
rounds=${ROUNDS:-100000}

# An entry is found if the program exits with 1 and says which verdict is wrong.
try() {
	local said
	if said=$("$program" -w "$1" -r "$rounds" 2>&1); then
		echo "not noticed: $1"
	elif [[ $said != *seed*event*thread* ]]; then
		echo "failed otherwise: $1: $said"
	fi
}
export -f try
export program rounds

"$program" -r 100 >/dev/null || { echo "$program fails with all entries" >&2; exit 1; }
entries=$("$program" -l)
missed=$(xargs -P "$(nproc)" -I{} bash -c 'try {}' <<<"$entries")
if [ -n "$missed" ]; then
	echo "$missed" >&2
	exit 1
fi
echo "$(wc -l <<<"$entries") entries, each noticed"
