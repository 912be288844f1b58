#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [--json FILE] [--stage NAME]... [--quick]: measure what Mews costs, and print one table.
#
# README.md describes each figure. Exit status: 0 every limit is met, 1 a figure could not be
# measured or is invalid (stderr says which), 2 usage error, 3 a limit is missed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# stage | approximate duration in seconds
stages='syscall|60
sensor|40
idle|30
latency|50
storm|75
snapshot|60
start|10
readers|60
wire|30
collector|30
nodes|120
reconnect|150
engine|60
reload|20
outbox|30
idle_disk|320
mixed|180
build|200
execs|80
memory|30
spool|40
checkpoint|180
fleet|700
outputs|120
cost|60'

# stage | key | what | limit: an awk condition on 'v'; names in capitals are other figures
figures='syscall|empty_hooks_ns|ns added to getppid by empty programs on the same hooks|
syscall|syscall_unwanted_ns|ns added to a system call nobody wants (getppid)|v <= EMPTY_HOOKS_NS + 15
syscall|path_unwanted_ns|ns added to a call with a path that nobody wants (mkdirat)|v <= EMPTY_HOOKS_NS + 15
syscall|empty_hooks_open_close_ns|ns added to open+close by the empty programs|
syscall|open_close_captured_ns|ns added to open+close, both captured|v <= EMPTY_HOOKS_OPEN_CLOSE_NS + 1100
sensor|sensor_ns_per_event|ns of sensor CPU per event, at 400k events/s|v <= 350
sensor|sensor_ns_per_event_100k|ns of sensor CPU per event, at 100k events/s|v <= 450
sensor|sensor_5k_cpu_percent|% of a core, the sensor at 5,000 events/s|v <= 1
sensor|drops_at_400k|events dropped at 400k events/s for 10 s, 8 MB of ring|v <= 0
sensor|sensor_rss_less_rings_mb|MB of sensor memory under load, VmRSS less rings|v <= 12
sensor|sensor_rss_anon_mb|MB of sensor memory under load, RssAnon|v <= 6
idle|sensor_idle_cpu_percent|% of a core, the sensor with nothing captured|v <= 0.3
latency|latency_idle_p50_ms|ms from system call to alert, idle, median|v <= 4
latency|latency_idle_p99_ms|ms from system call to alert, idle, 99th percentile|v <= 15
latency|latency_5k_p50_ms|ms from system call to alert at 5k events/s, median|v <= 2
latency|latency_5k_p99_ms|the same, 99th percentile|v <= 4
latency|latency_load_p50_ms|ms from system call to alert at 100k events/s, median|v <= 2
latency|latency_load_p99_ms|the same, 99th percentile|v <= 4
storm|storm_before_p50_ms|ms from system call to alert, before the storm, median|
storm|storm_before_p99_ms|the same, 99th percentile|
storm|storm_other_node_p50_ms|ms to an alert while another node storms, median|v <= STORM_BEFORE_P50_MS + 10
storm|storm_other_node_p99_ms|the same, 99th percentile|v <= STORM_BEFORE_P99_MS + 50
storm|storm_same_node_p50_ms|ms to another rule'\''s alert on the node that storms, median|v <= 50
storm|storm_same_node_p99_ms|the same, 99th percentile|v <= STORM_BEFORE_P99_MS + 200
snapshot|snapshot_none_p99_ms|ms from system call to alert on a node with 1,000,000 descriptors, 99th percentile|
snapshot|snapshot_taken_p99_ms|the same while its snapshot is taken|v <= 25
readers|readers_none_p99_ms|ms from system call to alert, outbox of 800,000 alerts, 99th percentile|
readers|readers_16_p99_ms|the same while 16 clients read all of them|v <= 25
start|sensor_start_s|s from the sensor'\''s start to its first captured event|v <= 0.7
wire|wire_bytes_per_event|bytes on the wire per event of the mixed load|v <= 20
wire|wire_bytes_per_event_zstd|the same, compressed|v <= 8
collector|collector_events_per_cpu_s|events the collector evaluates per CPU second|v >= 1500000
nodes|collector_events_per_cpu_s_1000_nodes|the same from 1,000 nodes|v >= 0.9 * COLLECTOR_EVENTS_PER_CPU_S
reconnect|reconnect_1s_s|s until 100 sensors are back, over TLS, after a collector was away for 1 s|v <= 3
reconnect|reconnect_60s_s|the same after a minute|v <= 3
reconnect|reconnect_1000_s|s until 1,000 sensors are back, over TLS, after a restart of the collector|v <= 5
reconnect|reconnect_cpu_ms|ms of CPU that each of them costs, both ends together|v <= 5
reconnect|retry_cpu_percent|% of a core that a sensor takes while nothing answers|v <= 0.2
engine|engine_events_per_cpu_s_falco_rules|events per CPU second in one thread, Falco'\''s falco_rules.yaml|v >= 2000000
engine|engine_events_per_cpu_s_both_files|the same with falco-incubating_rules.yaml too|v >= 1700000
engine|engine_events_per_cpu_s_distinct_paths|the same, every path one of its own|v >= 1000000
engine|engine_cost_per_30_rules_percent|% more for 30 more rules|v <= 10
reload|reload_pause_ms|ms that new rules hold up evaluation, at most|v <= 10
reload|reload_lost_events|events evaluated by no set, or by two|v <= 0
outbox|outbox_most_mib|MiB of the outbox'\''s files, 36,000 alerts, max_bytes 16 MiB|v <= 80
idle_disk|idle_disk_mb_per_day|MB a day that an idle collector writes to its disk|v <= 20
mixed|mixed_empty_slowdown_percent|% more CPU of the mixed load with empty programs on the same hooks|
mixed|mixed_slowdown_percent|% more CPU of the mixed load with Falco'\''s rules in force|v <= MIXED_EMPTY_SLOWDOWN_PERCENT + 6
mixed|mixed_sensor_cpu_percent|the sensor'\''s CPU in % of the load'\''s|v <= 3
mixed|mixed_drops|events dropped|v <= 0
build|build_empty_slowdown_percent|% more CPU of the build-like load with empty programs on the same hooks|
build|build_slowdown_percent|% more CPU of the build-like load with Falco'\''s rules in force|v <= BUILD_EMPTY_SLOWDOWN_PERCENT + 10
build|build_sensor_cpu_percent|the sensor'\''s CPU in % of the load'\''s|v <= 3
build|build_drops|events dropped|v <= 0
execs|execs_per_s|programs started a second, for a minute|v >= 3000
execs|execs_drops|events dropped meanwhile|v <= 0
execs|execs_rss_growth_mb|MB that the sensor'\''s memory grows meanwhile|v <= 1
memory|collector_node_mb|MB of the collector for a node of 300 processes, 3,000 descriptors|v <= 1.5
spool|spool_ns_per_event|ns of sensor CPU per event into the spool, at 100k events/s|
spool|spool_minutes_at_20k|minutes that a spool of the default size lasts at 20k events/s|v >= 10
spool|spool_drain_events_per_s|events a second out of the spool, until durable|v >= 100000
spool|spool_drops|events dropped meanwhile|v <= 0
checkpoint|checkpoint_pause_ms|ms of CPU that a shard pauses at most while states are written|v <= 5
checkpoint|checkpoint_ms_per_node|ms of a shard for one state of 300 processes, 3,000 descriptors|
checkpoint|restart_whole_s|s until a restarted collector knows 100 nodes again|v <= 5
checkpoint|restart_pause_ms|ms of CPU that a shard pauses at most while it loads their states|v <= 5
fleet|fleet_reconnect_s|s until 10,000 sensors are back after a restart of the collector|v <= 60
fleet|fleet_node_kb|KB of the collector for one of them, without processes|v <= 100
fleet|fleet_node_cpu_percent|% of a core for one of them, with an event a second|v <= 0.01
outputs|outputs_shard_ns|ns of the shard for an alert, without outputs|
outputs|outputs_shard_ten_ns|the same with ten outputs|v <= 1.1 * OUTPUTS_SHARD_NS
outputs|outputs_file_alerts_per_s|stored alerts a second to a file|
outputs|outputs_stdout_alerts_per_s|to standard output|
outputs|outputs_program_alerts_per_s|to a program|
outputs|outputs_syslog_alerts_per_s|to rsyslogd, by its socket|
outputs|outputs_webhook_alerts_per_s|to an index, by bulk requests|
outputs|outputs_kafka_alerts_per_s|to a Kafka broker|'

