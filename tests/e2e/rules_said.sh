#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mewsctl's reports about rules: which are blind and why, in 'rules check', 'rules list' and 'rules
# describe', for people and as JSON; mistakes in a file, with their location.
set -u
ctl=${MEWS_BUILD:?}/bin/mewsctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fails=0

cat >"$dir/r.yaml" <<'YAML'
- macro: openers
  condition: evt.type in (openat, switch)
- rule: no such event
  desc: d
  condition: evt.type=switch
  output: x
  priority: INFO
- rule: no such value
  desc: d
  condition: evt.type=openat and k8s.ns.label[app]=x
  output: x
  priority: INFO
- rule: no exception
  desc: d
  condition: evt.type=openat and fd.name=/none
  exceptions:
    - {name: images, fields: [k8s.ns.labels, proc.name], comps: [=, in], values: [[ours, [a, b]]]}
  output: x
  priority: INFO
- rule: half
  desc: d
  condition: openers and fd.name=/etc/shadow
  output: x %proc.name
  priority: WARNING
- rule: sees
  desc: d
  condition: evt.type=openat and fd.name=/etc/shadow
  output: x
  priority: INFO
YAML
cat >"$dir/bad.yaml" <<'YAML'
- rule: bad
  desc: d
  condition: evt.type=openat and proc.nmae=x
  output: x
  priority: INFO
YAML

cat >"$dir/calls.yaml" <<'YAML'
- rule: by name
  desc: d
  condition: evt.type in (sysinfo, getsid)
  output: x %syscall.type %evt.arg.nativeID
  priority: INFO
- rule: other name
  desc: d
  condition: evt.type=pread64
  output: x
  priority: INFO
- rule: half named
  desc: d
  condition: evt.type in (sysinfo, pread64)
  output: x
  priority: INFO
YAML
cat >"$dir/all.yaml" <<'YAML'
- rule: everything
  desc: d
  condition: proc.name=nobody
  output: x
  priority: INFO
YAML
cat >"$dir/unknown.yaml" <<'YAML'
- rule: r
  desc: d
  condition: evt.type=sysinf
  output: x
  priority: INFO
YAML

# says CODE TEXT COMMAND...: it exits with CODE, and its output or standard error contains TEXT.
says() {
	local code=$1 text=$2 got=0
	shift 2
	"$@" >"$dir/out" 2>&1 || got=$?
	if [ "$got" != "$code" ] || ! grep -qF -- "$text" "$dir/out"; then
		printf 'FAIL: %s: exit %s, expected %s and: %s\n' "$*" "$got" "$code" "$text"
		sed 's/^/    /' "$dir/out"
		fails=$((fails + 1))
	fi
}

# never TEXT: the last output does not contain it.
never() {
	grep -qF -- "$1" "$dir/out" || return 0
	printf 'FAIL: there is: %s\n' "$1"
	fails=$((fails + 1))
}

