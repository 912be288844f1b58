#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 the collector, change a byte of its outbox, restart it: it starts, reports the loss in one
# sentence and one alert, keeps the rest, and continues. The log, the file, the newest number.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
lab_pki n1
lab_collector
lab_sensor n1

lost=0
rows() { lab_watched 'count(*)'; }
have() { [ "$(rows)" -ge $((touched - lost)) ]; }
told() { sqlite3 "$lab/outbox.db" "select coalesce(sum(json_extract(json, '\$.output_fields.\"mews.rows_lost\"')), 0) from alert where rule = 'Mews outbox damaged'"; }

# damage FILE OFFSET...: kill the collector, flip the bytes, and restart it.
damage() {
	local file=$1 at byte sentences
	shift
	lab_wait 30 lab_durable n1 || fail "not all is durable"
	lab_wait 30 have || fail "$(rows) alerts of $touched, $lost lost"
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null || true
	sentences=$(grep -c "the outbox '$lab/outbox.db' was damaged" "$lab/collector.log" || true)
	for at; do
		byte=$(od -An -tu1 -j "$at" -N 1 "$file")
		printf "\\x$(printf %x $((byte ^ 0x41)))" | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
	done
	lab_collector
	grep "the outbox '$lab/outbox.db' was damaged" "$lab/collector.log" | tail -n 1
	[ "$(grep -c "the outbox '$lab/outbox.db' was damaged" "$lab/collector.log")" = $((sentences + 1)) ] ||
		fail "${file##*/} was changed, and it is not told in one sentence"
	lost=$(told)
	[ "$(rows)" = $((touched - lost)) ] || fail "$(rows) alerts are kept of $touched, $lost told to be lost"
	[ -e "$(compgen -G "$lab/outbox.db.damaged-*" | tail -n 1)" ] || fail "nothing is set aside"
}

# newest TEXT: where the log has it last, because that copy is used.
newest() { grep -obUaF "$1" "$lab/outbox.db-wal" | tail -n 1 | cut -d: -f1; }
all_there() { lab_durable n1 && have; }

lab_touch_next 300
lab_wait 30 all_there || fail "$(rows) alerts of $touched"
damage "$lab/outbox.db-wal" "$(newest "/watched/100 ")" "$(newest "/watched/200 ")"
[ "$lost" -gt 0 ] && [ "$lost" -le 10 ] || fail "two bytes of the log cost $lost alerts"
[ "$(lab_metric mews_outbox_lost)" = "$lost" ] || fail "/metrics: $(lab_metric mews_outbox_lost) alerts lost, not $lost"
lab_touch_next 50
damage "$lab/outbox.db" $(($(stat -c %s "$lab/outbox.db") / 8192 * 4096)) # the kind of a page in the middle
lab_touch_next 50
before=$lost
damage "$lab/outbox.db-high" 100 700
[ "$lost" = "$before" ] || fail "the file with the newest number costs alerts"
lab_touch_next 50
lab_wait 30 lab_durable n1 || fail "not all is durable"
lab_wait 30 have || fail "$(rows) alerts of $touched, $lost lost"
[ "$(rows)" = $((touched - lost)) ] || fail "$(rows) alerts of $touched, $lost lost"

# Outputs: each alert once, including those about the damage.
delivered() { [ "$(lab_alerts 'Watched file opened')" -ge $((touched - lost)) ]; }
lab_wait 20 delivered || fail "$(lab_alerts 'Watched file opened') alerts are delivered of $touched, $lost lost"
[ "$(lab_alerts 'Mews outbox damaged')" = 3 ] || fail "$(lab_alerts 'Mews outbox damaged') alerts tell of three damages"
[ -n "$(lab_alert 'Mews outbox damaged' '.source == "internal" and .priority == "Critical" and .output_fields."mews.rows_lost" > 0' || true)" ] ||
	fail "no alert counts what is lost"
grep -q 'was damaged' < <("$bin/mewsctl" alerts --collector "http://$http" --token-file "$lab/api.token" --rule 'Mews outbox damaged') ||
	fail "mewsctl alerts does not show it"
echo "$touched alerts, $lost lost and told, through three damages"
