#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# coverage.sh MEWSCTL [README] - the table 'technique, rule (cases)' from the tags of the default rules
# and the cases of cases.sh. With README: compare it with the table there, and look that each rule has
# a recorded case, and each case a name of its own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=rules/cases.sh
. "$here/cases.sh"
# shellcheck source=rules/cases_container.sh
. "$here/cases_container.sh"

# RULE|WORD, WORD for each rule
# shellcheck disable=SC2154 # cases.sh sets rule_cases
words() { printf '%s\n' "${rule_cases[@]}" "${container_cases[@]}" | awk -F'|' '$1 in w { w[$1] = w[$1] ", " $2; next } { w[$1] = $2 } END { for (r in w) print r "|" w[r] }'; }

table() {
	"$1" rules list --json "$here/mews_rules.yaml" |
		jq -r --rawfile words <(words) '($words | split("\n") | map(select(. != "") | split("|") | {(.[0]): .[1]}) | add) as $cases
			| [.[] | select(.enabled) | .rule as $rule | .tags[] | select(test("^T[0-9]")) | {technique: ., rule: "\($rule) (\($cases[$rule]))"}]
			| group_by(.technique)[] | "| \(.[0].technique) | \([.[].rule] | join("; ")) |"'
}

[ $# -gt 1 ] || { table "$1"; exit; }
twice=$(printf '%s\n' "${rule_cases[@]}" "${container_cases[@]}" | cut -d'|' -f2 | sort | uniq -d)
[ -z "$twice" ] || {
	echo "two cases are called $twice: the functions of one replace the other's" >&2
	exit 1
}
diff <(sed -n '/^## Coverage/,/^A stream/{/^| T/p;}' "$2") <(table "$1") || {
	echo "the coverage table of $2 is not that of the rules and cases: replace it with the output of rules/coverage.sh" >&2
	exit 1
}
"$1" rules list --json "$here/mews_rules.yaml" | jq -r '.[] | select(.enabled).rule' | while read -r rule; do
	grep -qE "(alerts: \\[|rule: |, )$rule(\\]|,|\$)" "$here/cases/mews_rules.yaml" "$here/cases/containers.yaml" || {
		echo "no case of cases/ raises '$rule'" >&2
		exit 1
	}
done
