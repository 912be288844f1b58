# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages.sh - what each stage measures; for stage.sh, which sources it. README.md explains.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, lab_rules is for it

quick=${BENCH_QUICK:-}
seconds=10
[ -z "$quick" ] || seconds=3

figure() { echo "figure $1 $2"; }
also() { echo "also $*"; }
say() { echo "    $*" >&2; }
calc() { awk "BEGIN { printf \"%.${2:-1}f\", ($1) }"; }

cpu_ns() { "$bin/bench_cpu" "$1"; }

# Events of a type that the collector has evaluated, or knows to be dropped.
counted() {
	curl -sf "http://$http/metrics" | awk -v want="type=\"$1\"}" '
		/^mews_(collector_type_events|node_type_drops)_total/ && index($0, want) { n += $NF }
		END { print n + 0 }'
}
counted_is() { [ "$(counted "$1")" -ge "$2" ]; }

# The snapshot is through, and what starting caused too.
settle() {
	lab_wait 30 lab_durable n1 || fail "the snapshot did not become durable"
	sleep 1
}

# load RATE SECONDS: makes events, and waits until each is evaluated or known to be dropped.
# Sets $made (events) and $dropped, and fails if the count does not come out or the rate is not reached.
load() {
	local rate=$1 seconds=$2 opens closes took reached
	local opens0 closes0 drops0
	opens0=$(counted open) closes0=$(counted close) drops0=$(lab_metric mews_node_drops_total)
	: >"$lab/file"
	read -r opens closes took < <("$bin/bench_load" "$rate" "$seconds" 2 "$lab/file") || fail "the generator failed"
	lab_wait 60 counted_is open $((opens0 + opens)) || true
	lab_wait 10 lab_durable n1 || true
	opens0=$(($(counted open) - opens0)) closes0=$(($(counted close) - closes0))
	dropped=$(($(lab_metric mews_node_drops_total) - drops0))
	made=$((opens + closes))
	reached=$(calc "$made / $took" 0)
	also "$reached" "events/s made, of $rate wanted, for $took s"
	also "$((opens0 - opens))" "open events too many, of $opens made: evaluated and dropped less made"
	also "$((closes0 - closes))" "close events of other processes, beside the $closes made"
	[ "$opens0" = "$opens" ] || fail "$opens open events were made, $opens0 evaluated or dropped"
	[ "$closes0" -ge "$closes" ] || fail "$closes close events were made, $closes0 evaluated or dropped"
	[ "$(calc "$reached >= $rate * 0.995" 0)" = 1 ] || fail "the generator reached $reached events/s of $rate"
}

# ---- the hooks ----

stage_syscall() {
	local key
	"$bin/bench_syscall" --json --rounds "${1:-300}" >"$lab/syscall.json" 2>"$lab/syscall.log" ||
		fail "bench_syscall: $(tail -n 1 "$lab/syscall.log")"
	for key in empty_hooks_ns syscall_unwanted_ns empty_hooks_open_close_ns open_close_captured_ns; do
		figure "$key" "$(jq ".$key" "$lab/syscall.json")"
	done
}

# ---- the sensor ----

# cost RATE SECONDS: the sensor's CPU per event, from before the load until all of it is durable.
cost() {
	local before
	before=$(cpu_ns "$sensor_pid")
	load "$1" "$2"
	per_event=$(calc "($(cpu_ns "$sensor_pid") - $before) / $made")
}

# Makes a cgroup that counts memory, if this machine lets us: sets $group, and $group_home to ours.
group_make() {
	local at
	group='' group_home=''
	for at in /sys/fs/cgroup/memory /sys/fs/cgroup; do
		mkdir -p "$at/mews-bench" 2>/dev/null || continue
		if [ -e "$at/mews-bench/memory.current" ] || [ -e "$at/mews-bench/memory.usage_in_bytes" ]; then
			group=$at/mews-bench
			group_home=$at$(awk -F: '$2 == "memory" { v1 = $3 } $2 == "" { v2 = $3 } END { print v1 != "" ? v1 : v2 }' /proc/self/cgroup)
			return
		fi
		rmdir "$at/mews-bench"
	done
}

# group_enter FOLDER: this shell, and what it starts from now on, is counted there.
group_enter() { [ -z "$group" ] || echo $$ >"$1/cgroup.procs"; }

# Prints the sensor's memory in kB: RssAnon, VmRSS, of that ring mappings, PSS, its cgroup's.
memory() {
	local anon cgroup
	anon=$(awk '/^RssAnon/ { print $2 }' "/proc/$sensor_pid/status")
	cgroup=$(cat "$group"/memory.current "$group"/memory.usage_in_bytes 2>/dev/null || true)
	awk -v anon="$anon" -v cgroup="$((${cgroup:-0} / 1024))" '
		/^[0-9a-f]+-[0-9a-f]+ / { ring = /bpf-map|bpf_ring/ }
		$1 == "Rss:" { rss += $2; if (ring) rings += $2 }
		$1 == "Pss:" { pss += $2 }
		END { print anon, rss, rings + 0, pss, cgroup }' "/proc/$sensor_pid/smaps"
}

