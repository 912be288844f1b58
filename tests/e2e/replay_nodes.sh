#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A recording, sent as many nodes at once: each with its own name, certificate and connection;
# every event is evaluated once per node.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
nodes=12
mkdir "$lab/keys"

"$bin/mews-sensor" --record "$lab/short.rec" --seconds 1 -o node=n 2>"$lab/record.log" &
recorder=$!
lab_pids+=("$recorder")
while kill -0 "$recorder" 2>/dev/null; do head -c 1 /etc/shadow >/dev/null; done
wait "$recorder" || fail "the recording failed"
events=$(sed -nE 's/.*recorded ([0-9]+) events.*/\1/p' "$lab/record.log")
[ "${events:-0}" -gt 100 ] || fail "only ${events:-no} events were recorded"

for i in $(seq -f '%04g' "$nodes"); do
	lab_pki "n-$i"
	cp "$lab/pki/node-n-$i.pem" "$lab/keys/n-$i.pem"
	cp "$lab/pki/node-n-$i.key" "$lab/keys/n-$i.key"
done
lab_collector
# Sending a recording needs no root.
chmod 755 "$lab"
chown -R 65534 "$lab/keys" "$lab/short.rec"
chmod 755 "$lab/pki"
setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
	"$bin/mews-sensor" --replay "$lab/short.rec" --speed max --nodes "$nodes" -o node=n -o cluster=lab -o "collector=$listen" \
	-o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.dir=$lab/keys" 2>"$lab/sensor-replay.log" ||
	fail "the replay failed"
[ "$(lab_metric mews_collector_events_total)" = $((events * nodes)) ] ||
	fail "$(lab_metric mews_collector_events_total) events evaluated of $events x $nodes"
[ "$(lab_status | jq '[.sensors[].node] | unique | length')" = "$nodes" ] || fail "not $nodes nodes in the status"
[ "$(lab_metric mews_node_drops_total)" = 0 ] && [ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "drops or gaps"
per_node() { sqlite3 "$lab/outbox.db" "select count(*) from alert where rule = 'Sensitive file read' group by node" | sort -u; }
[ "$(per_node | wc -l)" = 1 ] && [ "$(per_node)" -gt 0 ] || fail "alerts per node: $(per_node | tr '\n' ' ')"
[ "$(sqlite3 "$lab/outbox.db" 'select count(distinct id) = count(*) from alert')" = 1 ] || fail "two nodes have the same alert id"
echo "$events events x $nodes nodes, $(per_node) alerts each"
