#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The outbox's disk fills up under a live sensor: nothing is acknowledged meanwhile, /readyz gives
# the reason, and once there is room every alert is there.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
mkdir "$lab/disk"
mount -t tmpfs -o size=32m mews-lab "$lab/disk"
trap 'code=$?; umount "$lab/disk" 2>/dev/null || umount -l "$lab/disk" || true; lab_end "$code"' EXIT

lab_pki n1
lab_collector -o "outbox.path=$lab/disk/outbox.db" -o outbox.min_free=8MiB
lab_sensor n1
alerts() { sqlite3 "$lab/disk/outbox.db" "select count(*) from alert where rule = 'Watched file opened'"; }
ready() { curl -sf "http://$http/readyz"; }
full() { ! ready && grep -q room < <(curl -s "http://$http/readyz"); }
have() { [ "$(alerts)" -ge "$1" ]; }

ready >/dev/null || fail "not ready at the start"
lab_touch 1 50
lab_wait 20 have 50 || fail "$(alerts) of 50 alerts"

fallocate -l 27M "$lab/disk/filler"
lab_touch 51 150
lab_wait 20 full || fail "the disk is full, and /readyz says: $(curl -s "http://$http/readyz")"
lab_durable n1 >/dev/null && fail "batches are acknowledged as durable on a full disk"
grep -q room <("$bin/mewsctl" status --collector "http://$http") || fail "mewsctl status does not say that there is no room"

rm "$lab/disk/filler"
lab_wait 20 ready || fail "there is room again, and /readyz says: $(curl -s "http://$http/readyz")"
lab_wait 20 have 150 || fail "$(alerts) of 150 alerts after the disk was full"
[ "$(alerts)" = 150 ] || fail "$(alerts) alerts for 150 events"
[ "$(lab_metric mews_node_drops_total)" = 0 ] || fail "events were dropped"
echo "150 alerts through a full disk"
