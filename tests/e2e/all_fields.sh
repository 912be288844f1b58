#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each field that 'mewsctl rules fields' shows as filled has a value in some live event: one rule for
# each, with the condition that it exists, and actions that cover the kinds of events. What has no
# rule: evt.outputtime, for outputs only, evt.around, true or false of an event's time, mews.loss, of which
# mews_loss.sh has the events, and what only a container has: unit.field_container and e2e.containers.
. "$(dirname "$0")/../support/lab.sh"
lab_begin

# A field as a condition names it, with an argument where it needs one.
as_named() {
	case $1 in
	evt.type.is) echo evt.type.is.openat ;;
	evt.arg) echo 'evt.arg[0]' ;;
	evt.rawarg) echo evt.rawarg.fd ;;
	thread.cgroup) echo thread.cgroup.cpuset ;;
	*) echo "$1" ;;
	esac
}

# openat2 and pread are in the list for their kinds: few programs call them, so little else leaves the kernel.
types='openat, openat2, pread, pwrite, execve, connect, accept4, listen, sendto, recvfrom, renameat2, rename, symlinkat, unlinkat, dup2, socket, poll, mlock, clone, setuid'
lab_rules=$lab/rules.yaml
"$bin/mewsctl" rules fields --json | jq -r '.[] | select(.filled and .limits != "outputs only" and .field != "evt.around" and .field != "mews.loss").field' |
	grep -vE '^(k8s\.|(mews\.)?container\.(entered_by|entry_point|env|full_id|healthcheck$|host_|label|liveness_probe|mount$|mount\.|parent|readiness_probe|rootless|user))' >"$lab/fields"
while read -r field; do
	case $field in
	fd.ip | fd.cip | fd.sip | fd.lip | fd.rip) condition="$field = 127.0.0.1" ;;
	fd.net | fd.cnet | fd.snet | fd.lnet | fd.rnet) condition="$field = 127.0.0.0/8" ;;
	fd.port | fd.proto) condition="$field > 0" ;;
	*) condition="$(as_named "$field") exists" ;;
	esac
	printf -- '- rule: %s\n  desc: the field has a value\n  condition: evt.type in (%s) and (proc.name = fieldcase or proc.aname = fieldcase) and %s\n  output: "%%evt.type"\n  priority: INFO\n' \
		"$field" "$types" "$condition"
done <"$lab/fields" >"$lab_rules"
"$bin/mewsctl" rules check "$lab_rules" >"$lab/check" || { cat "$lab/check"; fail "a field is not accepted"; }

cat >"$lab/deeds" <<'E2'
cd "$lab"
mkdir folder
echo text >folder/file
mv folder/file folder/renamed
ln -s renamed folder/link
rm folder/link
/bin/true argument
cat folder/renamed >/dev/null
perl -MSocket -MIO::Poll=POLLIN -e '
	socket(L, PF_INET, SOCK_STREAM, 0); bind(L, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die; listen(L, 1);
	my $to = getsockname(L);
	if (fork() == 0) { socket(S, PF_INET, SOCK_STREAM, 0); connect(S, $to) or die; send(S, "hello", 0); exit }
	accept(A, L); my @poll = (fileno(A), POLLIN); IO::Poll::_poll(1000, @poll); recv(A, my $text, 5, 0); wait;
	open(F, "+<", "$ENV{lab}/folder/renamed"); my $buffer = "x" x 4;
	syscall($ARGV[0] + 0, fileno(F), $buffer, 4, 0); syscall($ARGV[1] + 0, fileno(F), $buffer, 4, 0);
	syscall($ARGV[3] + 0, 0, 1 << 60);
	syscall($ARGV[2] + 0, 0)' $([ "$(uname -m)" = aarch64 ] && echo 67 68 146 228 || echo 17 18 105 149)
E2

lab_pki n1
lab_collector -o rule.matching=all
lab_sensor n1
whole() { lab_status | jq -e '.sensors[0].snapshot == "whole"'; }
lab_wait 60 whole || fail "the first snapshot did not arrive"
cp /bin/bash "$lab/fieldcase"
export lab
# the leader of a session and group of its own, with files as its streams
setsid -w "$lab/fieldcase" "$lab/deeds" </dev/null 2>"$lab/said" || fail "the actions do not run here"
lab_wait 30 lab_durable n1 || fail "the events are not through"
done_with() { lab_alert evt.num '.output | contains("setuid")'; }
lab_wait 15 done_with || fail "the last event raises nothing"

jq -r .rule "$lab/alerts" | sort -u >"$lab/raised"
empty=$(sort "$lab/fields" | comm -23 - "$lab/raised")
[ -z "$empty" ] || fail "fields without a value in any event: $empty"
echo "all $(wc -l <"$lab/fields") fields have a value in a live event"
