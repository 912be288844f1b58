#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare_dumps.sh BEFORE AFTER: does the driver still say the same?
#
# Both are what `test_live --dump FILE` wrote, on one machine and kernel: of the old tree and of the new one, by the
# same build type. Prints what differs, case by case; cases that only one of them has are named, and are no difference
# if it is AFTER. Exit status 1 if there is a difference.
set -eu
[ $# = 2 ] || { sed -n '3,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A file per case.
split() {
	mkdir "$tmp/$1"
	awk -v dir="$tmp/$1" '/^== / { close(f); f = substr($0, 4); gsub("/", "_", f); f = dir "/" f; next } f != "" { print >f }' "$2"
}
split before "$1"
split after "$2"
[ -n "$(ls "$tmp/before")" ] || { echo "no case in $1" >&2; exit 2; }
cd "$tmp"
diff -ru before after | cut -c1-2000 >differences || true
grep '^Only in after' differences || true
if grep -v '^Only in after' differences; then
	exit 1
fi
echo "$(ls before | wc -l) cases have the same records"
