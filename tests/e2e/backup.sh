#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lines of deploy/operations.md: alerts are copied while the collector runs, and a collector that starts with the
# copy has them, goes on, and raises none twice.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1
lab_watch
lab_collector
lab_sensor n1
lab_wait 60 lab_connected n1 || fail "the sensor does not connect"
lab_touch_next 20
lab_wait 60 lab_all_watched || fail "$(lab_watched 'count(*)') of 20 alerts"
line=$(grep '^sqlite3 .*\.backup' "$root/deploy/operations.md" | sed "s|/var/lib/mews/outbox.db|$lab/outbox.db|; s|/root/|$lab/|")
[ -n "$line" ] || fail "operations.md does not say how to copy the outbox"
bash -euc "$line" || fail "the copy fails: $line"
lab_touch_next 20
lab_wait 60 lab_all_watched || fail "no alerts while and after the copy is made"
lab_stop "$collector_pid"
rm "$lab"/outbox.db*
mv "$lab/outbox-copy.db" "$lab/outbox.db"
lab_collector
lab_wait 60 lab_connected n1 || fail "the sensor does not come back"
[ "$(lab_watched 'count(*)')" -ge 20 ] || fail "the copy has $(lab_watched 'count(*)') of 20 alerts"
before=$(lab_watched 'max(n)')
lab_touch_next 20
more() { [ "$(lab_watched "sum(n > $before)")" -ge 20 ]; }
lab_wait 60 more || fail "the collector does not go on with a copy"
[ "$(lab_watched 'count(*) - count(distinct id)')" = 0 ] || fail "alerts are there twice"
lab_stop "$sensor_pid"
echo "20 alerts copied while the collector ran, and restored; it went on"
