#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Values of fields in alerts about real events: types in JSON, descriptors after an exec, a
# fork's memory, control groups, the start of the pid namespace.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
mkdir -p "$lab/watched/dir"
touch "$lab/watched/program" "$lab/watched/plain"
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<EOF
- rule: Watched file
  desc: A file of this test was opened.
  condition: evt.type in (open, openat) and fd.name startswith $lab/watched/
  output: >
    %evt.args %proc.pid %proc.apid[0] %proc.aname[1] %fd.types %fd.types[3] %proc.fdopencount %proc.vmrss %thread.cgroups
    %container.start_ts %proc.pidns_init_start_ts
  priority: NOTICE
- rule: Program started
  desc: A program of this test was started.
  condition: evt.type = execve and evt.rawres = 0 and proc.args contains $lab/watched/
  output: "%fd.types %fd.types[0] %proc.args"
  priority: NOTICE
EOF
lab_pki n1
lab_collector
lab_sensor n1
lab_wait 30 lab_durable n1 || fail "the snapshot is not through"

# value RULE FILE JQ: from the alert about this file.
value() { lab_alert "$1" "(.output | contains(\"/watched/$2\"))" | sed -n 1p | jq -c ".output_fields | $3"; }
# is RULE FILE JQ WANT
is() {
	lab_wait 15 lab_alert "$1" "(.output | contains(\"/watched/$2\"))" || fail "no alert about $2"
	local got
	got=$(value "$1" "$2" "$3")
	[ "$got" = "$4" ] || fail "$1, $2: $3 is $got, not $4"
	echo "ok   $2: $3 is $got"
}

cat >"$lab/script" <<EOF
: >$lab/watched/dir/../shell
(: >$lab/watched/forked; :)
EOF
bash "$lab/script"
# A shell has its script as descriptor 255, and marks it close-on-exec with fcntl.
echo "exec cat $lab/watched/program" >"$lab/script"
bash "$lab/script" </dev/null >/dev/null 2>&1
cat "$lab/watched/plain" </dev/null >/dev/null 2>&1

is "Watched file" shell '."proc.apid[0]" == ."proc.pid"' true
is "Watched file" shell '."proc.aname[1]" | type' '"string"'
is "Watched file" shell '."fd.types[3]"' '["file"]'
is "Watched file" shell '."fd.types" | type' '"array"'
is "Watched file" shell '."evt.args" | test("name=[^ ]*/watched/dir/../shell ")' true
is "Watched file" shell '."thread.cgroups" | test("(^| )=")' false
is "Watched file" forked '."proc.vmrss" > 800' true
is "Watched file" plain '."proc.fdopencount" > 3' true
plain=$(value "Watched file" plain '."proc.fdopencount"')
is "Watched file" program '."proc.fdopencount"' "$plain" # without that of the script
is "Program started" program '."fd.types"' null
is "Program started" program '."fd.types[0]"' null
for field in container.start_ts proc.pidns_init_start_ts; do
	n=$(grep -o "\"$field\":[0-9]*" "$lab/alerts" | sort -u | wc -l) # to the nanosecond, which jq rounds
	[ "$n" = 1 ] || fail "$field has $n values on one host"
done
echo "ok   one start of the pid namespace"
