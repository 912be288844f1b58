#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 the collector under load, twice: every alert is in the outbox, once.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
lab_pki n1
lab_collector
lab_sensor n1

lab_touch_next 100
for _ in 1 2; do
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null || true
	lab_touch_next 200 # nobody listens
	lab_collector
	lab_touch_next 100
	lab_wait 20 lab_durable n1 || fail "not all is durable"
	for _ in $(seq 50); do cat /proc/version >/dev/null; done # batches without alerts
	lab_wait 20 lab_durable n1 || fail "not all is durable"
done
lab_once "after two kill -9"
[ "$(lab_metric mews_node_drops_total)" = 0 ] || fail "events were dropped"
[ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "a gap is told of, where nothing was lost"
echo "$touched events, $touched alerts, through two kill -9"
