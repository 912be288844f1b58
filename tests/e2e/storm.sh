#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One process opens a watched file without end, and the collector is killed twice meanwhile: each
# match is reported once, in its own alert or in a summary, and other rules continue. What people read of it are few
# notifications, whose counts add up to the matches exactly.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
cat >>"$lab_rules" <<'EOR'
- rule: Storm
  desc: A file that is opened without end.
  condition: evt.type = open and fd.name startswith /var/tmp/mews-lab and fd.name endswith /file
  output: opened %fd.name by %proc.name
  priority: NOTICE
EOR
limits=(-o alerts.rate=100 -o alerts.burst=500)
lab_pki n1
lab_collector "${limits[@]}"
lab_sensor n1 -o capture.rings=64MiB -o spool.memory=256MiB

storm() { sqlite3 "$lab/outbox.db" "select $1 from alert where rule = 'Storm'"; }
count="json_extract(json, '\$.output_fields.\"mews.suppressed.count\"')"
summaries() { storm "count($count)"; }
more_than() { [ "$(summaries)" -gt "$1" ]; }

: >"$lab/file"
"$bin/bench_load" 40000 8 1 "$lab/file" >"$lab/load" &
load=$!
lab_pids+=("$load")
for _ in 1 2; do
	lab_wait 30 more_than "$(summaries)" || fail "no summary of the storm"
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null || true
	lab_collector "${limits[@]}"
done
lab_gone "$load" && fail "the storm was over before the collector was killed"
lab_touch 1 20
wait "$load" || fail "the generator failed"
read -r opens _ <"$lab/load"
lab_wait 60 lab_durable n1 || fail "not all is durable"

