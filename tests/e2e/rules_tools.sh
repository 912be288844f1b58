#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rule tools without a collector: a recording of live events is replayed and explained, and the
# same is checked by test cases. The verdicts equal those of a collector to which the recording is sent.
# shellcheck disable=SC2154 # what lab.sh sets
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
ctl=$bin/mewsctl
cat >>"$lab_rules" <<'EOF'
- rule: Other file opened
  desc: A file of this test that is not there.
  condition: evt.type in (open, openat, openat2) and fd.name endswith /nowhere and not proc.name = nobody
  output: opened %fd.name
  priority: WARNING
EOF

# --- a recording
rec=$lab/a.rec
"$bin/mews-sensor" --record "$rec" --seconds 20 2>"$lab/record.log" &
recorder=$!
lab_pids+=("$recorder")
recording() {
	: >"$lab/watched/probe"
	grep -q /watched/probe < <("$ctl" replay -r "$lab_rules" "$rec" 2>/dev/null)
}
lab_wait 60 recording || fail "nothing is recorded"
lab_touch 1 50
kill -TERM "$recorder"
wait "$recorder" || fail "the recording was not taken whole"
"$ctl" replay --json -r "$lab_rules" "$rec" >"$lab/offline"
for i in 1 25 50; do
	jq -es --arg f "$lab/watched/$i" 'any(.output_fields["fd.name"] == $f)' "$lab/offline" >/dev/null || fail "the opening of $i is not replayed"
done
grep -q 'Watched file opened  opened .*/watched/50 by' < <("$ctl" replay -r "$lab_rules" "$rec" 2>/dev/null) || fail "the text of an alert"
[ "$("$ctl" replay -r "$lab_rules" --priority error "$rec" 2>/dev/null | wc -l)" = 0 ] || fail "--priority leaves nothing out"

# --- the collector gives the same
lab_pki n1
lab_collector
"$bin/mews-sensor" --replay "$rec" --speed max -o "collector=$listen" -o node=n1 -o cluster=lab -o tls.server_name=mews-collector \
	-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-n1.pem" -o "tls.key=$lab/pki/node-n1.key" 2>"$lab/replay.log"
same() { [ "$(lab_alerts 'Watched file opened')" = "$(wc -l <"$lab/offline")" ]; }
lab_wait 30 same || fail "offline $(wc -l <"$lab/offline") alerts, in the collector $(lab_alerts 'Watched file opened')"
diff <(jq -S '[.output_fields["fd.name"], .output_fields["proc.name"]]' -c "$lab/offline") \
	<(jq -S '[.output_fields["fd.name"], .output_fields["proc.name"]]' -c "$lab/alerts") || fail "the alerts differ"

# --- why
"$ctl" rules explain 'Watched file opened' --replay "$rec" -r "$lab_rules" >"$lab/why"
grep -q 'it matches' "$lab/why" || fail "explain finds no match"
"$ctl" rules explain 'Other file opened' --replay "$rec" -r "$lab_rules" >"$lab/why"
grep -qF "    false: fd.name endswith /nowhere  fd.name=$lab/watched/50" "$lab/why" || fail "explain does not tell which sub-condition was false"
read -r looked _ < <("$ctl" rules explain 'Other file opened' --summary --replay "$rec" -r "$lab_rules" | grep 'events that the rule looks at')
read -r decided _ < <("$ctl" rules explain 'Other file opened' --summary --replay "$rec" -r "$lab_rules" | grep 'fd.name endswith /nowhere')
[ "$looked" = "$decided" ] || fail "$looked events were looked at, $decided decided"

# --- the same as test cases, and a wrong expectation
cat >"$lab/cases.yaml" <<EOF
rules: [rules.yaml]
cases:
  - name: a watched file
    processes: [{pid: 10, comm: sh, cwd: $lab/}]
    events:
      - openat: {fd: 3, dirfd: AT_FDCWD, name: watched/x, flags: O_RDONLY}
    alerts: [{rule: Watched file opened, output: "opened $lab/watched/x by sh", fields: {proc.name: sh}}]
EOF
"$ctl" rules test -v "$lab/cases.yaml" >"$lab/out" || fail "the cases fail"
grep -qx 'ok   a watched file' "$lab/out" || fail "a case that holds"
sed -i 's/proc.name: sh}/proc.name: bash}/' "$lab/cases.yaml"
if "$ctl" rules test "$lab/cases.yaml" >"$lab/out"; then fail "a wrong expectation passes"; fi
grep -qF "proc.name is 'sh', expected 'bash'" "$lab/out" || fail "a wrong expectation is not named"

# --- bad input
# says PATTERN ARGUMENT...: mewsctl refuses, with this message.
says() {
	local words=$1
	shift
	if "$ctl" "$@" >"$lab/out" 2>&1; then fail "mewsctl $* succeeds"; fi
	grep -qF -- "$words" "$lab/out" || fail "mewsctl $*: $(cat "$lab/out")"
}
says 'is not a recording' replay "$lab_rules"
says 'No such file' replay "$lab/none"
says 'name one recording' replay
says "there is no rule 'nosuch'" rules explain nosuch --replay "$rec"
says 'with --replay RECORDING' rules explain x
says 'cannot read' rules test "$lab/none.yaml"
says "there is no rule 'nosuch'" rules describe nosuch
says 'nosuch' rules fields nosuch
head -c 5000 "$rec" >"$lab/torn.rec"
says 'torn.rec: at byte ' replay -r "$lab_rules" "$lab/torn.rec"
echo "replayed $(wc -l <"$lab/offline") alerts as the collector raised them; explained and tested by hand"
