#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rules_live.sh [containers] - each default rule on live events: its cases raise it, the near misses do not.
# With 'containers' the cases that need one, in real containers of podman; exit status 77 without it.
. "$(dirname "$0")/../support/lab.sh"
. "$root/tests/containers/runtimes.sh"
boxed=${1:-}
[ -z "$boxed" ] || runtimes_need || exit 77
lab_begin
. "$root/rules/cases.sh"
. "$root/rules/cases_container.sh"

now_ns() { echo "${EPOCHREALTIME/[.,]/}000"; }

# run FUNCTION: in a new scratch folder. Sets $from and $to. Nothing is removed between two cases: a
# removal can raise an alert, which would count for the previous case.
run() {
	dir=$lab/case.$1
	mkdir "$dir"
	from=$(now_ns)
	"$1" >"$lab/case.out" 2>&1 || {
		cat "$lab/case.out"
		fail "$1 does not run here"
	}
	to=$(now_ns)
}

# between RULE FROM TO: the outputs of its alerts in that time, 20 ms more at the end; of containers only, if so told.
between() {
	jq -r --arg boxed "$boxed" --arg r "$1" --argjson from "$2" --argjson to "$3" 'select(.rule == $r)
		| select(.output_fields["evt.time"] >= $from and .output_fields["evt.time"] <= $to + 20000000)
		| select($boxed == "" or .output_fields["container.id"] != "host") | .output' "$lab/alerts" 2>/dev/null
}
seen() { [ -n "$(between "$@")" ]; }

names=$("$bin/mewsctl" rules list --json "$root/rules/mews_rules.yaml" | jq -r '.[] | select(.enabled).rule' | sort)
[ "$names" = "$(printf '%s\n' "${rule_cases[@]}" "${container_cases[@]}" | cut -d'|' -f1 | sort -u)" ] || fail "not each default rule has a case in rules/cases.sh or cases_container.sh"
if [ -n "$boxed" ]; then
	trap 'code=$?; runtimes_end; lab_end "$code"' EXIT
	runtimes_begin
	runtime_start podman || { echo 'skipped: podman does not run here'; exit 77; }
	rule_cases=("${container_cases[@]}")
fi

lab_pki n1
lab_collector -o rule.matching=all
lab_sensor n1

misses=()
for c in "${rule_cases[@]}"; do
	IFS='|' read -r rule word what <<<"$c"
	run "${word}_miss"
	misses+=("$rule|$what|$from|$to")
done
bad=0
for c in "${rule_cases[@]}"; do # after the near misses, so that those are done once these alerts arrive
	IFS='|' read -r rule word what <<<"$c"
	run "${word}_hit"
	if lab_wait 15 seen "$rule" "$from" "$to"; then
		echo "ok   $rule: $(between "$rule" "$from" "$to" | head -n 1 | cut -c1-150)"
	else
		echo "FAIL $rule: not raised by ${word}_hit"
		bad=$((bad + 1))
	fi
done
for m in "${misses[@]}"; do
	IFS='|' read -r rule what from to <<<"$m"
	seen "$rule" "$from" "$to" || continue
	echo "FAIL $rule: raised though $what differs: $(between "$rule" "$from" "$to" | head -n 1)"
	bad=$((bad + 1))
done
[ "$bad" = 0 ] || fail "$bad cases"
echo "${#rule_cases[@]} cases of $(printf '%s\n' "${rule_cases[@]}" | cut -d'|' -f1 | sort -u | wc -l) rules: each raises its rule, no near miss does"
