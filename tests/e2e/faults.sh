#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# faults.sh [--short | FAULT...]: faults under a load of 20,000 events a second, with the real programs and a
# real broker. A program does numbered deeds all the time (serials.c): each raises its alert, once in the
# outbox and in order, and arrives in Kafka, twice at most after kill -9 of the collector; an alert of a
# program that is older than the fault names it, its parent and its open file. Without a loss there is no loss
# window. By default all faults, with their whole lengths (some 16 minutes); --short: some of them, short.
. "$(dirname "$0")/../support/lab.sh"
kafka=$root/tests/support/kafka.sh
rate=20000 serials_rate=100

# ---- the faults: what happens between the first deed and the last

fault_none() { sleep 3; }
fault_stop_10() { away 10; }
fault_stop_120() { away 120; }
fault_stop_3() { away 3; }
fault_kill_collector_50() { kill_collector 50; }
fault_kill_collector_3() { kill_collector 3; }
fault_broker_60() { broker_away 60; }
fault_broker_5() { broker_away 5; }
fault_both_60() {
	lab_stop "$collector_pid"
	broker_away 60
	start_collector
}

away() {
	lab_stop "$collector_pid"
	sleep "$1" # under test, as the other pauses here: how long it is away
	start_collector
}

gone() { kill -9 "$1" && wait "$1" 2>/dev/null || true; }
moment() { sleep "$((RANDOM % 3)).$((RANDOM % 1000))"; }

kill_collector() {
	twice_in_kafka=yes
	for _ in $(seq "$1"); do
		moment
		gone "$collector_pid"
		start_collector
	done
}

broker_away() {
	"$kafka" stop "$broker"
	sleep "$1"
	"$kafka" start "$broker" >/dev/null
}

# With capture.pin the next sensor takes over the rings, and nothing is lost.
before_kill_sensor_20() { pin; }
fault_kill_sensor_20() { kill_sensor 20; }
before_kill_sensor_3() { pin; }
fault_kill_sensor_3() { kill_sensor 3; }
pin() {
	mkdir "$lab/bpf"
	mount -t bpf mews-lab "$lab/bpf"
	sensor_options+=(-o "capture.pin=$lab/bpf/sensor")
}
# Without it, what was in the rings dies with the sensor, and until the next one has its hooks nobody sees anything.
fault_kill_unpinned_5() {
	causes=sensor_died
	kill_sensor 5
}
kill_sensor() {
	for _ in $(seq "$1"); do
		moment
		hole gone "$sensor_pid"
		hole lab_sensor n1 "${sensor_options[@]}"
	done
}
# The power of a node fails: what was not synchronized is gone, and that is its spool.
# known_again: a file that was open before raises alerts again, for deeds after those that have been seen up to now.
known_again() {
	lab_wait 60 lab_connected n1 || fail "the sensor does not come back"
	seen=$(newest open)
	lab_wait 60 read_since || fail "no snapshot restores the open files"
}
read_since() { [ "$(newest read)" -gt "$seen" ]; }
# newest open|read: the newest deed of which there is that alert.
newest() {
	local serial
	serial="replace($(field fd.name), '$lab/deeds/open/', '')"
	[ "$1" = open ] || serial=$(field evt.arg.pos)
	db "select coalesce(max(cast($serial as integer)), 0) from alert where rule = 'Serial $1'"
}
before_power_sensor_3() {
	mkdir "$lab/folder" "$lab/disk"
	sensor_options=(-o "spool.path=$lab/folder/spool" -o spool.min_free=0 -o capture.ring=32MiB)
	lab_sensor_by=(env "LD_PRELOAD=$bin/libunsynced.so" "UNSYNCED_FOLDER=$lab/folder" "UNSYNCED_DISK=$lab/disk")
}
fault_power_sensor_3() {
	causes='sensor_died batches_missing collector_restarted'
	for _ in 1 2 3; do
		hole lab_stop "$collector_pid"
		hole sleep 4
		hole power_fails "$sensor_pid"
		hole lab_sensor_start n1 "${sensor_options[@]}"
		hole start_collector
		hole known_again
		sleep 2
	done
	lab_wait 10 grep -q 'torn or damaged' "$lab/sensor-n1.log" || fail "no file of the spool was torn: nothing was tested"
}
power_fails() {
	gone "$1"
	rm -rf "$lab/folder"
	cp -a "$lab/disk" "$lab/folder"
}
# hole COMMAND...: deeds may be missing from two seconds before it until two after it.
hole() {
	echo "$(($(date +%s%N) - 2000000000))" >>"$lab/holes"
	"$@"
	echo "$(($(date +%s%N) + 2000000000))" >>"$lab/holes"
}

