#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 the collector under load, twice: every alert is in the outbox, once.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
lab_pki n1
lab_collector
lab_sensor n1

n=0
touch_files() {
	lab_touch $((n + 1)) $((n + $1))
	n=$((n + $1))
}
ids() { sqlite3 "$lab/outbox.db" "select $1 from alert where rule = 'Watched file opened'"; }
committed() { [ "$(ids 'count(*)')" -ge "$n" ]; }

touch_files 100
for _ in 1 2; do
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null || true
	touch_files 200 # nobody listens
	lab_collector
	touch_files 100
	lab_wait 20 lab_durable n1 || fail "not all is durable"
	for _ in $(seq 50); do cat /proc/version >/dev/null; done # batches without alerts
	lab_wait 20 lab_durable n1 || fail "not all is durable"
done
lab_wait 60 committed || fail "$(ids 'count(*)') of $n alerts are in the outbox"
[ "$(ids 'count(*)')" = "$n" ] || fail "$(ids 'count(*)') alerts for $n events"
[ "$(ids 'count(distinct id)')" = "$n" ] || fail "an id is there twice"
cmp <(sqlite3 "$lab/outbox.db" "select json_extract(json, '\$.output_fields.\"fd.name\"') from alert where rule = 'Watched file opened' order by n" | sed 's|.*/||') <(seq "$n") ||
	fail "not each event's alert once, in order"
[ "$(lab_metric mews_node_drops_total)" = 0 ] || fail "events were dropped"
[ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "a gap is told of, where nothing was lost"
echo "$n events, $n alerts, through two kill -9"
