#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [-v] DIR: run the cases of every DIR/*.jsonl against the collector's code.
#
# Names each case that fails (-v: with its result), prints "FILE.jsonl passed/total" for each file,
# exits 0 only if all pass. Builds what it needs in BUILD, which is build/release, or build/dev if
# only that exists.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ -z "${BUILD:-}" ]; then
	BUILD=$root/build/release
	[ -d "$BUILD" ] || [ ! -d "$root/build/dev" ] || BUILD=$root/build/dev
	[ -f "$BUILD/build.ninja" ] || (cd "$root" && cmake --preset release) >&2
fi
cmake --build "$BUILD" --target conform >&2
exec "$BUILD/bin/conform" "$@"