# The spool overflows while the collector stands still.
before_spool() { sensor_options=(-o capture.ring=32MiB -o spool.memory=1MiB); }
fault_spool() {
	causes='batches_missing events_dropped'
	kill -STOP "$collector_pid"
	lab_wait 180 spool_full || fail "the spool does not overflow"
	sleep 3
	kill -CONT "$collector_pid"
}
spool_full() { grep -q "no room in the sensor's spool" "$lab/sensor-n1.log"; }
# The rings overflow while the sensor stands still.
fault_rings() {
	causes=events_dropped
	kill -STOP "$sensor_pid"
	sleep 15
	kill -CONT "$sensor_pid"
}
before_rings() { sensor_options=(-o capture.ring=4MiB); }

# The spool's disk is full: memory still holds the batches.
before_spool_disk() {
	disk 2m
	sensor_options=(-o "spool.path=$lab/disk" -o spool.min_free=0 -o capture.ring=32MiB)
}
fault_spool_disk() { away 15; }

before_collector_disk() {
	disk 64m
	outbox=$lab/disk/outbox.db
}
fault_collector_disk() {
	fallocate -l "$(($(stat -f -c '%a * %S' "$lab/disk") - 1048576))" "$lab/disk/filler"
	lab_wait 20 refuses || fail "the outbox's disk is full, and /readyz says: $(curl -s "http://$http/readyz")"
	sleep 10
	rm "$lab/disk/filler"
}
refuses() { ! curl -sf "http://$http/readyz"; }
disk() {
	mkdir "$lab/disk"
	mount -t tmpfs -o "size=$1" mews-lab "$lab/disk"
}

# The sensor is on a cable that is pulled, or that loses a part of all packets.
before_cut_60() { cable; }
fault_cut_60() { pull 60; }
before_cut_8() { cable; }
fault_cut_8() { pull 8; }
pull() {
	ip link set "$cable" down
	sleep "$1"
	ip link set "$cable" up
}
before_lossy() {
	command -v nft >/dev/null || fail "nft is missing (apt-get install nftables)"
	cable
}
fault_lossy() {
	ip netns exec "$cable" nft -f - <<-'NFT'
		table inet lossy {
			chain in { type filter hook input priority 0; numgen random mod 100 < 5 drop; }
			chain out { type filter hook output priority 0; numgen random mod 100 < 5 drop; }
		}
	NFT
	sleep 30
	ip netns exec "$cable" nft delete table inet lossy
}
cable() {
	cable=mews$$ net=10.214.$((RANDOM % 250 + 1))
	trap 'code=$?; ip netns del "$cable" 2>/dev/null || true; lab_end "$code"' EXIT
	ip netns add "$cable"
	ip link add "$cable" type veth peer name mews netns "$cable"
	ip addr add "$net.1/30" dev "$cable" && ip link set "$cable" up
	ip -n "$cable" addr add "$net.2/30" dev mews && ip -n "$cable" link set mews up
	lab_port
	listen=tls+tcp://$net.1:$port
	lab_port
	http=127.0.0.1:$port
	lab_sensor_by=(nsenter "--net=/run/netns/$cable")
}

# Both get new certificates, twice; the old ones are revoked in between.
fault_certificates() {
	for _ in 1 2; do
		"$bin/mewsctl" pki issue "$lab/pki" --node n1 --force >/dev/null
		"$bin/mewsctl" pki issue "$lab/pki" --collector mews-collector --dns localhost --ip 127.0.0.1 --force >/dev/null
		kill -HUP "$collector_pid" "$sensor_pid"
		sleep 3
	done
	[ "$(grep -c 'certificates reloaded' "$lab/collector.log")" = 2 ] || fail "the collector did not load its new certificates twice"
}

