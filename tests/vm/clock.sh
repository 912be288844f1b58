#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine whose clock is set a day ahead, and that sleeps in between: capture continues, and each
# event has the time that the clock showed.
. "$(dirname "$0")/clock_lab.sh"

cat >"$scratch/rules.yaml" <<'YAML'
- rule: mark
  desc: a file of this test
  condition: evt.type in (open, openat) and fd.name startswith /tmp/mark
  output: "%fd.name"
  priority: INFO
YAML
cat >"$scratch/guest" <<GUEST
# a batch is stamped when it is sent: leave the clock alone until the mark is in the recording
mark() {
	: >/tmp/mark-\$1
	echo "at \$1 \$(date +%s)"
	until [ -n "\$($bin/mewsctl replay --rules $scratch/rules.yaml /tmp/r.rec 2>/dev/null | grep "mark-\$1\\$")" ]; do usleep 100000; done
}
$bin/mews-sensor --record /tmp/r.rec 2>/tmp/log &
sensor=\$!
# it captures once opening files makes the recording grow
until [ "\$(stat -c %s /tmp/r.rec 2>/dev/null || echo 0)" -gt 20000 ]; do
	kill -0 \$sensor || exit 9
	: >/tmp/mark-0
done
mark 1
date -s "@\$((\$(date +%s) + 86400))" >/dev/null
mark 2
echo +10 >/sys/class/rtc/rtc0/wakealarm
echo mem >/sys/power/state
mark 3
kill \$sensor
wait \$sensor
cat /tmp/log >&2
dmesg | grep 'PM: suspend exit'
$bin/mewsctl replay --rules $scratch/rules.yaml /tmp/r.rec 2>&1 | grep 'mark-[123]'
GUEST
status=0
"$here/run.sh" -f "$scratch/guest" -f "$scratch/rules.yaml" -f "$bin/mews-sensor" -f "$bin/mewsctl" \
	6.1 sh "$scratch/guest" >"$scratch/said" || status=$?
cat "$scratch/said"
[ "$status" = 0 ] || exit "$status"
grep -q 'PM: suspend exit' "$scratch/said" || fail 'the machine did not sleep'

# at N: the guest's time at which mark N was made
at() { sed -n "s/^at $1 //p" "$scratch/said"; }
[ "$(at 2)" -ge $(($(at 1) + 86400)) ] || fail 'the clock was not set'
[ "$(at 3)" -ge $(($(at 2) + 2)) ] || fail 'no time went by'
for n in 1 2 3; do
	seen=$(sed -n "s/^\([-0-9]* [0-9:]*\)\.[0-9]* .*mark-$n\$/\1/p" "$scratch/said")
	[ -n "$seen" ] || fail "mark $n was not seen"
	off=$(($(date -u -d "$seen" +%s) - $(at $n)))
	[ ${off#-} -le 2 ] || fail "mark $n was seen at $seen, $off s off"
done
