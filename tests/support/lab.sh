#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lab.sh - a collector and sensors in a scratch folder, for end-to-end scripts that source it.
#
#	. tests/support/lab.sh; lab_begin
#	lab_pki n1 n2
#	lab_collector [-o KEY=VALUE]...
#	lab_sensor n1 [-o KEY=VALUE]...
#	lab_metric mews_collector_alerts_total
#
# Everything is stopped and removed at exit; the logs are printed if the script fails.
# shellcheck disable=SC2034 # variables for the scripts that source this
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${MEWS_BUILD:-$root/build/release}/bin
lab='' lab_pids=()

lab_begin() {
	[ -x "$bin/mews-collector" ] || {
		echo "there are no programs in $bin: cmake --preset release && cmake --build --preset release" >&2
		exit 1
	}
	lab=$(mktemp -d /var/tmp/mews-lab.XXXXXX)
	trap lab_end EXIT
	trap 'exit 130' INT TERM
}

# lab_end [CODE]: a script with its own trap on EXIT passes its exit code:
# trap 'code=$?; ...; lab_end "$code"' EXIT
lab_end() {
	local code=${1:-$?}
	trap - EXIT
	for pid in "${lab_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${lab_pids[@]}"; do
		lab_wait 10 lab_gone "$pid" || kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	if [ "$code" != 0 ] && [ "$code" != 77 ]; then
		for f in "$lab"/*.log; do
			[ -s "$f" ] && { echo "--- ${f##*/}"; tail -n 40 "$f"; }
		done
	fi
	lab_unmount && rm -rf --one-file-system "$lab"
	exit "$code"
}

lab_mounts() { awk -v below="$lab/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r; }

# Unmount everything below $lab first: a removal would go through a bind mount.
lab_unmount() {
	local at
	for at in $(lab_mounts); do umount -l "$at"; done
	[ -z "$(lab_mounts)" ] || { echo "not removed, something is mounted there: $lab" >&2; return 1; }
}

lab_gone() { ! kill -0 "$1" 2>/dev/null; }

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# lab_wait SECONDS COMMAND...: repeat it until it succeeds.
lab_wait() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.1
	done
}

# Set $port to an unused TCP port on loopback, a different one each time.
lab_port() {
	local last=${port:-}
	while :; do
		port=$((20000 + RANDOM % 12000))
		[ "$port" != "$last" ] || continue
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
	done
}

lab_pki() {
	[ -f "$lab/pki/ca.pem" ] || {
		"$bin/mewsctl" pki init "$lab/pki" --name lab >/dev/null
		"$bin/mewsctl" pki issue "$lab/pki" --collector mews-collector --dns localhost --ip 127.0.0.1 >/dev/null
	}
	for node; do "$bin/mewsctl" pki issue "$lab/pki" --node "$node" >/dev/null; done
}

# lab_quiet SECONDS [A-SECOND]: $lab/quiet.rec, a recording of a machine on which nothing happens but that many closes,
# and a rule that each of them matches.
lab_quiet() {
	"$bin/quiet_recording" "$lab/quiet.rec" "$@"
	cat >"$lab/closed.yaml" <<-'EOF'
		- rule: Closed
		  desc: d
		  condition: evt.type = close
		  output: closed %evt.type
		  priority: WARNING
	EOF
	lab_rules=$lab/closed.yaml
}

# One rule, which every file opened by lab_touch raises: 'Watched file opened'.
lab_watch() {
	mkdir "$lab/watched"
	lab_rules=$lab/rules.yaml
	cat >"$lab_rules" <<EOF
- rule: Watched file opened
  desc: A file of this test was opened.
  condition: evt.type in (open, openat, openat2) and fd.name startswith $lab/watched/
  output: opened %fd.name by %proc.name
  priority: WARNING
EOF
}
# lab_count: also capture a call that nothing else makes, for its count: lab_calls.
lab_count() {
	cat >>"$lab_rules" <<'EOF'
- rule: Memory locked
  desc: A call that nothing else makes, for its count.
  condition: evt.type = mlock2 and proc.name = nobody
  output: mlock2
  priority: NOTICE
EOF
}
# lab_calls N: make so many.
lab_calls() {
	python3 -c "
import ctypes
libc = ctypes.CDLL(None)
for _ in range($1): libc.mlock2(0, 0, 1)"
}
# lab_touch FROM TO: open the files of these numbers, in order.
lab_touch() {
	local i
	for i in $(seq "$1" "$2"); do : >"$lab/watched/$i"; done
}
# lab_touch_next N: open the next N of them; $touched is how many have been opened.
touched=0
lab_touch_next() {
	lab_touch $((touched + 1)) $((touched + $1))
	touched=$((touched + $1))
}
# lab_watched EXPRESSION: the SQL expression over their alerts in the outbox.
lab_watched() { sqlite3 "$lab/outbox.db" "select $1 from alert where rule = 'Watched file opened'"; }
lab_all_watched() { [ "$(lab_watched 'count(*)')" -ge "$touched" ]; }
# lab_once WHEN: each of the $touched has its alert, once and in order.
lab_once() {
	lab_wait 60 lab_all_watched || fail "$1: $(lab_watched 'count(*)') of $touched alerts are in the outbox"
	[ "$(lab_watched 'count(distinct id)')" = "$touched" ] || fail "$1: $(lab_watched 'count(distinct id)') ids for $touched events"
	cmp <(sqlite3 "$lab/outbox.db" "select json_extract(json, '\$.output_fields.\"fd.name\"') from alert where rule = 'Watched file opened' order by n" | sed 's|.*/||') <(seq "$touched") ||
		fail "$1: not each event's alert once, in order"
}

