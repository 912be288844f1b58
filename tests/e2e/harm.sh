#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sensor that is traced, whose pins are removed, or that is killed and started again at once: each raises
# an alert within seconds, once; ordinary work of a sensor raises none. blindness.sh has those that do not
# come back.
. "$(dirname "$0")/../support/lab.sh"
pins=''
lab_begin
trap 'code=$?; [ -z "$pins" ] || umount "$pins" 2>/dev/null || true; lab_end "$code"' EXIT
lab_pki n1

mkdir "$lab/pins"
pins=$lab/pins
mount -t bpf bpf "$pins"
folder=$pins/sensor
rule='Mews sensor harmed'
: >"$lab/sensor-n1.log"
said() { grep -c "$1" "$lab/sensor-n1.log" || true; }
said_more() { [ "$(said 'connected to')" -gt "$1" ]; }
start() {
	local before
	before=$(said 'connected to')
	lab_sensor_start n1 -o "spool.path=$lab/spool" -o spool.min_free=0 -o "capture.pin=$folder"
	lab_wait 60 said_more "$before" || fail "the sensor does not connect"
}
up() { [ "$(lab_metric 'mews_node_up{cluster="lab",node="n1"')" = 1 ]; }
# harmed HOW FILTER: there is an alert about that, within seconds.
harmed() {
	local began=$EPOCHREALTIME
	lab_wait 20 lab_alert "$rule" ".hostname == \"n1\" and .priority == \"Critical\" and .source == \"internal\" and .output_fields.\"mews.harm\" == \"$1\" and ${2:-true}" ||
		fail "no alert about a sensor that is $1"
	echo "alert: $1, after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $began }") s"
}
count() { [ "$(lab_alerts "$rule")" = "$1" ] || fail "$(lab_alerts "$rule") alerts '$rule', not $1: $2"; }

lab_collector
start
lab_wait 30 lab_durable n1 || fail "not all is durable"

# What it pins changes with what is captured, and when silent hooks are looked for.
cat >"$lab/rules.yaml" <<EOT
- rule: Connected
  desc: A call whose arguments are read at its entry.
  condition: evt.type in (connect, openat2, renameat2) and proc.name = nobody
  output: connected
  priority: NOTICE
EOT
before=$(find "$folder" -type f | sort)
lab_rules=$lab/rules.yaml
lab_stop "$collector_pid"
lab_collector
changed() { [ "$(find "$folder" -type f | sort)" != "$before" ]; }
lab_wait 30 changed || fail "what is pinned does not change with the rules"
kill -HUP "$sensor_pid"
sleep 3 # three looks
count 0 "ordinary work"

# A tracer that lets it run: it reports that itself.
"$bin/tracer" "$sensor_pid" >"$lab/tracer.out" 2>&1 &
tracer=$!
lab_pids+=("$tracer")
lab_wait 10 grep -q tracing "$lab/tracer.out" || fail "cannot trace: $(cat "$lab/tracer.out")"
harmed traced ".output_fields.\"mews.tracer_pid\" == $tracer"
[ "$(said "process $tracer traces this sensor")" = 1 ] || fail "not one line in the sensor's log about its tracer"
kill "$tracer"
up || fail "the sensor does not go on"

# One pin is removed, as by an intruder who is going to kill it; then all. Each time they come back.
pinned() { find "$folder" -type f | sort; }
pinned >"$lab/pinned"
again() { [ "$(said 'pinned again')" = "$1" ] && pinned | cmp -s - "$lab/pinned"; }
rm "$(find "$folder" -name 'link_*' | head -1)"
harmed unpinned
lab_wait 20 again 1 || fail "the pin that was removed is not back: $(pinned | diff "$lab/pinned" -)"
rm -r "${folder:?}"/*
lab_wait 20 again 2 || fail "the pins that were removed are not back: $(pinned | diff "$lab/pinned" - | head -n 5)"
[ "$(said 'others have removed')" = 2 ] || fail "not one line in the sensor's log each time that pins were removed"
sleep 2
again 2 || fail "it pins again what is there"

# In the end it is killed, for which there are all pins again. Its successor comes at once, so nobody misses the node.
lab_wait 30 lab_durable n1 || fail "not all is durable"
kill -9 "$sensor_pid"
wait "$sensor_pid" 2>/dev/null || true
start
[ "$(said 'taken over$')" = 1 ] || fail "the successor has not taken over"
harmed killed
lab_stop "$collector_pid" # a new collector hears of it again
lab_collector
lab_wait 30 up || fail "the node is not up"
sleep 2
count 3 "one for each harm"
