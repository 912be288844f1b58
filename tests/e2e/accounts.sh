#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Exact accounts: each of a known number of calls is delivered, dropped or undelivered, by type and cause, in mewsctl,
# the status and /metrics; after full rings, a full spool, and restarts of the collector.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
total=0

# call N: make so many calls that nothing else makes.
call() {
	lab_calls "$1"
	total=$((total + $1))
}
ask() { "$bin/mewsctl" accounts --json --collector "http://$http" lab/n1 >"$lab/said.json"; }
# of KEY: of the calls; of dropped: of all causes.
of() { jq -r '.[0].types[] | select(.type == "mlock2") | .'"$1"' | if type == "object" then add // 0 else . end' "$lab/said.json"; }
# Does every row balance, and does the one of the calls have all of them?
balanced() {
	lab_touch_next 1 # an account comes with a batch
	ask && [ "$(of generated)" = "$total" ] &&
		jq -e '.[0] | [., .types[]] | all(.generated == .delivered + .undelivered + .unaccounted + (.dropped | add // 0) and .unaccounted == 0)' "$lab/said.json"
}
settle() {
	lab_wait 60 balanced || fail "$1: $(jq -c '.[0].types[] | select(.type == "mlock2" or .unaccounted > 0)' "$lab/said.json") for $total calls"
	grep -q "^mlock2  *$total  *$(of delivered)  *$(of dropped)  *$(of undelivered)  *0\$" < <("$bin/mewsctl" accounts --collector "http://$http" lab/n1) || fail "$1: mewsctl accounts shows: $("$bin/mewsctl" accounts --collector "http://$http" lab/n1)"
}

lab_watch
lab_count
lab_pki n1
start() { lab_collector -o "checkpoint.path=$lab/state" -o checkpoint.interval=1s; }
start
lab_sensor n1 -o spool.memory=64KiB
call 1000
settle "nothing lost"
before=$(of dropped)

# The rings overflow.
kill -STOP "$sensor_pid"
call 150000
kill -CONT "$sensor_pid"
settle "full rings"
dropped=$(of dropped)
[ "$dropped" -gt "$before" ] || fail "full rings: $dropped dropped, $(of undelivered) undelivered"
undelivered=$(of undelivered) # what a slow collector left no room for in the small spool
[ "$(of dropped.ring_full)" = "$dropped" ] || fail "the cause is not a full ring"
series='{cluster="lab",node="n1",type="mlock2"'
[ "$(lab_metric "mews_node_type_lost_total$series,cause=\"ring_full\"")" = "$dropped" ] || fail "/metrics do not have the drops"

# The spool overflows while the collector stands still.
kill -STOP "$collector_pid"
for _ in $(seq 60); do call 2000; done
kill -CONT "$collector_pid"
settle "a full spool"
[ "$(of undelivered)" -gt "$undelivered" ] || fail "the spool dropped nothing"
undelivered=$(of undelivered)
[ "$(lab_metric "mews_node_type_lost_total$series,cause=\"undelivered\"")" = "$undelivered" ] || fail "/metrics do not have the undelivered"
[ "$(lab_metric mews_node_unaccounted_total)" = 0 ] || fail "events are unaccounted for"
[ "$(lab_metric 'mews_collector_loss_windows_total{cause="unaccounted"}')" = 0 ] || fail "a window for events that are accounted for"
lab_status | jq -e '.sensors[0].accounts | .generated > 0 and .generated == .delivered + .undelivered + (.dropped | add)' >/dev/null || fail "the status: $(lab_status | jq -c '.sensors[0].accounts')"
"$bin/mewsctl" status --collector "http://$http" >"$lab/status" || fail "mewsctl status failed"
grep -q '^  account: of .* events .* delivered, .* dropped, .* undelivered, 0 missing$' "$lab/status" || fail "mewsctl status: $(cat "$lab/status")"

# A collector continues the account from its checkpoint, also after a crash.
lab_wait 60 lab_durable n1 || fail "not all is durable"
written() { [ "$(lab_metric mews_checkpoint_written_total)" -gt "$n" ]; }
n=$(lab_metric mews_checkpoint_written_total)
: >"$lab/file"
"$bin/bench_load" 20000 3 2 "$lab/file" >/dev/null
lab_wait 20 written || fail "no checkpoint was written"
call 500
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null || true
call 700
start
lab_wait 60 lab_connected n1 || fail "the sensor did not return"
settle "a killed collector"
# Unless so much came meanwhile that the small spool had to free batches after it.
[ "$(lab_metric mews_checkpoint_loaded_total)" = 0 ] || [ "$(of undelivered)" = "$undelivered" ] && [ "$(of dropped)" -ge "$dropped" ] || fail "after a restart: $(of dropped) dropped, $(of undelivered) undelivered"
echo "$total calls: $(of delivered) delivered, $dropped dropped, $undelivered undelivered"
