#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The webhook output with servers that check what each service requires: every preset's alerts are accepted,
# once each, also over TLS with certificates of both sides; a server that answers 429, 500, not at all, or goes
# away misses none, delays no other output, and is reported in one sentence that shows no secret.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3

count=400
"$bin/quiet_recording" "$lab/quiet.rec" 4 100
# What a program could write: mentions, markup, quotes.
cat >"$lab/closed.yaml" <<'EOF'
- rule: Closed <!here> @all
  desc: d
  condition: evt.type = close
  output: <!channel> @channel @everyone <@U1> [x](http://e.example) </b> & "quoted" \ %evt.type
  priority: WARNING
EOF
lab_rules=$lab/closed.yaml
presets='slack mattermost discord teams pagerduty alertmanager elasticsearch loki splunk cloudevents telegram opsgenie oncall'
# shellcheck disable=SC2086 # a list
lab_pki falco $presets tls f429 f500 freset fhang ftrickle fgone client
"$bin/mewsctl" pki issue "$lab/pki" --collector web --dns localhost --ip 127.0.0.1 >/dev/null
echo 'Authorization: Splunk t0ken' >"$lab/token"
echo 'Authorization: GenieKey k3y' >"$lab/key"
chmod 600 "$lab/token" "$lab/key"

# server [ARGUMENT]...: (re)start it; sets web, its port.
server() {
	"$python" "$root/tests/support/webhook.py" "$web" "$lab" "$@" 2>>"$lab/webhook.log" &
	server_pid=$!
	lab_pids+=("$server_pid")
	lab_wait 20 open "$web" || fail "the server did not start"
}
stop_server() {
	kill "$server_pid"
	wait "$server_pid" 2>/dev/null || true
}
open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# collector PATH [ARGUMENT]...: restart it, sending there.
collector() {
	local path=$1
	shift
	[ -z "${collector_pid:-}" ] || lab_stop "$collector_pid"
	rm -f "$lab/alerts"
	lab_collector -o outputs.webhook.enabled=true -o "outputs.webhook.url=http://127.0.0.1:$web/$path" -o outputs.webhook.timeout=1s "$@"
}
webhook() { lab_status | jq -e '.outputs[] | select(.name == "webhook") | '"$1"; }
raised() { jq -r 'select(.rule | startswith("Closed")).uuid' "$lab/alerts" 2>/dev/null | sort; }
got() { sort "$lab/$1.got" 2>/dev/null; }
all() { [ "$(raised | wc -l)" = "$count" ] && [ -z "$(comm -23 <(raised) <(got "$1"))" ]; }
# arrived NAME: wait for all alerts; nothing was refused.
arrived() {
	lab_wait 120 all "$1" || fail "$1: $(raised | comm -12 - <(got "$1") | wc -l) of $(raised | wc -l) alerts: $(webhook .) $(head -n 2 "$lab/$1.wrong" 2>/dev/null)"
	[ ! -e "$lab/$1.wrong" ] || fail "$1: $(head -n 3 "$lab/$1.wrong")"
	webhook '.refused == 0' >/dev/null || fail "$1: $(webhook .)"
}

lab_port
web=$port
server
collector falco
lab_replay falco
arrived falco
[ "$(got falco | wc -l)" = "$(got falco | sort -u | wc -l)" ] || fail "falco: alerts came twice"
echo "ok: falco: $count alerts, each once"
for preset in $presets; do
	more=()
	case $preset in
	pagerduty) more=(-o outputs.webhook.params.routing_key=key -o outputs.webhook.fold=no) ;;
	elasticsearch) more=(-o outputs.webhook.params.index=alerts -o outputs.webhook.compression=gzip) ;;
	telegram) more=(-o outputs.webhook.params.chat_id=-100 -o outputs.webhook.fold=no) ;;
	opsgenie) more=(-o "outputs.webhook.header_files=$lab/key" -o outputs.webhook.fold=no) ;;
	slack | mattermost | discord | teams | oncall) more=(-o outputs.webhook.fold=no) ;; # each one
	splunk) more=(-o "outputs.webhook.header_files=$lab/token") ;;
	esac
	collector "$preset" -o "outputs.webhook.preset=$root/deploy/presets/$preset.yaml" "${more[@]}"
	lab_replay "$preset"
	arrived "$preset"
	[ "$(got "$preset" | uniq -d | wc -l)" = 0 ] || fail "$preset: alerts came twice"
	echo "ok: $preset: $count alerts, each once"
done

for fault in 429 500 reset hang trickle gone; do
	rm -f "$lab/falco.got"
	collector falco -o outputs.webhook.parallel=4
	if [ "$fault" = gone ]; then stop_server; else echo "$fault" >"$lab/fault"; fi
	lab_replay "f$fault"
	lab_wait 20 webhook '.waiting > 0 and (.error | startswith("webhook: 127.0.0.1: "))' || fail "$fault: the status does not tell: $(webhook .)"
	lab_wait 20 sh -c "[ \$(jq -c 'select(.rule | startswith(\"Closed\"))' '$lab/alerts' | wc -l) = $count ]" || fail "$fault: the other output was delayed"
	webhook .error
	rm -f "$lab/fault"
	[ "$fault" != gone ] || server
	arrived falco
	lab_wait 10 webhook '.waiting == 0 and .error == ""' || fail "$fault: the error stays: $(webhook .)"
	echo "ok: $fault: all $count alerts, $(($(got falco | wc -l) - $(got falco | sort -u | wc -l))) of them twice"
done

echo '== TLS with certificates of both sides'
stop_server
rm -f "$lab/falco.got"
server "$lab/pki/collector-web.pem" "$lab/pki/collector-web.key" "$lab/pki/ca.pem"
tls=(-o "outputs.webhook.url=https://localhost:$web/falco" -o "outputs.webhook.tls.ca=$lab/pki/ca.pem")
collector falco "${tls[@]}"
lab_wait 20 webhook '.waiting == 0' || true
lab_replay tls
lab_wait 20 webhook '.error | test("webhook: localhost: .*(certificate|alert)")' || fail "without a certificate: $(webhook .)"
webhook .error
cp "$lab/alerts" "$lab/alerts.before"
collector falco "${tls[@]}" -o "outputs.webhook.tls.certificate=$lab/pki/node-client.pem" -o "outputs.webhook.tls.key=$lab/pki/node-client.key"
mv "$lab/alerts.before" "$lab/alerts"
arrived falco
echo "ok: over TLS"
stop_server
"$bin/mewsctl" pki issue "$lab/pki" --collector old --dns localhost --ip 127.0.0.1 --for 1s >/dev/null
sleep 2
server "$lab/pki/collector-old.pem" "$lab/pki/collector-old.key" "$lab/pki/ca.pem"
collector falco "${tls[@]}" -o "outputs.webhook.tls.certificate=$lab/pki/node-client.pem" -o "outputs.webhook.tls.key=$lab/pki/node-client.key" -o outputs.webhook.from=beginning
"$bin/mewsctl" outputs test webhook --collector "http://$http" --token-file "$lab/api.token" >"$lab/test" && fail "an expired certificate is taken"
grep -q '^webhook: failed: localhost: .*certificate has expired' "$lab/test" || fail "an expired certificate: $(cat "$lab/test")"
echo "ok: an expired certificate: $(head -n 1 "$lab/test")"
! grep -q 't0ken\|s3cret' "$lab"/*.log || fail "a secret is in a log"
