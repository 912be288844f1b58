#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# snapshots.sh [--nodes N]: the snapshots of many nodes at once, as after a collector has lost its checkpoint, of 300 processes
# with 10 open files each. The events that follow are evaluated with what the snapshot says: the names of the
# process and its parent, and of a file that was open before. Nothing is lost, and a node beside them goes on.
. "$(dirname "$0")/../support/lab.sh"
nodes=60
[ "${1:-}" != --nodes ] || nodes=$2
lab_begin

"$bin/quiet_recording" "$lab/node.rec" 2 5 300
lab_watch
cat >>"$lab_rules" <<'YAML'
- rule: Old file closed
  desc: A file that was open before.
  condition: evt.type = close and fd.name startswith /data/10/
  output: closed %fd.name by %proc.name of %proc.pname
  priority: WARNING
YAML
lab_pki live
mkdir "$lab/keys"
for i in $(seq -f '%04g' "$nodes"); do
	lab_pki "n-$i"
	cp "$lab/pki/node-n-$i.pem" "$lab/keys/n-$i.pem"
	cp "$lab/pki/node-n-$i.key" "$lab/keys/n-$i.key"
done
lab_collector -o alerts.rate=0 -o alerts.user_rate=0
lab_sensor live
lab_wait 30 lab_durable live || fail "not all is durable"
high() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$collector_pid/status"; }
before=$(high)
begun=$(date +%s%3N)
"$bin/mews-sensor" --replay "$lab/node.rec" --speed max --nodes "$nodes" -o node=n -o cluster=lab -o "collector=$listen" \
	-o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.dir=$lab/keys" 2>"$lab/sensor-replay.log" &
replay=$!
lab_pids+=("$replay")
while kill -0 "$replay" 2>/dev/null; do
	lab_touch_next 1
	lab_wait 60 lab_all_watched || fail "an alert of a node beside them does not come"
done
wait "$replay" || fail "the replay failed: $(tail -n 3 "$lab/sensor-replay.log")"
took=$(($(date +%s%3N) - begun))

sql() { sqlite3 -cmd '.timeout 10000' "$lab/outbox.db" "$1"; }
field() { echo "json_extract(json, '\$.output_fields.\"$1\"')"; }
sql "select node, group_concat($(field fd.name) || ' ' || $(field proc.name) || ' ' || $(field proc.pname), ', ') from (select * from alert where rule = 'Old file closed' order by n) group by node" >"$lab/told"
for fd in $(seq 0 9); do echo "/data/10/$fd worker10 worker11"; done | paste -sd, | sed 's/,/, /g' >"$lab/wanted"
[ "$(wc -l <"$lab/told")" = "$nodes" ] || fail "$(wc -l <"$lab/told") of $nodes nodes raise alerts"
[ "$(cut -d'|' -f2 "$lab/told" | sort -u)" = "$(cat "$lab/wanted")" ] || fail "alerts other than of their snapshots: $(cut -d'|' -f2 "$lab/told" | sort | uniq -c | head -3)"
whole() { lab_status | jq -e --argjson n "$nodes" '[.sensors[] | select(.node != "live" and .snapshot == "whole")] | length == $n' >/dev/null; }
whole || fail "not all snapshots are complete"
[ "$(lab_metric 'mews_node_drops_total{cluster="lab",node="n-')" = 0 ] && [ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "drops or gaps"
echo "$nodes snapshots in $took ms, $(lab_watched 'count(*)') alerts beside them within $(lab_watched 'max(added - time / 1000000)') ms, $(($(high) - before)) MiB"