# The largest of what memory() printed, column by column, as megabytes.
most() { awk -v n="$1" '$n > max { max = $n } END { printf "%.2f", max / 1024 }' "$lab/memory"; }

# Until $lab/loading is gone: memory twice a second.
watch_memory() {
	while [ -e "$lab/loading" ]; do
		memory >>"$lab/memory"
		sleep 0.5
	done
}

stage_sensor() {
	lab_pki n1
	lab_collector
	group_make
	group_enter "$group"
	lab_sensor n1 -o capture.rings=8MiB
	group_enter "$group_home"
	settle
	say "400,000 events a second"
	: >"$lab/loading"
	watch_memory &
	cost 400000 "$seconds"
	rm "$lab/loading"
	wait $!
	figure sensor_ns_per_event "$per_event"
	figure drops_at_400k "$dropped"
	awk '{ print $2 - $3 }' "$lab/memory" | sort -n | tail -n 1 | awk '{ printf "figure sensor_rss_less_rings_mb %.2f\n", $1 / 1024 }'
	figure sensor_rss_anon_mb "$(most 1)"
	also "$(most 2)" "MB of VmRSS"
	also "$(most 3)" "MB of that are mappings of rings"
	also "$(most 4)" "MB of PSS"
	also "$(most 5)" "MB in the sensor's cgroup (0: none could be made), kernel memory charged to it too"
	say "100,000 events a second"
	cost 100000 "$seconds"
	figure sensor_ns_per_event_100k "$per_event"
	lab_stop "$sensor_pid"
	[ -z "$group" ] || rmdir "$group"
}

stage_idle() {
	local before events t0 t1
	lab_pki n1
	lab_collector
	lab_sensor n1
	settle
	say "20 seconds of nothing"
	sleep 3
	events=$(lab_metric mews_collector_events_total)
	before=$(cpu_ns "$sensor_pid") t0=${EPOCHREALTIME/[.,]/}
	sleep 20
	before=$(($(cpu_ns "$sensor_pid") - before)) t1=${EPOCHREALTIME/[.,]/}
	events=$(($(lab_metric mews_collector_events_total) - events))
	figure sensor_idle_cpu_percent "$(calc "$before / ($t1 - $t0) / 10" 3)"
	also "$events" "events of the rest of the machine meanwhile"
}

stage_start() {
	local n=9
	[ -z "$quick" ] || n=3
	mkfifo "$lab/collector.out"
	exec 7<>"$lab/collector.out"
	lab_pki n1
	lab_collector -o outputs.stdout.enabled=true -o outputs.stdout.format=json
	for i in $(seq "$n"); do
		"$bin/bench_start" "$lab/start$i" "$bin/mews-sensor" -o "collector=$listen" -o node=n1 -o cluster=lab \
			-o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-n1.pem" \
			-o "tls.key=$lab/pki/node-n1.key" 2>>"$lab/sensor-n1.log" <&7 || fail "no start"
	done | sort -n >"$lab/starts"
	figure sensor_start_s "$(awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' "$lab/starts")"
	also "$(paste -sd ' ' "$lab/starts" | tr ' ' '/')" "s, each start"
}

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
	mkdir "$lab/idle" "$lab/load"

	say "$samples actions, nothing else"
	read -r n p50 p99 max < <("$bin/bench_latency" "$lab/idle" "$samples" 50 <&7) || fail "actions without one alert each"
	figure latency_idle_p50_ms "$p50"
	figure latency_idle_p99_ms "$p99"
	also "$max" "ms, the longest of $n, idle"

	say "$samples actions beside 100,000 events a second"
	load 100000 "$(calc "$samples * 0.015 + 2" 0)" >"$lab/load.out" 2>"$lab/load.log" &
	lab_pids+=($!)
	sleep 1
	read -r n p50 p99 max < <("$bin/bench_latency" "$lab/load" "$samples" 15 <&7) || fail "actions without one alert each"
	wait $! || fail "the load beside it: $(cat "$lab/load.log")"
	cat "$lab/load.out"
	figure latency_load_p99_ms "$p99"
	also "$p50" "ms, the median under load"
	also "$max" "ms, the longest of $n, under load"
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

# beside KEY FOLDER: the latency of n1's alerts, while the storm goes on.
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

# ---- beside the snapshot of a million descriptors ----

snapshot_whole() { lab_status | jq -e '.sensors[] | select(.node == "n1" and .snapshot == "whole")'; }

# actions_in FOLDER: what bench_latency prints of n1's alerts.
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

