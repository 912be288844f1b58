#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stage.sh NAME [ARGUMENT]: run one stage of the bench; run.sh makes a table of its output:
#
#	figure KEY VALUE    a figure with a limit, or shown beside one
#	also VALUE WHAT     a supporting detail
#
# Environment: BENCH_QUICK=1 shortens; BENCH_CACHE names a folder that keeps the recording of the
# mixed load and the certificates for the next run. Needs root.
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
