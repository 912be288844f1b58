#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A collector that is killed, a sensor that is killed, a sensor that is stopped: each opens a loss
# window with its cause, in the log, in /metrics, in the status and in the alerts raised in it.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
lab_pki n1

# cause N: mews.loss_cause of the alert that file N raised, "none" without it; waits for the alert.
cause() {
	lab_wait 20 lab_alert 'Watched file opened' ".output_fields.\"fd.name\" | endswith(\"/watched/$1\")" || fail "no alert of file $1"
	jq -r "select(.output_fields.\"fd.name\" // \"\" | endswith(\"/watched/$1\")).output_fields |
		if .\"mews.loss_window\" then .\"mews.loss_cause\" else \"none\" end" "$lab/alerts"
}
# shows CAUSE [OPEN]: the status has one window of this cause, open or not.
shows() {
	lab_status | jq -e --arg c "$1" --argjson open "${2:-true}" \
		'.sensors[] | select(.node == "n1" and .connected) | .loss | .windows[$c] == 1 and (.open | index($c) != null) == $open'
}
told() {
	[ "$(lab_metric "mews_collector_loss_windows_total{cause=\"$1\"}")" = 1 ] || fail "no window of cause $1 in /metrics"
	lab_wait 10 shows "$1" || fail "no window of cause $1 in the status: $(lab_status | jq -c '.sensors[].loss')"
	grep -q "node n1: .*loss window $1, since 20..-" "$lab/collector.log" || fail "no window of cause $1 in the log"
	grep -q "loss window open for [^;]*$1" <("$bin/mewsctl" status --collector "http://$http" | tr "\n" " ") || fail "mewsctl status does not name $1"
	[ "$(lab_metric mews_node_loss_window)" = 1 ] || fail "the node's loss window is not open in /metrics"
}
down() { lab_status | jq -e '.sensors | all(.connected | not)'; }

lab_collector
lab_sensor n1
lab_touch 1 1
[ "$(cause 1)" = none ] || fail "a first connection is called a loss: $(cause 1)"
[ "$(lab_metric mews_node_loss_window)" = 0 ] || fail "a loss window is open although nothing was lost"
lab_wait 20 lab_durable n1 || fail "not all is durable"

kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null || true
lab_touch 2 2
lab_collector
[ "$(cause 2)" = collector_restarted ] || fail "after the collector's end the mark is '$(cause 2)'"
told collector_restarted
lab_wait 30 shows collector_restarted false || fail "the window does not close"
lab_touch 3 3
[ "$(cause 3)" = none ] || fail "an alert after the window has the mark '$(cause 3)'"

kill -9 "$sensor_pid"
wait "$sensor_pid" 2>/dev/null || true
lab_wait 20 down || fail "the sensor's end is not noticed"
lab_sensor n1
lab_touch 4 4
[ "$(cause 4)" = sensor_died ] || fail "after the sensor's end the mark is '$(cause 4)'"
told sensor_died

lab_stop "$sensor_pid"
lab_wait 20 down || fail "the sensor's stop is not noticed"
lab_sensor n1
lab_touch 5 5
case "$(cause 5)" in *sensor_stopped*) ;; *) fail "after the sensor's stop the mark is '$(cause 5)'" ;; esac
told sensor_stopped
shows sensor_died false || fail "an earlier window of the node is not shown any more"
[ "$(lab_metric mews_node_drops_total)" = 0 ] && [ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "drops or gaps"
echo "three losses, three causes"
