#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deed.sh - in the machine of kernel.sh: do something that is worth an alert, and print what came of it.
set -u
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$until" ] || { echo "never: $*"; return 1; }
		sleep 0.2
	done
}
pid() { systemctl show -P MainPID mews-sensor; }
connected() { mewsctl nodes | grep -E '(^|[ /])machine ' | grep -q ' up '; }
alert() { mewsctl alerts -n all --rule 'Sensitive file read' --node machine --json | grep . >/run/alert; }

echo "sensor $(systemctl is-active mews-sensor) $(stat -c %U "/proc/$(pid)/task")"
wait_for 60 connected && echo connected
echo "capabilities $(grep CapEff "/proc/$(pid)/status")"
cat /etc/shadow >/dev/null
wait_for 30 alert && echo "alert $(head -n 1 /run/alert)"
echo "seconds $(cut -d' ' -f1 /proc/uptime)"
before=$(pid)
systemctl kill -s KILL mews-sensor
another() { [ "$(pid)" != 0 ] && [ "$(pid)" != "$before" ]; }
wait_for 30 another && wait_for 60 connected && echo again connected
systemctl reload mews-sensor && echo reloaded
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
