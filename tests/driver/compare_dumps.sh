#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare_dumps.sh BEFORE AFTER: does the driver produce the same records as before?
#
# Both are files of `test_live --dump FILE`, from one machine and kernel: of the old tree and of the new one, with the
# same build type. Prints differences case by case. Cases that only AFTER has are listed but are no difference, nor are
# events that BEFORE does not have at all: they were not captured. Exit status 1 if there is a difference.
set -eu
[ $# = 2 ] || { sed -n '3,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# "T1 of T0 open fd=3 ...": the event's name follows the threads.
events() {
	sed -nE 's/^(T[0-9]+ of )?T[0-9]+ ([a-z0-9_]+) .*/\2/p' "$1" | sort -u
}

# One file per case, with the events that occur in BEFORE.
known=$(events "$1" | paste -sd'|')
split() {
	mkdir "$tmp/$1"
	grep -E "^(==|(T[0-9]+ of )?T[0-9]+ ($known) )" "$2" | awk -v dir="$tmp/$1" '/^== / { close(f); f = substr($0, 4); gsub("/", "_", f); f = dir "/" f; next } f != "" { print >f }'
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
