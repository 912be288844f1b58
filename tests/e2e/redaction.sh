#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Secrets in arguments and environments do not leave the node: they are in no batch, no file of the
# spool, no alert, no answer and no log, neither from an exec nor from a snapshot; the names around
# them are, so that rules still match. Patterns can be added, and all be switched off.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<'EOF'
- rule: Deed
  desc: A program of this test.
  condition: evt.type in (execve, execveat) and proc.args contains "the-deed"
  output: deed %proc.cmdline %proc.env %evt.args
  priority: WARNING
EOF
# Each contains the word of its kind, which is nowhere else.
word=n0body$RANDOM$$
kept=kept$RANDOM$$
deed() {
	TOKEN="$word $word" env "AWS_SECRET_ACCESS_KEY=$word/env" "DB_URL=postgres://u:$word-url@h/$kept-url" "VISIBLE=$kept-env" \
		"$@" "the-deed" "--password=$word-option" "--api-key" "$word-next" "--user=$kept-option" \
		"{\"token\": \"$word-json\"}" "Authorization: Bearer $word-header" "x-ticket=$1${2:-}"
}
# -c's last two words are $0 and the first argument; the environment of the snapshot's process.
deed sh -c 'sleep 120; :' >/dev/null 2>&1 &
snap=$!
lab_pids+=("$snap")

options=(-o "spool.path=$lab/spool" -o spool.min_free=0 -o batch.compression=0)
lab_collector
lab_sensor n1 "${options[@]}"
lab_wait 30 lab_durable n1 || fail "not all is durable"
snapshot() {
	"$bin/mewsctl" ps lab/n1 --json --collector "unix:$lab/api.sock" >"$lab/ps.json" 2>"$lab/ps"
	grep -q "$kept-option" "$lab/ps.json"
}
lab_wait 60 snapshot || fail "the snapshot has no process of this test: $(cat "$lab/ps")"
deed true
lab_wait 30 lab_alert Deed "(.output | contains(\"$kept-option\"))" || fail "no alert: $(tail -3 "$lab/alerts")"

# In an outage batches go to the disk.
lab_stop "$collector_pid"
deed true spooled
spooled() { grep -rqF "x-ticket=truespooled" "$lab/spool"; }
lab_wait 30 spooled || fail "the batches are not in the spool"
cp -r "$lab/spool" "$lab/spooled"
lab_collector
lab_wait 60 lab_alert Deed '(.output | contains("x-ticket=truespooled"))' || fail "no alert of the time without a collector"
alert=$(lab_alert Deed | sed -n 1p)
for want in '--password=<redacted>' '--api-key <redacted>' '"token": "<redacted>"' 'Authorization: Bearer <redacted>' \
	'AWS_SECRET_ACCESS_KEY=<redacted>' "postgres://u:<redacted>@h/$kept-url" "VISIBLE=$kept-env" "--user=$kept-option" 'TOKEN=<redacted>'; do
	jq -e --arg w "$want" '.output | contains($w)' <<<"$alert" >/dev/null || fail "no $want in $alert"
done
jq -e '.output_fields["mews.redacted"] == true' <<<"$alert" >/dev/null || fail "the alert is not marked: $alert"
counted() { [ "$(lab_metric mews_node_redacted_events_total)" -ge 2 ]; }
lab_wait 20 counted || fail "redacted events are not counted"
lab_stop "$sensor_pid"
sqlite3 "$lab/outbox.db" .dump >"$lab/outbox.txt"
lab_stop "$collector_pid"
found=$(grep -raoE "[ -~]{0,40}${word}[ -~]{0,10}" "$lab" | sort -u | head -n 20 || true)
[ -z "$found" ] || fail "secrets have left the node: $found"

# A recording has the data of calls too, and so what others read in /proc of a process that lives long: they get a word of their own.
word=n0body-recorded$RANDOM$$

# A recording, with a pattern of one's own; and one without redaction, which shows that this test looks.
record() {
	"$bin/mews-sensor" --record "$lab/$1" --seconds 4 -o batch.compression=0 "${@:2}" 2>>"$lab/record.log" &
	recorder=$!
	lab_pids+=("$recorder")
	sleep 2
	deed true "$1"
	wait "$recorder"
}
record with.rec -o redact.patterns=ticket
grep -qF 'x-ticket=<redacted>' "$lab/with.rec" || fail "a configured pattern has no effect"
! grep -qF "$word" "$lab/with.rec" || fail "a secret is in the recording"
# 'rules check' knows the configured patterns, if it is told of them.
cat >"$lab/ticket.yaml" <<'YAML'
- rule: Ticket used
  desc: A value that sensors with this pattern replace.
  condition: evt.type = execve and proc.cmdline contains 'ticket=1234'
  output: x
  priority: NOTICE
YAML
warned() { grep -q "ticket=1234.*: sensors replace its secret" < <("$bin/mewsctl" rules check "$@" "$lab/ticket.yaml" 2>&1); }
echo 'redact: {patterns: [ticket]}' >"$lab/with.yaml"
echo 'redact: {patterns: [ticket], secrets: false}' >"$lab/off.yaml"
echo 'redact: {patterns: [no name]}' >"$lab/wrong.yaml"
warned --sensor-config "$lab/with.yaml" || fail "rules check does not know the configured pattern"
! warned || fail "rules check warns of a pattern that nobody configured"
! warned --sensor-config "$lab/off.yaml" || fail "rules check warns, although nothing is redacted"
"$bin/mewsctl" rules check --sensor-config "$lab/wrong.yaml" "$lab/ticket.yaml" 2>/dev/null && fail "a wrong pattern is accepted"
record without.rec -o redact.secrets=false
for what in env option next json header url; do grep -qF "$word" "$lab/without.rec" || fail "redact.secrets=false still replaces $what"; done
! grep -qF 'x-ticket=<redacted>' "$lab/without.rec" || fail "redact.secrets=false has no effect"
r=0
"$bin/mews-sensor" --check -o "collector=ipc://$lab/s" -o 'redact.patterns=no name' 2>"$lab/check" || r=$?
[ "$r" = 3 ] && grep -q "redact.patterns: 'no name' is neither" "$lab/check" || fail "exit $r for a wrong pattern: $(cat "$lab/check")"
echo "redacted: arguments, environment and URLs of execs and of the snapshot"