# reader N: reads all alerts over and over, an answer at a time; bytes of each answer in $lab/read.N.
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

# ---- the mixed load ----

# Sets $recording: the mixed load as the sensor recorded it, made if it is not there. Certificates
# are kept beside it: a thousand of them take 20 seconds.
recording() {
	local rounds=40 recorder
	[ -z "$quick" ] || rounds=10
	local cache=${BENCH_CACHE:-$lab}
	mkdir -p "$cache/pki"
	[ "$cache" = "$lab" ] || ln -s "$cache/pki" "$lab/pki"
	recording=$cache/mixed.rec
	[ ! -s "$recording" ] || return 0
	say "recording the mixed load, $rounds rounds"
	"$bin/mews-sensor" --record "$recording.part" -o node=n 2>"$lab/record.log" &
	recorder=$!
	lab_pids+=("$recorder")
	sleep 2
	"$here/mixed.sh" "$rounds" 2>"$lab/mixed.log" || fail "the mixed load failed: $(cat "$lab/mixed.log")"
	kill "$recorder"
	wait "$recorder" || fail "the recording failed"
	mv "$recording.part" "$recording"
	also "$(sed -nE 's/.*recorded ([0-9]+) events.*/\1/p' "$lab/record.log")" "events recorded"
}

stage_wire() {
	local bytes events batches
	recording
	read -r bytes events batches < <("$bin/bench_wire" "$recording" 2000 0) || fail "the recording cannot be encoded again"
	figure wire_bytes_per_event "$bytes"
	also "$batches" "batches of 2,000 events"
	read -r bytes events batches < <("$bin/bench_wire" "$recording" 2000 1)
	figure wire_bytes_per_event_zstd "$bytes"
}

# ---- the collector ----

# Events evaluated and nanoseconds of CPU, so far.
progress() { echo "$(lab_metric mews_collector_events_total) $(cpu_ns "$collector_pid")"; }

