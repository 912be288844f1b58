# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages_sensor.sh - stages: the cost of the hooks and the sensor on a node; for stages.sh.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, the helpers stages.sh's

# ---- the hooks ----

stage_syscall() {
	local key
	"$bin/bench_syscall" --json --rounds "${1:-300}" >"$lab/syscall.json" 2>"$lab/syscall.log" ||
		fail "bench_syscall: $(tail -n 1 "$lab/syscall.log")"
	for key in empty_hooks_ns syscall_unwanted_ns path_unwanted_ns empty_hooks_open_close_ns open_close_captured_ns; do
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

# Make a cgroup that counts memory, if possible: sets $group, and $group_home to our own.
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

# group_enter FOLDER: move this shell, and processes it starts from now on, into the cgroup.
group_enter() { [ -z "$group" ] || echo $$ >"$1/cgroup.procs"; }

# Print the sensor's memory in kB: RssAnon, VmRSS, ring mappings in it, PSS, its cgroup's.
memory() {
	local anon cgroup
	anon=$(awk '/^RssAnon/ { print $2 }' "/proc/$sensor_pid/status")
	cgroup=$(cat "${group:-}"/memory.current "${group:-}"/memory.usage_in_bytes 2>/dev/null || true)
	awk -v anon="$anon" -v cgroup="$((${cgroup:-0} / 1024))" '
		/^[0-9a-f]+-[0-9a-f]+ / { ring = /bpf-map|bpf_ring/ }
		$1 == "Rss:" { rss += $2; if (ring) rings += $2 }
		$1 == "Pss:" { pss += $2 }
		END { print anon, rss, rings + 0, pss, cgroup }' "/proc/$sensor_pid/smaps"
}

# Print the maximum of memory()'s columns, in megabytes.
most() { awk -v n="$1" '$n > max { max = $n } END { printf "%.2f", max / 1024 }' "$lab/memory"; }

# Until $lab/loading is removed: print memory twice a second.
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
	say "5,000 events a second"
	cost 5000 "$seconds"
	figure sensor_5k_cpu_percent "$(calc "$per_event * 5000 / 1e7" 2)"
	lab_stop "$sensor_pid"
	[ -z "$group" ] || lab_wait 10 rmdir "$group" # the kernel lets go of the sensor a moment after its end
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
	"$bin/bench_rows" >"$lab/rows" 2>&1 || fail "bench_rows: $(tail -n 1 "$lab/rows")"
	while IFS=: read -r rows work; do also "${rows% rows}" "rows of captures.def:$work"; done <"$lab/rows"
}
