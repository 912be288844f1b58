#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sensor and collector in a machine whose clock is set an hour ahead and back, 3 s back and ahead, and that
# sleeps, all while a process goes on with numbered deeds: each deed has one alert, whose time is what the
# clock showed, but for the seconds after the small step back, in which event time waits for the clock; time
# never runs backwards but with the hour; how long the process has run is not changed by any of it.
. "$(dirname "$0")/clock_lab.sh"

cat >"$scratch/rules.yaml" <<'YAML'
- rule: mark
  desc: a file of this test
  condition: evt.type in (open, openat) and fd.name startswith /tmp/mark and evt.is_open_write = true
  output: "%fd.name %proc.duration"
  priority: INFO
YAML
cat >"$scratch/guest" <<GUEST
$bin/mews-collector -o listen=ipc:///tmp/sensor.sock -o http.listen=127.0.0.1:8080 -o http.socket=/tmp/api.sock \
	-o outbox.path=/tmp/o.db -o rules=$scratch/rules.yaml -o outputs.file.enabled=true -o outputs.file.path=/tmp/alerts \
	-o alerts.rate=0 -o alerts.user_rate=0 2>/tmp/collector.log >/dev/null &
collector=\$!
until [ -e /tmp/sensor.sock ]; do kill -0 \$collector || { cat /tmp/collector.log; exit 8; }; usleep 100000; done
$bin/mews-sensor -o collector=ipc:///tmp/sensor.sock -o node=guest 2>/tmp/sensor.log &
sensor=\$!
until grep -q '/tmp/mark-0 ' /tmp/alerts 2>/dev/null; do
	kill -0 \$sensor || { cat /tmp/sensor.log; exit 9; }
	: >/tmp/mark-0
	usleep 300000
done
cat >/tmp/deeds <<'DEEDS'
i=0
while [ ! -e /tmp/stop ]; do
	i=\$((i + 1))
	read up rest </proc/uptime
	: >/tmp/mark-\$i
	echo "deed \$i \$(date +%s) \$up"
	usleep 200000
done
DEEDS
sh /tmp/deeds >/tmp/deeds.out &
deeds=\$!
step() {
	read up rest </proc/uptime
	echo "step \$1 \$up"
	date -s "@\$((\$(date +%s) + \$1))" >/dev/null
	sleep \$2
}
sleep 3
step 3600 6
step -3600 6
step -3 12
step 3 6
read up rest </proc/uptime
echo "step suspend \$up"
echo +10 >/sys/class/rtc/rtc0/wakealarm
echo mem >/sys/power/state
sleep 6
: >/tmp/stop
wait \$deeds
last=\$(sed -n '\$s/deed \([0-9]*\) .*/\1/p' /tmp/deeds.out)
tries=0
until grep -q "/tmp/mark-\$last " /tmp/alerts || [ \$tries = 100 ]; do usleep 300000; tries=\$((tries + 1)); done
cat /tmp/deeds.out
$bin/mewsctl nodes --collector http://127.0.0.1:8080 | sed 's/^/nodes: /'
kill \$sensor
wait \$sensor
kill \$collector
wait \$collector
dmesg | grep 'PM: suspend exit'
grep -v ' info: ' /tmp/sensor.log /tmp/collector.log | sed 's/^/log: /'
sed 's/^/alert: /' /tmp/alerts
GUEST
status=0
"$here/run.sh" -t 400 -f "$scratch/guest" -f "$scratch/rules.yaml" -f "$bin/mews-sensor" -f "$bin/mews-collector" -f "$bin/mewsctl" \
	6.1 sh "$scratch/guest" >"$scratch/said" || status=$?
sed -i 's/\r$//' "$scratch/said"
grep -vE '^(alert|deed)' "$scratch/said"
[ "$status" = 0 ] || exit "$status"
grep -q 'PM: suspend exit' "$scratch/said" || fail 'the machine did not sleep'
! grep -qi 'loss window' "$scratch/said" || fail 'a loss window has opened'

# Of each deed: its number, the clock and the uptime then; from its alerts: their number, time, duration.
sed -n 's/^alert: //p' "$scratch/said" | jq -r 'select(.rule == "mark") | .output_fields |
	"\(.["fd.name"] | ltrimstr("/tmp/mark-")) \(.["evt.time"] / 1e9) \(.["proc.duration"] / 1e9)"' |
	awk '$1 > 0' | sort -n >"$scratch/alerts"
sed -n 's/^deed //p' "$scratch/said" | sort -n >"$scratch/deeds"
[ "$(wc -l <"$scratch/deeds")" -ge 60 ] || fail "only $(wc -l <"$scratch/deeds") deeds"
[ "$(cut -d' ' -f1 "$scratch/alerts")" = "$(cut -d' ' -f1 "$scratch/deeds")" ] || fail 'not one alert for each deed'
paste -d' ' "$scratch/deeds" "$scratch/alerts" | awk -v steps="$(sed -n 's/^step //p' "$scratch/said" | tr '\n' ' ')" '
BEGIN { n = split(steps, s, " ") / 2 }
function wrong(what) { printf "deed %d, %.1f s after the step %s: %s\n", $1, $3 - since, name, what; bad = 1 }
{
	name = "none"; since = 0
	for (i = 1; i <= n; i++) if ($3 >= s[2 * i]) { name = s[2 * i - 1]; since = s[2 * i] }
	off = $5 - $2; passed = $3 - since
	if (off < 0) off = -off
	# two seconds for what this machine takes, whose clock is read in whole seconds
	allowed = passed < 1 && name != "none" ? 4000 : name == "-3" && passed < 8 ? 5 : 2
	if (off > allowed) wrong(sprintf("its time is %.1f s off", off))
	if (NR > 1 && $5 < last && !(name == "-3600" && last_name != "-3600")) wrong(sprintf("its time is %.3f s before that of the deed before", last - $5))
	run = $6 - $3
	if (NR == 1) first = run
	if (run - first > 1 || first - run > 1) wrong(sprintf("how long its process has run is %.1f s off", run - first))
	if (name == "-3" && passed < 8 && off > late) late = off
	last = $5; last_name = name
	count[name]++
}
END {
	for (i = 1; i <= n; i++) if (count[s[2 * i - 1]] < 5) { printf "only %d deeds after the step %s\n", count[s[2 * i - 1]], s[2 * i - 1]; bad = 1 }
	if (late < 1) { print "event time did not wait for the clock"; bad = 1 }
	printf "%d deeds, each with an alert at its time; after 3 s back event time was ahead by %.1f s at most\n", NR, late
	exit bad
}' || fail 'times or durations are wrong'
