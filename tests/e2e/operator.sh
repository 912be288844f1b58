#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An operator's view of a collector: metrics that Prometheus' own checker accepts and whose labels
# survive a restart of a sensor, a status that fits a terminal, the newest alerts by their ids.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
node=a-node-with-a-name-of-sixty-four-letters-as-the-kernel-allows-it

"$bin/mews-sensor" --record "$lab/short.rec" --seconds 1 -o node=n 2>"$lab/record.log" &
recorder=$!
lab_pids+=("$recorder")
while kill -0 "$recorder" 2>/dev/null; do head -c 1 /etc/shadow >/dev/null; done
wait "$recorder" || fail "the recording failed"

lab_pki
"$bin/mewsctl" pki issue "$lab/pki" --node "$node" --days 20 >/dev/null
lab_collector -o log.format=json
ctl() { "$bin/mewsctl" "$1" --collector "unix:$lab/api.sock" "${@:2}"; }
# A sensor connects, sends the recording and stops.
replay() {
	"$bin/mews-sensor" --replay "$lab/short.rec" --speed max -o "node=$node" -o cluster=lab -o "collector=$listen" \
		-o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-$node.pem" \
		-o "tls.key=$lab/pki/node-$node.key" -o log.format=json 2>>"$lab/sensor-replay.log" || fail "the replay failed"
}
metrics() { curl -sf "http://$http/metrics"; }
# The number of alerts raised by the rules; the stop of the sensor is another alert.
raised() { grep -vc '"source":"internal"' "$1" || true; }
series() { metrics | sed '/^#/d; s/ [^ ]*$//' | sort; }
replay

# --- alerts
ctl alerts -n all --json >"$lab/all"
n=$(raised "$lab/all")
[ "$n" -gt 10 ] || fail "only $n alerts"
[ -z "$(ctl alerts -n 0)" ] || fail "'alerts -n 0' shows something"
ctl alerts -n 3 --json | cmp - <(tail -n 3 "$lab/all") || fail "'alerts -n 3' does not show the newest three"
uuid=$(jq -rn input.uuid "$lab/all")
[[ $uuid =~ ^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]] || fail "$uuid is no UUID of version 8"
python3 -c 'import sys, uuid; assert uuid.UUID(sys.argv[1]).version == 8' "$uuid" || fail "Python does not take $uuid"
[ "$(ctl alerts --id "$uuid" --json | jq -r .uuid)" = "$uuid" ] || fail "no alert is found by its id"

# --- metrics
metrics >"$lab/metrics"
promtool check metrics <"$lab/metrics" >"$lab/promtool" 2>&1 || fail "promtool: $(cat "$lab/promtool")"
[ ! -s "$lab/promtool" ] || fail "promtool: $(cat "$lab/promtool")"
"$root/tests/lint/check_monitoring.sh" "$lab/metrics" >"$lab/promtool" 2>&1 || fail "the alert rules or the dashboard: $(cat "$lab/promtool")"
[ "$(lab_metric mews_alert_latency_seconds_count)" -ge "$n" ] || fail "the latency of $(lab_metric mews_alert_latency_seconds_count) alerts is known, of $n"
grep -q '^mews_build_info{version="[0-9.]*",compiler="' "$lab/metrics" || fail "no build information"
rss=$(lab_metric process_resident_memory_bytes)
[ "${rss%.*}" -gt 1000000 ] || fail "resident memory is $rss"
[ "$(lab_metric mews_node_sensor_resident_memory_bytes)" -gt 1000000 ] || fail "the sensor's memory is not known"
series >"$lab/before"

# --- only what is new
"$bin/mewsctl" alerts --collector "unix:$lab/api.sock" -n 0 --follow --json >"$lab/new" &
follower=$!
lab_pids+=("$follower")
# Once the collector has answered it once, its position is set.
asked=$(lab_metric mews_api_requests_total)
lab_wait 10 bash -c "[ \$(curl -sf http://$http/metrics | awk '\$1 == \"mews_api_requests_total\" { print \$2 }') -gt $((asked + 3)) ]" ||
	fail "the follower does not ask"
replay
follow_all() { [ "$(raised "$lab/new")" = "$n" ]; }
lab_wait 20 follow_all || fail "$(raised "$lab/new") new alerts follow, not $n"
[ -z "$(jq -r .uuid "$lab/all" "$lab/new" | sort | uniq -d)" ] || fail "'--follow -n 0' shows an old alert"
kill "$follower"

# The sensor's second start changed no label.
series | diff "$lab/before" - || fail "a restart of a sensor changes the labels of metrics"

# --- status: 80 columns with any node name, a certificate about to expire, a clock that is 90 s behind
"$bin/mews-sensor" --replay "$lab/short.rec" --loop 1000 --skew 90000 -o "node=$node" -o cluster=lab -o "collector=$listen" \
	-o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-$node.pem" \
	-o "tls.key=$lab/pki/node-$node.key" -o log.format=json 2>>"$lab/sensor-replay.log" &
lab_pids+=("$!")
lab_wait 20 lab_connected "$node" || fail "the sensor does not connect"
skew_metric() { lab_metric 'mews_node_clock_skew_seconds{'; }
behind() { skew_metric | awk '{ exit !($1 < -89 && $1 > -91) }'; }
lab_wait 20 behind || fail "the node's skew is $(skew_metric), not -90 s"
ctl nodes >"$lab/words" && grep -qE ' up +-(89|90)\.[0-9]{3}s ' "$lab/words" || fail "mewsctl nodes does not show the skew: $(cat "$lab/words")"
ctl status >"$lab/status" || fail "the status is not fine: $(cat "$lab/status")"
awk 'length($0) > 80 { print; long = 1 } END { exit long }' "$lab/status" || fail "more than 80 columns"
tr -s ' \n' ' ' <"$lab/status" >"$lab/words"
grep -qE "warning the certificate of $node expires in (19|20) days" "$lab/words" || fail "nobody warns of the certificate: $(cat "$lab/status")"
! grep -q 'certificate of the collector' "$lab/words" || fail "a certificate of a year is warned of"
grep -qE "clock: (89|90)\.[0-9]+ s behind the collector's" "$lab/words" || fail "the status does not tell of the clock: $(cat "$lab/status")"
grep -qE "^$node\$" "$lab/status" || fail "the node's name is not shown whole: $(cat "$lab/status")"

# --- the log
for f in collector sensor-replay; do
	jq -e -n 'all(inputs; has("time") and has("level") and has("program") and has("message"))' "$lab/$f.log" >/dev/null ||
		fail "$f.log is not lines of JSON"
done
echo "$n alerts, $(wc -l <"$lab/before") series, none changed by a restart of the sensor"