says 0 "blind: 'no such event' ($dir/r.yaml:3): needs switch, not captured yet" "$ctl" rules check "$dir/r.yaml"
says 0 "blind: 'other name' ($dir/calls.yaml:6): no event is ever called pread64" "$ctl" rules check "$dir/calls.yaml"
says 0 "partly blind: 'half named' ($dir/calls.yaml:11): no event is ever called pread64" "$ctl" rules check "$dir/calls.yaml"
says 0 "3 rules (3 in force, 1 blind, 1 in part)" "$ctl" rules check "$dir/calls.yaml"
says 0 'on       getsid,sysinfo' "$ctl" rules list "$dir/calls.yaml"
says 0 'events       getsid, sysinfo' "$ctl" rules describe 'by name' -r "$dir/calls.yaml"
says 0 'not captured pread64' "$ctl" rules describe 'half named' -r "$dir/calls.yaml"
says 0 'getsid                   by name  -                          by name' "$ctl" rules interest "$dir/calls.yaml"
says 0 'sysinfo                  by name  -                          by name, half named' "$ctl" rules interest "$dir/calls.yaml"
never pread64
says 0 'openat                   yes      descriptors                -' "$ctl" rules interest "$dir/calls.yaml"
says 0 'sendto                   yes      sockets: new peers         -' "$ctl" rules interest "$dir/calls.yaml"
says 0 "clone                    yes      threads: child's side      -" "$ctl" rules interest "$dir/calls.yaml"
says 0 'unlinkat                 no       -                          -' "$ctl" rules interest "$dir/calls.yaml"
says 0 'shutdown                 no       -                          -' "$ctl" rules interest "$dir/calls.yaml"
never 'every other call'
says 0 'openat                   yes      descriptors                no such value, no exception, half and 1 more' "$ctl" rules interest "$dir/r.yaml"
says 0 '{"event":"sysinfo","by_name":true,"captured":true,"state":null,"state_needs":null,"rules":["by name","half named"]}' "$ctl" rules interest --json "$dir/calls.yaml"
says 0 'every other call         by name' "$ctl" rules interest "$dir/all.yaml"
says 0 "Every event and call is captured for rule 'everything', which names none." "$ctl" rules interest "$dir/all.yaml"
says 1 "$dir/unknown.yaml:3:23: error: rule 'r': unknown event type 'sysinf'" "$ctl" rules check "$dir/unknown.yaml"
says 0 "blind: 'no such value' ($dir/r.yaml:8): needs k8s.ns.label, which is not filled yet" "$ctl" rules check "$dir/r.yaml"
says 0 "partly blind: 'half' ($dir/r.yaml:20): switch not captured yet" "$ctl" rules check "$dir/r.yaml"
says 0 "5 rules (5 in force, 2 blind, 2 in part), 1 macro, 0 lists; 0 errors, 0 warnings" "$ctl" rules check "$dir/r.yaml"
never "'sees'"
says 0 "partly blind: 'no exception' ($dir/r.yaml:13): exceptions on k8s.ns.labels never apply, since it has no value yet" "$ctl" rules check "$dir/r.yaml"
says 0 "partly blind: exceptions on k8s.ns.labels never apply" "$ctl" rules list "$dir/r.yaml"
says 0 '"mews_blind_rules":[{"rule":"no such event","cause":"needs switch, not captured yet","in_part":false}' "$ctl" rules check --json "$dir/r.yaml"
says 0 '{"rule":"half","cause":"switch not captured yet","in_part":true}]' "$ctl" rules check --json "$dir/r.yaml"
says 0 '"successful":true,"schema_valid":true,"schema_warnings":[]}],"falco_describe_results":{"required_engine_version"' "$ctl" rules check --json "$dir/r.yaml"
says 0 'blind    switch' "$ctl" rules list "$dir/r.yaml"
says 0 'partly blind: switch not captured yet' "$ctl" rules list "$dir/r.yaml"
says 0 'half          Warning       off' "$ctl" rules list --disable 'rule=h*' "$dir/r.yaml"
says 0 'half          Warning       on' "$ctl" rules list --disable 'rule=*' --enable contains=al "$dir/r.yaml"
says 0 'sees          Informational off' "$ctl" rules list --disable 'rule=*' --enable contains=al "$dir/r.yaml"
says 2 "rules are selected by 'rule', 'tag' or 'contains', not 'name'" "$ctl" rules list --disable name=x "$dir/r.yaml"
says 0 '"partly_blind":"switch not captured yet"' "$ctl" rules list --json "$dir/r.yaml"
says 0 'partly blind switch not captured yet' "$ctl" rules describe half -r "$dir/r.yaml"
says 0 '    (evt.type in (openat, switch)' "$ctl" rules describe half -r "$dir/r.yaml"
says 0 '"condition_compiled":"(evt.type in (openat, switch) and fd.name = /etc/shadow)","condition_fields":["evt.type","fd.name"]' "$ctl" rules describe --json "$dir/r.yaml"
says 1 "there is no rule 'nobody'; 'mewsctl rules list' shows their names" "$ctl" rules describe nobody -r "$dir/r.yaml"
printf 'rule:\n  scopes:\n    - {condition: k8s.ns.name = shop, rule: "ha*"}\n' >"$dir/scopes.yaml"
says 0 'or (container.id != host and not k8s.ns.name exists)' "$ctl" rules describe half -r "$dir/r.yaml" -c "$dir/scopes.yaml"
"$ctl" rules describe sees -r "$dir/r.yaml" -c "$dir/scopes.yaml" >"$dir/out"
never 'k8s.ns.name = shop'
printf 'rule:\n  scopes:\n    - {condition: k8s.ns.nmae = shop}\n' >"$dir/scopes.yaml"
says 1 "unknown field 'k8s.ns.nmae'" "$ctl" rules describe half -r "$dir/r.yaml" -c "$dir/scopes.yaml"
says 2 'name one rule' "$ctl" rules describe -r "$dir/r.yaml"

