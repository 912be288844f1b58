#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A collector with a checkpoint, killed under load: processes from before that act while it is away, and are gone when it
# is back, keep their names, ancestors and files' names in alerts, which no snapshot could give. No snapshot is asked
# for, no loss window opens, each event has its alert once. A damaged checkpoint is set aside, and a snapshot serves.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
cat >>"$lab_rules" <<'EOR'
- rule: Old file read
  desc: A process read a descriptor.
  condition: evt.type = read and evt.rawres > 0 and proc.name startswith keeper and fd.name endswith .secret
  output: read %fd.name by %proc.name of %proc.pname and %proc.aname[2] (%proc.cmdline)
  priority: WARNING
EOR
lab_pki n1

# elder NAME: a process of that name that has the file "secret" open since before, below one called elder; at the word
# in the pipe NAME.go it reads a line, and both end.
elder() {
	local name=$1
	mkfifo "$lab/$name.go"
	# shellcheck disable=SC2016 # for the inner shells
	"$lab/elder" -c '"$0" -c "$1" "$2"; true' "$lab/$name" 'exec 9<"$0.secret"; : >"$0.ready"; read -r _ <"$0.go"; read -r line <&9' "$lab/$name" >/dev/null 2>&1 &
	lab_pids+=("$!")
	lab_wait 10 test -e "$lab/$name.ready" || fail "$name did not start"
}
for name in elder keeper1 keeper2 keeper3; do
	cp "$(readlink -f /bin/bash)" "$lab/$name"
	echo a line >"$lab/$name.secret"
done
restart() {
	lab_collector -o "checkpoint.path=$lab/states" -o checkpoint.interval=1s
}
# Enough batches for the next checkpoint.
busy() { "$bin/bench_load" 20000 3 2 "$lab/file" >/dev/null; }
: >"$lab/file"
written() { [ "$(lab_metric mews_checkpoint_written_total)" -gt "$1" ]; }
# Is the alert about that keeper complete?
told() {
	lab_alert 'Old file read' '.output_fields."proc.name" == "'"$1"'" and .output_fields."fd.name" == "'"$lab/$1.secret"'" and
		.output_fields."proc.pname" == "elder" and (.output_fields."proc.cmdline" | startswith("'"$1 -c exec 9"'"))'
}
whole() { lab_status | jq -e '.sensors[] | select(.snapshot == "whole")'; }

restart
lab_sensor n1
lab_wait 30 whole || fail "no snapshot came"
elder keeper1
lab_touch_next 100
n=$(lab_metric mews_checkpoint_written_total)
busy
lab_wait 20 written "$((n + 1))" || fail "no checkpoint was written"
elder keeper2 # after the checkpoint, or before: both must do
lab_touch_next 100
lab_wait 20 lab_durable n1 || fail "not all is durable"
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null || true
echo >"$lab/keeper1.go"
echo >"$lab/keeper2.go"
lab_touch_next 200 # nobody listens
lab_wait 10 lab_gone "$(pgrep -f "$lab/keeper" | head -1)" || true
[ -z "$(pgrep -f "$lab/keeper")" ] || fail "the keepers live: a snapshot would find them"
restart
lab_touch_next 100
lab_once "after kill -9"
for name in keeper1 keeper2; do
	lab_wait 10 told "$name" || fail "no complete alert about $name: $(lab_alert 'Old file read')"
done
[ "$(lab_alerts 'Old file read')" = 2 ] || fail "$(lab_alerts 'Old file read') alerts for two reads"
[ "$(lab_metric mews_checkpoint_loaded_total)" = 1 ] || fail "the state was not loaded"
[ "$(lab_metric mews_collector_snapshot_events_total)" = 0 ] || fail "a snapshot was asked for"
[ "$(lab_metric mews_collector_loss_windows_total)" = 0 ] || fail "a loss window opened: $(lab_status | jq -c .collector.loss_windows)"
[ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "a gap is told of, where nothing was lost"
again=$(lab_metric mews_collector_batches_again_total)

# Damaged: one line, set aside, a snapshot.
elder keeper3
n=$(lab_metric mews_checkpoint_written_total)
lab_touch_next 10
busy
lab_wait 20 written "$n" || fail "no checkpoint was written"
lab_wait 20 lab_durable n1 || fail "not all is durable"
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null || true
file=$(find "$lab/states" -type f -regextype egrep -regex '.*/[0-9a-f]{16}')
[ "$(stat -c %a "$file")" = 600 ] || fail "the checkpoint's mode is $(stat -c %a "$file")"
size=$(stat -c %s "$file")
printf 'x' | dd of="$file" bs=1 seek=$((size - 100)) conv=notrunc status=none
restart
lab_wait 30 whole || fail "no snapshot came"
[ "$(lab_metric mews_checkpoint_damaged_total)" = 1 ] && [ -e "$file.damaged" ] || fail "the damaged checkpoint is not set aside"
[ "$(grep -c 'its checkpoint is damaged' "$lab/collector.log")" = 1 ] || fail "not one line about the damage"
echo >"$lab/keeper3.go" # the snapshot has found it
lab_wait 10 told keeper3 || fail "no complete alert about keeper3: $(lab_alert 'Old file read')"
lab_touch_next 100
lab_once "after damage"
"$bin/mewsctl" status --collector "http://$http" | grep '^checkpoint ' || fail "mewsctl status does not tell of checkpoints"
echo "$touched events, $touched alerts; $again batches brought the state up to date; a checkpoint of $size bytes"
