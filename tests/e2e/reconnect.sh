#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# reconnect.sh [--seconds-down N] [--limit S] [--nodes N] [--pki DIR]: a collector is killed and restarted: a
# hundred sensors reconnect, over TLS, without waiting for each other. The limit is for a loaded machine; the
# figures are in bench/run.sh (stage 'reconnect'). The certificates are kept in DIR.
. "$(dirname "$0")/../support/lab.sh"
down=30 limit=12 nodes=100 pki=''
while [ $# -gt 1 ]; do
	case $1 in
	--seconds-down) down=$2 ;;
	--limit) limit=$2 ;;
	--nodes) nodes=$2 ;;
	--pki) pki=$2 ;;
	esac
	shift 2
done
lab_begin
[ -z "$pki" ] || ln -s "$pki" "$lab/pki"

"$bin/quiet_recording" "$lab/quiet.rec" $((down + 600))
lab_pki # create the authority before parallel use
for i in $(seq -f '%04g' "$nodes"); do
	[ -e "$lab/pki/node-n-$i.key" ] || lab_pki "n-$i"
done
lab_collector
"$bin/mews-sensor" --replay "$lab/quiet.rec" --nodes "$nodes" -o node=n -o cluster=lab -o "collector=$listen" \
	-o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.dir=$lab/pki" 2>"$lab/sensor-replay.log" &
sensor=$!
lab_pids+=("$sensor")
connected() { lab_metric mews_node_connected; }
# the metrics of thousands of nodes are not asked for until they may be there
all() { [ "$(find "/proc/$collector_pid/fd" -mindepth 1 | wc -l)" -gt "$nodes" ] && [ "$(connected)" -ge "$nodes" ]; }
anon_kb() { awk '/^RssAnon/ { print $2 }' "/proc/$collector_pid/status"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
empty=$(anon_kb)
lab_wait $((60 + nodes / 10)) all || fail "only $(connected) of $nodes sensors connected at first"
sleep 5
node_kb=$((($(anon_kb) - empty) / nodes))
before=$(ticks "$collector_pid")
sleep 10
node_cpu=$(awk "BEGIN { printf \"%.4f\", ($(ticks "$collector_pid") - $before) / 10 / $nodes }")

kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null || true
before=$(ticks "$sensor")
sleep "$down" # under test: how long they have been retrying
cost=$(awk "BEGIN { printf \"%.3f\", ($(ticks "$sensor") - $before) / $down / $nodes }")
: >"$lab/collector.log"
lab_collector
listening() { grep -q 'listening for sensors' "$lab/collector.log"; }
lab_wait 10 listening || fail "the collector does not listen"
began=$(date +%s%N)
before=$(ticks "$sensor")
before_here=$(ticks "$collector_pid")
lab_wait "$limit" all || fail "only $(connected) of $nodes sensors are back after $limit s"
ms=$((($(date +%s%N) - began) / 1000000))
there=$((10 * ($(ticks "$sensor") - before)))
here=$((10 * ($(ticks "$collector_pid") - before_here)))
[ "$(lab_metric 'mews_collector_loss_windows_total{cause="collector_restarted"}')" -gt 0 ] || fail "nobody was told that state is lost"
echo "reconnect_ms $ms"
echo "reconnect_cpu_ms $(awk "BEGIN { printf \"%.2f\", ($there + $here) / $nodes }")"
echo "retry_cpu_percent $cost"
echo "node_kb $node_kb"
echo "node_cpu_percent $node_cpu"
echo "$nodes sensors are back $ms ms after a collector that was away for $down s listens again; meanwhile each took $cost %" \
	"of a core; coming back took $there ms of CPU there, $here ms here"
