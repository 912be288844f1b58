#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SECONDS [BUILD]: run every fuzzer of BUILD (build/fuzz) for so long, on a copy of its corpus.
# An input that breaks one is left in BUILD/crashes.
set -eu
cd "$(dirname "$0")/../.."
seconds=$1 build=${2:-build/fuzz}
mkdir -p "$build/crashes"

one() {
	local fuzzer=$1 name=${1##*/fuzz_} dir
	dir=$(mktemp -d)
	cp -r "tests/fuzz/corpus/$name/." "$dir"
	if ! "$fuzzer" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
		-artifact_prefix="$build/crashes/$name-" "$dir" >"$build/crashes/$name.log" 2>&1; then
		tail -n 30 "$build/crashes/$name.log"
		echo "fuzz $name: FAILED"
		return 1
	fi
	rm -rf "$dir"
	echo "fuzz $name: ${seconds}s, nothing found"
}
export -f one
export seconds build
# shellcheck disable=SC2016 # the inner shell expands it
find "$build" -type f -name 'fuzz_*' -perm -u+x | sort |
	xargs -r -n 1 -P "$(nproc)" bash -c 'one "$1"' one
