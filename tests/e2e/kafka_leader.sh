#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two brokers and a controller of their own: a broker that leads partitions is killed while alerts flow. The other
# one takes over, and each alert is there once, those of a node in order.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
export MEWS_KAFKA_AUTO_CREATE=false MEWS_KAFKA_REPLICAS=2
kafka=$root/tests/support/kafka.sh
prog=$bin/kafka_outbox
trap 'code=$?; for node in three two one; do "$kafka" stop "$lab/$node" KILL || true; done; lab_end "$code"' EXIT

MEWS_KAFKA_ROLE=controller "$kafka" start "$lab/one" || exit $?
broker=$(MEWS_KAFKA_JOIN=$lab/one MEWS_KAFKA_NODE=2 "$kafka" start "$lab/two") || exit $?
MEWS_KAFKA_JOIN=$lab/one MEWS_KAFKA_NODE=3 "$kafka" start "$lab/three" || exit $?
"$kafka" topic "$lab/two" alerts 4

partitions() { kcat -q -b "$broker" -t alerts -L; }
# leads NODE PATTERN: the partitions that it leads, of those whose line goes on so.
leads() { partitions | grep -c "partition .*leader $1, $2"; }
for node in 2 3; do
	[ "$(leads "$node" '.*isrs: .*,')" -ge 1 ] || fail "broker $node leads no partition that both have: $(partitions)"
done

"$prog" produce "$lab/a.db" "$broker" alerts 3000 30000 >"$lab/produce.log" 2>&1 &
producer=$!
lab_pids+=("$producer")
sleep 3
"$kafka" stop "$lab/three" KILL
all_lead() { [ "$(leads 2 '')" = 4 ]; }
lab_wait 30 all_lead || fail "broker 2 does not take over: $(partitions)"
kill -0 "$producer" || fail "all alerts went out before the leader was killed"
wait "$producer" || fail "the producer failed"
grep "^delivered 2999 refused 1 " "$lab/produce.log" || fail "not all were delivered: $(cat "$lab/produce.log")"
"$prog" verify "$broker" alerts 3000 once
echo "ok: the leader of partitions was killed: each alert once, those of a node in order"