usage() {
	echo "usage: bench/run.sh [--json FILE] [--stage NAME]... [--quick]" >&2
	echo "stages: $(cut -d'|' -f1 <<<"$stages" | paste -sd ' ')" >&2
	exit 2
}

json='' wanted=()
while [ $# -gt 0 ]; do
	case $1 in
	--json | --stage)
		[ $# -gt 1 ] || usage
		if [ "$1" = --json ]; then json=$2; else wanted+=("$2"); fi
		shift
		;;
	--quick) export BENCH_QUICK=1 ;;
	*) usage ;;
	esac
	shift
done
for w in "${wanted[@]}"; do grep -q "^$w|" <<<"$stages" || usage; done
[ ${#wanted[@]} -gt 0 ] || mapfile -t wanted < <(cut -d'|' -f1 <<<"$stages" | grep -v '^cost$') # that one needs tools of its own

scratch=$(mktemp -d /var/tmp/mews-bench.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
export BENCH_CACHE=${BENCH_CACHE:-$scratch}

declare -A value=()
failed=()
: >"$scratch/also"
for stage in "${wanted[@]}"; do
	echo "bench: $stage (about $(sed -n "s/^$stage|//p" <<<"$stages") s)" >&2
	"$here/stage.sh" "$stage" >"$scratch/out" || failed+=("stage $stage")
	while read -r kind key rest; do
		case $kind in
		figure) value[$key]=$rest ;;
		also) printf '%s|%s|%s\n' "$stage" "$key" "$rest" >>"$scratch/also" ;;
		*) echo "$kind $key $rest" >&2 ;; # a log, of a stage that failed
		esac
	done <"$scratch/out"
