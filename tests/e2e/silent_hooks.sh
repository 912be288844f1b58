#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A hook of a running sensor is taken away behind its back: the next check finds it silent, tells the log, the
# metrics, the status and the alerts, and attaches it again. Where that fails, the node has a blind spot until a
# later check mends it. And a sensor with hooks that are silent on one CPU tells of that one.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
lab_pki n1

take() {
	local code=0
	"$bin/hook_off" "$sensor_pid" "$1" || code=$?
	[ "$code" != 77 ] || { echo "SKIP: not on this processor"; exit 77; }
	[ "$code" = 0 ] || fail "cannot take the hook $1"
}
seen() { lab_alert 'Watched file opened' ".output_fields.\"fd.name\" | endswith(\"/watched/$1\")"; }
logged() { grep -q "$1" "$lab/sensor-n1.log"; }
number() { lab_status | jq '.sensors[0].silences'; }
blind() { lab_status | jq -e --arg t "$1" '.sensors[0].blind | index($t) != null'; }
sees() { ! blind "$1"; }
window() { lab_status | jq -e --argjson n "$1" '.sensors[0].loss.windows.hook_silent == $n'; }

lab_collector
lab_sensor n1
lab_touch 1 1
lab_wait 20 seen 1 || fail "file 1 is not seen"
[ "$(number)" = 0 ] || fail "hooks are silent from the start: $(lab_status)"
! logged 'does not run the hook' || fail "the log speaks of silent hooks"
spots=$(lab_metric mews_node_blind_spots)

# The link is gone; a signal makes the sensor check.
take on_sys_exit
lab_touch 2 2
kill -HUP "$sensor_pid"
lab_wait 20 logged 'does not run the hook for the exit of system calls on CPU .*: attaching it again' || fail "the silent hook is not told"
lab_wait 20 logged 'the kernel runs all hooks again' || fail "it is not mended"
lab_touch 3 3
lab_wait 20 seen 3 || fail "file 3 is not seen: the hook was not attached again"
! seen 2 || fail "file 2 was seen: the hook was not off"
cpus=$(nproc)
silences() { [ "$(number)" = "$1" ] && [ "$(lab_metric mews_node_silent_hooks_total)" = "$1" ]; }
lab_wait 20 silences "$cpus" || fail "$(number) silent hooks, not $cpus"
lab_touch 4 4
lab_wait 20 window 1 || fail "no loss window"
[ "$(lab_metric 'mews_collector_loss_windows_total{cause="hook_silent"}')" = 1 ] || fail "no loss window in /metrics"
lab_wait 20 lab_alert 'Mews lost events of a node' '.output_fields."mews.loss_cause" == "hook_silent"' || fail "no alert"
grep -q 'hook_silent 1' <("$bin/mewsctl" status --collector "http://$http") || fail "mewsctl status does not name it"
[ "$(lab_metric mews_node_blind_spots)" = "$spots" ] || fail "a mended hook is a blind spot"

# It cannot be attached again: no descriptor is left.
programs='on some CPUs, started programs are not seen'
limit=$(prlimit --pid "$sensor_pid" --nofile -o SOFT --noheadings | tr -d ' ')
take on_exec
prlimit --pid "$sensor_pid" --nofile=3:
kill -HUP "$sensor_pid"
lab_wait 20 blind "$programs" || fail "the status does not show the blind spot: $(lab_status | jq -c '.sensors[0].blind')"
logged 'does not run the hook for programs started on CPU .*: what happens there is not seen; restart' || fail "the log does not name it"
[ "$(lab_metric mews_node_blind_spots)" = $((spots + 1)) ] || fail "no blind spot in /metrics"
grep -q 'blind: .*started programs' <("$bin/mewsctl" status --collector "http://$http" | tr -s '\n ' ' ') || fail "mewsctl status does not show it"

# A change of what is captured checks again.
prlimit --pid "$sensor_pid" --nofile="$limit":
cat >>"$lab_rules" <<'END'
- rule: Folder listed
  desc: A folder of this test was listed.
  condition: evt.type=getdents64 and fd.name startswith /nowhere
  output: listed %fd.name
  priority: NOTICE
END
kill -HUP "$collector_pid"
lab_wait 30 sees "$programs" || fail "the hook is not attached again after a reload"

# Another sensor, whose hooks are silent on one CPU from the start: only that CPU is told.
[ "$(nproc)" -gt 1 ] || { echo "ok, without a second CPU"; exit 0; }
lab_stop "$sensor_pid"
lab_pki n2
mkdir "$lab/broken"
ln -s "$bin/mewsctl" "$bin/mews-collector" "$lab/broken/"
ln -s "$bin/broken_sensor" "$lab/broken/mews-sensor"
cpu=$(taskset -cp $$ | sed 's/.*[^0-9]//') # the last one
bin=$lab/broken BROKEN_CPU=$cpu lab_sensor n2
broken() { lab_status | jq -e --arg a 'on some CPUs, system calls are not seen' --arg b "$programs" \
	'.sensors[] | select(.node == "n2") | .silences == 2 and (.blind | index($a) != null and index($b) != null)'; }
lab_wait 20 broken || fail "not told of the hooks silent on CPU $cpu: $(lab_status | jq -c '.sensors[] | {node, silences, blind}')"
told() { grep -q "does not run the hook for $1 on CPU $cpu: what happens there is not seen" "$lab/sensor-n2.log"; }
told 'the exit of system calls' || fail "the log does not name CPU $cpu alone"
told 'programs started' || fail "the log does not name CPU $cpu alone for programs"
[ "$(lab_metric 'mews_node_silent_hooks_total{cluster="lab",node="n2"')" = 2 ] || fail "no silent hooks of n2 in /metrics"
echo "ok"
