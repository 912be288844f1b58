#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Silences: what one covers does not reach an output for people, reaches all others, and is counted; it outlives
# kill -9 of the collector, ends when it is told to or its time is over, and is in the audit log.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3

count=100
"$bin/quiet_recording" "$lab/quiet.rec" 1 100
printf -- '- rule: Closed a file\n  desc: d\n  condition: evt.type = close\n  output: closed %%evt.type\n  priority: WARNING\n' >"$lab/closed.yaml"
lab_rules=$lab/closed.yaml
lab_pki first again other later over
lab_port
web=$port
"$python" "$root/tests/support/webhook.py" "$web" "$lab" 2>>"$lab/webhook.log" &
lab_pids+=("$!")
open() { (exec 3<>"/dev/tcp/127.0.0.1/$web") 2>/dev/null; }
lab_wait 20 open || fail "the server did not start"

collector() {
	lab_collector -o outputs.webhook.enabled=true -o "outputs.webhook.url=http://127.0.0.1:$web/slack" -o outputs.webhook.timeout=1s \
		-o "outputs.webhook.preset=$root/deploy/presets/slack.yaml" -o 'outputs.webhook.condition=evt.type exists' -o outputs.webhook.fold=no
}
ask() { "$bin/mewsctl" "$@" --collector "http://$http" --token-file "$lab/api.token"; }
webhook() { lab_status | jq -e '.outputs[] | select(.name == "webhook") | '"$1"; }
# in_file NODE / in_slack NODE: the ids of its alerts there
in_file() { jq -r --arg n "$1" 'select(.hostname == $n and .rule == "Closed a file").uuid' "$lab/alerts" 2>/dev/null | sort; }
in_slack() { in_file "$1" | comm -12 - <(sort "$lab/slack.got" 2>/dev/null); }
all_in_file() { [ "$(in_file "$1" | wc -l)" = "$count" ]; }
all_in_slack() { [ "$(in_slack "$1" | wc -l)" = "$count" ]; }
idle() { webhook '.waiting == 0' >/dev/null; }

collector
! ask silence add --rule 'Closed*' --for 2h 2>"$lab/err" || fail "a silence without a reason"
! ask silence add --for 2h --why x 2>"$lab/err" || fail "a silence of everything"
! ask silence add --condition 'proc.nme = x' --for 2h --why x 2>"$lab/err" || fail "a silence with a wrong condition"
grep -q "proc.nme" "$lab/err" || fail "the error: $(cat "$lab/err")"
ask silence add --rule 'Closed*' --node first --for 2h --why 'upgrade, ticket 42'
lab_replay first
lab_replay other
lab_wait 30 all_in_file first || fail "the file has not all alerts"
lab_wait 30 all_in_slack other || fail "not all of the other node: $(webhook .)"
lab_wait 30 idle || fail "alerts wait: $(webhook .)"
[ -z "$(in_slack first)" ] || fail "silenced alerts were sent: $(in_slack first | wc -l)"
webhook '.silenced == '"$count" >/dev/null || fail "not counted: $(webhook .)"
[ "$(lab_metric mews_output_silenced_total)" = "$count" ] || fail "the metric"
grep -q 'audit.*API: .*/api/v1/silences/add .*why="upgrade, ticket 42": 200 done' "$lab/collector.log" || fail "not in the audit log: $(grep audit "$lab/collector.log")"
echo "ok: $count alerts silenced, $count others sent"

kill -KILL "$collector_pid"
wait "$collector_pid" 2>/dev/null || true
collector
ask silence list
ask silence list --json | jq -e '.[0] | .in_force and .number == 1 and .why == "upgrade, ticket 42" and (.who | endswith("(operate)") or test("operate"))' >/dev/null || fail "the silence is gone"
lab_replay again
lab_wait 30 all_in_slack again || fail "another node is silenced too"
ask silence end 1
! ask silence end 1 2>/dev/null || fail "ended twice"
lab_replay later
lab_wait 30 all_in_slack later || fail "alerts after its end were not sent"
[ -z "$(in_slack first)" ] || fail "silenced alerts were sent after its end"
echo 'ok: it outlives kill -9, and ends'

ask silence add --cluster lab --for 1s --why short
over() { ask silence list --json | jq -e 'any(.why == "short" and (.in_force | not))' >/dev/null; }
lab_wait 20 over || fail "a silence does not end by itself"
lab_replay over
lab_wait 30 all_in_slack over || fail "a silence that is over holds"
[ ! -e "$lab/slack.wrong" ] || fail "$(head -n 3 "$lab/slack.wrong")"
lab_stop "$collector_pid"
echo 'ok: silences'