cat >"$dir/long.yaml" <<'YAML'
- list: daemons
  items: [systemd-journald]
- rule: long
  desc: d
  condition: evt.type=openat and (proc.name in (daemons) or proc.aname=update-ca-certificates)
  output: x
  priority: INFO
YAML
says 0 "$dir/long.yaml:5:49: warning: rule 'long': 'systemd-journald' never matches: 'proc.name' is cut after 15 bytes; write 'systemd-journal'" "$ctl" rules check "$dir/long.yaml"
says 0 "$dir/long.yaml:5:72: warning: rule 'long': 'update-ca-certificates' never matches: 'proc.aname' is cut after 15 bytes; write 'update-ca-certi'" "$ctl" rules check "$dir/long.yaml"

says 1 "$dir/bad.yaml:3:34: error: rule 'bad': unknown field 'proc.nmae'; did you mean 'proc.name'? [LOAD_ERR_COMPILE_CONDITION]" "$ctl" rules check "$dir/bad.yaml"
printf -- '- rule: [\n' >"$dir/torn.yaml"
says 1 "$dir/none.yaml: error: cannot be read" "$ctl" rules check "$dir/none.yaml" "$dir/bad.yaml" "$dir/torn.yaml" "$dir/r.yaml" "$dir/bad.yaml"
says 1 "$dir/bad.yaml:3:34: error: " "$ctl" rules check "$dir/none.yaml" "$dir/bad.yaml" "$dir/torn.yaml" "$dir/r.yaml"
says 1 "$dir/torn.yaml:2:1: error: YAML: " "$ctl" rules check "$dir/none.yaml" "$dir/bad.yaml" "$dir/torn.yaml" "$dir/r.yaml"
says 1 "3 errors, 0 warnings" "$ctl" rules check "$dir/none.yaml" "$dir/bad.yaml" "$dir/torn.yaml" "$dir/r.yaml"
says 1 '"successful":false,"schema_valid":true' "$ctl" rules check --json "$dir/bad.yaml"
says 1 '"position":{"name":"'"$dir"'/bad.yaml","line":2,"column":33,"offset":55}}],"snippet":"  condition: evt.type=openat and proc.nmae=x\n                                 ^\n"' "$ctl" rules check --json "$dir/bad.yaml"
says 1 '"code":"LOAD_ERR_FILE_READ"' "$ctl" rules check --json "$dir/none.yaml"
says 1 '"schema_valid":null' "$ctl" rules check --json "$dir/none.yaml"

# Rules of a lower priority are not in force, and not counted.
says 0 "5 rules (1 in force, 0 blind, 1 in part)" "$ctl" rules check --priority warning "$dir/r.yaml"
never "blind: 'no such event'"
says 0 'sees          Informational left out' "$ctl" rules list --priority warning "$dir/r.yaml"
says 0 '"rule":"sees","priority":"Informational","source":"syscall","enabled":true,"loaded":false' "$ctl" rules list --json --priority warning "$dir/r.yaml"
says 2 "'loud' is not a priority: debug, info, notice, warning, error, critical, alert or emergency" "$ctl" rules check --priority loud "$dir/r.yaml"

# Texts of several lines are printed as lines.
cat >"$dir/close.yaml" <<'YAML'
- rule: first of two
  desc: |
    One line
    and another.
  condition: evt.type=close and proc.name exists
  output: x
  priority: INFO
