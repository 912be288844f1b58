#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 'mewsctl outputs': the list; a test of each output says what its destination answers; alerts that a destination
# refused for good are dead letters, which can be sent again, also after a restart; an alert is shown as each output
# would send it, without secrets and without a collector.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3

lab_quiet 1 20
lab_pki n1
printf 'Authorization: Bearer s3cret\n' >"$lab/header"
chmod 600 "$lab/header"
# shellcheck disable=SC2016 # the program's own variables
printf '#!/bin/sh\nwhile read -r line; do [ -e "%s/no" ] && echo "refuse not today" || { echo "$line" >>"%s/read"; echo ok; }; done\n' "$lab" "$lab" >"$lab/program"
chmod +x "$lab/program"
lab_port
web=$port
open() { (exec 3<>"/dev/tcp/127.0.0.1/$web") 2>/dev/null; }
server() {
	"$python" "$root/tests/support/webhook.py" "$web" "$lab" 2>>"$lab/webhook.log" &
	server_pid=$!
	lab_pids+=("$server_pid")
	lab_wait 20 open || fail "the server did not start"
}
lab_port
dead=$port
lab_port
udp=$port
options=(-o "outputs.webhook[]={name: hook, enabled: true, url: http://127.0.0.1:$web/falco, header_files: [$lab/header]}"
	-o outputs.program.enabled=true -o "outputs.program.command=$lab/program" -o outputs.program.acknowledge=line
	-o 'outputs.program.condition=alert.rule = Closed'
	-o "outputs.syslog[]={name: udp, enabled: true, address: udp://127.0.0.1:$udp}"
	-o "outputs.syslog[]={name: dead, enabled: true, address: tcp://127.0.0.1:$dead}"
	-o outputs.stdout.enabled=true)
outputs() { local command=$1; shift; "$bin/mewsctl" outputs "$command" --collector "http://$http" --token-file "$lab/api.token" "$@"; }
# said OUTPUT TEXT: a test of it succeeds with the text, or fails with it.
said() {
	local answer
	answer=$(outputs test "$1" 2>&1) && code=0 || code=$?
	grep -qF "$2" <<<"$answer" || fail "test of $1: $answer"
	echo "ok: $(head -n 1 <<<"$answer")"
}
# They exit with 1 if an output is failing, and if there are dead letters.
list() { outputs list "$@" || true; }
dead() { outputs dead-letters program "$@" || true; }
letters() { dead --json | jq length; }

server
touch "$lab/no"
lab_collector "${options[@]}"
"$bin/mews-sensor" --replay "$lab/quiet.rec" --speed max -o node=n1 -o cluster=lab -o "collector=$listen" -o tls.server_name=mews-collector \
	-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-n1.pem" -o "tls.key=$lab/pki/node-n1.key" 2>>"$lab/sensor.log" || fail "the replay failed"
raised() { jq -r 'select(.rule == "Closed").uuid' "$lab/alerts" 2>/dev/null | sort; }
refused() { [ "$(raised | wc -l)" -gt 0 ] && [ "$(list --json | jq '.[] | select(.name == "program").dead_letters')" = "$(raised | wc -l)" ]; }
lab_wait 30 refused || fail "no dead letters: $(outputs list 2>&1)"
count=$(raised | wc -l)

echo '== tests'
said file 'delivered: written to the file'
said stdout 'delivered: written to standard output'
said webhook.hook 'delivered: HTTP status 200'
said program 'refused: not today'
[ "$code" = 1 ] || fail "a refused test exits with $code"
said syslog.udp 'syslog.udp: '
said syslog.dead "failed: syslog: "
said nothing "no such output is enabled"
echo 401 >"$lab/fault"
said webhook.hook 'failed: 127.0.0.1: HTTP status 401, it does not accept our credentials'
rm "$lab/fault"
said webhook.hook 'delivered: HTTP status 200' # the failure is over when something gets through
lab_alert 'Mews test' '.output_fields["mews.test"] == "true" and .source == "internal"' >/dev/null || fail "the test is not in the file"
[ "$(sqlite3 -readonly "$lab/outbox.db" "select count(*) from alert where rule = 'Mews test'")" = 0 ] || fail "a test is in the history"
[ "$(letters)" = "$count" ] || fail "a test became a dead letter"

echo '== the list'
! outputs list >"$lab/list" || fail "the list exits with 0 although an output is failing"
cat "$lab/list"
grep -q '^syslog.dead  *syslog  *failing ' "$lab/list" || fail "syslog.dead is not failing"
well() { list | grep '^webhook.hook  *webhook  *ok '; }
lab_wait 10 well || fail "webhook.hook is not ok"
grep -q 'ago: .*HTTP status 401' "$lab/list" || fail "the last error of the webhook is not there"

