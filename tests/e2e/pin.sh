#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# capture.pin: the driver stays in the kernel while a killed sensor restarts, and its successor takes
# it over: under load every event arrives once, and no loss window opens.
. "$(dirname "$0")/../support/lab.sh"
kills=${1:-6}
pins=''
lab_begin
trap 'code=$?; unpin; lab_end "$code"' EXIT
unpin() { [ -z "$pins" ] || umount "$pins" 2>/dev/null || true; }
lab_pki n1

: >"$lab/sensor-n1.log"
mkdir "$lab/pins" "$lab/watched"
pins=$lab/pins
mount -t bpf bpf "$pins"
folder=$pins/sensor
options=(-o "spool.path=$lab/spool" -o spool.min_free=0 -o "capture.pin=$folder")
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<EOT
- rule: Serial
  desc: A serial number of this test's load.
  condition: evt.type = openat and evt.arg.name startswith $lab/watched/
  output: opened %evt.arg.name
  priority: WARNING
EOT
lab_count
serials() {
	"$bin/numbered" "$1" "$2" "$lab/watched" >"$lab/count" &
	load=$!
}
sql() { sqlite3 -cmd '.timeout 10000' "$lab/outbox.db" "$1"; }
alerts() { sql "select count(*) from alert where rule = 'Serial'"; }
all_there() { [ "$(alerts)" -ge "$want" ]; }
# each_once WHEN: the load of serials has ended, and each of its numbers has its alert, once.
each_once() {
	wait "$load"
	want=$(cat "$lab/count")
	lab_wait 60 all_there || echo "$1: $(alerts) of $want alerts are in the outbox" >&2
	sql "select json_extract(json, '\$.output_fields.\"evt.arg.name\"') from alert where rule = 'Serial'" | sed 's|.*/||' | sort -n >"$lab/got"
	seq "$want" >"$lab/wanted"
	uniq -d "$lab/got" >"$lab/twice"
	[ ! -s "$lab/twice" ] || fail "$1: $(wc -l <"$lab/twice") events have two alerts, from $(head -1 "$lab/twice") on"
	cmp -s "$lab/got" "$lab/wanted" || fail "$1: no alert for $(comm -13 <(sort "$lab/got") <(sort "$lab/wanted") | wc -l) of $want events, from $(comm -13 <(sort "$lab/got") <(sort "$lab/wanted") | sort -n | head -1) on"
	sql "delete from alert"
}
windows() { lab_metric mews_collector_loss_windows_total; }
gone() {
	kill -9 "$1"
	wait "$1" 2>/dev/null || true
}
# start OPTION...: a sensor, until it has said that it is connected: the collector may not have noticed yet
# that the one before it is dead.
said_more() { [ "$(said 'connected to')" -gt "$1" ]; }
start() {
	local before
	before=$(said 'connected to')
	lab_sensor_start n1 "$@"
	lab_wait 60 said_more "$before" || fail "the sensor does not connect"
}
pinned() { find "$folder" -type f 2>/dev/null | wc -l; }
said() { grep -c "$1" "$lab/sensor-n1.log" || true; }

lab_collector -o alerts.rate=0 -o alerts.user_rate=0
start "${options[@]}"
lab_wait 30 lab_durable n1 || fail "not all is durable"
[ "$(pinned)" -gt 30 ] || fail "only $(pinned) objects are pinned"

# The sensor is killed under load, again and again.
serials 5000 $((kills * 3 + 3))
for _ in $(seq "$kills"); do
	sleep "1.$((RANDOM % 10))"
	gone "$sensor_pid"
	start "${options[@]}"
