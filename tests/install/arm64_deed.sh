#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# arm64_deed.sh BIN RULES [TEST] - in a machine of arm64.sh, with busybox: a unit test; collector and sensor, two deeds,
# their alerts.
bin=$1 rules=$2 unit=${3:-}
cd /root || exit 1
if [ -n "$unit" ]; then
	"$unit" >/run/unit.log 2>&1
	code=$?
	[ "$code" = 0 ] || cat /run/unit.log
	echo "container_read ended with $code"
fi
mkdir -p /run/mews
echo 'root:*:19000:0:99999:7:::' >/etc/shadow
chmod 0640 /etc/shadow
wait_for() {
	n=$1
	shift
	until "$@"; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || { echo "never: $*"; return 1; }
		sleep 1
	done
}
"$bin/mews-collector" --version && "$bin/mews-sensor" --version && "$bin/mewsctl" --version || exit 1
ctl() { "$bin/mewsctl" "$@"; }
mkdir /run/rules
cp "$rules" /run/rules/
cat >/run/rules/own.yaml <<'EOF'
- rule: Connected there
  desc: A connection of this test.
  condition: evt.type = connect and fd.sport = 4444
  output: connected to %fd.name by %proc.name
  priority: NOTICE
EOF
"$bin/mews-collector" -c /dev/null -o listen=ipc:///run/sensors.sock -o rules=/run/rules -o outbox.path=/root/outbox.db >/run/collector.log 2>&1 &
ready() { ctl status >/dev/null 2>&1 || [ $? = 3 ]; }
wait_for 60 ready || { cat /run/collector.log; exit 1; }
"$bin/mews-sensor" -c /dev/null -o collector=ipc:///run/sensors.sock -o node=guest >/run/sensor.log 2>&1 &
sensor=$!
up() { ctl nodes 2>/dev/null | grep -q ' up '; }
wait_for 120 up || { cat /run/sensor.log; exit 1; }
echo "connected, on $(uname -m)"
cat /etc/shadow >/dev/null
nc -l -p 4444 >/dev/null 2>&1 &
sleep 2
nc -w 2 127.0.0.1 4444 </dev/null >/dev/null 2>&1
alerts() { ctl alerts -n all --json >/run/alerts 2>/dev/null; grep -q "$1" /run/alerts; }
wait_for 60 alerts '"rule":"Sensitive file read"' && echo "alert $(grep '"rule":"Sensitive file read"' /run/alerts | head -n 1)"
wait_for 60 alerts '"rule":"Connected there"' && echo "alert $(grep '"rule":"Connected there"' /run/alerts | head -n 1)"
kill "$sensor"
wait "$sensor"
echo "sensor ended with $?"
cat /run/sensor.log
tail -n 5 /run/collector.log
