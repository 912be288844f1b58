#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C in the quick start, while the machine is busy: the sensor stops first, then the collector,
# and nothing is lost. A terminal's Ctrl-C is SIGINT to each process of the foreground group. If the
# script is killed, both end too.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
folders() { ls -d /var/tmp/mews-quickstart.* 2>/dev/null || true; }
before=$(folders)

# Writes to $2 when process $1 ends, in ns since the epoch.
note_end() { tail -s 0.02 --pid="$1" -f /dev/null && date +%s%N >"$2"; }
child() { pgrep -P "$quick" -x "$1"; }
group() { ps -o pgid= -p "$1" | tr -d ' '; }

# Starts the quick start. Sets quick, collector, sensor.
begin_quick() {
	: >"$lab/out.log"
	# A shell's background job ignores SIGINT; what a terminal starts does not.
	setsid env --default-signal=INT "$root/deploy/quickstart.sh" --no-build >"$lab/out.log" 2>&1 &
	quick=$!
	lab_pids+=("$quick")
	lab_wait 90 grep -q 'Watching this machine' "$lab/out.log" || fail "the quick start did not start"
	collector=$(child mews-collector) sensor=$(child mews-sensor)
}

begin_quick
while :; do /bin/true; done &
lab_pids+=($!)
for pid in "$collector" "$sensor"; do
	[ "$(group "$pid")" != "$(group "$quick")" ] || fail "$(cat "/proc/$pid/comm") hears the Ctrl-C that is meant for the script"
done
note_end "$collector" "$lab/collector" &
lab_pids+=($!)
note_end "$sensor" "$lab/sensor" &
lab_pids+=($!)

kill -INT -- "-$quick"
code=0
wait "$quick" || code=$?
[ "$code" = 0 ] || fail "exit code $code"
lab_wait 10 test -s "$lab/collector" -a -s "$lab/sensor" || fail "a program is left"
[ "$(cat "$lab/sensor")" -lt "$(cat "$lab/collector")" ] || fail "the collector stopped before the sensor"
sed -n '/Watching this machine/,$p' "$lab/out.log" >"$lab/said"
! grep -iE ' (warn|error) |lost|not committed' "$lab/said" || fail "something is reported at the end"
[ "$(folders)" = "$before" ] || fail "a scratch folder is left"
echo "the sensor stopped $((($(cat "$lab/collector") - $(cat "$lab/sensor")) / 1000000)) ms before the collector; nothing was lost"

begin_quick
kill -9 "$quick"
wait "$quick" 2>/dev/null || true
for pid in "$sensor" "$collector"; do lab_wait 10 lab_gone "$pid" || fail "$(cat "/proc/$pid/comm") goes on after the script was killed"; done
comm -13 <(echo "$before") <(folders) | xargs -r rm -rf