dropped=$(curl -sf "http://$http/metrics" | awk '/^mews_node_type_drops_total/ && /type="open"/ { n += $NF } END { print n + 0 }')
own=$(storm "count(*) - count($count)")
told=$(storm "coalesce(sum($count), 0)")
[ $((own + told)) = $((opens - dropped)) ] || fail "$own alerts and $told matches in summaries of $opens opens, $dropped of them dropped"
[ "$(storm 'count(distinct id) = count(*)')" = 1 ] || fail "an id is there twice"
[ "$own" -lt 5000 ] || fail "$own alerts of $opens matches: they were not limited"
[ "$(sqlite3 "$lab/outbox.db" "select count(*) from alert where rule = 'Watched file opened'")" = 20 ] || fail "not each alert of the other rule"
[ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "a gap is told of, where nothing was lost"

# The collector's own counters since its last start.
hits=$(lab_metric 'mews_rule_hits_total{rule="Storm"}')
[ "$(lab_metric 'mews_rule_suppressed_total{rule="Storm"}')" = "$(lab_metric mews_collector_suppressed_total)" ] || fail "another rule's matches are in summaries"
[ "$(lab_metric mews_node_suppressed_total)" = "$(lab_metric mews_collector_suppressed_total)" ] || fail "the node's matches in summaries are not all"
[ "$(lab_status | jq '.sensors[0].suppressed')" = "$(lab_metric mews_collector_suppressed_total)" ] || fail "the status says another number"
[ $(($(lab_metric mews_collector_alerts_total) - $(lab_metric mews_collector_summaries_total) + $(lab_metric mews_collector_suppressed_total))) = $((hits + 20)) ] ||
	fail "matches are neither alerts nor in summaries"

# Without a limit, each match is an alert.
lab_stop "$collector_pid"
own=$(storm 'count(*)')
lab_collector -o alerts.rate=0
lab_wait 60 lab_connected n1 || fail "the sensor did not come back"
read -r opens _ < <("$bin/bench_load" 20000 1 1 "$lab/file")
more() { [ "$(storm 'count(*)')" -ge $((own + opens)) ]; }
lab_wait 60 more || fail "$(($(storm 'count(*)') - own)) alerts of $opens matches with alerts.rate=0"
[ "$(lab_metric mews_collector_suppressed_total)" = 0 ] || fail "matches are in summaries with alerts.rate=0"

# Many processes that match once each are limited by their user.
lab_stop "$collector_pid"
lab_collector -o alerts.user_rate=10 -o alerts.user_burst=20
lab_wait 60 lab_connected n1 || fail "the sensor did not come back"
watched() { sqlite3 "$lab/outbox.db" "select $1 from alert where rule = 'Watched file opened' and node = 'n1'"; }
before=$(watched 'count(*)')
for _ in $(seq 500); do (: >"$lab/watched/1"); done
matches() { watched "count(*) - count($count) + coalesce(sum($count), 0)"; }
all_told() { [ "$(matches)" -ge $((before + 500)) ]; }
lab_wait 60 all_told || true
[ "$(matches)" = $((before + 500)) ] || fail "$(matches) matches are told of $((before + 500))"
[ "$(watched "coalesce(sum($count), 0)")" -gt 0 ] || fail "500 processes raised an alert each"
[ "$(watched "count(json_extract(json, '\$.output_fields.\"mews.suppressed.by\"') like 'process %' or null)")" = 0 ] || fail "a process was limited that matched once"
echo "$told matches in $(summaries) summaries"

# The counts of what an output sends add up to the engine's matches, folded or not, also if the service fails meanwhile.
lab_wait 60 lab_durable n1 || fail "not all is durable"
lab_stop "$collector_pid"
lab_port
web=$port
/usr/bin/python3 "$root/tests/support/webhook.py" "$web" "$lab" 2>>"$lab/webhook.log" &
lab_pids+=("$!")
open() { (exec 3<>"/dev/tcp/127.0.0.1/$web") 2>/dev/null; }
lab_wait 20 open || fail "the web server did not start"
hook="enabled: true, condition: 'alert.rule = Storm', timeout: 2s"
lab_collector "${limits[@]}" \
	-o "outputs.webhook[]={name: folded, url: http://127.0.0.1:$web/slack, preset: $root/deploy/presets/slack.yaml, fold_window: 1s, $hook}" \
	-o "outputs.webhook[]={name: each, url: http://127.0.0.1:$web/falco, $hook}"
lab_wait 60 lab_connected n1 || fail "the sensor did not come back"
"$bin/bench_load" 20000 4 2 "$lab/file" >"$lab/load" &
load=$!
lab_pids+=("$load")
lab_wait 30 test -e "$lab/slack.counts" || fail "the first one is delayed"
echo 500 >"$lab/fault"
sleep 1
rm "$lab/fault"
wait "$load" || fail "the generator failed"
lab_wait 60 lab_durable n1 || fail "not all is durable"
sent() { lab_status | jq -e '[.outputs[] | select((.name | startswith("webhook.")) and .waiting == 0 and .error == "")] | length == 2'; }
lab_wait 120 sent || fail "not all is sent: $(lab_status | jq -c '.outputs[]')"
matches=$(lab_metric 'mews_rule_hits_total{rule="Storm"}')
suppressed=$(lab_metric 'mews_rule_suppressed_total{rule="Storm"}')
messages() { wc -l <"$lab/$1.counts"; }
{ [ "$suppressed" -gt 0 ] && [ "$suppressed" -lt "$matches" ]; } || fail "no storm: $matches matches, $suppressed in summaries"
for output in slack falco; do
	[ ! -e "$lab/$output.wrong" ] || fail "$(head -n 3 "$lab/$output.wrong")"
	counted=$(awk '{ n += $2 } END { print n + 0 }' "$lab/$output.counts")
	[ "$counted" = "$matches" ] || fail "$output: the counts of $(messages "$output") messages add up to $counted of $matches matches"
done
[ $((20 * $(messages slack))) -lt "$(messages falco)" ] || fail "$(messages slack) notifications of $(messages falco) alerts: they are not folded"
echo "$matches matches, $suppressed of them in summaries: $(messages falco) alerts, $(messages slack) notifications, each match counted once"