# Another authority takes over: for a while both are trusted, at last the old one's certificates are refused.
fault_authority() {
	local file
	"$bin/mewsctl" pki init "$lab/next" --name next >/dev/null
	"$bin/mewsctl" pki issue "$lab/next" --node n1 >/dev/null
	"$bin/mewsctl" pki issue "$lab/next" --collector mews-collector --dns localhost --ip 127.0.0.1 >/dev/null
	cp -r "$lab/pki" "$lab/past"
	cat "$lab/past/ca.pem" "$lab/next/ca.pem" >"$lab/pki/ca.pem"
	renewed
	for file in node-n1 collector-mews-collector; do cp "$lab/next/$file".* "$lab/pki"; done
	renewed
	cp "$lab/next/ca.pem" "$lab/pki/ca.pem"
	renewed
	[ "$(grep -c 'certificates reloaded' "$lab/collector.log")" = 3 ] || fail "the collector did not load its new certificates three times"
	! curl -s -m 5 --cacert "$lab/past/ca.pem" --cert "$lab/past/node-n1.pem" --key "$lab/past/node-n1.key" "https://${listen#*//}/" ||
		fail "the old authority's certificates are still trusted"
	openssl s_client -connect "${listen#*//}" -CAfile "$lab/next/ca.pem" -verify_return_error </dev/null >"$lab/said" 2>&1 || true
	grep -q 'Verify return code: 0' "$lab/said" || fail "the collector has no certificate of the new authority: $(cat "$lab/said")"
}
renewed() {
	kill -HUP "$collector_pid" "$sensor_pid"
	sleep 3
	lab_wait 60 lab_connected n1 || fail "the sensor is not connected after new certificates"
}

fault_reload_100() { reload 100; }
fault_reload_10() { reload 10; }
reload() {
	local i
	for i in $(seq "$1"); do
		echo "# $i" >>"$lab_rules"
		"$bin/mewsctl" rules reload --collector "http://$http" --token-file "$lab/api.token" >/dev/null || fail "reload $i failed"
	done
}

# A clock's steps and the power of a collector's machine need a virtual machine: tests/vm has these faults.
guest_faults='clock_steps collector_power'

short='stop_3 kill_collector_3 broker_5'
long='none stop_10 stop_120 kill_collector_50 kill_sensor_20 kill_unpinned_5 rings spool spool_disk
	collector_disk broker_60 both_60 cut_60 lossy certificates authority reload_100 power_sensor_3 '$guest_faults

# ---- one fault in a lab of its own

start_collector() {
	lab_collector -o outputs.kafka.enabled=true -o "outputs.kafka.brokers=$bootstrap" -o "outputs.kafka.topic=$topic" \
		-o outputs.kafka.properties.allow.auto.create.topics=true -o "checkpoint.path=$lab/states" -o checkpoint.interval=2s \
		-o "outbox.path=$outbox" -o outbox.min_free=8MiB
}

rules() {
	lab_rules=$lab/rules.yaml
	cat >"$lab_rules" <<EOR
- rule: Serial open
  desc: A numbered deed.
  condition: evt.type in (open, openat, openat2) and fd.name startswith $lab/deeds/open/
  output: opened %fd.name by %proc.name of %proc.pname
  priority: WARNING
- rule: Serial read
  desc: A numbered deed with a file that is open since before.
  condition: evt.type = preadv and fd.name = $lab/deeds/old
  output: read %fd.name at %evt.arg.pos by %proc.name of %proc.pname
  priority: WARNING
EOR
}

begin_deeds() {
	: >"$lab/file"
	"$bin/bench_load" "$rate" 100000 2 "$lab/file" >/dev/null &
	load=$!
	# shellcheck disable=SC2016 # for the inner shell
	"$lab/elder" -c '"$0" "$1" "$2" & trap "kill $!" TERM; wait; wait' "$bin/serials" "$lab/deeds" "$serials_rate" >"$lab/serials" &
	deeds=$!
	lab_pids+=("$load" "$deeds")
}

end_deeds() {
	kill "$load"
	wait "$load" || fail "the load failed"
	kill "$deeds"
	wait "$deeds" || fail "the program of the deeds failed"
	last=$(tail -n 1 "$lab/serials" | cut -d' ' -f1)
	[ "${last:-0}" -gt 100 ] || fail "only ${last:-no} deeds were done"
}

