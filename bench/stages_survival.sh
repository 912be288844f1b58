# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages_survival.sh - stages: the spool, the checkpoint, a collector that comes back; for stages.sh.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, the helpers stages.sh's

# ---- the spool of a sensor without a collector ----

spooled() { du -sb "$lab/spool" | cut -f1; }

# What 100,000 events a second cost to keep, how long the default size lasts, and how fast they leave.
stage_spool() {
	local opens closes took before size events0 t0
	lab_pki n1
	lab_collector
	lab_sensor n1 -o "spool.path=$lab/spool" -o capture.rings=8MiB
	settle
	lab_stop "$collector_pid"
	: >"$lab/file"
	before=$(cpu_ns "$sensor_pid") size=$(spooled)
	say "100,000 events a second into the spool"
	read -r opens closes took < <("$bin/bench_load" 100000 "$seconds" 2 "$lab/file") || fail "the generator failed"
	sleep 1
	made=$((opens + closes)) size=$(($(spooled) - size))
	figure spool_ns_per_event "$(calc "($(cpu_ns "$sensor_pid") - $before) / $made")"
	figure spool_minutes_at_20k "$(calc "512 * 1048576 / ($size / $made) / 20000 / 60" 0)"
	also "$(calc "$size / $made")" "bytes of disk per event, $made events"
	say "and out again"
	lab_collector
	t0=$(date +%s%N)
	lab_wait 60 counted_is open "$opens" || fail "$(counted open) open events arrived, of $opens"
	lab_wait 60 lab_durable n1 || fail "not all is durable"
	figure spool_drain_events_per_s "$(calc "$made * 1e9 / ($(date +%s%N) - $t0)" 0)"
	figure spool_drops "$(lab_metric mews_node_drops_total)"
}

# ---- the checkpoint ----

whole_are() { [ "$(lab_status | jq '[.sensors[] | select(.connected and .snapshot == "whole")] | length')" = "$1" ]; }
checkpoints_are() { [ "$(lab_metric mews_checkpoint_written_total)" -ge "$1" ]; }
ms_of() { calc "$(lab_metric "$1") * 1000"; }

# A hundred nodes with 300 processes and 3,000 descriptors each: what writing their states costs, and how
# long a killed collector takes until it knows all of them again.
stage_checkpoint() {
	local nodes=100 fields i n began
	[ -z "$quick" ] || nodes=20
	say "recording a machine for 100 s"
	record_host 100
	lab_pki
	for i in $(seq "$nodes"); do lab_pki "$(printf 'host-%04d' "$i")"; done
	lab_collector -o "checkpoint.path=$lab/states" -o checkpoint.interval=5s -o shards=1
	fields=(-o "collector=$listen" -o cluster=lab -o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem")
	"$bin/mews-sensor" --replay "$lab/host.rec" --nodes "$nodes" -o node=host "${fields[@]}" -o "tls.dir=$lab/pki" 2>"$lab/nodes.log" &
	lab_pids+=($!)
	lab_wait 60 whole_are "$nodes" || fail "not all nodes are whole"
	lab_wait 60 checkpoints_are "$nodes" || fail "$(lab_metric mews_checkpoint_written_total) checkpoints of $nodes"
	n=$(lab_metric mews_checkpoint_written_total)
	figure checkpoint_pause_ms "$(ms_of mews_collector_image_pause_seconds)"
	figure checkpoint_ms_per_node "$(calc "$(lab_metric mews_collector_image_seconds_total) * 1000 / $n" 2)"
	also "$(calc "$(lab_metric mews_checkpoint_bytes_total) / $n / 1024")" "KB on disk of a node of 300 processes, 3,000 descriptors"
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null || true
	lab_collector -o "checkpoint.path=$lab/states" -o checkpoint.interval=5s -o shards=1
	began=$(date +%s%N)
	lab_wait 60 whole_are "$nodes" || fail "not all nodes are whole after a restart"
	figure restart_whole_s "$(calc "($(date +%s%N) - $began) / 1e9" 2)"
	[ "$(lab_metric mews_checkpoint_loaded_total)" = "$nodes" ] || fail "$(lab_metric mews_checkpoint_loaded_total) states were loaded of $nodes"
	figure restart_pause_ms "$(ms_of mews_collector_image_pause_seconds)"
}

# ---- a large fleet ----

# 10,000 connected nodes with one event a second each: what each costs, and how long all take to come back.
stage_fleet() {
	local nodes=10000 cache=${BENCH_CACHE:-$lab} out
	[ -z "$quick" ] || nodes=1000
	mkdir -p "$cache/fleet"
	say "$nodes certificates, if they are not in BENCH_CACHE; then $nodes sensors"
	out=$("$root/tests/e2e/reconnect.sh" --seconds-down 5 --limit 300 --nodes "$nodes" --pki "$cache/fleet") || fail "reconnect.sh: $out"
	figure fleet_reconnect_s "$(calc "$(sed -n 's/^reconnect_ms //p' <<<"$out") / 1000" 1)"
	figure fleet_node_kb "$(sed -n 's/^node_kb //p' <<<"$out")"
	figure fleet_node_cpu_percent "$(sed -n 's/^node_cpu_percent //p' <<<"$out")"
	also "$(tail -n 1 <<<"$out")"
}
