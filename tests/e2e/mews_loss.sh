#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mews.loss: an alert says what its node has lost in the hour before, from when to when and how many
# events; across restarts of the sensor and of a collector with a checkpoint. Without a loss it is not
# there.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
calls=150000

# lost N: wait for the alert of file N; its mews.loss is in $said, "null" without it.
lost() {
	lab_wait 30 lab_alert 'Watched file opened' ".output_fields.\"fd.name\" | endswith(\"/watched/$1\")" || fail "no alert of file $1"
	said=$(jq -c "select(.output_fields.\"fd.name\" // \"\" | endswith(\"/watched/$1\")).output_fields.\"mews.loss\"" "$lab/alerts")
}
# says EXPRESSION: it holds for mews.loss.
says() { jq -e "$1" <<<"$said" >/dev/null || fail "mews.loss is $said: not $1"; }
now() { date -u +%Y-%m-%dT%H:%M:%S.%3NZ; }
down() { lab_status | jq -e '.sensors | all(.connected | not)'; }
written() { [ "$(lab_metric mews_checkpoint_written_total)" -gt "$n" ]; }

lab_watch
lab_count
lab_pki n1
lab_collector -o "checkpoint.path=$lab/state" -o checkpoint.interval=1s
lab_sensor n1
lab_touch 1 1
lost 1
[ "$said" = null ] || fail "an alert says that events were lost: $said"

# The rings overflow while the sensor stands still.
lab_wait 20 lab_durable n1 || fail "not all is durable"
began=$(now)
kill -STOP "$sensor_pid"
lab_calls "$calls"
kill -CONT "$sensor_pid"
sleep 1
lab_touch 2 2
lost 2
says 'length == 1 and .[0].cause == "events_dropped" and .[0].losses == 1'
drops=$(lab_metric mews_node_drops_total)
says ".[0].events == $drops"
says ".[0].since < .[0].until and .[0].until > \"$began\" and .[0].until < \"$(now)\""
of_type() { lab_metric "mews_node_type_drops_total{cluster=\"lab\",node=\"n1\",type=\"mlock2\"}"; }
delivered() { lab_metric 'mews_collector_type_events_total{type="mlock2"}'; }
all() { [ $(($(delivered) + $(of_type))) = "$calls" ]; }
lab_wait 20 all || fail "$calls calls: $(delivered) delivered, $(of_type) dropped"
[ "$(of_type)" -gt 0 ] || fail "nothing was dropped"

# A killed sensor: how many events were lost then, nobody knows. What was lost before is not forgotten.
kill -9 "$sensor_pid"
wait "$sensor_pid" 2>/dev/null || true
lab_wait 20 down || fail "the sensor's end is not noticed"
lab_sensor n1
lab_touch 3 3
lost 3
says "map(.cause) == [\"events_dropped\", \"sensor_died\"] and .[0].events == $drops and .[1].events == null"
closed() { lab_status | jq -e '.sensors[] | select(.connected) | .loss.open == []'; }
lab_wait 60 closed || fail "the loss window does not close"
lab_touch 4 4
lost 4
says '.[1].until > .[1].since'

# A collector that continues from its checkpoint knows it, too.
n=$(lab_metric mews_checkpoint_written_total)
: >"$lab/file"
"$bin/bench_load" 20000 3 2 "$lab/file" >/dev/null
lab_wait 20 written || fail "no checkpoint was written"
lab_stop "$collector_pid"
lab_collector -o "checkpoint.path=$lab/state" -o checkpoint.interval=1s
lab_wait 60 lab_connected n1 || fail "the sensor did not return"
lab_touch 5 5
lost 5
says "map(.cause) == [\"events_dropped\", \"sensor_died\"] and .[0].events == $drops"
echo "$drops of the events were lost, and alerts say so"
