#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kafka_leader.sh - two brokers and a controller of their own: a broker that leads partitions is killed while alerts
# flow. The other one takes over, and each alert is there once, those of a node in order.
set -eu

here=$(dirname "$0")
kafka=$here/../support/kafka.sh
export MEWS_KAFKA_AUTO_CREATE=false MEWS_KAFKA_REPLICAS=2
prog=$MEWS_BUILD/bin/kafka_outbox
dir=$(mktemp -d)
pid=

finish() {
	r=$?
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	for node in three two one; do "$kafka" stop "$dir/$node" KILL || true; done
	if [ $r -eq 0 ] || [ $r -eq 77 ]; then
		rm -rf "$dir"
	else
		tail -n 20 "$dir"/*.out 2>/dev/null || true
		echo "files are in $dir" >&2
	fi
	exit $r
}
trap finish EXIT
trap 'exit 1' INT TERM

MEWS_KAFKA_ROLE=controller "$kafka" start "$dir/one" >/dev/null || exit $?
broker=$(MEWS_KAFKA_JOIN=$dir/one MEWS_KAFKA_NODE=2 "$kafka" start "$dir/two")
MEWS_KAFKA_JOIN=$dir/one MEWS_KAFKA_NODE=3 "$kafka" start "$dir/three" >/dev/null
"$kafka" topic "$dir/two" alerts 4

# leads NODE: the partitions of the topic that it leads.
leads() { kcat -q -b "$broker" -t alerts -L | grep -c "partition .*leader $1, .*isrs: .*,"; }
[ "$(leads 2)" -ge 1 ] && [ "$(leads 3)" -ge 1 ] || { kcat -b "$broker" -L; echo "not each broker leads a partition" >&2; exit 1; }

"$prog" produce "$dir/a.db" "$broker" alerts 3000 30000 >"$dir/produce.out" 2>&1 &
pid=$!
sleep 3
"$kafka" stop "$dir/three" KILL
tries=0
until [ "$(kcat -q -b "$broker" -t alerts -L | grep -c 'partition .*leader 2, ')" -eq 4 ]; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || { kcat -b "$broker" -L; echo "broker 2 does not take over" >&2; exit 1; }
	kill -0 $pid || { echo "all alerts went out before the leader was killed" >&2; exit 1; }
	sleep 0.1
done
wait $pid
pid=
cat "$dir/produce.out"
grep -q "^delivered 2999 refused 1 " "$dir/produce.out"
"$prog" verify "$broker" alerts 3000 once
echo "ok: the leader of partitions was killed: each alert once, those of a node in order"
