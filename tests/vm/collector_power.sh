#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# collector_power.sh [TIMES]: the power of a collector's machine fails at random moments, while a sensor sends it
# numbered deeds and a real broker takes their alerts. Its disk has a cache: what was not flushed is lost, but
# for some writes, in any order. After each time, all alerts that have reached the broker are in the outbox. At
# the end each deed has its alert there, once and in order, and in the broker with the same id.
. "$(dirname "$0")/../support/lab.sh"
here=$root/tests/vm kafka=$root/tests/support/kafka.sh
times=${1:-10} rate=40 machine='' broker=''

lab_begin
trap 'code=$?; [ -z "$machine" ] || kill "$machine" 2>/dev/null || true; [ -z "$broker" ] || "$kafka" stop "$broker" || true; lab_end "$code"' EXIT
"$kafka" fetch || exit
"$here/fetch.sh" kernel 6.1 >/dev/null || exit

broker=$lab/broker
export MEWS_KAFKA_GUEST=yes
bootstrap=$("$kafka" start "$broker")
"$kafka" topic "$broker" power 1 2>/dev/null
lab_pki n1
lab_port
listen=tls+tcp://127.0.0.1:$port ports=$port
lab_port
http=127.0.0.1:$port ports+=,$port
mkdir "$lab/deeds"
: >"$lab/deeds/old"
cat >"$lab/rules.yaml" <<EOR
- rule: Serial
  desc: A numbered deed.
  condition: evt.type = preadv and fd.name = $lab/deeds/old
  output: read %fd.name at %evt.arg.pos
  priority: WARNING
EOR
cat >"$lab/guest" <<EOG
exec $bin/mews-collector -o listen=tls+tcp://0.0.0.0:${listen##*:} -o http.listen=0.0.0.0:${http##*:} -o insecure=true -o http.socket= \
	-o cluster=lab -o tls.ca=$lab/pki/ca.pem -o tls.certificate=$lab/pki/collector-mews-collector.pem -o tls.key=$lab/pki/collector-mews-collector.key \
	-o outbox.path=/disk/outbox.db -o checkpoint.path=/disk/states -o checkpoint.interval=2s -o rules=$lab/rules.yaml \
	-o outputs.kafka.enabled=true -o outputs.kafka.brokers=$(cat "$broker/address.guest") -o outputs.kafka.topic=power 2>&1
EOG
# Without blocks that are zeroed later: QEMU may log other writes in the middle of these.
mke2fs -q -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 "$lab/disk" 256M >/dev/null

power_on() {
	local file files=()
	for file in "$lab"/pki/ca.pem "$lab"/pki/collector-* "$lab/rules.yaml" "$lab/guest" "$bin/mews-collector"; do files+=(-f "$file"); done
	cp "$lab/disk" "$lab/before"
	rm -f "$lab/pid"
	"$here/run.sh" "${files[@]}" -d "$lab/disk" -w "$lab/writes" -n "$ports" -p "$lab/pid" -t 1200 6.1 sh "$lab/guest" >>"$lab/guest.log" 2>&1 &
	machine=$!
	lab_wait 120 answers || fail "the collector in the machine does not start"
}
answers() { lab_status && [ -s "$lab/pid" ]; }

power_off() {
	local said
	kill -9 "$(cat "$lab/pid")"
	wait "$machine" || true
	machine=''
	said=$("$here/disk_crash.py" "$lab/before" "$lab/writes" "$lab/after")
	mv "$lab/after" "$lab/disk"
	at_broker >"$lab/ids"
	look
	echo "power off: $said; $(wc -l <"$lab/ids") alerts at the broker, $(wc -l <"$lab/kept") in the outbox"
	comm -23 <(sort -u "$lab/ids") <(sort "$lab/kept") >"$lab/gone"
	[ ! -s "$lab/gone" ] || fail "$(wc -l <"$lab/gone") alerts at the broker are not in the outbox"
}

# look: the outbox as the next start finds it, in $lab/outbox.db, and the ids of its alerts.
look() {
	local file
	cp "$lab/disk" "$lab/look"
	e2fsck -fp "$lab/look" >"$lab/fsck" 2>&1 || [ $? = 1 ] || fail "the file system is damaged: $(cat "$lab/fsck")"
	rm -f "$lab"/outbox.db*
	for file in outbox.db outbox.db-wal; do debugfs -R "dump /$file $lab/$file" "$lab/look" 2>/dev/null; done
	db 'select id from alert' >"$lab/kept"
}
db() { sqlite3 "$lab/outbox.db" "$1"; }
at_broker() { kcat -C -q -e -b "$bootstrap" -t power -f '%s\n' | jq -r 'select(.rule == "Serial").uuid'; }
# newest: the deed of the newest alert at the broker.
newest() { kcat -C -q -e -b "$bootstrap" -t power -o -1 -c 1 -f '%s\n' | jq -r '.output_fields."evt.arg.pos" // 0'; }
more() { [ "$(newest)" -gt "$((before + 40))" ]; }

settled() { lab_durable n1 && lab_status | jq -e '.outputs[] | select(.name == "kafka") | .waiting == 0'; }

power_on
lab_sensor n1 -o "spool.path=$lab/spool" -o spool.min_free=0 -o capture.ring=32MiB
"$bin/serials" "$lab/deeds" "$rate" >"$lab/serials" &
deeds=$!
lab_pids+=("$deeds")
# What the collector knew before its first checkpoint, a snapshot has to tell once more.
kept() { lab_status | jq -e '.sensors[0].state_seq > 0'; }
lab_wait 120 kept || fail "no checkpoint is written"
for _ in $(seq "$times"); do
	before=$(newest)
	lab_wait 240 more || fail "the broker gets no more alerts"
	sleep "0.$((RANDOM % 1000))" # under test: the moment
	power_off
	power_on
done
lab_wait 60 lab_connected n1 || fail "the sensor is not connected"
sleep 1
kill "$deeds"
wait "$deeds" || fail "the program of the deeds failed"
last=$(tail -n 1 "$lab/serials" | cut -d' ' -f1)
lab_wait 600 settled || fail "not all is durable and delivered"
power_off
db "select json_extract(json, '\$.output_fields.\"evt.arg.pos\"') from alert where rule = 'Serial' order by n" >"$lab/seen"
cmp "$lab/seen" <(seq "$last") || fail "not each deed's alert is in the outbox once and in order: $(diff "$lab/seen" <(seq "$last") | head -n 5)"
[ "$(db "select id from alert where rule = 'Serial'" | sort)" = "$(sort -u "$lab/ids")" ] || fail "the broker has others than the outbox"
[ "$(db "select count(*) from alert where json_extract(json, '\$.output_fields.\"mews.loss\"') is not null")" = 0 ] || fail "alerts tell of a loss"
echo "$times losses of power: $last deeds, each alert once in the outbox, $(wc -l <"$lab/ids") times in all at the broker"
