#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine loses power while alerts are committed to an outbox: each alert reported as
# committed is there when the outbox is opened again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
writer=${MEWS_BUILD:-$(realpath "$here/../../build/release")}/bin/outbox_power
scratch=$(mktemp -d /var/tmp/mews-power.XXXXXX)
machine=''
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null || true; rm -rf "$scratch"' EXIT

fail() {
	echo "FAIL: $*" >&2
	tail -n 20 "$scratch"/{said,err} >&2
	exit 1
}

"$here/run.sh" -f "$writer" -d "$scratch/disk" -p "$scratch/pid" 6.1 "$writer" write /disk/o.db >"$scratch/said" 2>"$scratch/err" &
machine=$!
until [ "$(grep -c '^committed' "$scratch/said")" -ge 50 ]; do
	if ! kill -0 "$machine" 2>/dev/null; then
		status=0
		wait "$machine" || status=$?
		[ "$status" != 77 ] || { cat "$scratch/err"; exit 77; }
		fail "the writer ended: $status"
	fi
	sleep 0.1
done
kill -9 "$(cat "$scratch/pid")"
wait "$machine" || true
machine=''
promised=$(sed -n 's/^committed \([0-9]*\)$/\1/p' "$scratch/said" | tail -n 1)
"$here/run.sh" -f "$writer" -d "$scratch/disk" 6.1 "$writer" check /disk/o.db "$promised" 2>"$scratch/err" || fail "lost: $promised were promised"