done

# met EXPRESSION VALUE: does it hold, with the names in it replaced by figures? 2: one is missing.
met() {
	local e=$1 name
	for name in $(grep -oE '[A-Z][A-Z_0-9]+' <<<"$e"); do
		[ -n "${value[${name,,}]:-}" ] || return 2
		e=${e//$name/${value[${name,,}]}}
	done
	awk -v v="$2" "BEGIN { exit !($e) }"
}

missed=0
printf '%-62s %12s  %-46s %s\n' what figure limit ''
while IFS='|' read -r stage key what limit; do
	[[ " ${wanted[*]} " == *" $stage "* ]] || continue
	v=${value[$key]:-} result=''
	if ! [[ $v =~ ^-?[0-9]+(\.[0-9]+)?$ ]]; then
		failed+=("figure $key") result=missing
	elif [ -n "$limit" ]; then
		r=0
		met "$limit" "$v" || r=$?
		case $r in
		0) result=met ;;
		1) result=MISSED missed=$((missed + 1)) ;;
		*) result='(run the other stage too)' ;;
		esac
	fi
	printf '%-62s %12s  %-46s %s\n' "$what" "${v:--}" "$(tr '[:upper:]' '[:lower:]' <<<"${limit#v }")" "$result"
done <<<"$figures"
printf '\nbeside them:\n'
while IFS='|' read -r stage number text; do
	printf '%-10s %12s %s\n' "$stage" "$number" "$text"
done <"$scratch/also"

if [ -n "$json" ]; then
	for key in "${!value[@]}"; do printf '%s %s\n' "$key" "${value[$key]}"; done | sort |
		awk 'BEGIN { printf "{" } { printf "%s\n  \"%s\": %s", (NR > 1 ? "," : ""), $1, $2 } END { print "\n}" }' >"$json"
fi
if [ ${#failed[@]} -gt 0 ]; then
	printf 'bench: failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
[ "$missed" = 0 ] || exit 3
