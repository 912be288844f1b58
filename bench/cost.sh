# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# cost.sh - the stage 'cost': the cost of one event by component, counted, not timed. Sourced by
# stage.sh. Instructions of user space are callgrind's, of the real programs under a live
# load; allocations and locks are counted by bench_counts.so in them; system calls by strace.
# shellcheck disable=SC2154 # bin, lab, http and the pids are lab.sh's

# The component of a profile line, by its source file or library; the first match wins.
parts='libzstd|zstd
libmbed|libcrypto|libssl|TLS: the cipher
libsqlite|SQLite
libprotobuf-c|wire\.pb-c|protobuf
sensor/(ring|source_bpf|bpf_)|rings: read, merged by time
proto/(record|schema)\.c|records checked
proto/batch|common/arena|columns: encoded or decoded
collector/state|common/intern|state
collector/(filter|rule)/|rules
collector/(outbox|output)|outbox and outputs
collector/(surface|metrics|api)|http|questions of this bench (/metrics)
common/nng|/mews-[a-z]*\|\?\?\?|NNG
sensor/translate|flags translated
/sensor/|loop, pace, spool, link
/collector/|ingest, queue, shard
libxxhash|string_fortified|common/buf|hashes, buffers
libc\.so|ld-linux|/sysdeps/|/malloc/|/string/|C library: memory, copies, threads
.|other'

# parts FILE EVENTS BATCHES PROGRAM: instructions per event of each component, from callgrind's file.
# Costs are counted by source line: code inlined into another function still counts
# where it was written. callgrind writes a name once, then refers to it by number.
parts() {
	local n what
	awk -v parts="$parts" '
		BEGIN { n = split(parts, line, "\n"); for (i = 1; i <= n; i++) { at = match(line[i], /[|][^|]*$/)
			pattern[i] = substr(line[i], 1, at - 1); part[i] = substr(line[i], at + 1) } }
		function named(kind, s,  id) {
			id = s; sub(/\).*/, ")", id)
			if (sub(/^\([0-9]+\) /, "", s)) { gsub(/build\/release\/|\.\.\//, "", s); name[kind id] = s }
			return name[kind id]
		}
		/^c?ob=/ { v = named("ob", substr($0, index($0, "=") + 1)); if (!/^c/) ob = v; next }
		/^(cfi|cfl|fl|fi|fe)=/ { v = named("fl", substr($0, index($0, "=") + 1)); if (!/^c/) fl = v; next }
		/^c?fn=/ { next }
		/^calls=/ { getline; next } # what the callee cost
		/^[-+*0-9]/ { sum[ob "|" fl] += $NF }
		END {
			for (k in sum) {
				total += sum[k]
				for (i = 1; i <= n; i++) if (k ~ pattern[i]) { of[i] += sum[k]; break }
			}
			print total, "all"
			for (i = 1; i <= n; i++) if (of[i] > 0) print of[i], part[i]
		}' "$1" | sort -rn >"$lab/parts"
	read -r n what <"$lab/parts"
	also "$(calc "$n / $2" 0)" "instructions per event, $4, $(calc "$2 / $3" 0) events a batch"
	sed 1d "$lab/parts" | while read -r n what; do also "$(calc "$n / $2" 0)" "  $what"; done
}

# watch_load RATE SECONDS: sets $events and $batches that the collector evaluates during the load.
watch_load() {
	events=$(lab_metric mews_collector_events_total) batches=$(lab_metric mews_collector_batches_total)
	: >"$lab/file"
	"$bin/bench_load" "$1" "$2" 2 "$lab/file" >/dev/null
	lab_wait 60 lab_durable n1 || true
	sleep 1
	events=$(($(lab_metric mews_collector_events_total) - events)) batches=$(($(lab_metric mews_collector_batches_total) - batches))
}

# dumped FILE: is callgrind's file whole? The totals are its last line.
dumped() { [[ $(tail -n 1 "$1") == totals:* ]]; }

# profile PROGRAM PID: callgrind's counts of a load slow enough for it.
profile() {
	callgrind_control -z "$2" >/dev/null
	watch_load 20000 5
	callgrind_control -d "$2" >/dev/null
	lab_wait 60 dumped "$lab/callgrind.$1.1" || fail "callgrind wrote no profile of $1"
	parts "$lab/callgrind.$1.1" "$events" "$batches" "$1"
}

# wrap NAME COMMAND: make $lab/bin/mews-NAME run the program under this command.
wrap() {
	printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$2" "$bin/mews-$1" >"$lab/bin/mews-$1"
	chmod +x "$lab/bin/mews-$1"
}

stop_both() {
	lab_stop "$sensor_pid"
	lab_stop "$collector_pid"
}

stage_cost() {
	local real=$bin name pid before after
	for name in valgrind strace; do
		command -v "$name" >/dev/null || fail "$name is missing: apt-get install valgrind strace"
	done
	lab_pki n1
	mkdir "$lab/bin"
	for name in sensor collector; do
		say "$name: instructions"
		ln -sf "$real"/mews* "$lab/bin/"
		rm "$lab/bin/mews-$name"
		wrap "$name" "env LD_PRELOAD=$bin/bench_counts.so valgrind --tool=callgrind --callgrind-out-file=$lab/callgrind.$name"
		bin=$lab/bin
		lab_collector -o shards=1
		lab_sensor n1 -o batch.interval=100ms -o link.timeout=60s
		settle
		pid=${name}_pid
		bin=$real
		profile "$name" "${!pid}"
		stop_both
	done

	say "allocations and locks"
	rm "$lab/bin/mews-sensor" "$lab/bin/mews-collector"
	for name in sensor collector; do wrap "$name" "env LD_PRELOAD=$bin/bench_counts.so BENCH_COUNTS=$lab/counts.$name"; done
	bin=$lab/bin
	lab_collector
	lab_sensor n1
	bin=$real
	settle
	before="$(counts sensor) $(counts collector)"
	watch_load 400000 5
	after="$(counts sensor) $(counts collector)"
	read -ra before <<<"$before"
	read -ra after <<<"$after"
	also "$(calc "$events / $batches" 0)" "events a batch, at 400,000 a second"
	per "$((after[0] - before[0]))" "allocations, sensor"
	per "$((after[2] - before[2]))" "allocations, collector"
	per "$((after[1] - before[1]))" "locks, sensor"
	per "$((after[3] - before[3]))" "locks, collector"
	stop_both

	say "system calls"
	lab_collector
	lab_sensor n1
	settle
	for name in sensor collector; do
		pid=${name}_pid
		strace -f -c -p "${!pid}" -o "$lab/strace" 2>/dev/null &
		sleep 1
		watch_load 400000 3
		kill -INT $!
		wait $! || true
		per "$(awk '$NF == "total" { print $4; exit }' "$lab/strace")" "system calls, $name"
	done
}

# counts PROGRAM: allocations and locks so far.
counts() { od -An -v -t u8 "$lab/counts.$1" | xargs; }

# per COUNT WHAT: per batch, and per event.
per() {
	also "$(calc "$1 / $batches" 1)" "$2, per batch"
	also "$(calc "$1 / $events" 4)" "$2, per event"
}
