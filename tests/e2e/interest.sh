#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A system call without an event of its own leaves the kernel once a loaded rule names it: every call
# alerts, also while rules are reloaded, and none after the rules name another. The hook at the entry of
# a call is attached while a rule wants the call's path, and only then.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
case $(uname -m) in x86_64) sysinfo=99 rare=148 mkdirat=258 ;; *) sysinfo=179 rare=127 mkdirat=34 ;; esac

# put RULE CALL: in one step, atomically.
put() {
	printf -- '- rule: %s\n  desc: a call by name\n  condition: evt.type=%s and proc.name=perl\n' "$1" "$2" >"$lab/new"
	printf '  output: "%%evt.type %%syscall.type %%evt.arg.ID %%evt.arg.nativeID %%evt.category %%evt.rawres"\n  priority: INFO\n' >>"$lab/new"
	mv "$lab/new" "$lab/rules.yaml"
}
reload() { "$bin/mewsctl" rules reload --collector "http://$http" --token-file "$lab/api.token" >/dev/null || fail "the rules did not load"; }
# calls NUMBER N: N times, one each millisecond.
calls() { perl -e '$b = "\0" x 4096; for (1 .. $ARGV[1]) { syscall($ARGV[0] + 0, $b); select(undef, undef, undef, 0.001) }' "$1" "$2"; }
alerts() { lab_alerts "$1" 2>/dev/null || echo 0; }
count() { [ "$(($(alerts A) + $(alerts B)))" -ge "$1" ]; }

lab_rules=$lab/rules.yaml
put A sysinfo
lab_pki n1
lab_collector -o rule.watch=false
lab_sensor n1
warm() { calls $sysinfo 1 && count 1; }
lab_wait 20 warm || fail "no alert of a call by name"
want='sysinfo sysinfo sysinfo '$sysinfo' other <NA>'
jq -r 'select(.rule == "A").output' "$lab/alerts" | grep -F " $want " >/dev/null || fail "the alert reads: $(head -n 1 "$lab/alerts")"

# Reloads lose no call and repeat none.
lab_wait 20 lab_durable n1
before=$(($(alerts A) + $(alerts B)))
calls $sysinfo 2000 &
caller=$!
for set in B A B A B; do
	put "$set" sysinfo
	reload
done
wait "$caller"
lab_wait 20 count $((before + 2000)) || fail "of 2,000 calls $(($(alerts A) + $(alerts B) - before)) alerted"
[ "$(($(alerts A) + $(alerts B)))" = $((before + 2000)) ] || fail "calls alerted twice"
[ "$(alerts B)" -gt 0 ] || fail "the second set never alerted"

# Another call, one that no other program makes, without a restart; the first one stays in the kernel.
put C sched_rr_get_interval
reload
other() { calls $rare 1 && [ "$(alerts C)" -gt 0 ]; }
lab_wait 20 other || fail "a reload did not add a call"
generic() { lab_metric 'mews_collector_type_events_total{type="syscall"}'; }
# kept_in N: of N calls that no rule names, none leaves the kernel; a call that a rule names, whose alert comes, is after them.
kept_in() {
	local before n
	before=$(generic) n=$(alerts C)
	calls $sysinfo "$1"
	more() { calls $rare 1 && [ "$(alerts C)" -gt "$n" ]; }
	lab_wait 20 more || fail "no alert of the other call"
	left=$(($(generic) - before))
	[ "$left" -lt $(($1 / 5)) ]
}
# the sensor narrows what it captures after the new rules are in force
narrowed() { kept_in 50; }
was=$(alerts A)$(alerts B)
lab_wait 20 narrowed || fail "a call that no rule names still leaves the kernel"
kept_in 500 || fail "$left events of a call that no rule names"
[ "$(alerts A)$(alerts B)" = "$was" ] || fail "a rule that is not loaded has alerted"

# The hook at an entry comes and goes with the rule, by the rights of a running sensor.
links() { find "/proc/$sensor_pid/fd" -lname 'anon_inode:bpf_link' -o -lname 'anon_inode:bpf-link' -o -lname 'anon_inode:bpf_perf_link' | wc -l; }
links_are() { [ "$(links)" = "$1" ]; }
before=0
stable() { local n=$before; before=$(links); [ "$before" -gt 5 ] && [ "$before" = "$n" ]; }
lab_wait 20 stable || fail "the number of hooks does not settle"
put D mkdirat
reload
lab_wait 20 links_are $((before + 1)) || fail "there are $(links) hooks, not one more than $before"
perl -e 'for (1 .. 500) { syscall($ARGV[0] + 0, -1, $ARGV[1], 0) }' $mkdirat "$lab/no/such"
made() { [ "$(alerts D)" -ge 500 ]; }
lab_wait 20 made || fail "of 500 calls $(alerts D) alerted"
[ -z "$(lab_alert D '.output_fields."mews.reread"' || true)" ] || fail "paths were not read at the entry of their calls"
put E getsid
reload
lab_wait 20 links_are "$before" || fail "there are $(links) hooks, not $before again"
! grep -F 'hook on all entries' "$lab/sensor-n1.log" || fail "the hook on all entries is attached"