echo '== dead letters'
! outputs dead-letters program >"$lab/letters" || fail "dead-letters exits with 0 although there are some"
head -n 3 "$lab/letters"
number=$(dead --json | jq '.[0].number')
lab_stop "$collector_pid"
lab_collector "${options[@]}"
[ "$(letters)" = "$count" ] || fail "$(letters) of $count dead letters after a restart"
outputs retry program
retried() { list --json | jq -e '.[] | select(.name == "program") | (.retrying | not) and .refused >= '"$1"; }
lab_wait 30 retried "$count" || fail "the dead letters were not sent again: $(outputs list 2>&1)"
lab_wait 10 sh -c "[ \$(sqlite3 -readonly '$lab/outbox.db' 'select count(*) from aside') = $count ]" || fail "refused again, they are not all dead letters"
rm "$lab/no"
outputs retry program "$number"
one() { [ "$(letters)" = $((count - 1)) ]; }
lab_wait 30 one || fail "one was sent again, $(letters) of $count are left"
outputs retry program
none() { outputs dead-letters program; }
lab_wait 30 none || fail "all were sent again, $(letters) are left"
cmp <(jq -r 'select(.rule == "Closed").uuid' "$lab/read" | sort) <(raised) || fail "the program has not got each of them once"
echo "ok: $count dead letters: refused again, one delivered, all delivered"
for what in test retry; do
	grep -qE "audit: API: \".*\" \(operate\) at 127.0.0.1: /api/v1/outputs/$what .*: 20[0-9] done" "$lab/collector.log" || fail "not audited: $what: $(grep 'audit:' "$lab/collector.log")"
done

echo '== render'
printf 'outputs:\n  webhook:\n    - {name: hook, url: "http://127.0.0.1:%s/s3cret", preset: %s, header_files: [%s]}\n' "$web" "$root/deploy/presets/slack.yaml" "$lab/header" >"$lab/collector.yaml"
render() { "$bin/mewsctl" outputs render --config "$lab/collector.yaml" "$@"; }
render webhook.hook >"$lab/body" || fail "render"
! grep -q s3cret "$lab/body" || fail "a secret is shown: $(cat "$lab/body")"
sed '1,/^$/d' "$lab/body" | jq -e '.attachments[0].blocks | length > 0' >/dev/null || fail "not Slack's body: $(cat "$lab/body")"
grep -q '^Authorization: (not shown)$' "$lab/body" || fail "the header's name is not shown"
head -n 1 "$lab/alerts" >"$lab/one"
render file "$lab/one" -o outputs.file.path=/tmp/x | cmp - "$lab/one" || fail "the file's line is not the alert"
grep -q 'Closed' < <(render stdout - <"$lab/one") || fail "standard input is not rendered"
grep -q '^<12>1 2026-11-28T10:31:07' < <(render syslog -o outputs.syslog.address=udp://h:514) || fail "syslog: $(render syslog -o outputs.syslog.address=udp://h:514)"
grep -q '^ce_subject: Closed$' < <(render kafka -o 'outputs.kafka.brokers=[h:9092]' "$lab/one") || fail "kafka"
line='%alert.rule: %evt.type "%fd.name"'
grep -q '^<12>1 .* \[mews@32473 .*\] Closed: close "' < <(render syslog -o outputs.syslog.address=udp://h:514 -o "outputs.syslog.template=$line" "$lab/one") || fail "syslog's template"
grep -q '^Closed: close "' < <(render program -o outputs.program.command=/bin/cat -o "outputs.program.template=$line" "$lab/one") || fail "the program's template"
grep -q '^Closed: close "' < <(render file -o outputs.file.path=/tmp/x -o "outputs.file.template=$line" "$lab/one") || fail "the file's template"
render kafka -o 'outputs.kafka.brokers=[h:9092]' -o 'outputs.kafka.template={"rule": "%alert.rule", "type": %evt.type, "none": %no.such}' "$lab/one" |
	sed '1,/^$/d' | jq -e '.rule == "Closed" and .type == "close" and .none == null' >/dev/null || fail "Kafka's template"
render email -o outputs.email.server=smtp://h -o outputs.email.sender=a@b.example -o outputs.email.to=c@d.example -o 'outputs.email.subject=soc: %alert.rule' \
	-o 'outputs.email.template=<%evt.type>' "$lab/one" >"$lab/mail"
grep -q '^Subject: soc: Closed$' "$lab/mail" || fail "the mail's subject: $(cat "$lab/mail")"
grep -q '^<close>$' "$lab/mail" || fail "the mail's text: $(cat "$lab/mail")"
grep -q '>&lt;close&gt;<' "$lab/mail" || fail "the mail's HTML: $(cat "$lab/mail")"
render program -o outputs.program.command=/bin/cat | jq -e '.rule == "Sensitive file read"' >/dev/null || fail "program"
! render webhook.other 2>"$lab/why" || fail "an unknown output is rendered"
grep -q "the configuration has no output 'webhook.other'" "$lab/why" || fail "$(cat "$lab/why")"
! echo '{"rule":1}' | render stdout - 2>"$lab/why" || fail "no alert is rendered"
grep -q 'not an alert' "$lab/why" || fail "$(cat "$lab/why")"
! grep -q s3cret "$lab"/*.log "$lab/list" || fail "a secret is shown"
