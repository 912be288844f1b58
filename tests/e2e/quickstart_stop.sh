#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C in the quick start, while the machine is busy: the sensor stops first, then the collector,
# and nothing is lost. A terminal's Ctrl-C is SIGINT to each process of the foreground group.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
lab=$(mktemp -d /var/tmp/mews-lab.XXXXXX)
before=$(ls -d /var/tmp/mews-quickstart.* 2>/dev/null || true)
quick='' busy=''

end() {
	local code=$?
	trap - EXIT
	for pid in $busy; do kill "$pid" 2>/dev/null || true; done
	[ -z "$quick" ] || { kill -TERM "$quick" 2>/dev/null && wait "$quick" || true; }
	[ "$code" = 0 ] || cat "$lab/out"
	rm -rf "$lab"
	exit "$code"
}
trap end EXIT
trap 'exit 130' INT TERM
fail() {
	echo "FAIL: $*" >&2
	exit 1
}
# until_true SECONDS COMMAND...
until_true() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.1
	done
}
# Writes to $2 when process $1 ends, in ns since the epoch.
note_end() { tail -s 0.02 --pid="$1" -f /dev/null && date +%s%N >"$2"; }
child() { pgrep -P "$quick" -x "$1"; }
group() { ps -o pgid= -p "$1" | tr -d ' '; }

: >"$lab/out"
# A shell's background job ignores SIGINT; what a terminal starts does not.
setsid env --default-signal=INT "$root/deploy/quickstart.sh" --no-build >"$lab/out" 2>&1 &
quick=$!
until_true 90 grep -q 'Watching this machine' "$lab/out" || fail "the quick start did not start"
collector=$(child mews-collector) sensor=$(child mews-sensor)
while :; do /bin/true; done &
busy=$!
for pid in "$collector" "$sensor"; do
	[ "$(group "$pid")" != "$(group "$quick")" ] || fail "$(cat "/proc/$pid/comm") hears the Ctrl-C that is meant for the script"
done
note_end "$collector" "$lab/collector" &
busy+=" $!"
note_end "$sensor" "$lab/sensor" &
busy+=" $!"

kill -INT -- "-$quick"
code=0
wait "$quick" || code=$?
quick=''
[ "$code" = 0 ] || fail "exit code $code"
until_true 10 test -s "$lab/collector" -a -s "$lab/sensor" || fail "a program is left"
[ "$(cat "$lab/sensor")" -lt "$(cat "$lab/collector")" ] || fail "the collector stopped before the sensor"
sed -n '/Watching this machine/,$p' "$lab/out" >"$lab/said"
! grep -iE ' (warn|error) |lost|not committed' "$lab/said" || fail "something is reported at the end"
[ "$(ls -d /var/tmp/mews-quickstart.* 2>/dev/null || true)" = "$before" ] || fail "a scratch folder is left"
echo "the sensor stopped $((($(cat "$lab/collector") - $(cat "$lab/sensor")) / 1000000)) ms before the collector; nothing was lost"
