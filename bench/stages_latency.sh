# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages_latency.sh - stages: from a system call to its alert, idle and under load; for stages.sh.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, the helpers stages.sh's

# ---- from the system call to the alert ----

stage_latency() {
	local n p50 p99 max samples=400
	[ -z "$quick" ] || samples=300
	mkfifo "$lab/collector.out"
	exec 7<>"$lab/collector.out"
	lab_pki n1
	lab_collector -o outputs.stdout.enabled=true
	lab_sensor n1
	settle
	mkdir "$lab/idle" "$lab/5k" "$lab/load"

	say "$samples actions, nothing else"
	read -r n p50 p99 max < <("$bin/bench_latency" "$lab/idle" "$samples" 50 <&7) || fail "actions without one alert each"
	figure latency_idle_p50_ms "$p50"
	figure latency_idle_p99_ms "$p99"
	also "$max" "ms, the longest of $n, idle"

	actions_beside 5k 5000
	actions_beside load 100000
}

# actions_beside KEY RATE: the latency of actions while so many other events come a second.
actions_beside() {
	say "$samples actions beside $2 events a second"
	load "$2" "$(calc "$samples * 0.015 + 2" 0)" >"$lab/load.out" 2>"$lab/load.log" &
	lab_pids+=($!)
	sleep 1
	read -r n p50 p99 max < <("$bin/bench_latency" "$lab/$1" "$samples" 15 <&7) || fail "actions without one alert each"
	wait $! || fail "the load beside it: $(cat "$lab/load.log")"
	cat "$lab/load.out"
	figure "latency_$1_p50_ms" "$p50"
	figure "latency_$1_p99_ms" "$p99"
	also "$max" "ms, the longest of $n, beside $2 events a second"
}

# ---- beside an alert storm ----

# Sets $storm: a recording of one process that opens a file 165,000 times a second.
storm_recording() {
	local recorder opens took for=20
	[ -z "$quick" ] || for=8
	storm=$lab/storm.rec
	say "recording a storm of $for s"
	"$bin/mews-sensor" --record "$storm" -o node=storm -o cluster=lab -o capture.rings=64MiB 2>"$lab/record.log" &
	recorder=$!
	lab_pids+=("$recorder")
	sleep 2
	read -r opens _ took < <("$bin/bench_load" 330000 "$for" 1 "$lab/file") || fail "the generator failed"
	kill "$recorder"
	wait "$recorder" || fail "the recording failed: $(cat "$lab/record.log")"
	also "$(calc "$opens / $took" 0)" "matching opens a second in the storm"
}

storm_rules() {
	cp "$root/rules/mews_rules.yaml" "$lab/rules.yaml"
	cat >>"$lab/rules.yaml" <<EOF
- rule: Storm
  desc: A file that is opened without end.
  condition: evt.type = open and fd.name = $lab/file
  output: opened %fd.name by %proc.name parent=%proc.pname command=%proc.cmdline user=%user.name
  priority: NOTICE
EOF
	lab_rules=$lab/rules.yaml
}

storm_matches() { lab_metric 'mews_rule_hits_total{rule="Storm"}'; }
storm_beyond() { [ "$(storm_matches)" -gt "$1" ]; }

# beside KEY FOLDER: measure the latency of n1's alerts during the storm.
beside() {
	local n p50 p99 max before
	mkdir -p "$lab/$2"
	before=$(lab_metric mews_collector_suppressed_total)
	read -r n p50 p99 max < <("$bin/bench_latency" "$lab/$2" "$samples" 25 <&7) || fail "actions without one alert each"
	figure "$1_p50_ms" "$p50"
	figure "$1_p99_ms" "$p99"
	also "$max" "ms, the longest of $n, $2"
	also "$(($(lab_metric mews_collector_suppressed_total) - before))" "matches in summaries meanwhile"
}

stage_storm() {
	local samples=400 load
	[ -z "$quick" ] || samples=150
	: >"$lab/file"
	storm_recording
	storm_rules
	mkfifo "$lab/collector.out"
	exec 7<>"$lab/collector.out"
	lab_pki n1 storm
	lab_collector -o outputs.stdout.enabled=true "$@"
	lab_sensor n1
	settle
	say "$samples actions, nothing else"
	beside storm_before before

	say "$samples actions while another node storms"
	"$bin/mews-sensor" --replay "$storm" --loop 100 -o node=storm -o cluster=lab -o "collector=$listen" \
		-o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-storm.pem" \
		-o "tls.key=$lab/pki/node-storm.key" 2>"$lab/sensor-storm.log" &
	load=$!
	lab_pids+=("$load")
	lab_wait 30 storm_beyond 10000 || fail "the storm did not come"
	beside storm_other_node other_node
	kill "$load"
	wait "$load" || true

	say "$samples actions while the same node storms"
	"$bin/bench_load" 330000 "$(calc "$samples * 0.025 + 5" 0)" 1 "$lab/file" >"$lab/load" &
	load=$!
	lab_pids+=("$load")
	lab_wait 30 storm_beyond $(($(storm_matches) + 10000)) || fail "the storm did not come"
	beside storm_same_node same_node
	wait "$load" || fail "the generator failed"
	also "$(lab_metric mews_node_drops_total)" "events dropped of all"
}

# ---- during the snapshot of a million descriptors ----

