#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kafka_outbox.sh - outbox and Kafka output against a real broker: without failures each alert arrives
# once and in order; with the broker and the program killed midway, none is missing.
set -eu

here=$(dirname "$0")
kafka=$here/../support/kafka.sh
export MEWS_KAFKA_AUTO_CREATE=false
prog=$MEWS_BUILD/bin/kafka_outbox
dir=$(mktemp -d)
pid=

finish() {
	r=$?
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	"$kafka" stop "$dir/kafka" KILL || true
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

wait_for() { # FILE TEXT
	tries=0
	until grep -q "$2" "$1" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || {
			echo "no '$2' in $1 within a minute" >&2
			exit 1
		}
		sleep 0.1
	done
}

broker=$("$kafka" start "$dir/kafka") || exit $?
"$kafka" topic "$dir/kafka" calm 3
"$kafka" topic "$dir/kafka" rough 3
"$kafka" topic "$dir/kafka" small 3 max.message.bytes=20000

echo "== undisturbed: each once, in order; one is cut, one is set aside"
"$prog" produce "$dir/calm.db" "$broker" calm 5000 0 | tee "$dir/calm.out"
grep -q "^delivered 4999 refused 1 .* set aside 1$" "$dir/calm.out"
"$prog" verify "$broker" calm 5000 once

# letters TOPIC: its dead letters, a line each
letters() {
	kcat -q -C -e -b "$broker" -t "$1" -f '%k | %h\n'
}

echo "== topics and keys by template; what is refused for good is in the dead-letter topic too"
"$kafka" topic "$dir/kafka" by-prod 3
"$kafka" topic "$dir/kafka" dead 1
"$prog" produce "$dir/by.db" "$broker" 'by-%[alert.cluster]' 50 0 \
	outputs.kafka.dead_letter_topic=dead | tee "$dir/by.out"
grep -q "^delivered 49 refused 1 .* set aside 1$" "$dir/by.out"
"$prog" verify "$broker" by-prod 50 once
letters dead >"$dir/dead.out"
[ "$(wc -l <"$dir/dead.out")" -eq 1 ]
grep -q '^prod/web 3 | .*ce_id=00000008-.*dlq.reason=.*too large.*dlq.topic=by-prod,dlq.partition=-1,dlq.offset=-1,dlq.attempts=1,dlq.timestamp=20' "$dir/dead.out"

echo "== a topic of a few that is missing delays no other: its alerts are dead letters"
"$kafka" topic "$dir/kafka" missing 1
"$prog" produce "$dir/missing.db" "$broker" 'by-%[alert.rule]' 20 0 outputs.kafka.dead_letter_topic=missing \
	topic.metadata.propagation.max.ms=500 topic.metadata.refresh.interval.ms=1000 | tee "$dir/missing.out"
grep -q "^delivered 0 refused 20 .* set aside 20$" "$dir/missing.out"
letters missing >"$dir/letters.out"
[ "$(grep -c "dlq.reason=Kafka has no topic 'by-Read_file'; create it" "$dir/letters.out")" -eq 19 ]

echo "== a topic that takes only small records: the broker's own refusal cuts"
"$prog" produce "$dir/small.db" "$broker" small 500 0 compression.codec=none | tee "$dir/small.out"
grep -q "^delivered 499 refused 1 " "$dir/small.out"
"$prog" verify "$broker" small 500 repeated

echo "== a missing topic is trouble, and nothing is lost by it"
"$prog" produce "$dir/late.db" "$broker" late 50 0 topic.metadata.propagation.max.ms=500 \
	topic.metadata.refresh.interval.ms=1000 >"$dir/late.out" 2>&1 &
pid=$!
wait_for "$dir/late.out" "no topic 'late'"
"$kafka" topic "$dir/kafka" late 3
wait $pid
pid=
grep -q "^delivered 49 " "$dir/late.out"
"$prog" verify "$broker" late 50 once

echo "== the broker is away at first, then killed; the program is killed too"
"$kafka" stop "$dir/kafka" KILL
"$prog" produce "$dir/rough.db" "$broker" rough 6000 50000 >"$dir/rough.out" 2>&1 &
pid=$!
wait_for "$dir/rough.out" "trouble: Kafka"
"$kafka" start "$dir/kafka" >/dev/null
wait_for "$dir/rough.out" "trouble: $"
"$kafka" stop "$dir/kafka" KILL
kill -KILL $pid
wait $pid 2>/dev/null || true
"$prog" produce "$dir/rough.db" "$broker" rough 6000 2000 >"$dir/rough2.out" 2>&1 &
pid=$!
wait_for "$dir/rough2.out" "trouble: Kafka"
"$kafka" start "$dir/kafka" >/dev/null
wait $pid
pid=
cat "$dir/rough2.out"
grep -q " duplicates [1-9]" "$dir/rough2.out" # those that the first run had committed
"$prog" verify "$broker" rough 6000 repeated
