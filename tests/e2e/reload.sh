#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two rule sets, each of which alerts on every opening of a file, alternate a hundred times while
# events flow: each opening has exactly one alert. A set that does not load leaves the old one in force and is
# reported; a changed file, a signal and the API each load a new set.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
reloads=100

set_of() {
	printf -- '- rule: %s\n  desc: every opening\n  condition: evt.type in (open, openat) and fd.name endswith /watched\n' "$1"
	printf '  output: seen %%evt.num\n  priority: INFO\n'
}
# put NAME: in one step, atomically.
put() {
	set_of "$1" >"$lab/new"
	mv "$lab/new" "$lab/rules.yaml"
}
ctl() { "$bin/mewsctl" rules "$@" --collector "http://$http" --token-file "$lab/api.token"; }
in_force() { [ "$(lab_api /api/v1/rules | jq -r '.[].rule')" = "$1" ]; }
reloaded() { lab_metric "mews_rules_reloads_total{result=\"$1\"}"; }

"$bin/mews-sensor" --record "$lab/short.rec" --seconds 6 -o node=n 2>"$lab/record.log" &
recorder=$!
lab_pids+=("$recorder")
echo x >"$lab/watched"
while kill -0 "$recorder" 2>/dev/null; do head -c 1 "$lab/watched" >/dev/null; done
wait "$recorder" || fail "the recording failed"

lab_pki n
lab_rules=$lab/rules.yaml
put A
events=$("$bin/mewsctl" replay "$lab/short.rec" --json --rules "$lab/rules.yaml" 2>/dev/null | grep -c '"rule":"A"') || fail "nothing was recorded"
[ "$events" -gt 300 ] || fail "only $events openings were recorded"
lab_collector -o rule.watch=false -o outputs.file.enabled=false
# The recording at its own pace, repeated if it ends before the reloads do.
plays=0
play() {
	"$bin/mews-sensor" --replay "$lab/short.rec" -o node=n -o cluster=lab -o "collector=$listen" -o tls.server_name=mews-collector \
		-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-n.pem" -o "tls.key=$lab/pki/node-n.key" 2>>"$lab/sensor-n.log" &
	player=$!
	lab_pids+=("$player")
	plays=$((plays + 1))
}
play
for i in $(seq "$reloads"); do
	put "$([ $((i % 2)) = 0 ] && echo A || echo B)"
	ctl reload >/dev/null || fail "reload $i failed"
	kill -0 "$player" 2>/dev/null && continue
	wait "$player" || fail "the replay failed"
	play
done
wait "$player" || fail "the replay failed"

db() { sqlite3 "$lab/outbox.db" "$1"; }
ours="rule in ('A', 'B')" # the stop of the sensor is another alert
alerts=$(db "select count(*) from alert where $ours")
[ "$alerts" = $((events * plays)) ] || fail "$alerts alerts of $events openings, played $plays times"
number="json_extract(json, '\$.output_fields.\"evt.num\"')"
odd=$(db "select count(*) from (select 1 from alert where $ours group by $number having count(*) != $plays)")
[ "$odd" = 0 ] || fail "$odd openings have not one alert each time they were played"
[ "$(db "select count(distinct rule) from alert where $ours")" = 2 ] || fail "only one set has alerted"
[ "$(reloaded ok)" = "$reloads" ] || fail "$(reloaded ok) reloads were counted"

# Sets that do not load.
echo '- rule: X' >"$lab/rules.yaml"
ctl reload >"$lab/out" 2>&1 && fail "a broken set was taken"
grep -q 'LOAD_ERR_YAML_VALIDATE' "$lab/out" || fail "the error was not told: $(cat "$lab/out")"
[ "$(lab_api /api/v1/rules/reload -o "$lab/answer" -w '%{http_code}' -X POST)" = 422 ] || fail "the API took it"
[ "$(jq -r '.errors[0].line' "$lab/answer")" = 1 ] || fail "the API did not say where"
[ "$(reloaded failed)" = 2 ] || fail "$(reloaded failed) failures were counted"
in_force A || fail "the old set is not in force"
grep -q 'the old ones stay in force' "$lab/collector.log" || fail "the log does not tell of it"

raised() { db "select count(*) from alert where rule = '$1'"; }
told() { [ "$(raised 'Mews rules not loaded')" = 1 ]; }
lab_wait 10 told || fail "$(raised 'Mews rules not loaded') alerts tell of it"

# By a signal.
put signalled
kill -HUP "$collector_pid"
lab_wait 10 in_force signalled || fail "SIGHUP did not reload"
over() {
	[ "$(db "select count(*) from alert a join alert b on json_extract(b.json, '\$.output_fields.\"mews.resolves\"') = a.id
		where a.rule = 'Mews rules not loaded' and b.rule = 'Mews rules loaded again'")" = 1 ]
}
lab_wait 10 over || fail "no alert tells that it is over: $(raised 'Mews rules loaded again')"

# By a change of the file.
kill "$collector_pid"
wait "$collector_pid" || fail "the collector did not stop well"
lab_collector -o outputs.file.enabled=false
put moved
lab_wait 10 in_force moved || fail "a renamed file was not seen"
set_of written >"$lab/rules.yaml"
lab_wait 10 in_force written || fail "a written file was not seen"
ctl top --by hits --json | jq -e '.[0].rule == "written"' >/dev/null || fail "'rules top' does not show the set in force"
echo "$events openings, played $plays times, $reloads reloads, one alert each"
