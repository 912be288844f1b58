#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Folding: repeats of one deed are few notifications, whose counts add up to the alerts exactly, also if the service
# fails meanwhile; another node's are others; a first one is not delayed.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3

count=300
"$bin/quiet_recording" "$lab/quiet.rec" 3 100
printf -- '- rule: Closed a file\n  desc: d\n  condition: evt.type = close\n  output: closed %%evt.type\n  priority: WARNING\n' >"$lab/closed.yaml"
lab_rules=$lab/closed.yaml
lab_pki one two three
lab_port
web=$port
"$python" "$root/tests/support/webhook.py" "$web" "$lab" 2>>"$lab/webhook.log" &
lab_pids+=("$!")
open() { (exec 3<>"/dev/tcp/127.0.0.1/$web") 2>/dev/null; }
lab_wait 20 open || fail "the server did not start"
collector() {
	lab_collector -o outputs.webhook.enabled=true -o "outputs.webhook.url=http://127.0.0.1:$web/slack" -o outputs.webhook.timeout=1s \
		-o "outputs.webhook.preset=$root/deploy/presets/slack.yaml" -o 'outputs.webhook.condition=evt.type exists' "$@"
}
webhook() { lab_status | jq -e '.outputs[] | select(.name == "webhook") | '"$1"; }
# messages NODE; told NODE: the sum of their counts
messages() { grep -c "^$1 " "$lab/slack.counts" 2>/dev/null || true; }
told() { awk -v n="$1" '$1 == n { s += $2 } END { print s + 0 }' "$lab/slack.counts" 2>/dev/null || echo 0; }
told_all() { [ "$(told "$1")" = "$2" ]; }
first() { [ "$(messages "$1")" -ge 1 ]; }

collector -o outputs.webhook.fold_window=3s
lab_replay one
lab_wait 20 first one || fail "the first one is delayed: $(webhook .)"
[ "$(told one)" -lt "$count" ] || fail "nothing was held"
lab_wait 40 told_all one "$count" || fail "the counts add up to $(told one), not $count: $(webhook .)"
[ "$(messages one)" -le 20 ] || fail "$(messages one) messages for $count repeats"
echo "ok: $count alerts in $(messages one) messages"

echo 500 >"$lab/fault"
lab_replay two
lab_wait 20 webhook '.waiting > 0 and .error != ""' >/dev/null || fail "the status does not tell: $(webhook .)"
rm "$lab/fault"
lab_wait 60 told_all two "$count" || fail "after a fault the counts add up to $(told two): $(webhook .)"
lab_wait 20 webhook '.waiting == 0 and .delivered == '$((2 * count)) >/dev/null || fail "$(webhook .)"
echo "ok: a service that fails costs no count: $count alerts in $(messages two) messages"

# a stop sends what is held
lab_stop "$collector_pid"
collector -o outputs.webhook.fold_window=1h
lab_replay three
lab_wait 20 first three || fail "the first one is delayed"
lab_wait 20 webhook '.waiting == '$((count - $(messages three))) >/dev/null || true
lab_stop "$collector_pid"
told_all three "$count" || {
	collector -o outputs.webhook.fold_window=1s # what was not yet offered
	lab_wait 60 told_all three "$count" || fail "the counts add up to $(told three), not $count"
	lab_stop "$collector_pid"
}
[ ! -e "$lab/slack.wrong" ] || fail "$(head -n 3 "$lab/slack.wrong")"
echo "ok: a stop sends what is held: $count alerts in $(messages three) messages"