# rate INTERVALS SECONDS: sets $per_cpu_s, the median of so many intervals' events per CPU second.
rate() {
	local e0 n0 e1 n1
	read -r e0 n0 < <(progress)
	for _ in $(seq "$1"); do
		sleep "$2"
		read -r e1 n1 < <(progress)
		[ "$e1" -gt "$e0" ] || fail "no event was evaluated in $2 seconds"
		calc "($e1 - $e0) * 1e9 / ($n1 - $n0)" 0
		echo
		e0=$e1 n0=$n1
	done | sort -n >"$lab/rates"
	per_cpu_s=$(awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' "$lab/rates")
	also "$(paste -sd ' ' "$lab/rates" | tr ' ' '/')" "events per CPU second, each interval"
}

connected() { lab_status | jq -r '[.sensors[] | select(.connected)] | length'; }
connected_is() { [ "$(connected)" = "$1" ]; }

# replay NODES: a collector with one shard, and the recording played by so many nodes, over and over.
replay() {
	local name
	for name in $([ "$1" = 1 ] && echo n || seq -f 'n-%04g' "$1"); do
		[ -e "$lab/pki/node-$name.key" ] || lab_pki "$name"
	done
	rm -f "$lab"/outbox.db*
	lab_collector -o shards=1
	"$bin/mews-sensor" --replay "$recording" --speed max --loop 1000000 --nodes "$1" -o node=n -o cluster=lab \
		-o "collector=$listen" -o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.dir=$lab/pki" \
		-o spool.memory=2MiB 2>"$lab/sensor-replay.log" &
	sensor_pid=$!
	lab_pids+=("$sensor_pid")
	lab_wait 120 connected_is "$1" || fail "$(connected) of $1 nodes connected"
	sleep 3
}

replay_end() {
	kill -9 "$sensor_pid"
	wait "$sensor_pid" 2>/dev/null || true
	lab_stop "$collector_pid"
}

stage_collector() {
	recording
	replay 1
	say "from one node"
	rate "${1:-5}" 3
	figure collector_events_per_cpu_s "$per_cpu_s"
	replay_end
}

stage_nodes() {
	local n
	recording
	for n in ${1:-100 1000}; do
		say "$n nodes: connecting"
		replay "$n"
		say "$n nodes: measuring"
		rate 3 4
		replay_end
		also "$per_cpu_s" "events per CPU second, the median of $n nodes"
	done
	figure collector_events_per_cpu_s_1000_nodes "$per_cpu_s"
}

# ---- a collector that was away ----

stage_reconnect() {
	local down out
	for down in 1 60; do
		say "100 sensors, a collector that is away for $down s"
		out=$("$root/tests/e2e/reconnect.sh" --seconds-down "$down" --limit 60) || fail "reconnect.sh: $out"
		figure "reconnect_${down}s_s" "$(calc "$(sed -n 's/^reconnect_ms //p' <<<"$out") / 1000" 2)"
		also "$(tail -n 1 <<<"$out")"
	done
	figure retry_cpu_percent "$(sed -n 's/^retry_cpu_percent //p' <<<"$out")"
}

# ---- the rule engine ----

# engine RULES... [OPTION]...: what bench_engine makes of the recording, as JSON.
engine() { "$bin/bench_engine" --json "$@" "$recording" || fail "bench_engine $*"; }

stage_engine() {
	local rules=${BENCH_FALCO_RULES:-$root/../shared/rules} out
	local first=$rules/falco_rules.yaml second=$rules/falco-incubating_rules.yaml
	[ -r "$first" ] && [ -r "$second" ] ||
		fail "Falco's falco_rules.yaml and falco-incubating_rules.yaml are not in $rules: BENCH_FALCO_RULES=DIR says where they are"
	recording
	say "one of Falco's rule files"
	out=$(engine --rules "$first")
	figure engine_events_per_cpu_s_falco_rules "$(jq .events_per_cpu_s <<<"$out")"
	also "$(jq .events <<<"$out")" "events"
	also "$(jq .distinct_texts <<<"$out")" "distinct texts among them"
	say "both"
	out=$(engine --rules "$first" --rules "$second" --more-rules 30)
	figure engine_events_per_cpu_s_both_files "$(jq .events_per_cpu_s <<<"$out")"
	figure engine_cost_per_30_rules_percent "$(jq .cost_per_30_rules_percent <<<"$out")"
	say "both, every path one of its own"
	out=$(engine --rules "$first" --rules "$second" --distinct-paths)
	figure engine_events_per_cpu_s_distinct_paths "$(jq .events_per_cpu_s <<<"$out")"
	also "$(jq .distinct_texts <<<"$out")" "distinct texts then"
}

stage_reload() {
	local out
	out=$("$bin/bench_reload" --json --rules "$root/rules/mews_rules.yaml" --reloads 100) || fail "bench_reload: $out"
	figure reload_pause_ms "$(jq .reload_pause_ms <<<"$out")"
	figure reload_lost_events "$(jq .reload_lost_events <<<"$out")"
}

# ---- the outbox's files ----

outbox_bytes() { stat -c %s "$lab"/outbox.db* 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'; }
written_bytes() { awk '$1 == "write_bytes:" { print $2 }' "/proc/$collector_pid/io"; }
committed_is() { [ "$(lab_metric mews_outbox_committed_total)" -ge "$1" ]; }

# Until $lab/loading is gone: the outbox's bytes, all files, ten times a second.
watch_outbox() {
	while [ -e "$lab/loading" ]; do
		outbox_bytes >>"$lab/sizes"
		sleep 0.1
	done
}

# As many alerts as an hour of ten a second gives, from two processes, with room for a third of them.
stage_outbox() {
	local opens closes took before
	lab_watch
	lab_pki n1
	lab_collector -o outbox.max_bytes=16MiB
	lab_sensor n1
	settle
	: >"$lab/watched/file"
	before=$(written_bytes)
	: >"$lab/loading"
	watch_outbox &
	read -r opens closes took < <("$bin/bench_load" 3600 "${1:-20}" 2 "$lab/watched/file") || fail "the generator failed"
	lab_wait 60 committed_is "$opens" || fail "$(lab_metric mews_outbox_committed_total) alerts committed of $opens"
	rm "$lab/loading"
	wait $!
	figure outbox_most_mib "$(calc "$(sort -n "$lab/sizes" | tail -n 1) / 1048576")"
	also "$opens" "alerts in $took s, $closes closes"
	also "$(lab_metric mews_outbox_pruned_total)" "of them pruned"
	also "$(calc "($(written_bytes) - $before) / 1024 / $opens")" "KiB written for each, the output's file and the log too"
}

# One write of progress, which comes every five minutes if no alert comes before, and all that is
# written beside it, as of a day. A sensor is connected, and sends batches without alerts.
stage_idle_disk() {
	local before batches
	lab_rules=$lab/rules.yaml
	printf -- '- rule: Never\n  desc: Nobody does that.\n  condition: evt.type in (open, openat) and fd.name = /no/such/file\n  output: never\n  priority: DEBUG\n' >"$lab_rules"
	lab_pki n1
	lab_collector
	lab_sensor n1
	settle
	before=$(written_bytes) batches=$(lab_status | jq '.sensors[0].received')
	say "310 s of waiting"
	sleep 310
	[ "$(lab_metric mews_outbox_committed_total)" = 0 ] || fail "an alert was raised"
	figure idle_disk_mb_per_day "$(calc "($(written_bytes) - $before) * 86400 / 300 / 1e6")"
	also "$(($(lab_status | jq '.sensors[0].received') - batches))" "batches without an alert meanwhile"
	also "$(lab_metric mews_outbox_commits_total)" "commits since the start"
}
