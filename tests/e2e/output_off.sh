#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An output that is enabled, again or for the first time, begins with the alerts from then on and
# logs how many it skips; with 'from: beginning' it gets all that it has not had, once.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
lab_pki n1

rows() { sqlite3 -readonly "$lab/outbox.db" 'SELECT count(*) FROM alert'; }
watched() { sqlite3 -readonly "$lab/outbox.db" "SELECT count(*) FROM alert WHERE rule = 'Watched file opened'"; }
kept() { [ "$(watched)" = "$1" ]; }
names() { sed -n 's|.*"fd.name":"[^"]*/watched/\([0-9]*\)".*|\1|p' "$1" | tr '\n' ' '; }
has() { [ "$(names "$1")" = "$2 " ]; }
skipped() { lab_status | jq -r --arg o "$1" '.outputs[] | select(.name == $o).skipped'; }
delivered() { lab_status | jq -r --arg o "$1" '.outputs[] | select(.name == $o).delivered'; }

# again ARGUMENT...: restart the collector, and wait until the sensor has reconnected.
again() {
	lab_stop "$collector_pid"
	: >"$lab/collector.log"
	lab_collector "$@"
	lab_wait 30 lab_connected n1 || fail "the sensor did not come back"
}
off=(-o outputs.file.enabled=false)

lab_collector
lab_sensor n1
lab_touch 1 5
lab_wait 30 has "$lab/alerts" '1 2 3 4 5' || fail "at first: $(names "$lab/alerts")"

echo '== off for a while, then on'
again "${off[@]}"
before=$(rows)
lab_touch 6 9
lab_wait 30 kept 9 || fail "the outbox has $(watched) of 9"
missed=$(($(rows) - before))
again
[ "$(skipped file)" = "$missed" ] || fail "$(skipped file) passed over, not $missed"
[ "$(lab_metric 'mews_output_skipped_total{output="file"}')" = "$missed" ] || fail "the metric says $(lab_metric mews_output_skipped_total)"
grep -q "output file is new or was disabled: alerts from before are not sent there: $missed" "$lab/collector.log" ||
	fail "no line in the log"
grep "passed over: $missed" <("$bin/mewsctl" status --collector "http://$http") || fail "mewsctl status does not tell"
lab_touch 10 11
lab_wait 30 has "$lab/alerts" '1 2 3 4 5 10 11' || fail "after it was off: $(names "$lab/alerts")"

echo '== a restart alone passes nothing over'
lab_stop "$collector_pid"
lab_touch 12 12
: >"$lab/collector.log"
lab_collector
lab_wait 30 has "$lab/alerts" '1 2 3 4 5 10 11 12' || fail "after a restart: $(names "$lab/alerts")"
[ "$(skipped file)" = 0 ] || fail "a restart passed $(skipped file) over"

echo '== off for a while, then on from the beginning: what it has not had, once'
again "${off[@]}"
lab_touch 13 14
lab_wait 30 kept 14 || fail "the outbox has $(watched) of 14"
again -o outputs.file.from=beginning
lab_touch 15 15
lab_wait 30 has "$lab/alerts" '1 2 3 4 5 10 11 12 13 14 15' || fail "from the beginning: $(names "$lab/alerts")"
[ "$(skipped file)" = 0 ] || fail "it passed $(skipped file) over"

echo '== new to an outbox with a history'
: >"$lab/collector.out"
total=$(rows)
again -o outputs.kafka.enabled=true -o outputs.kafka.properties.test.mock.num.brokers=1 \
	-o outputs.stdout.enabled=true -o outputs.stdout.format=json -o outputs.stdout.from=beginning
[ "$(skipped kafka)" = "$total" ] || fail "kafka passed $(skipped kafka) over, not $total"
[ "$(skipped stdout)" = 0 ] || fail "stdout passed $(skipped stdout) over"
all='1 2 3 4 5 6 7 8 9 10 11 12 13 14 15'
lab_wait 30 has "$lab/collector.out" "$all" || fail "stdout from the beginning: $(names "$lab/collector.out")"
new=$(rows)
lab_touch 16 16
lab_wait 30 has "$lab/collector.out" "$all 16" || fail "stdout goes on: $(names "$lab/collector.out")"
lab_wait 30 sh -c "[ \"\$(sqlite3 -readonly '$lab/outbox.db' \"SELECT n FROM place WHERE output = 'kafka'\")\" = \"\$(sqlite3 -readonly '$lab/outbox.db' 'SELECT max(n) FROM alert')\" ]" ||
	fail "kafka did not deliver"
[ "$(delivered kafka)" = $(($(rows) - total)) ] || fail "kafka had $(delivered kafka) of $(($(rows) - total)) (from $new)"
