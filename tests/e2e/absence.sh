#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mewsctl absence: "no" only while every node asked about delivers everything that the rule needs; "yes"
# with ids; "unknown" before the sensor's start, while a node is silent, after a loss, after a change of
# the rule; "not watched" otherwise. Each has its exit code.
. "$(dirname "$0")/../support/lab.sh"
lab_begin

# asked CODE OPTION...: the exit code; the answer is in $lab/said, and as JSON in $lab/said.json.
code() {
	local c=0
	"$bin/mewsctl" absence "$@" --json --collector "http://$http" --token-file "$lab/api.token" >"$lab/said.json" || c=$?
	"$bin/mewsctl" absence "$@" --collector "http://$http" --token-file "$lab/api.token" >"$lab/said" 2>&1 || true
	echo "$c"
}
is() { [ "$(code "${@:2}")" = "$1" ]; }
asked() { is "$@" || fail "absence ${*:2}: exit code $(code "${@:2}"), not $1: $(cat "$lab/said")"; }
# gap NAME NODE: this gap is among the reasons.
gap() { jq -e --arg g "$1" --arg n "${2:-}" '.gaps | any(.gap == $g and (.node // "") == $n)' "$lab/said.json" >/dev/null || fail "no gap $1 of '${2:-}': $(cat "$lab/said.json")"; }

watch=(--rule 'Watched file opened')
lab_watch
cat >>"$lab_rules" <<'YAML'
- rule: Memory locked
  desc: A call that nothing else makes.
  condition: evt.type = mlock2
  output: mlock2 by %proc.name
  priority: NOTICE
- rule: Switched off
  desc: This is not looked for.
  condition: evt.type = mlock2
  output: mlock2 by %proc.name
  priority: NOTICE
  enabled: false
YAML
lab_pki n1 n2
lab_collector -o rule.watch=false
asked 5 "${watch[@]}" --since 10s
gap no_node
lab_sensor n1
lab_sensor n2 -o capture.ring=512KiB && second=$sensor_pid

# Nothing happens, and both nodes are seen.
lab_wait 60 is 0 "${watch[@]}" --since 4s || fail "not absent: $(cat "$lab/said")"
grep -q '^no: Watched file opened did not happen on 2 nodes from 20.* until 20' "$lab/said" || fail "the answer reads: $(cat "$lab/said")"
asked 0 "${watch[@]}" --since 4s --node n1
asked 0 --event mlock2 --since 4s
asked 5 "${watch[@]}" --since 1h
gap new n1
gap new n2
gap rule_changed
asked 6 --rule 'No such rule' --since 4s
asked 6 --rule 'Switched off' --since 4s
asked 6 --event ptrace --since 4s
asked 6 --event no_such_call --since 4s
asked 5 "${watch[@]}" --since 4s --node n3
gap no_node
asked 2 "${watch[@]}"
asked 2 --since 4s
asked 2 "${watch[@]}" --since now

# It happens. Both sensors see it, since both run on this machine.
lab_touch 1 1
lab_wait 60 is 4 "${watch[@]}" --since 1m || fail "not seen: $(cat "$lab/said")"
twice() { [ "$(lab_alerts 'Watched file opened')" = 2 ]; }
lab_wait 20 twice || fail "$(lab_alerts 'Watched file opened') alerts, not 2"
asked 4 "${watch[@]}" --since 1m
cmp <(jq -r '.ids[]' "$lab/said.json" | sort) <(jq -r 'select(.rule == "Watched file opened").uuid' "$lab/alerts" | sort) || fail "other ids than the alerts': $(cat "$lab/said.json")"
asked 0 --event mlock2 --since 4s
lab_calls 1
lab_wait 60 is 4 --event mlock2 --since 1m || fail "the call is not seen: $(cat "$lab/said")"
jq -e '.seen | length > 0 and all(.last > 0)' "$lab/said.json" >/dev/null || fail "when was it seen? $(cat "$lab/said.json")"
# Both have passed: absent again.
lab_wait 60 is 0 --rule 'Memory locked' --since 4s || fail "not absent again: $(cat "$lab/said")"
lab_wait 60 is 0 "${watch[@]}" --since 4s || fail "not absent again: $(cat "$lab/said")"

# A rule that stays the same stays in force over a reload; a changed one begins anew.
sed -i 's/evt.type = mlock2$/evt.type = mlock2 and proc.name != nobody/' "$lab_rules"
"$bin/mewsctl" rules reload --collector "http://$http" --token-file "$lab/api.token" >/dev/null || fail "the rules did not load"
asked 0 "${watch[@]}" --since 4s
asked 5 --rule 'Memory locked' --since 4s
gap rule_changed
lab_wait 60 is 0 --rule 'Memory locked' --since 4s || fail "the changed rule is not in force: $(cat "$lab/said")"

# A node is silent, and then has lost events: nobody knows.
kill -STOP "$second"
lab_wait 60 is 5 "${watch[@]}" --since 4s || fail "absent, although a node is silent: $(cat "$lab/said")"
asked 5 "${watch[@]}" --since 4s
gap not_seen n2
asked 0 "${watch[@]}" --since 4s --node n1
for _ in $(seq 20000); do : >"$lab/elsewhere"; done
kill -CONT "$second"
dropped() { is 5 "${watch[@]}" --since 4s --node n2 && jq -e '.gaps | any(.gap == "loss" and (.causes | contains("events_dropped")))' "$lab/said.json"; }
lab_wait 60 dropped || fail "absent, although events were dropped: $(cat "$lab/said")"
grep -q 'lab/n2: events were lost.*events_dropped' "$lab/said" || fail "the answer reads: $(cat "$lab/said")"
asked 0 "${watch[@]}" --since 4s --node n1
# The window closes: absent again, after it.
lab_wait 60 is 0 "${watch[@]}" --since 4s || fail "not absent after the loss: $(cat "$lab/said")"
echo "yes, no, unknown, not watched"