# lab_api PATH [CURL OPTION]...: ask the collector's API on TCP, with its token.
lab_api() {
	local path=$1
	shift
	curl -s -m 60 -H "Authorization: Bearer $(cat "$lab/api.token")" "$@" "http://$http$path"
}

# Succeeds even while a node is not seen, for which mewsctl exits with 3.
lab_status() { "$bin/mewsctl" status --json --collector "http://$http" || [ $? = 3 ]; }

# Start mews-collector; alerts as JSON lines in $lab/alerts. Sets listen, http, collector_pid.
lab_collector() {
	[ -n "${listen:-}" ] || {
		lab_port
		listen=tls+tcp://127.0.0.1:$port
		lab_port
		http=127.0.0.1:$port
	}
	[ -f "$lab/pki/ca.pem" ] || lab_pki
	"$bin/mews-collector" -o "listen=$listen" -o "http.listen=$http" -o "http.socket=$lab/api.sock" -o cluster=lab \
		-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/collector-mews-collector.pem" -o "tls.key=$lab/pki/collector-mews-collector.key" \
		-o "outbox.path=$lab/outbox.db" -o "rules=${lab_rules:-$root/rules/mews_rules.yaml}" \
		-o outputs.file.enabled=true -o "outputs.file.path=$lab/alerts" "$@" 2>>"$lab/collector.log" >>"$lab/collector.out" &
	collector_pid=$!
	lab_pids+=("$collector_pid")
	lab_wait 60 lab_status || fail "the collector did not start"
}

# lab_sensor NODE ...: start mews-sensor and wait until it is connected. Sets sensor_pid.
lab_sensor() {
	lab_sensor_start "$@"
	lab_wait 60 lab_connected "$1" || fail "sensor $1 did not connect"
}

# The same while there is no collector. lab_sensor_by: a command that runs the sensor, as nsenter.
lab_sensor_by=()
lab_sensor_start() {
	local node=$1
	shift
	"${lab_sensor_by[@]}" "$bin/mews-sensor" -o "collector=$listen" -o "node=$node" -o cluster=lab -o tls.server_name=mews-collector \
		-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-$node.pem" -o "tls.key=$lab/pki/node-$node.key" \
		"$@" 2>>"$lab/sensor-$node.log" &
	sensor_pid=$!
	lab_pids+=("$sensor_pid")
}

# lab_replay NODE: send the recording $lab/quiet.rec as this node, until all of it is committed.
lab_replay() {
	"$bin/mews-sensor" --replay "$lab/quiet.rec" --speed max -o "node=$1" -o cluster=lab -o "collector=$listen" -o tls.server_name=mews-collector \
		-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-$1.pem" -o "tls.key=$lab/pki/node-$1.key" 2>>"$lab/sensor-$1.log" ||
		fail "the replay as $1 failed"
}

lab_connected() { lab_status | jq -e --arg n "$1" '.sensors[] | select(.node == $n and .connected)'; }

# Is everything durable that the sensor of a node has sent?
lab_durable() { lab_status | jq -e --arg n "$1" '.sensors[] | select(.node == $n and .received > 0 and .received == .durable)'; }

lab_stop() {
	kill -TERM "$1"
	lab_wait 30 lab_gone "$1" || fail "process $1 did not stop on SIGTERM"
	wait "$1"
}

lab_metric() { curl -sf "http://$http/metrics" | awk -v m="$1" 'index($1, m) == 1 && $0 !~ /^#/ { s += $2 } END { print s + 0 }'; }

# lab_alert RULE [JQ]: is an alert of the rule (for which the expression holds) in the file output?
lab_alert() { jq -c --arg r "$1" "select(.rule == \$r) | select(${2:-true})" "$lab/alerts" 2>/dev/null | grep .; }
lab_alerts() { jq -r --arg r "$1" 'select(.rule == $r) | .uuid' "$lab/alerts" 2>/dev/null | wc -l; }
