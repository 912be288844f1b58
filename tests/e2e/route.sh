#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Routing: each output gets the alerts that its minimum_priority and its condition let through, and no other; what
# is kept back is counted; of the list outputs.first_match one output gets an alert; a wrong condition is refused
# with its place. Several outputs of a kind are a list, each with its name, its alerts, its place in the outbox and
# its metrics.
. "$(dirname "$0")/../support/lab.sh"
lab_begin

"$bin/quiet_recording" "$lab/quiet.rec" 4 100
cat >"$lab/two.yaml" <<'EOF2'
- rule: First
  desc: d
  condition: evt.type = close and evt.hostname = n1
  output: first %evt.type %proc.name
  priority: CRITICAL
  tags: [pager]
- rule: Second
  desc: d
  condition: evt.type = close
  output: second %evt.type %proc.name
  priority: NOTICE
EOF2
lab_rules=$lab/two.yaml
lab_pki n1 n2 n3

# refused KEY=VALUE SENTENCE: --check does not accept it, and says why.
refused() {
	! "$bin/mews-collector" --check -o outputs.stdout.enabled=true -o "$1" >"$lab/check" 2>&1 || fail "accepted: $1"
	grep -qF "$2" "$lab/check" || fail "$1: $(cat "$lab/check")"
	echo "ok: refused: $(grep -F "$2" "$lab/check")"
}
refused outputs.stdout.minimum_priority=high "'outputs.stdout.minimum_priority' must be a priority from emergency to debug, not 'high'"
refused 'outputs.stdout.condition=proc.nmae = x' "'outputs.stdout.condition', line 1, column 1 of it: unknown field 'proc.nmae'; did you mean 'proc.name'?"
refused 'outputs.stdout.condition=alert.priority = high' "'outputs.stdout.condition', line 1, column 18 of it: 'high' is not a value of 'alert.priority'"

named() { echo "outputs.program[]={name: $1, enabled: true, command: [/bin/sh, -c, 'exec cat >>$lab/$1.got'], $2}"; }
refused outputs.first_match=pager "'outputs.first_match' names 'pager', and no such output is enabled"
refused 'outputs.program[]={command: /bin/cat}' "'outputs.program.name' must be 1 to 20 characters of a-z, 0-9, - and _, not ''"
lab_collector -o "$(named urgent 'minimum_priority: error')" -o "$(named n2 'condition: alert.node = n2')" -o outputs.stdout.enabled=true -o outputs.stdout.format=json -o outputs.stdout.minimum_priority=error \
	-o "$(named first 'minimum_priority: error')" -o "$(named rest '')" -o outputs.first_match=program.first -o outputs.first_match=program.rest \
	-o 'outputs.file.condition=not alert.tags intersects (pager) and alert.priority = notice and evt.type = close'
lab_replay n1
lab_replay n2
idle() { lab_status | jq -e 'all(.outputs[]; .waiting == 0) and ([.outputs[].delivered] | add) >= 2400' >/dev/null; }
lab_wait 30 idle || fail "not all went out: $(lab_status | jq -c .outputs)"

# rules FILE: the rules of its alerts, each with its number.
rules() { jq -r 'select(.source == "syscall").rule' "$1" | sort | uniq -c | awk '{ printf "%s %s;", $2, $1 }'; }
[ "$(rules "$lab/alerts")" = 'Second 400;' ] || fail "the file has $(rules "$lab/alerts")"
[ "$(rules "$lab/collector.out")" = 'First 400;' ] || fail "standard output has $(rules "$lab/collector.out")"
[ "$(rules "$lab/urgent.got")" = 'First 400;' ] || fail "program.urgent has $(rules "$lab/urgent.got")"
[ "$(rules "$lab/n2.got")" = 'Second 400;' ] || fail "program.n2 has $(rules "$lab/n2.got")"
[ "$(rules "$lab/first.got")" = 'First 400;' ] || fail "program.first has $(rules "$lab/first.got")"
[ "$(rules "$lab/rest.got")" = 'Second 400;' ] || fail "program.rest, after program.first, has $(rules "$lab/rest.got")"
for output in file stdout program.urgent program.n2 program.first program.rest; do
	delivered=$(lab_metric "mews_output_delivered_total{output=\"$output\"}")
	filtered=$(lab_metric "mews_output_filtered_total{output=\"$output\"}")
	rows=$(sqlite3 -readonly "$lab/outbox.db" 'SELECT count(*) FROM alert')
	[ $((delivered + filtered)) = "$rows" ] || fail "$output: $delivered delivered, $filtered kept back, of $rows"
	echo "ok: $output: $delivered delivered, $filtered kept back, of $rows"
done

echo '== a restart: each goes on where it was'
lab_stop "$collector_pid"
lab_collector -o "$(named n2 'condition: "alert.node in (n2, n3)"')" -o "$(named urgent 'minimum_priority: error')"
lab_replay n3
all() { [ "$(rules "$lab/n2.got")" = 'Second 800;' ]; }
lab_wait 30 all || fail "program.n2 has $(rules "$lab/n2.got")"
[ "$(rules "$lab/urgent.got")" = 'First 400;' ] || fail "program.urgent has $(rules "$lab/urgent.got")"
grep '^program\.' <("$bin/mewsctl" status --collector "http://$http") || fail "mewsctl status does not name them"
