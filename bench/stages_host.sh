# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages_host.sh - stages: whole loads, with Falco's rule files in force; for stages.sh.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, the helpers stages.sh's

# ---- what a load loses ----

# load_cpu COMMAND...: run it on the first CPU alone; sets $took, its CPU time in ms.
load_cpu() {
	local TIMEFORMAT='%3U %3S'
	{ time taskset -c 0 "$@" >/dev/null 2>"$lab/load.log" || fail "the load: $(cat "$lab/load.log")"; } 2>"$lab/time"
	took=$(awk '{ printf "%.0f", 1000 * ($1 + $2) }' "$lab/time")
}

# Both of Falco's files, in order.
host_rules() {
	falco_files
	lab_rules=$lab/rules.d
	mkdir "$lab_rules"
	cp "${falco[0]}" "$lab_rules/1.yaml"
	cp "${falco[1]}" "$lab_rules/2.yaml"
}

# The three states in which the load runs; everything of ours is on the second CPU.
beside_nothing() { load_cpu "$@"; }

beside_empty() {
	local names
	mapfile -t names <"$lab/wanted"
	mkfifo "$lab/hold"
	taskset -c 1 "$bin/bench_empty" "${names[@]}" <"$lab/hold" >"$lab/ready" &
	exec 6>"$lab/hold"
	lab_wait 30 grep -q ready "$lab/ready" || fail "the empty programs were not attached"
	load_cpu "$@"
	exec 6>&-
	wait $!
	rm "$lab/hold" "$lab/ready"
}

beside_mews() {
	local before events0
	lab_sensor n1
	taskset -ap -c 1 "$sensor_pid" >/dev/null
	settle
	before=$(cpu_ns "$sensor_pid") events0=$(lab_metric mews_collector_events_total)
	load_cpu "$@"
	lab_wait 30 lab_durable n1 || fail "the events did not become durable"
	echo "$(($(cpu_ns "$sensor_pid") - before)) $(($(lab_metric mews_collector_events_total) - events0)) $took $(lab_metric mews_node_drops_total)" >>"$lab/sensor"
	lab_stop "$sensor_pid"
}

# host_load KEY COMMAND...: rounds in the three states, every second one backwards; median slowdowns.
host_load() {
	local key=$1 rounds=8 round state
	shift
	[ -z "$quick" ] || rounds=2
	host_rules
	lab_pki n1
	lab_collector
	taskset -ap -c 1 "$collector_pid" >/dev/null
	interest "$lab_rules" >"$lab/wanted" # lean events have no hook at entry
	load_cpu "$@" # warms the caches
	for round in $(seq "$rounds"); do
		for state in $([ $((round % 2)) = 0 ] && echo 'mews empty nothing' || echo 'nothing empty mews'); do
			"beside_$state" "$@"
			echo "$took" >>"$lab/$state.ms"
		done
	done
	figure "${key}_empty_slowdown_percent" "$(slowdown empty)"
	figure "${key}_slowdown_percent" "$(slowdown mews)"
	figure "${key}_sensor_cpu_percent" "$(awk '{ s += $1; t += $3 } END { printf "%.2f", s / t / 1e4 }' "$lab/sensor")"
	figure "${key}_drops" "$(awk '{ n += $4 } END { print n }' "$lab/sensor")"
	also "$(awk '{ n += $2; t += $3 } END { printf "%.0f", n / t * 1000 }' "$lab/sensor")" "events per CPU second of the load"
	also "$(paste -sd / "$lab/nothing.ms") $(paste -sd / "$lab/empty.ms") $(paste -sd / "$lab/mews.ms")" "ms of CPU of the load: nothing, empty programs, Mews"
}

# slowdown STATE: the median over the rounds, in percent of the load without anything.
slowdown() {
	paste "$lab/nothing.ms" "$lab/$1.ms" | awk '{ printf "%.2f\n", ($2 / $1 - 1) * 100 }' | sort -n |
		awk '{ v[NR] = $1 } END { printf "%.2f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

stage_mixed() { host_load mixed "$here/mixed.sh" 2; }
stage_build() { host_load build "$here/build.sh" 2; }

# ---- starts of programs ----

stage_execs() {
	local starts took rss0 rss drops0 for=60
	[ -z "$quick" ] || for=5
	host_rules
	lab_pki n1
	lab_collector
	lab_sensor n1
	settle
	"$bin/bench_exec" 3 2 "$bin/bench_true" >/dev/null || fail "the generator failed"
	lab_wait 30 lab_durable n1 || fail "the events did not become durable"
	rss0=$(memory | awk '{ print $2 - $3 }') drops0=$(lab_metric mews_node_drops_total)
	say "starts of programs for $for s"
	read -r starts took < <("$bin/bench_exec" "$for" 2 "$bin/bench_true") || fail "the generator failed"
	rss=$(memory | awk '{ print $2 - $3 }')
	lab_wait 60 lab_durable n1 || fail "the events did not become durable"
	figure execs_per_s "$(calc "$starts / $took" 0)"
	figure execs_drops "$(($(lab_metric mews_node_drops_total) - drops0))"
	figure execs_rss_growth_mb "$(calc "($rss - $rss0) / 1024" 2)"
}

# ---- the collector's memory for a node ----

anon_kb() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }
nodes_durable() { [ "$(lab_status | jq '[.sensors[] | select((.node | startswith("host-")) and .received > 0 and .received == .durable)] | length')" = "$1" ]; }

# record_host SECONDS: make $lab/host.rec, of this machine with 300 more processes that have 10 descriptors each.
record_host() {
	local hold
	: >"$lab/file"
	"$bin/bench_hold" 300 10 "$lab/file" >"$lab/ready" &
	hold=$!
	lab_pids+=("$hold")
	lab_wait 30 grep -q ready "$lab/ready" || fail "bench_hold failed"
	"$bin/mews-sensor" --record "$lab/host.rec" --seconds "$1" -o node=host -o cluster=lab 2>"$lab/record.log" || fail "the recording failed"
	kill "$hold"
}

# The recording is sent by 1 node and then by 100 others.
stage_memory() {
	local before i nodes=100 fields
	[ -z "$quick" ] || nodes=10
	record_host 3
	host_rules
	lab_pki first
	for i in $(seq "$nodes"); do lab_pki "$(printf 'host-%04d' "$i")"; done
	lab_collector
	fields=(-o "collector=$listen" -o cluster=lab -o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem")
	"$bin/mews-sensor" --replay "$lab/host.rec" --speed max -o node=first "${fields[@]}" \
		-o "tls.certificate=$lab/pki/node-first.pem" -o "tls.key=$lab/pki/node-first.key" 2>"$lab/first.log" || fail "the first node"
	before=$(anon_kb "$collector_pid")
	"$bin/mews-sensor" --replay "$lab/host.rec" --nodes "$nodes" -o node=host "${fields[@]}" -o "tls.dir=$lab/pki" 2>"$lab/others.log" &
	lab_pids+=($!)
	lab_wait 60 nodes_durable "$nodes" || fail "not all nodes are durable"
	sleep 1
	figure collector_node_mb "$(calc "($(anon_kb "$collector_pid") - $before) / 1024 / $nodes" 2)"
	also "$(calc "$before / 1024")" "MB of RssAnon with one node"
}
