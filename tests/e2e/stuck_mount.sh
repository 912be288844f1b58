#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A file system that stops answering: processes with files on it, and one that holds its
# memory's lock while waiting for it, blind nobody. The snapshot completes except for what cannot be
# read, alerts arrive, nothing is dropped, and SIGTERM ends the sensor within stop.drain and 2 s.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
cat >>"$lab_rules" <<'EOF'
- rule: Told by a holder
  desc: A process that was there before the sensor, with all that the snapshot knows of it.
  condition: evt.type in (open, openat, openat2) and fd.name endswith /told
  output: cwd=%proc.cwd parent=%proc.pname
  priority: WARNING
EOF
lab_pki n1

mkdir "$lab/dead"
# If another program's sync writes the page first, the setup fails: try a few times.
for try in 1 2 3; do
	exec {words}< <(exec "$bin/dead_mount" "$lab/dead" 2>"$lab/dead.log")
	dead_PID=$!
	lab_pids+=("$dead_PID")
	word='' stuck=''
	read -r -t 60 word _ stuck <&"$words" && break
	! grep -q 'no FUSE' "$lab/dead.log" || exit 77
	[ "$try" != 3 ] && grep -q 'lock was not held' "$lab/dead.log" || fail "no dead mount: $(cat "$lab/dead.log")"
done
[ "$word" = stuck ] || fail "no dead mount"
# A control: a process that ran before, with its working folder.
mkdir "$lab/here"
mkfifo "$lab/go"
(cd "$lab/here" && exec bash -c 'read -r _ <"$0"; : >told' "$lab/go") &
lab_pids+=($!)

lab_collector
lab_sensor n1 -o stop.drain=3s
alerts() { [ "$(lab_alerts 'Watched file opened')" -ge "$1" ]; }
lab_touch 1 200 # during the snapshot
lab_wait 20 alerts 200 || fail "$(lab_alerts 'Watched file opened') of 200 alerts"
whole() { lab_status | jq -e '.sensors[] | select(.node == "n1") | .snapshot == "whole"'; }
lab_wait 30 whole || fail "the snapshot did not become whole"
grep -q "process $stuck cannot be read" "$lab/sensor-n1.log" ||
	fail "the process that cannot be read is not told of"
echo go >"$lab/go"
lab_wait 20 lab_alert 'Told by a holder' '.output | contains("/here")' || fail "what was there before is not known"
lab_touch 201 400
lab_wait 20 alerts 400 || fail "$(lab_alerts 'Watched file opened') of 400 alerts"
[ "$(lab_metric mews_node_drops_total)" = 0 ] || fail "events were dropped"

# ends WITHIN_S: SIGTERM ends the sensor within so many seconds.
ends() {
	kill -TERM "$sensor_pid"
	timeout "$1" tail -s 0.1 --pid="$sensor_pid" -f /dev/null || fail "SIGTERM did not end the sensor in $1 s"
}
ends 5
# The same with a collector that does not answer.
lab_sensor n1 -o stop.drain=1s
kill -STOP "$collector_pid"
lab_touch 401 402
ends 3.5
kill -CONT "$collector_pid"
# Nothing may remain: processes waiting for a dead mount make ps hang too.
kill -KILL "$dead_PID"
released() { ! grep -q '^State:.D' "/proc/$stuck/status"; } # gone, or a zombie
lab_wait 10 released || fail "the process on the dead mount does not end with it"
echo "400 alerts, a whole snapshot and two prompt ends beside a file system that is dead"