db() { sqlite3 "$outbox" "$1"; }
# field NAME: the SQL expression of an alert's field.
field() { echo "json_extract(json, '\$.output_fields.\"$1\"')"; }
settled() {
	[ "$(db "select max(cast($(field evt.arg.pos) as integer)) from alert where rule = 'Serial read'")" = "$last" ] && lab_durable n1
}
delivered() { lab_status | jq -e '.outputs[] | select(.name == "kafka") | .waiting == 0'; }

# check_once: each deed's two alerts are in the outbox, once and in order; some are missing only in a hole.
check_once() {
	local rule
	lab_wait 120 settled || fail "not all is durable two minutes later"
	db "select replace($(field fd.name), '$lab/deeds/open/', '') from alert where rule = 'Serial open' order by n" >"$lab/open.seen"
	db "select $(field evt.arg.pos) from alert where rule = 'Serial read' order by n" >"$lab/read.seen"
	for rule in open read; do
		sort -nuc "$lab/$rule.seen" 2>"$lab/disorder" || fail "alerts of rule 'Serial $rule' are not once and in order: $(cat "$lab/disorder")"
		comm -23 <(seq "$last" | sort) <(sort "$lab/$rule.seen") | sort -n >"$lab/$rule.missing"
	done
	[ "$(db 'select count(*) = count(distinct id) from alert')" = 1 ] || fail "an id is in the outbox twice"
	alerts=$(cat "$lab"/*.seen | wc -l)
	sort -nu "$lab"/*.missing >"$lab/missing"
	[ -n "$causes" ] || [ ! -s "$lab/missing" ] ||
		fail "of $last deeds, $(wc -l <"$lab/missing") have not both of their alerts: $(head -n 5 "$lab/missing" | tr '\n' ' ')..."
}

# Without its checkpoint, a collector does not know the names until a snapshot has come: alerts say so.
check_named() {
	local odd unnamed="rule like 'Serial %' and json_extract(json, '\$.output') not like '% by serials of elder %'"
	[[ $causes != *collector_restarted* ]] || unnamed+=" and coalesce($(field mews.loss_cause), '') not like '%collector_restarted%'"
	odd=$(db "select count(*) from alert where $unnamed")
	[ "$odd" = 0 ] || fail "$odd alerts do not name the process and its parent: $(db "select json_extract(json, '\$.output') from alert where $unnamed limit 1")"
}

check_kafka() {
	local ids
	lab_wait 120 delivered || fail "Kafka was not given all: $(lab_status | jq -c '.outputs[] | select(.name == "kafka")')"
	kcat -C -q -e -b "$bootstrap" -t "$topic" -f '%s\n' | jq -r 'select(.rule | startswith("Serial ")).uuid' >"$lab/ids"
	ids=$(sort -u "$lab/ids" | wc -l)
	[ "$ids" = "$alerts" ] || fail "$ids of $alerts alerts are in Kafka"
	[ "$twice_in_kafka" = yes ] || [ "$(wc -l <"$lab/ids")" = "$ids" ] || fail "$(($(wc -l <"$lab/ids") - ids)) alerts are in Kafka twice"
}

# Is the loss told of, and nothing but it?
check_loss() {
	local other
	other=$(lab_status | jq -c --arg c "$causes" '.collector.loss_windows | with_entries(select(.value != 0 and (.key | IN($c | split(" ")[]) | not)))')
	[ "$other" = '{}' ] || fail "loss windows opened: $other"
	case $causes in
	'')
		[ "$(db "select count(*) from alert where $(field mews.loss_window) or $(field mews.loss) is not null")" = 0 ] || fail "alerts tell of a loss"
		[ "$(lab_metric mews_node_drops_total)" = 0 ] || fail "$(lab_metric mews_node_drops_total) events were dropped"
		[ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "a gap is told of"
		;;
	*sensor_died*) check_holes ;;
	*) check_account ;;
	esac
}

# Missing deeds are in the holes of which the script knows.
check_holes() {
	local outside
	outside=$(awk -v holes="$lab/holes" '
		BEGIN { while ((getline from < holes) > 0 && (getline to < holes) > 0) { n++; a[n] = from; b[n] = to } }
		NR == FNR { missing[$1]; next }
		$1 in missing { for (i = 1; i <= n && ($2 < a[i] || $2 > b[i]); i++); if (i > n) print $1 }' "$lab/missing" "$lab/serials")
	[ -z "$outside" ] || fail "deeds are missing outside of the holes: $(tr '\n' ' ' <<<"$outside")"
}

# The last alert's mews.loss fits the hole within a second, and has the count; all were counted with their types.
check_account() {
	local told first until
	told=$(db "select $(field mews.loss) from alert where rule = 'Serial read' order by n desc limit 1")
	jq -e --arg c "$causes" 'map(.cause) | sort | join(" ") == $c' <<<"$told" >/dev/null || fail "the last alert's mews.loss is $told"
	[ -s "$lab/missing" ] || fail "no deed is missing: nothing was tested"
	first=$(time_of "$(head -n 1 "$lab/missing")") until=$(time_of "$(tail -n 1 "$lab/missing")")
	jq -e --argjson first "$first" --argjson last "$until" 'def t: (.[:19] + "Z" | fromdate) + ("0" + .[19:-1] | tonumber);
		all(.[]; ((.since | t) - $first | fabs) <= 1 and ((.until | t) - $last | fabs) <= 1)' <<<"$told" >/dev/null ||
		fail "the hole is from $first to $until, mews.loss is $told"
	[ "$(jq '.[] | select(.cause == "events_dropped").events' <<<"$told")" = "$(lab_metric mews_node_drops_total)" ] ||
		fail "$(lab_metric mews_node_drops_total) events were lost, mews.loss is $told"
	[ "$(lab_metric 'mews_node_type_drops_total{cluster="lab",node="n1",type="unknown"}')" = 0 ] ||
		fail "events were dropped whose type is not known"
}
# time_of SERIAL: when that deed was done, in seconds.
time_of() { awk -v n="$1" '$1 == n { printf "%.3f\n", $2 / 1e9 }' "$lab/serials"; }

whole() { lab_status | jq -e '.sensors[] | select(.node == "n1" and .snapshot == "whole")'; }

one_fault() {
	local fault=$1
	lab_begin
	rules
	mkdir "$lab/deeds"
	: >"$lab/deeds/old"
	cp "$(readlink -f /bin/bash)" "$lab/elder"
	# A ring holds what the rest of the machine may do in a burst.
	sensor_options=(-o "spool.path=$lab/spool" -o spool.min_free=0 -o capture.ring=32MiB)
	topic=$fault-$$ twice_in_kafka=no causes='' outbox=$lab/outbox.db
	if declare -F "before_$fault" >/dev/null; then "before_$fault"; fi
	lab_pki n1
	start_collector
	lab_sensor n1 "${sensor_options[@]}"
	lab_wait 30 whole || fail "no snapshot came"
	begin_deeds
	sleep 2
	"fault_$fault"
	lab_wait 60 lab_connected n1 || fail "the sensor is not connected after the fault"
	sleep 2
	end_deeds
	check_once
	check_named
	check_loss
	check_kafka
	echo "$last deeds, $(wc -l <"$lab/missing") of them lost, $(wc -l <"$lab/ids") alerts in Kafka"
}

if [ "${1:-}" = --one ]; then
	set -E
	broker=$3 bootstrap=$(cat "$3/address")
	trap 'echo "line $LINENO: $BASH_COMMAND: exit status $?"' ERR
	one_fault "$2"
	exit
fi

# run FAULT: in a lab of its own.
run() {
	case " $guest_faults " in
	*" $1 "*) MEWS_BUILD=${bin%/bin} "$root/tests/vm/$1.sh" ;;
	*) "$0" --one "$1" "$broker" ;;
	esac
}

# ---- all of them

faults=$long
case ${1:-} in
--short) faults=$short ;;
'') ;;
*) faults=$* ;;
esac
broker=$(mktemp -d /var/tmp/mews-broker.XXXXXX)
trap 'code=$?; "$kafka" stop "$broker" || true; rm -rf "$broker"; exit "$code"' EXIT
trap 'exit 130' INT TERM
"$kafka" start "$broker" >/dev/null
passed=0 failed=0
for fault in $faults; do
	before=$SECONDS
	if said=$(run "$fault" 2>&1); then
		passed=$((passed + 1))
		echo "ok $fault: $(tail -n 1 <<<"$said") ($((SECONDS - before)) s)"
	else
		failed=$((failed + 1))
		echo "FAILED $fault ($((SECONDS - before)) s):"
		echo "$said"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
