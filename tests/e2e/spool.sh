#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The spool on the node's disk: batches survive an outage of the collector, and kill -9 and a stop of
# the sensor during it. Each trigger raises its alert once, with the loss window of its time.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
lab_pki n1
options=(-o "spool.path=$lab/spool" -o spool.min_free=0)
size() { find "$lab/spool" -type f -printf '%s\n' | awk '{ s += $1 } END { print s + 0 }'; }
# Until a batch is closed its events are in the rings, and die with the sensor.
written() { sleep 1; }
gone() { kill -9 "$1" && wait "$1" 2>/dev/null || true; }
windows() { lab_metric "mews_collector_loss_windows_total{cause=\"$1\"}"; }

lab_collector
lab_sensor n1 "${options[@]}"
lab_touch_next 10
lab_once "at first"
lab_wait 20 lab_durable n1 || fail "not all is durable"
[ "$(stat -c %a "$lab/spool")" = 700 ] || fail "the folder's mode is $(stat -c %a "$lab/spool")"
[ -z "$(find "$lab/spool" -type f ! -perm 600)" ] || fail "a file's mode is not 600"

# With a healthy collector nothing is written.
before=$(find "$lab/spool" -printf '%p %s %T@\n')
lab_touch_next 100
lab_once "with a collector"
[ "$(find "$lab/spool" -printf '%p %s %T@\n')" = "$before" ] || fail "batches are written although the collector takes them"

# Ten seconds without a collector, under load.
: >"$lab/file"
"$bin/bench_load" 20000 14 2 "$lab/file" >"$lab/load" &
load=$!
sleep 1
lab_stop "$collector_pid"
for _ in $(seq 100); do
	lab_touch_next 10
	sleep 0.1
done
[ "$(size)" -gt 100000 ] || fail "only $(size) bytes are in the files after ten seconds of outage"
lab_collector
lab_touch_next 10
wait "$load"
lab_once "after an outage"
[ "$(lab_metric mews_node_drops_total)" = 0 ] && [ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "drops or gaps after an outage"
empty() { [ "$(size)" -lt 40000 ] && lab_durable n1; }
lab_wait 30 empty || fail "$(size) bytes are left in the files"
[ "$(lab_metric mews_node_sensor_spool_errors_total)" = 0 ] || fail "the spool counts errors"

# Two sensors die during an outage, a third one is stopped in order: a fourth one delivers it all.
lab_stop "$collector_pid"
for end in gone gone lab_stop; do
	lab_touch_next 50
	written
	"$end" "$sensor_pid"
	lab_sensor_start n1 "${options[@]}"
	lab_wait 20 grep -q "sent first" "$lab/sensor-n1.log" || fail "the sensor does not find what is left"
	sleep 2 # its hooks are attached
done
lab_touch_next 50
lab_collector
lab_wait 60 lab_connected n1 || fail "the sensor does not come back"
lab_once "after three sensors"
[ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "a gap after three sensors"
[ "$(windows sensor_died)" = 2 ] && [ "$(windows sensor_stopped)" = 1 ] ||
	fail "$(windows sensor_died) sensors are said to have died, $(windows sensor_stopped) to have been stopped; it was 2 and 1"

# A sensor dies while the collector lives.
lab_wait 30 lab_durable n1 || fail "not all is durable"
lab_touch_next 50
written
gone "$sensor_pid"
lab_sensor n1 "${options[@]}"
sleep 2
lab_touch_next 50
lab_once "after a sensor beside a collector"
lab_stop "$sensor_pid"
[ "$(find "$lab/spool" -type f | wc -l)" = 0 ] || fail "files are left although all is durable: $(ls "$lab/spool")"
echo "$touched events, $touched alerts, through outages and four ends of sensors"
