#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rules for every file: a licence in its first line (second, after #!), 500 lines at most (tables
# may be longer), no tabs in YAML, no trailing spaces, no characters that change the direction of text, no reminder without an issue.
# Code decides by a diag's code and a field's flags, never by a message or a name, so that a better sentence breaks nothing.
set -eu
cd "$(dirname "$0")/../.."

status=0
fail() {
	echo "$1"
	status=1
}

for file in $(tests/lint/files.sh c h def cpp cc); do
	want='SPDX-License-Identifier: Apache-2.0'
	case $file in
	driver/* | *.bpf.c | proto/event.h | proto/names.h | proto/*.def)
		want='SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause'
		;;
	esac
	head -n 1 "$file" | grep -qF "$want" || fail "$file:1: the first line is not $want"
	case $file in
	*.def) continue ;;
	esac
	n=$(wc -l <"$file")
	[ "$n" -le 500 ] || fail "$file:$n: longer than 500 lines"
	! grep -nE "^ \\*[A-Za-z']" "$file" || fail "$file: no space after the * of a comment's line"
done
for file in $(tests/lint/files.sh c h def cpp cc sh); do
	! LC_ALL=C grep -nP '\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$file" || fail "$file: a character that changes the direction of text"
done
product=$(tests/lint/files.sh c h cc | grep -v -e '/test_' -e '^tests/' -e '^bench/' -e '^common/diag.c')
# shellcheck disable=SC2086 # a list of files
! LC_ALL=C grep -lzP '(cmp|str(case)?(str|chr|spn|cspn|len)|mem(mem|chr)|slice_(eq|starts|ends))\([^;{}]*(->|\.)msg\b|\b(d|diag|[a-z]+_diag)(->|\.)msg\[' $product ||
	fail "the files above decide by a message: compare the code of its diag"
fields='"(evt|fd|fdlist|proc|thread|user|group|syscall|container|k8s|fs|mews)\.[a-z0-9_.]+"'
# shellcheck disable=SC2086 # as above
! echo "$product" | grep -E '^collector/(field|filter|plan)/' | xargs grep -nE "^[^*]*$fields" ||
	fail "these know a field by its name: give it a flag in fields.def"
for file in $(tests/lint/files.sh sh); do
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier' || fail "$file:2: no licence"
done
for file in $(tests/lint/files.sh c h def cpp cc sh cmake yaml yml proto); do
	! grep -nE '[[:space:]]+$' "$file" | sed "s|^|$file:|;s|\$|   <- space at the end|" | grep . ||
		status=1
	! grep -nE '\<(X{3}|FIX[M]E|TOD[O])\>' "$file" | grep -vE '\(#[0-9]+\)' |
		sed "s|^|$file:|;s|\$|   <- needs an issue: (#12)|" | grep . || status=1
done
exit $status