done
each_once "after $kills kills"
[ "$(said "taken over$")" = "$kills" ] || fail "of $kills successors $(said "taken over$") have taken over"
[ "$(windows)" = 0 ] || fail "$(windows) loss windows have opened"
[ "$(lab_metric mews_node_drops_total)" = 0 ] && [ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "drops or gaps"
echo "$want events at 5,000/s through $kills kills, each with its alert"

# The rings fill while it is away: what did not fit is counted, to the event, and opens a window.
small=("${options[@]}" -o capture.ring=64KiB)
begin_small() {
	lab_stop "$sensor_pid"
	[ "$(pinned)" = 0 ] || fail "$(pinned) objects are still pinned after a stop"
	start "${small[@]}"
	lab_wait 30 lab_durable n1 || fail "not all is durable"
	lab_wait 30 captured || fail "the interest is not in force"
}
captured() {
	"$bin/numbered" 100 1 "$lab/watched" >/dev/null
	[ "$(alerts)" -gt 0 ]
}
begin_small
sql "delete from alert"
gone "$sensor_pid"
"$bin/numbered" 5000 2 "$lab/watched" >"$lab/count"
start "${small[@]}"
lab_wait 30 lab_durable n1 || fail "not all is durable"
dropped() { lab_metric "mews_node_drops_total{"; }
lab_wait 30 test "$(dropped)" != 0 || fail "no drops are told"
missing=$(($(cat "$lab/count") - $(alerts)))
[ "$missing" -gt 0 ] || fail "rings of 64 KiB hold two seconds of load"
[ "$(dropped)" -ge "$missing" ] || fail "$(dropped) events are said to be dropped, but $missing are missing"
cause() { lab_metric "mews_collector_loss_windows_total{cause=\"$1\"}"; }
[ "$(cause events_dropped)" -ge 1 ] && [ "$(cause sensor_died)" = 0 ] && [ "$(cause unaccounted)" = 0 ] || fail "not a loss window about the drops alone"
echo "$missing of $(cat "$lab/count") events did not fit into small rings, $(dropped) dropped are told"

# The spool fills while there is no collector, then the sensor is killed: its successor knows what of each type is lost.
full=("${options[@]}" -o spool.memory=64KiB -o spool.disk=1MiB)
lab_stop "$sensor_pid"
start "${full[@]}"
lab_wait 30 captured || fail "the interest is not in force"
lab_stop "$collector_pid"
: >"$lab/sensor-n1.log"
"$bin/numbered" 20000 600 "$lab/watched" >/dev/null &
load=$!
lab_pids+=("$load")
lab_wait 120 grep -q "no room in the sensor's spool" "$lab/sensor-n1.log" || fail "the spool does not overflow"
sleep 1
kill "$load"
gone "$sensor_pid"
lab_sensor_start n1 "${full[@]}"
lab_collector -o alerts.rate=0 -o alerts.user_rate=0
typed() {
	curl -sf "http://$http/metrics" | grep '^mews_node_type_drops_total{cluster="lab",node="n1",' >"$lab/typed"
	[ "$(of_type openat)" -gt 1000 ]
}
of_type() { sed -n "s/.*,type=\"$1\"} //p" "$lab/typed"; }
lab_wait 60 lab_durable n1 || fail "not all is durable"
lab_wait 60 typed || fail "not the drops of the spool are told: $(cat "$lab/typed")"
[ "$(said "taken over$")" = 1 ] || fail "the successor has not taken over"
[ -z "$(of_type unknown)" ] || fail "of $(of_type unknown) lost events the type is not known"
echo "$(of_type openat) calls that the spool of a killed sensor lost are known by type"

# A sensor with other options does not take over, and says so; what the dead one had not read is counted, by type, in a
# window from when to when it was; what else is in the folder stays.
lab_stop "$sensor_pid"
start "${options[@]}" -o capture.ring=16MiB -o capture.rings=256MiB # room for what else the machine does
lab_wait 30 lab_durable n1 || fail "not all is durable"
lab_wait 30 captured || fail "the interest is not in force"
windows_before=$(cause events_dropped)
: >"$lab/sensor-n1.log"
mkdir "$folder/somebody" "$folder/0123456789abcdef"
bpftool map create "$folder/theirs" type array key 4 value 4 entries 1 name theirs
bpftool map create "$folder/0123456789abcdef/map_bss" type array key 4 value 4 entries 1 name old
kill -STOP "$sensor_pid"
lab_calls 50
gone "$sensor_pid"
start "${options[@]}"
[ "$(said "left its capture in $folder")" = 1 ] || fail "not one sentence about a sensor with other options"
[ "$(said "taken over$")" = 0 ] || fail "a sensor with other options has taken over"
[ ! -e "$folder/0123456789abcdef" ] || fail "what an old sensor left is still pinned"
[ -d "$folder/somebody" ] && [ -e "$folder/theirs" ] || fail "somebody else's files are gone"

[ "$(said 'it is ended, and 0 events')" = 0 ] || fail "the log says that nothing is lost"
unread_told() {
	curl -sf "http://$http/metrics" | grep '^mews_node_type_drops_total{cluster="lab",node="n1",' >"$lab/typed"
	[ "$(of_type mlock2)" = 50 ] && [ "$(cause events_dropped)" -gt "$windows_before" ]
}
lab_wait 60 unread_told || fail "of 50 calls in the rings of the dead sensor, '$(of_type mlock2)' are told"
# The collector says so, too, unless there were too many lines about the node.
grep -q "not read by the sensor before" "$lab/sensor-n1.log" || fail "the log does not say why they are lost"
[ "$(cause unaccounted)" = 0 ] || fail "what was in the rings of another sensor is missing in the account"
# It is known to this one's successor, too, and not told again.
windows_before=$(cause events_dropped)
gone "$sensor_pid"
start "${options[@]}"
captured
lab_wait 30 lab_durable n1 || fail "not all is durable"
[ "$(said "taken over$")" = 1 ] || fail "the successor has not taken over"
unread_told || [ "$(of_type mlock2)" = 50 ] || fail "the successor tells $(of_type mlock2) lost calls"
[ "$(cause events_dropped)" = "$windows_before" ] || fail "the same loss opens another window"

# A damaged folder is not used.
: >"$lab/sensor-n1.log"
gone "$sensor_pid"
rm "$folder"/*/map_drops
start "${options[@]}"
[ "$(said 'cannot be used (No such file or directory): it is removed, and')" = 1 ] || fail "not one sentence about a damaged folder"

sleep 3 # it looks at its pins once a second
[ "$(said 'others have removed')" = 0 ] || fail "a sensor misses pins that it has removed itself"

# The folder is in use.
if "$bin/mews-sensor" --unpin "$folder" 2>"$lab/out"; then fail "--unpin beside a running sensor"; fi
grep -q "a sensor uses it" "$lab/out" || fail "--unpin beside a sensor: $(cat "$lab/out")"

# A sensor that never comes back.
gone "$sensor_pid"
"$bin/mews-sensor" --unpin "$folder" 2>"$lab/out"
grep -q "objects are unpinned" "$lab/out" && [ "$(pinned)" = 1 ] || fail "--unpin leaves $(pinned) objects: $(cat "$lab/out")"
"$bin/mews-sensor" --unpin "$folder" 2>"$lab/out"
grep -q "nothing is pinned" "$lab/out" || fail "--unpin of nothing: $(cat "$lab/out")"

# A folder that cannot be used: one sentence, and it captures without.
refused() {
	: >"$lab/sensor-n1.log"
	start -o "spool.path=$lab/spool" -o spool.min_free=0 -o "capture.pin=$1"
	[ "$(said "$2")" = 1 ] && [ "$(said "warn: capture.pin")" = 1 ] || fail "not one sentence about the folder $1"
	lab_stop "$sensor_pid"
}
refused "$lab/nowhere" "is not on a BPF file system"
[ ! -e "$lab/nowhere" ] || fail "a folder that cannot be used was made"
mkdir -m 777 "$pins/open"
refused "$pins/open" "may be changed by others"
if "$bin/mews-sensor" --check -o collector=ipc:///x -o capture.pin=/x 2>"$lab/out"; then fail "capture.pin without spool.path"; fi
grep -q "set spool.path too" "$lab/out" || fail "capture.pin without spool.path: $(cat "$lab/out")"
