# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages_shares.sh - stage: where the time from a system call to its alert goes; for stages.sh.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, the helpers stages.sh's

# Kernel probes at the entry of these functions stamp each batch: NAME PROGRAM FUNCTION.
shares_points='
closed    mews-sensor    node_put_batch
received  mews-collector flow_batch
evaluated mews-collector node_batch
put       mews-collector outbox_put
began     mews-collector outbox_wal_room
committed mews-collector outbox_high_write
written   mews-collector lines_write'
shares_tracing=/sys/kernel/tracing
shares_group=mews_bench_$$

shares_unprobe() {
	local name rest
	[ ! -d "$shares_tracing/instances/$shares_group" ] || {
		echo 0 >"$shares_tracing/instances/$shares_group/events/$shares_group/enable"
		rmdir "$shares_tracing/instances/$shares_group"
	}
	while read -r name rest; do
		[ -z "$name" ] || echo "-:$shares_group/$name" >>"$shares_tracing/uprobe_events" || true
	done <<<"$shares_points"
}

shares_probe() {
	local name program function at
	[ -e "$shares_tracing/uprobe_events" ] || fail "$shares_tracing/uprobe_events is missing: mount tracefs there"
	while read -r name program function; do
		[ -n "$name" ] || continue
		at=$(nm "$bin/$program" | awk -v f="$function" '$2 ~ /[Tt]/ && $3 == f { print $1 }')
		[ -n "$at" ] || fail "$program has no function $function: build with -D CMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF"
		echo "p:$shares_group/$name $bin/$program:0x$at" >>"$shares_tracing/uprobe_events"
	done <<<"$shares_points"
	mkdir "$shares_tracing/instances/$shares_group"
	echo mono >"$shares_tracing/instances/$shares_group/trace_clock"
	echo 16384 >"$shares_tracing/instances/$shares_group/buffer_size_kb"
	echo 1 >"$shares_tracing/instances/$shares_group/events/$shares_group/enable"
}

# shares_table TRACE SAMPLES: a row per step: p50, p99 and mean in ms. There is one node, and its batches
# stay in order: the n-th closed is the n-th received and the n-th evaluated. An alert's own times are
# found backwards from its line: the last writing before it, the commit before that, and so on.
shares_table() {
	awk '
	FNR == NR {
		if (match($0, /[0-9]+\.[0-9]+: [a-z]+: /) == 0) next
		split(substr($0, RSTART, RLENGTH), f, ": ")
		at[f[2], ++n[f[2]]] = f[1] * 1000
		next
	}
	# The index of the last time of this kind that is not after t; 0: none.
	function last(kind, t,    lo, hi, mid) {
		lo = 0; hi = n[kind]
		while (lo < hi) {
			mid = int((lo + hi + 1) / 2)
			if (at[kind, mid] <= t) lo = mid; else hi = mid - 1
		}
		return lo
	}
	function add(row, ms) { v[row, ++m[row]] = ms; sum[row] += ms }
	{
		acted = $1 / 1e6; read_at = $2 / 1e6
		w = at["written", last("written", read_at)]
		c = at["committed", last("committed", w)]
		b = at["began", last("began", c)]
		p = at["put", last("put", b)]
		k = last("evaluated", p)
		if (at["closed", k] < acted) { strange++; next } # a later alert shared the way: not told apart
		add(1, at["closed", k] - acted)
		add(2, at["received", k] - at["closed", k])
		add(3, at["evaluated", k] - at["received", k])
		add(4, p - at["evaluated", k])
		add(5, b - p)
		add(6, c - b)
		add(7, w - c)
		add(8, read_at - w)
		add(9, read_at - acted)
	}
	END {
		if (n["closed"] != n["received"] || n["received"] != n["evaluated"]) {
			printf "%d batches closed, %d received, %d evaluated\n", n["closed"], n["received"], n["evaluated"] >"/dev/stderr"
			exit 1
		}
		split("kernel, ring, merge, encoding|spool, TLS, NNG, reading|queue of the shard|state and rules|wait for the commit thread|commit, fsync|wake-up of the output|output, wake-up of the reader|all", what, "|")
		for (row = 1; row <= 9; row++) {
			count = m[row]
			if (count == 0) exit 1
			for (i = 1; i <= count; i++) s[i] = v[row, i]
			for (i = 2; i <= count; i++) { # insertion: hundreds
				x = s[i]
				for (j = i - 1; j >= 1 && s[j] > x; j--) s[j + 1] = s[j]
				s[j + 1] = x
			}
			printf "also %.2f / %.2f / %.2f ms, %s\n", s[int(0.5 * (count - 1)) + 1], s[int(0.99 * (count - 1)) + 1], sum[row] / count, what[row]
		}
		printf "also %d alerts not told apart, of %d\n", strange, count + strange
	}' "$1" "$2"
}

# shares_beside KEY GAP RATE NICE: the table, beside so many other events a second (0: none), whose
# generator has this priority.
shares_beside() {
	local pid='' n p50 p99 max
	mkdir "$lab/$1"
	if [ "$3" != 0 ]; then
		(
			renice -n "$4" "$BASHPID" >/dev/null
			load "$3" "$(calc "$samples * $2 / 1000 + 2" 0)" >"$lab/load.out" 2>"$lab/load.log"
		) &
		pid=$!
		lab_pids+=("$pid")
		sleep 1
	fi
	read -r n p50 p99 max < <("$bin/bench_latency" "$lab/$1" "$samples" "$2" "$lab/$1.samples" <&7) ||
		fail "actions without one alert each"
	[ -z "$pid" ] || wait "$pid" || fail "the load beside it: $(cat "$lab/load.log")"
	lab_wait 10 lab_durable n1 || true
	cat "$shares_tracing/instances/$shares_group/trace" >"$lab/$1.trace"
	also "p50 / p99 / mean of $n alerts, $3 events/s beside them made at nice $4:"
	shares_table "$lab/$1.trace" "$lab/$1.samples" || fail "the stamps do not match"
}

stage_shares() {
	local samples=300
	[ -z "$quick" ] || samples=100
	trap 'code=$?; shares_unprobe; lab_end "$code"' EXIT
	shares_probe
	mkfifo "$lab/collector.out"
	exec 7<>"$lab/collector.out"
	lab_pki n1
	lab_collector -o outputs.stdout.enabled=true
	lab_sensor n1
	settle
	shares_beside idle 50 0 0
	shares_beside 5k 15 5000 0
	shares_beside load 15 100000 0
	shares_beside yields 15 100000 19
}
