#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mewsctl absence across restarts of a collector with a checkpoint: killed or stopped, away while events are spooled, it
# answers for the time before: no, yes, unknown where the sensor was away, where its interest did not cover the events,
# where the rule came later or was changed, where alerts of that time are gone. Without its checkpoint it does not know.
. "$(dirname "$0")/../support/lab.sh"
lab_begin

# code OPTION... --since AGE|@MARK: the exit code; the answer is in $lab/said.json. A mark is a moment noted by "note MARK".
note() { date +%s >"$lab/at.$1"; }
code() {
	local c=0 age=${*: -1}
	[ "${age:0:1}" != @ ] || age=$(($(date +%s) - $(cat "$lab/at.${age:1}") - 1))s
	"$bin/mewsctl" absence "${@:1:$#-1}" "$age" --json --collector "http://$http" --token-file "$lab/api.token" >"$lab/said.json" || c=$?
	echo "$c"
}
is() { [ "$(code "${@:2}")" = "$1" ]; }
asked() { is "$@" || fail "absence ${*:2}: exit code $(code "${@:2}"), not $1: $(cat "$lab/said.json")"; }
soon() { lab_wait 60 is "$@" || fail "absence ${*:2}: exit code $(code "${@:2}"), not $1: $(cat "$lab/said.json")"; }
gap() { jq -e --arg g "$1" '.gaps | any(.gap == $g)' "$lab/said.json" >/dev/null || fail "no gap $1: $(cat "$lab/said.json")"; }

watch=(--rule 'Watched file opened')
left=(--rule 'Memory locked')
start() { lab_collector -o rule.watch=false -o "checkpoint.path=$lab/states" -o checkpoint.interval=1s; }
killed() {
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null || true
}
busy() { "$bin/bench_load" 20000 3 1 "$lab/file" >/dev/null; }
written() { [ "$(lab_metric mews_checkpoint_written_total)" -gt "$1" ]; }
# A checkpoint that knows of everything until now.
checkpoint() {
	local n
	n=$(lab_metric mews_checkpoint_written_total)
	busy
	lab_wait 30 written "$((n + 1))" || fail "no checkpoint was written"
}

lab_watch
cat >>"$lab_rules" <<'YAML'
- rule: Memory locked
  desc: A call that nothing else makes.
  condition: evt.type = mlock2
  output: mlock2 by %proc.name
  priority: NOTICE
YAML
: >"$lab/file"
lab_pki n1
start
lab_sensor n1
soon 0 "${watch[@]}" --since 2s
note covered # from here on everything is known
sleep 2
checkpoint

# Killed. Nothing has happened before, and what happens while it is away is found in the sensor's spool.
killed
sleep 3
start
soon 0 "${watch[@]}" --since @covered
asked 0 "${left[@]}" --since @covered
asked 0 --event mlock2 --since @covered
asked 5 "${watch[@]}" --since 1h
[ "$(lab_metric mews_checkpoint_loaded_total)" = 1 ] || fail "the state was not loaded"
checkpoint
killed
lab_touch 1 1
lab_calls 1
sleep 1
start
soon 4 "${watch[@]}" --since 1m
soon 4 --event mlock2 --since 1m
soon 4 "${left[@]}" --since 1m
checkpoint
killed # it happened before the restart
start
soon 4 "${watch[@]}" --since 1m
soon 4 --event mlock2 --since 1m
note clean
sleep 2
lab_stop "$collector_pid"
start
soon 0 "${watch[@]}" --since @clean
asked 0 --event mlock2 --since @clean

# A rule that came later, and one that was changed while the collector was away; a third one stays.
checkpoint
killed
cat >>"$lab_rules" <<'YAML'
- rule: Came later
  desc: A process was traced.
  condition: evt.type = ptrace and proc.name = nobody
  output: ptrace by %proc.name
  priority: NOTICE
YAML
sed -i 's/evt.type = mlock2$/evt.type = mlock2 and proc.name != nobody/' "$lab_rules"
start
soon 0 "${watch[@]}" --since @clean
asked 5 --rule 'Came later' --since @clean
gap rule_changed
gap interest
asked 5 "${left[@]}" --since @clean
gap rule_changed
soon 0 --rule 'Came later' --since 2s
checkpoint
killed # and that is known, too
start
soon 0 --rule 'Came later' --since 2s
asked 5 --rule 'Came later' --since @clean
gap rule_changed
# The same without a checkpoint between: the sensor's interest is one that an earlier collector gave out.
sed -i '/Came later/,$d' "$lab_rules"
"$bin/mewsctl" rules reload --collector "http://$http" --token-file "$lab/api.token" >/dev/null || fail "the rules did not load"
soon 0 "${watch[@]}" --since 2s
killed
start
soon 0 "${watch[@]}" --since @clean

# Between two collectors with this checkpoint the sensor served one with other rules: what did it capture?
note other
sleep 2
checkpoint
lab_stop "$collector_pid"
lab_rules_before=$lab_rules
lab_rules=$lab/other.yaml
sed '/Memory locked/,$d' "$lab_rules_before" >"$lab_rules"
lab_collector -o "checkpoint.path=$lab/others" -o checkpoint.interval=1s -o "outbox.path=$lab/other.db"
lab_wait 60 lab_connected n1 || fail "the sensor did not go to the other collector"
sleep 1
lab_stop "$collector_pid"
lab_rules=$lab_rules_before
start
soon 0 "${watch[@]}" --since 2s
asked 5 "${watch[@]}" --since @other
gap new

# The sensor was away.
note sensor
sleep 2
checkpoint
kill -9 "$sensor_pid"
wait "$sensor_pid" 2>/dev/null || true
killed
start
soon 5 "${watch[@]}" --since @sensor
gap not_seen
lab_sensor n1
soon 0 "${watch[@]}" --since 2s
asked 5 "${watch[@]}" --since @sensor
gap loss
note back
sleep 2
checkpoint

# A loss is known after a restart, and its window's end.
lost=$(jq -c '[.gaps[] | select(.gap == "loss").causes]' "$lab/said.json")
killed
start
soon 0 "${watch[@]}" --since 2s
asked 5 "${watch[@]}" --since @sensor
gap loss
[ "$(jq -c '[.gaps[] | select(.gap == "loss").causes]' "$lab/said.json")" = "$lost" ] || fail "not the loss $lost: $(cat "$lab/said.json")"
checkpoint

# Alerts of that time are gone with the outbox.
note outbox
sleep 2
killed
rm -f "$lab"/outbox.db*
start
soon 0 "${watch[@]}" --since 2s
asked 5 "${watch[@]}" --since @outbox
gap history

# The checkpoint is damaged, then gone: unknown, never no.
note checkpoint
sleep 2
checkpoint
for how in damaged gone; do
	lab_wait 20 lab_durable n1 || fail "not all is durable"
	killed
	for f in "$lab"/states/*; do
		[ "$how" = damaged ] || rm -f "$f"
		[ "$how" = gone ] || printf x | dd of="$f" bs=1 seek="$(($(stat -c %s "$f") - 1))" conv=notrunc status=none
	done
	start
	soon 0 "${watch[@]}" --since 2s
	asked 5 "${watch[@]}" --since @checkpoint
	gap new
	gap rule_changed
	gap snapshot
	checkpoint
done
echo "known after each restart: $(grep -c 'continues from its checkpoint' "$lab/collector.log") of them with a checkpoint"