- rule: second of two
  desc: d
  condition: evt.type=close
  output: y
  priority: INFO
YAML
says 0 'description  One line' "$ctl" rules describe 'first of two' -r "$dir/close.yaml"
says 0 '             and another.' "$ctl" rules describe 'first of two' -r "$dir/close.yaml"
never '\x'

# A rule that is shadowed by another.
"$MEWS_BUILD/bin/quiet_recording" "$dir/close.rec" 3
says 0 'it matches, but raises no alert: another rule matches first: first of two' "$ctl" rules explain 'second of two' --replay "$dir/close.rec" -r "$dir/close.yaml"
says 0 '3 of the matches raise an alert of another rule that matches first:' "$ctl" rules explain 'second of two' --replay "$dir/close.rec" -r "$dir/close.yaml"
says 0 '3 events that the rule looks at, 3 match' "$ctl" rules explain 'second of two' --matching all --replay "$dir/close.rec" -r "$dir/close.yaml"
never 'first of two'
says 0 '3 events that the rule looks at, 3 match' "$ctl" rules explain 'first of two' --replay "$dir/close.rec" -r "$dir/close.yaml"
never 'another rule'

# A list as long as a threat feed.
awk 'BEGIN { print "- list: feed\n  items:"
	for (i = 0; i < 200000; i++) printf "  - 10.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256
	print "- rule: known address\n  desc: d\n  condition: evt.type = connect and fd.sip in (feed)\n  output: x\n  priority: INFO" }' >"$dir/feed.yaml"
says 0 "loaded in " "$ctl" rules check -v "$dir/feed.yaml"
says 0 "1 rule (1 in force, 0 blind, 0 in part), 0 macros, 1 list; 0 errors, 0 warnings" "$ctl" rules check "$dir/feed.yaml"
cat >"$dir/feed_cases.yaml" <<'YAML'
rules: [feed.yaml]
cases:
  - name: in the list
    events: [{connect: {res: 0, fd: 5, tuple: "10.0.0.2:40000->10.3.13.63:80", addr: "10.3.13.63:80"}}]
    alerts: [known address]
  - name: not in it
    events: [{connect: {res: 0, fd: 5, tuple: "10.0.0.2:40000->10.3.13.64:80", addr: "10.3.13.64:80"}}]
    alerts: []
YAML
says 0 "2 of 2 cases pass" "$ctl" rules test "$dir/feed_cases.yaml"

# A case that expects a field to have no value.
cat >"$dir/null.yaml" <<'YAML'
rules: [r.yaml]
cases:
  - name: none
    processes:
      - {pid: 10, ppid: 1, comm: sh, exepath: /bin/sh, argv: [sh], cwd: /}
    events:
      - openat: {fd: 3, dirfd: AT_FDCWD, name: /etc/shadow, flags: O_RDONLY}
    alerts: [{rule: half, fields: {fd.sip: null}}]
  - name: one
    processes:
      - {pid: 10, ppid: 1, comm: sh, exepath: /bin/sh, argv: [sh], cwd: /}
    events:
      - openat: {fd: 3, dirfd: AT_FDCWD, name: /etc/shadow, flags: O_RDONLY}
    alerts: [{rule: half, fields: {fd.name: null}}]
  - name: a text
    processes:
      - {pid: 10, ppid: 1, comm: sh, exepath: /bin/sh, argv: [sh], cwd: /}
    events:
      - openat: {fd: 3, dirfd: AT_FDCWD, name: /etc/shadow, flags: O_RDONLY}
    alerts: [{rule: half, fields: {fd.sip: "null"}}]
YAML
says 1 "fd.name is '/etc/shadow', expected no value" "$ctl" rules test "$dir/null.yaml"
says 1 "fd.sip is '<NA>', expected 'null'" "$ctl" rules test "$dir/null.yaml"
says 1 "1 of 3 cases pass" "$ctl" rules test "$dir/null.yaml"

[ "$fails" = 0 ]
