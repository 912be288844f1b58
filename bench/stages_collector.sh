# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages_collector.sh - stages: the mixed load, the wire, the collector, its rules and its outbox; for stages.sh.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, the helpers stages.sh's

# ---- the mixed load ----

# Sets $recording: the mixed load as the sensor recorded it, made if missing. Certificates are kept
# beside it: a thousand of them take 20 seconds.
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
	local bytes events batches wanted
	recording
	mapfile -t wanted < <(interest "$root/rules/mews_rules.yaml")
	[ ${#wanted[@]} -gt 0 ] || fail "mewsctl rules interest names no event"
	read -r bytes events batches < <("$bin/bench_wire" "$recording" 2000 0 "${wanted[@]}") || fail "the recording cannot be encoded again"
	figure wire_bytes_per_event "$bytes"
	also "$batches" "batches of 2,000 events"
	read -r bytes events batches < <("$bin/bench_wire" "$recording" 2000 1 "${wanted[@]}")
	figure wire_bytes_per_event_zstd "$bytes"
}

# ---- the collector ----

# Events evaluated and nanoseconds of CPU so far.
progress() { echo "$(lab_metric mews_collector_events_total) $(cpu_ns "$collector_pid")"; }

# rate INTERVALS SECONDS: set $per_cpu_s, the median of the intervals' events per CPU second.
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

# replay NODES: start a collector with one shard, and so many nodes that play the recording in a loop.
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

# ---- a collector that is down ----

stage_reconnect() {
	local down out many
	for down in 1 60; do
		say "100 sensors, a collector that is away for $down s"
		out=$("$root/tests/e2e/reconnect.sh" --seconds-down "$down" --limit 60) || fail "reconnect.sh: $out"
		figure "reconnect_${down}s_s" "$(calc "$(sed -n 's/^reconnect_ms //p' <<<"$out") / 1000" 2)"
		also "$(tail -n 1 <<<"$out")"
	done
	say "1,000 sensors, a collector that is restarted"
	many=$("$root/tests/e2e/reconnect.sh" --seconds-down 5 --limit 120 --nodes 1000) || fail "reconnect.sh: $many"
	figure reconnect_1000_s "$(calc "$(sed -n 's/^reconnect_ms //p' <<<"$many") / 1000" 2)"
	figure reconnect_cpu_ms "$(sed -n 's/^reconnect_cpu_ms //p' <<<"$many")"
	also "$(tail -n 1 <<<"$many")"
	figure retry_cpu_percent "$(sed -n 's/^retry_cpu_percent //p' <<<"$out")"
}

# ---- the rule engine ----

# engine RULES... [OPTION]...: run bench_engine on the recording, with JSON output.
engine() { "$bin/bench_engine" --json "$@" "$recording" || fail "bench_engine $*"; }

stage_engine() {
	local out
	falco_files
	recording
	say "one of Falco's rule files"
	out=$(engine --rules "${falco[0]}")
	figure engine_events_per_cpu_s_falco_rules "$(jq .events_per_cpu_s <<<"$out")"
	also "$(jq .events <<<"$out")" "events"
	also "$(jq .distinct_texts <<<"$out")" "distinct texts among them"
	say "both"
	out=$(engine --rules "${falco[0]}" --rules "${falco[1]}" --more-rules 30)
	figure engine_events_per_cpu_s_both_files "$(jq .events_per_cpu_s <<<"$out")"
	figure engine_cost_per_30_rules_percent "$(jq .cost_per_30_rules_percent <<<"$out")"
	say "both, every path one of its own"
	out=$(engine --rules "${falco[0]}" --rules "${falco[1]}" --distinct-paths)
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

# Until $lab/loading is removed: print the bytes of all files of the outbox, ten times a second.
watch_outbox() {
	while [ -e "$lab/loading" ]; do
		outbox_bytes >>"$lab/sizes"
		sleep 0.1
	done
}

# As many alerts as ten a second give in an hour, from two processes, with room for a third of them.
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

# One write of progress, which comes every five minutes unless an alert comes before, and everything
# written with it, extrapolated to a day. A connected sensor sends batches without alerts.
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
