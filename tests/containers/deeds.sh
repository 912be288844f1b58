#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deeds.sh - what came of the deeds in containers, for scripts that source it after lab.sh: checks that are counted in
# $passed and $failed, and the alerts.
# shellcheck disable=SC2154,SC2034 # $lab is lab.sh's; the counts are for scripts that source this

passed=0 failed=0
# is WHAT COMMAND...: count whether it succeeds.
is() {
	local what=$1
	shift
	if "$@" >&2; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: $what"
	fi
}
not() { ! "$@"; }
# said RULE TEXT: an alert of the rule has this text.
said() { jq -r --arg r "$1" 'select(.rule == $r) | .output' "$lab/alerts" 2>/dev/null | grep -F -- "$2" >/dev/null; }
# deeds NAME: the outputs of the alerts of a deed.
deeds() { jq -r --arg d "deed $1|" '.output | ltrimstr(.[0:index("deed ")]) | select(startswith($d))' "$lab/alerts" 2>/dev/null; }
deeds_have() { [ -n "$(deeds "$1")" ]; }
