#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deed.sh - in the machine of kernel.sh: do something that is worth an alert, and print what came of it.
. /var/in_guest.sh
alert() { mewsctl alerts -n all --rule 'Sensitive file read' --node machine --json | grep . >/run/alert; }

echo "sensor $(systemctl is-active mews-sensor) $(stat -c %U "/proc/$(pid)/task")"
wait_for 60 connected && echo connected
echo "capabilities $(grep CapEff "/proc/$(pid)/status")"
cat /etc/shadow >/dev/null
wait_for 30 alert && echo "alert $(head -n 1 /run/alert)"
echo "seconds $(cut -d' ' -f1 /proc/uptime)"
pinned() { find /sys/fs/bpf/mews-sensor -type f 2>/dev/null | wc -l; }
[ "$(pinned)" -gt 30 ] && echo "pinned for $(stat -c '%U %a' /sys/fs/bpf/mews-sensor)"
before=$(pid)
state() { systemctl show -P SubState mews-sensor; }
waits() { [ "$(state)" = auto-restart ]; }
# kill: the sensor, and return while systemd waits before it starts another.
kill_it() {
	systemctl kill -s KILL mews-sensor
	wait_for 30 waits
}
unseen() { mewsctl alerts -n all --rule 'Sensitive file read' --node machine --json | grep -c '"fd.name":"/etc/gshadow"'; }
kill_it
cat /etc/gshadow >/dev/null
echo "while it is $(state): $(unseen) alerts"
another() { [ "$(pid)" != 0 ] && [ "$(pid)" != "$before" ]; }
wait_for 60 another && wait_for 60 connected && echo again connected
wait_for 30 unseen >/dev/null && echo "afterwards: $(unseen) alerts"
journalctl -q -b -u mews-sensor -o cat | grep 'taken over$'
systemctl reload mews-sensor && echo reloaded
none() { [ "$(pinned)" = 0 ]; }
nothing_pinned() { wait_for 30 none && echo "nothing is pinned $1"; }
start() {
	systemctl start mews-sensor
	wait_for 60 connected
	echo "started: $(($(pinned) > 30))"
}
systemctl stop mews-sensor
nothing_pinned 'after a stop'
start
kill_it
systemctl stop mews-sensor
nothing_pinned 'after a stop of what was killed'
start

# An upgrade of the sensor, while something happens: no deed is missed.
deeds() { mewsctl alerts -n all --rule 'Sensitive file read' --node machine --json | grep -oE 'cat /etc/shadow /run/deed-[0-9]+"' | sort -u | wc -l; }
count() { cat /run/count; }
(
	n=0
	while [ ! -e /run/upgraded ]; do
		n=$((n + 1))
		cat /etc/shadow "/run/deed-$n" >/dev/null 2>&1
		echo "$n" >/run/count
		sleep 0.4
	done
) &
deeds_pid=$!
before=$(pid)
dpkg -i /var/newer.deb >/run/dpkg 2>&1 || cat /run/dpkg
wait_for 60 another && wait_for 60 connected && echo "upgraded $(dpkg-query -W -f '${Version}' mews-sensor)"
touch /run/upgraded
wait "$deeds_pid"
all_deeds() { [ "$(deeds)" = "$(count)" ]; }
wait_for 30 all_deeds && echo "no deed of $(count) is missed"
journalctl -q -b -u mews-sensor -o cat | grep -c 'taken over$' | sed 's/^/take-overs: /'

echo "warnings $(journalctl -q -b _COMM=mews-sensor -p warning -o cat | grep -vc 'kernel.perf_event_paranoid to 2')"

# The configurations switch to the lines about TLS, as the README says.
sed -i -e '/^listen: ipc/d' -e '/^ipc:/d' -e '/^# name:/,/^#   key:/s/^# //' /etc/mews/collector.yaml
sed -i -e '/^collector: ipc/d' -e '/^# collector:/,/^#   key:/s/^# //' /etc/mews/sensor.yaml
mkdir -p /root
before=$(pid)
bash -eu /var/fleet
over_tls() { another && connected && journalctl -q -b -u mews-collector -o cat | grep -F 'listening for sensors on tls+tcp://0.0.0.0:7443'; }
wait_for 60 over_tls && echo fleet connected over tls
mewsctl nodes
journalctl -q -b -u mews-sensor -u mews-collector
echo finished
