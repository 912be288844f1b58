#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The program output: a real program gets every alert, once each; killed in mid-flow, hanging, failing at its
# start or answering what it may not, it misses none, delays no other output, and is reported in one sentence.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3

count=400
lab_quiet 4 100
lab_pki read line kill hang
cat >"$lab/program.py" <<'EOF2'
import json, os, sys, time
lab, answers = sys.argv[1], sys.argv[2] == "line"
open(lab + "/pid", "w").write(str(os.getpid()))
for line in iter(sys.stdin.buffer.readline, b""):
    if os.path.exists(lab + "/hang"):
        time.sleep(60)
    with open(lab + "/got", "a") as f:
        f.write(json.loads(line)["uuid"] + "\n")
    time.sleep(0.002)
    if answers:
        print("ok", flush=True)
EOF2

# collector [ARGUMENT]...: restart it, with the program.
collector() {
	[ -z "${collector_pid:-}" ] || lab_stop "$collector_pid"
	rm -f "$lab/alerts" "$lab/got"
	lab_collector -o outputs.program.enabled=true -o outputs.program.command=$python -o "outputs.program.command=$lab/program.py" \
		-o "outputs.program.command=$lab" "$@"
}
program() { lab_status | jq -e '.outputs[] | select(.name == "program") | '"$1"; }
raised() { jq -r 'select(.rule == "Closed").uuid' "$lab/alerts" 2>/dev/null | sort; }
got() { sort "$lab/got" 2>/dev/null; }
all() { [ "$(raised | wc -l)" = "$count" ] && [ -z "$(comm -23 <(raised) <(got))" ] && program '.waiting == 0' >/dev/null; }
arrived() { lab_wait 40 all || fail "$1: $(raised | comm -12 - <(got) | wc -l) of $(raised | wc -l) alerts: $(program .)"; }
again() { echo $(($(got | wc -l) - $(got | sort -u | wc -l))); }

for how in read line; do
	collector -o "outputs.program.acknowledge=$how" -o "outputs.program.command=$how"
	lab_replay "$how"
	arrived "$how"
	[ "$(again)" = 0 ] || fail "$how: $(again) alerts came twice"
	echo "ok: $how: $count alerts, each once"
done

lab_stop "$collector_pid"
collector_pid=
tr '\0' '\n' <"/proc/self/environ" >/dev/null
collector -o outputs.program.acknowledge=line -o outputs.program.command=line
child=$(cat "$lab/pid")
! tr '\0' '\n' <"/proc/$child/environ" | grep -vE '^(PATH|LANG)=' || fail "the program has variables of the collector"
[ "$(find "/proc/$child/fd" -type l -lname 'socket:*' -o -type l -lname '*.db*' | wc -l)" = 0 ] || fail "the program has descriptors of the collector"
lab_replay kill &
replay_pid=$!
for _ in 1 2 3; do
	lab_wait 20 sh -c "kill -9 \$(cat '$lab/pid') 2>/dev/null" || fail "the program is not there"
	sleep 0.3
done
wait "$replay_pid"
arrived kill
echo "ok: killed 3 times: all $count alerts, $(again) of them twice"

touch "$lab/hang"
collector -o outputs.program.acknowledge=line -o outputs.program.command=line -o outputs.program.timeout=500ms
lab_replay hang
lab_wait 20 program ".error | test(\"^program: '/usr/bin/python3' does not answer; it is started again\")" || fail "hang: $(program .)"
lab_wait 20 sh -c "[ \$(jq -c 'select(.rule == \"Closed\")' '$lab/alerts' | wc -l) = $count ]" || fail "hang: the other output was delayed"
program .error
rm "$lab/hang"
arrived hang
lab_wait 10 program '.error == ""' || fail "the error stays: $(program .)"
echo "ok: hang: all $count alerts, $(again) of them twice"

# Its end with the collector, also when that is killed.
child=$(cat "$lab/pid")
kill -9 "$collector_pid"
lab_wait 10 lab_gone "$child" || fail "the program outlives the collector"
echo "ok: it ends with the collector"
