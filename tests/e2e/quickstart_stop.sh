#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C in the quick start on a busy machine: the sensor stops first, then the collector,
# and nothing is lost. A terminal's Ctrl-C is SIGINT to each process of the foreground group. If the
# script is killed, both end too.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
folders() { ls -d /var/tmp/mews-quickstart.* 2>/dev/null || true; }
before=$(folders)

# Wait for the collector's end; the sensor's must be before it. Sets apart: ms between them.
ends_in_order() {
	local until=$((SECONDS + 60)) ended=
	until lab_gone "$collector"; do
		if [ -z "$ended" ] && lab_gone "$sensor"; then ended=$(date +%s%N); fi
		[ "$SECONDS" -lt "$until" ] || fail "a program is left"
		sleep 0.02
	done
	lab_gone "$sensor" || fail "the collector stopped before the sensor"
	apart=$((($(date +%s%N) - ${ended:-$(date +%s%N)}) / 1000000))
}
child() { pgrep -P "$quick" -x "$1"; }
group() { ps -o pgid= -p "$1" | tr -d ' '; }

# Start the quick start. Sets quick, collector, sensor.
begin_quick() {
	: >"$lab/out.log"
	# A shell's background job ignores SIGINT; a program started from a terminal does not.
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

kill -INT -- "-$quick"
ends_in_order
code=0
wait "$quick" || code=$?
[ "$code" = 0 ] || fail "exit code $code"
sed -n '/Watching this machine/,$p' "$lab/out.log" >"$lab/said"
! grep -iE ' (warn|error) |lost|not committed' "$lab/said" || fail "something is reported at the end"
[ "$(folders)" = "$before" ] || fail "a scratch folder is left"
echo "the sensor stopped $apart ms before the collector; nothing was lost"

begin_quick
kill -9 "$quick"
wait "$quick" 2>/dev/null || true
for pid in "$sensor" "$collector"; do lab_wait 10 lab_gone "$pid" || fail "$(cat "/proc/$pid/comm") goes on after the script was killed"; done
comm -13 <(echo "$before") <(folders) | xargs -r rm -rf