snapshot_whole() { lab_status | jq -e '.sensors[] | select(.node == "n1" and .snapshot == "whole")'; }

# actions_in FOLDER: print bench_latency's result for n1's alerts.
actions_in() {
	mkdir "$lab/$1"
	"$bin/bench_latency" "$lab/$1" 200 15 <&7 || fail "actions without one alert each"
}

stage_snapshot() {
	local n p50 p99 max total=1000000 each=100000 processes rows t0 took
	[ -z "$quick" ] || total=300000
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt $((each + 64)) ] || each=$(($(ulimit -Hn) - 64))
	processes=$(((total + each - 1) / each))
	say "$processes processes with $each descriptors each"
	: >"$lab/file"
	mkfifo "$lab/held" "$lab/collector.out"
	"$bin/bench_hold" "$processes" "$each" "$lab/file" >"$lab/held" &
	lab_pids+=($!)
	read -r _ <"$lab/held" || fail "the descriptors could not be opened"
	exec 7<>"$lab/collector.out"
	lab_pki n1
	lab_collector -o outputs.stdout.enabled=true -o state.node_bytes=1GiB
	lab_sensor n1
	lab_wait 120 snapshot_whole || fail "the snapshot did not come to an end"
	settle

	say "200 actions, no snapshot"
	read -r n p50 p99 max < <(actions_in none)
	figure snapshot_none_p99_ms "$p99"
	also "$p50 / $max" "ms, median and longest of $n, no snapshot"

	say "200 actions while the snapshot is taken"
	lab_stop "$sensor_pid"
	rows=$(lab_metric mews_collector_snapshot_events_total) t0=${EPOCHREALTIME/[.,]/}
	lab_sensor n1
	read -r n p50 p99 max < <(actions_in taken)
	! snapshot_whole || fail "the snapshot ended before the actions did"
	figure snapshot_taken_p99_ms "$p99"
	also "$p50 / $max" "ms, median and longest of $n, while the snapshot is taken"
	lab_wait 120 snapshot_whole || fail "the snapshot did not come to an end"
	took=$((${EPOCHREALTIME/[.,]/} - t0))
	also "$(($(lab_metric mews_collector_snapshot_events_total) - rows))" "rows of the snapshot, in $(calc "$took / 1e6") s"
	also "$(awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/$sensor_pid/status")" "MB resident at most, the sensor, rings too"
	also "$(awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$collector_pid/status")" "MB resident at most, the collector"
}

# reader N: read all alerts repeatedly, one answer at a time; sizes of the answers in $lab/read.N.
reader() {
	local after=0 tail
	renice -n 19 "$BASHPID" >/dev/null # as if they had a machine of their own
	while :; do
		tail=$(lab_api "/api/v1/alerts?limit=0&after=$after" -w ' %{size_download}' | tail -c 80)
		[[ $tail =~ \"last\":([0-9]+),\"more\":(true|false)\}[[:space:]]+([0-9]+) ]] || continue
		after=${BASH_REMATCH[1]}
		[ "${BASH_REMATCH[2]}" = true ] || after=0
		echo "${BASH_REMATCH[3]}" >>"$lab/read.$1"
	done
}

stage_readers() {
	local n p50 p99 max samples=400 alerts=800000 i readers=() took pid
	[ -z "$quick" ] || alerts=100000
	say "an outbox of $alerts alerts"
	"$bin/bench_outbox" "$lab/outbox.db" "$alerts" 1000 4 >"$lab/fill.log"
	mkfifo "$lab/collector.out"
	exec 7<>"$lab/collector.out"
	lab_pki n1
	lab_collector -o outputs.stdout.enabled=true -o outbox.max_bytes=8GiB
	lab_sensor n1
	settle
	mkdir "$lab/alone" "$lab/beside"

	say "$samples actions, nobody reads"
	read -r n p50 p99 max < <("$bin/bench_latency" "$lab/alone" "$samples" 25 <&7) || fail "actions without one alert each"
	figure readers_none_p99_ms "$p99"
	also "$p50 / $max" "ms, median and longest of $n, nobody reads"

	say "$samples actions, 16 readers of all $alerts alerts"
	for i in $(seq 16); do
		reader "$i" &
		readers+=($!)
	done
	lab_pids+=("${readers[@]}")
	sleep 2
	took=$SECONDS
	read -r n p50 p99 max < <("$bin/bench_latency" "$lab/beside" "$samples" 25 <&7) || fail "actions without one alert each"
	took=$((SECONDS - took + 2))
	figure readers_16_p99_ms "$p99"
	also "$p50 / $max" "ms, median and longest of $n, 16 readers"
	also "$(cat "$lab"/read.* | awk -v s="$took" '{ n += $1 } END { printf "%.0f", n / s / 1e6 }')" "MB/s read meanwhile by all of them"
	also "$(calc "$(curl -s -o "$lab/health" -w '%{time_total}' "http://$http/healthz") * 1000")" "ms for /healthz on TCP meanwhile"
	also "$(calc "$(curl -s -o "$lab/health" -w '%{time_total}' --unix-socket "$lab/api.sock" http://localhost/healthz) * 1000")" "ms for /healthz on the unix socket meanwhile"
	also "$(awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$collector_pid/status")" "MB resident at most, the collector"
	for pid in "${readers[@]}"; do kill "$pid" && wait "$pid" 2>/dev/null || true; done
}
