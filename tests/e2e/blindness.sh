#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sensor that is killed, hangs, loses its network or is stopped: each gives a line in the collector's
# log, a state other than 'up' in mewsctl and /metrics, and an alert in the outputs. Nodes are remembered
# over a restart of the collector until they are forgotten.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
ns=mews-$$
spare=10.213.$((RANDOM % 250 + 1))
trap 'code=$?; ip netns del "$ns" 2>/dev/null || true; lab_end "$code"' EXIT

ctl() { "$bin/mewsctl" "$@" --collector "http://$http" --token-file "$lab/api.token"; }
code() {
	local c=0
	ctl "$@" >"$lab/said" 2>&1 || c=$?
	echo "$c"
}
state() { lab_status | jq -r --arg n "$1" '.sensors[] | select(.node == $n).state'; }
is() { [ "$(state "$1")" = "$2" ]; }
logged() { grep -q "node $1 is no longer seen: $2" "$lab/collector.log"; }
back() { [ "$(grep -c "node $1 is seen again" "$lab/collector.log")" = "$2" ]; }
up() { [ "$(lab_metric "mews_node_up{cluster=\"lab\",node=\"$1\"")" = "$2" ]; }

# lost NODE STATE LOG-TEXT: every interface shows that the node is not seen.
lost() {
	local began=$EPOCHREALTIME
	lab_wait 20 is "$1" "$2" || fail "node $1 is '$(state "$1")', not $2"
	lab_wait 20 logged "$1" "$3" || fail "the log does not say that node $1 is not seen: $3"
	echo "told of $1, $2, after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $began }") s"
	up "$1" 0 || fail "$1 is up in /metrics"
	[ "$(lab_metric "mews_nodes{state=\"$2\"}")" = 1 ] || fail "no node in state $2 in /metrics"
	[ "$(code status)" = 3 ] || fail "mewsctl status: exit code $(code status), not 3"
	grep -qE "^$1 +$2 " "$lab/said" || fail "mewsctl status does not show $1 as $2"
	[ "$(code nodes)" = 3 ] || fail "mewsctl nodes: exit code $(code nodes), not 3"
	grep -qE "^lab/$1 +$2 " "$lab/said" || fail "mewsctl nodes does not show $1 as $2"
}
alerted() { lab_wait 20 lab_alert 'Mews lost sight of a node' \
	".hostname == \"$1\" and .priority == \"Critical\" and .source == \"internal\" and .output_fields.\"mews.node_state\" == \"$2\"" ||
	fail "no alert about node $1, $2"; }
found() {
	lab_wait 60 is "$1" up || fail "node $1 is not up again"
	up "$1" 1 || fail "$1 is not up in /metrics"
}

# Node 'far' runs in its own network namespace, on a cable that can be pulled.
ip netns add "$ns"
ip link add "$ns-a" type veth peer name "$ns-b" netns "$ns" 2>/dev/null || { echo "SKIP: no veth"; exit 77; }
ip addr add "$spare.1/24" dev "$ns-a" && ip link set "$ns-a" up
ip -n "$ns" addr add "$spare.2/24" dev "$ns-b" && ip -n "$ns" link set "$ns-b" up

lab_watch
lab_pki dead hung far late
lab_port
listen=tls+tcp://0.0.0.0:$port there=tls+tcp://$spare.1:$port
lab_port
http=127.0.0.1:$port
lab_collector
listen=tls+tcp://127.0.0.1:${there##*:}
lab_sensor dead && dead=$sensor_pid
lab_sensor hung -o capture.ring=64KiB && hung=$sensor_pid
ip netns exec "$ns" "$bin/mews-sensor" -o "collector=$there" -o node=far -o cluster=lab -o tls.server_name=mews-collector \
	-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-far.pem" -o "tls.key=$lab/pki/node-far.key" 2>>"$lab/sensor-far.log" &
far=$!
lab_pids+=("$far")
for n in dead hung far; do found "$n"; done
[ "$(code status)" = 0 ] && [ "$(code nodes)" = 0 ] || fail "exit code $(code status) although all is well"

kill -9 "$dead"
wait "$dead" 2>/dev/null || true
lost dead down 'its sensor was killed'
alerted dead down

kill -STOP "$hung"
lost hung silent 'its sensor is connected but sends nothing'
alerted hung silent
lab_touch 1 3000 # its ring overflows: both sides log what was dropped, and why
kill -CONT "$hung"
found hung
dropped() { grep -qE "$1[0-9]+ events were dropped since the sensor's start: .*[0-9]+ openat \(no room in the kernel's ring\)" "$lab/$2.log"; }
lab_wait 20 dropped 'warn: ' sensor-hung || fail "the sensor's log does not say what was dropped"
lab_wait 20 dropped 'node hung: ' collector || fail "the collector's log does not say what was dropped"
lab_wait 20 lab_alert 'Mews lost events of a node' '.hostname == "hung" and .output_fields."mews.loss_cause" == "events_dropped"' ||
	fail "no alert about the dropped events"
lab_wait 20 back hung 1 || fail "the log does not say that hung is back"

ip link set "$ns-a" down
lost far silent 'its sensor is connected but sends nothing'
alerted far silent
ip link set "$ns-a" up
found far
lab_wait 20 back far 1 || fail "the log does not say that far is back"

# A stop is reported too. The earlier loss by the hang gives no second alert at once.
lab_stop "$hung"
lost hung stopped 'its sensor was stopped'
[ "$(lab_alerts 'Mews lost sight of a node')" = 3 ] || fail "$(lab_alerts 'Mews lost sight of a node') alerts, not 3"

# A restarted collector knows which nodes to expect.
lab_stop "$collector_pid"
listen=tls+tcp://0.0.0.0:${there##*:}
lab_collector
grep -q 'nodes known from an earlier run: 3 ' "$lab/collector.log" || fail "the collector does not say whom it knows"
found far
is dead missing && is hung missing || fail "after a restart: dead is '$(state dead)', hung is '$(state hung)'"
[ "$(code status)" = 3 ] || fail "mewsctl status: exit code $(code status) although two are missing"

[ "$(code nodes forget lab/far)" = 1 ] && grep -q 'its sensor is connected' "$lab/said" || fail "a node that is connected is forgotten: $(cat "$lab/said")"
[ "$(code nodes forget lab/nobody)" = 1 ] && grep -q 'no such node' "$lab/said" || fail "an unknown node is forgotten: $(cat "$lab/said")"
[ "$(code nodes forget dead)" = 2 ] || fail "a node without its cluster is taken: $(cat "$lab/said")"
[ "$(curl -s -o "$lab/said" -w '%{http_code}' -X POST "http://$http/api/v1/nodes/forget?cluster=lab&node=dead")" = 401 ] || fail "a node is forgotten without a token: $(cat "$lab/said")"
[ "$(code nodes forget lab/dead)" = 0 ] || fail "dead is not forgotten: $(cat "$lab/said")"
[ -z "$(state dead)" ] || fail "dead is listed although it is forgotten"

written() { [ "$(sqlite3 -readonly "$lab/outbox.db" "select count(*) from node where node = 'dead'")" = 0 ]; }
lab_wait 10 written || fail "the outbox does not forget"

# Both programs end at once, and the sensor is a new one afterwards: the node was known before.
kill -9 "$collector_pid" "$far"
wait "$collector_pid" "$far" 2>/dev/null || true
lab_collector
[ -z "$(state dead)" ] || fail "dead is known again after a restart"
is hung missing || fail "hung is '$(state hung)' after a second restart"
listen=tls+tcp://127.0.0.1:${there##*:}
lab_sensor far
died() { grep -q 'node far: .*loss window sensor_died' "$lab/collector.log"; }
lab_wait 20 died || fail "no loss window although sensor and collector were killed together"
lab_touch 1 1
lab_wait 20 lab_alert 'Mews lost events of a node' '.hostname == "far" and .output_fields."mews.loss_cause" == "sensor_died"' ||
	fail "no alert about the loss on far"
lab_sensor hung
found hung
[ "$(code status)" = 0 ] || fail "exit code $(code status) although nobody is missing any more: $(cat "$lab/said")"
echo "a killed, a hung, an unplugged and a stopped sensor were told of, remembered and forgotten"
