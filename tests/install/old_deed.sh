#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# old_deed.sh - in a machine of old.sh with the old packages: state, upgrades in the order that the
# kernel's command line names, deeds all the while; print what came of it.
. /var/in_guest.sh
order=$(sed -n 's/.*mews.order=\([a-z]*\).*/\1/p' /proc/cmdline)
versions() { dpkg-query -W -f '${Package} ${Version}\n' 'mews-*' | sed 's/+deb.*//;s/.*~git/&/' | tr '\n' ' '; }
upgrade() { # upgrade PACKAGE...: without a network, which the machine does not have
	local name files=()
	for name; do files+=("/var/packages/${name}"_*.deb); done
	apt-get -q -y -o Dpkg::Options::=--force-confold install "${files[@]}" >/run/apt 2>&1 || { echo "apt-get: $?"; cat /run/apt; }
}
# changed UNIT PID: is it another process than that, and does the unit run?
changed() { [ "$(pid "$1")" != 0 ] && [ "$(pid "$1")" != "$2" ] && systemctl is-active --quiet "$1"; }
spooled() { du -sb /var/lib/mews-sensor/spool | cut -f1; }
more() { [ "$(spooled)" -gt "$1" ]; }

cd /var/packages || exit
echo "before: $(versions)"
wait_for 90 connected && echo 'old sensor, old collector: connected'
for _ in 1 2 3; do deed; done
once 'old sensor, old collector'
mewsctl alerts -n all --json | sed -n 's/.*"uuid":"\([^"]*\)".*/\1/p' | sort >/run/before
kept() { [ "$(mewsctl alerts -n all --json | sed -n 's/.*"uuid":"\([^"]*\)".*/\1/p' | sort | comm -13 - /run/before | wc -l)" = 0 ] && echo "$1: $(wc -l </run/before) old alerts are there"; }

record() {
	mews-sensor --record /var/old.rec --seconds 8 >/run/record 2>&1 &
	local recorder=$!
	while [ -e "/proc/$recorder" ]; do
		head -c 1 /etc/shadow >/dev/null
		sleep 0.2
	done
	wait "$recorder" || cat /run/record
	chmod 0644 /var/old.rec
}
replay() {
	setpriv --reuid mews-sensor --regid mews --clear-groups --inh-caps=-all \
		timeout 60 mews-sensor --replay /var/old.rec --speed max -o node=played >/run/replay 2>&1 || cat /run/replay
	played() { mewsctl alerts -n all --rule 'Sensitive file read' --node played --json | grep . >/run/played; }
	wait_for 30 played && echo "$1: the old recording raises its alert"
}

upgrade_collector() { # with running services and deeds meanwhile, which the sensor keeps
	local before upgrading
	before=$(pid mews-collector)
	rm -f /run/upgraded
	(
		upgrade mews-collector mews-rules
		touch /run/upgraded
	) &
	upgrading=$!
	until [ -e /run/upgraded ]; do
		deed
		sleep 0.5
	done
	wait "$upgrading"
	wait_for 60 changed mews-collector "$before" && wait_for 120 connected && echo "$1: connected"
	once "$1"
	kept "$1"
}
upgrade_sensor() { # while the collector is away and the sensor's spool has what it does not know
	local before
	systemctl stop mews-collector
	for _ in 1 2 3 4 5; do deed; done
	before=$(pid)
	upgrade mews-sensor "${@:2}"
	wait_for 60 changed mews-sensor "$before" && echo "$1: the sensor runs"
	deed
	systemctl start mews-collector
}

case $order in
collector)
	record
	upgrade_collector 'old sensor, new collector'
	replay 'old sensor, new collector'
	upgrade_sensor 'new sensor, new collector' mews-ctl
	wait_for 90 connected && echo 'new sensor, new collector: connected'
	;;
sensor)
	record
	upgrade_sensor 'new sensor, old collector' mews-ctl
	refused() { journalctl -q -b -u mews-sensor -o cat | grep 'the collector refused this node: this collector speaks another protocol'; }
	wait_for 60 refused
	deed
	kept 'new sensor, old collector'
	upgrade_collector 'new sensor, new collector'
	;;
esac
for _ in 1 2 3; do deed; done
once 'new sensor, new collector, afterwards'
kept 'new sensor, new collector'
replay 'new sensor, new collector'
mewsctl status >/run/status 2>&1 || [ $? = 3 ] || echo "status: $?" # 3: the played node is not there
echo "after: $(versions)"
echo "seconds $(cut -d' ' -f1 /proc/uptime)"
cat /run/status
mewsctl nodes
journalctl -q -b -u mews-sensor -u mews-collector
echo finished
