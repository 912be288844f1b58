#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A system call whose event consists of its arguments is captured by table rows: at most three
# hand-written files name such a call.
set -eu
cd "$(dirname "$0")/../.."

call=fchdir
grep -q "^CAPTURE($call," driver/captures.def || {
	echo "driver/captures.def: no row for $call, the example"
	exit 1
}
files=$(grep -rlw $call driver proto sensor collector common | grep -vxE 'proto/(syscalls\.def|EVENTS\.md)') # generated
[ "$(echo "$files" | wc -l)" -le 3 ] || {
	echo "$call is named by more than three files; a row of driver/captures.def should do:"
	echo "$files"
	exit 1
}
