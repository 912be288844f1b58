#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stage.sh NAME [ARGUMENT]: one stage of the bench, alone; run.sh makes a table of what it prints:
#
#	figure KEY VALUE    one that has a limit, or belongs beside one that has
#	also VALUE WHAT     one that explains
#
# Environment: BENCH_QUICK=1 shortens; BENCH_CACHE names a folder where the recording of the mixed
# load and the certificates stay for the next call. Needs root.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../tests/support/lab.sh"
. "$here/stages.sh"
. "$here/cost.sh"

[ "$(declare -F "stage_${1:-}")" ] || {
	echo "usage: bench/stage.sh $(declare -F | sed -n 's/.* stage_//p' | paste -sd '|')" >&2
	exit 2
}
for tool in mews-sensor mews-collector mewsctl bench_load; do
	[ -x "$bin/$tool" ] || fail "$bin/$tool is missing: cmake --preset release && cmake --build --preset release"
done
for tool in curl jq; do
	command -v "$tool" >/dev/null || fail "$tool is missing: deploy/install-deps.sh --test installs it"
done
[ "$(id -u)" = 0 ] || fail "capturing needs root"
lab_begin
"stage_$1" "${@:2}"
