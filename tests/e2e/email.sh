#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The email output with a real SMTP server that requires STARTTLS and a password, and with TLS from the start: the
# first alert is a mail at once, what follows a digest, whose counts add up to the alerts; a server that is gone, that
# defers or hangs, a wrong password and a wrong authority cost no alert and show no secret; what the server refuses for
# good are dead letters.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3
"$python" -c 'import aiosmtpd' 2>/dev/null || { echo "aiosmtpd is missing: deploy/install-deps.sh --test"; exit 77; }

count=200
"$bin/quiet_recording" "$lab/quiet.rec" 2 100
cat >"$lab/closed.yaml" <<'EOF'
- rule: Closed <b>ä & "x"
  desc: d
  condition: evt.type = close
  output: closed <script>x</script> %evt.type
  priority: WARNING
EOF
lab_rules=$lab/closed.yaml
lab_pki first digest gone deferred hang stopped password other authority refused tls
"$bin/mewsctl" pki issue "$lab/pki" --collector mail --dns localhost --ip 127.0.0.1 >/dev/null
"$bin/mewsctl" pki init "$lab/other" --name other >/dev/null
echo 's3cret' >"$lab/password"
cp "$lab/password" "$lab/ours"
chmod 600 "$lab/password" "$lab/ours"
lab_port
mail=$port
open() { (exec 3<>"/dev/tcp/127.0.0.1/$mail") 2>/dev/null; }
# server [tls]: (re)start it.
server() {
	"$python" "$root/tests/support/smtpd.py" "$mail" "$lab" "$lab/pki/collector-mail.pem" "$lab/pki/collector-mail.key" "$@" 2>>"$lab/smtpd.log" &
	server_pid=$!
	lab_pids+=("$server_pid")
	lab_wait 20 open || fail "the server did not start"
}
stop_server() {
	kill "$server_pid"
	wait "$server_pid" 2>/dev/null || true
}
# collector [ARGUMENT]...: restart it, sending there.
collector() {
	[ -z "${collector_pid:-}" ] || lab_stop "$collector_pid"
	lab_collector -o outputs.email.enabled=true -o "outputs.email.server=smtp://localhost:$mail" -o outputs.email.sender=mews@mews.example \
		-o outputs.email.to=ops@mews.example -o "outputs.email.to=${second:-night@mews.example}" -o outputs.email.username=mews -o "outputs.email.password_file=$lab/ours" \
		-o outputs.email.interval=2s -o outputs.email.timeout=2s -o "outputs.email.tls.ca=$lab/pki/ca.pem" -o "outputs.email.condition=evt.type exists" "$@"
}
output() { lab_status | jq -e '.outputs[] | select(.name == "email") | '"$1"; }
mails() { jq -s "$1" "$lab/mails" 2>/dev/null || echo 0; }
# counted N: the mails count N alerts.
counted() { [ "$(mails 'map(.count) | add')" = "$1" ]; }
arrived() {
	lab_wait 60 counted "$1" || fail "the mails count $(mails 'map(.count) | add') of $1 alerts: $(output .)"
	[ ! -e "$lab/wrong" ] || fail "a mail is wrong: $(head -n 3 "$lab/wrong")"
	lab_wait 20 output '.waiting == 0 and .error == ""' >/dev/null || fail "not idle again: $(output .)"
}

server
collector
lab_replay first
arrived "$count"
[ "$(mails length)" -le 3 ] || fail "$(mails length) mails for a burst of $count alerts"
jq -s -e 'all(.recipients == ["ops@mews.example", "night@mews.example"] and .to == .recipients)' "$lab/mails" >/dev/null || fail "not to all recipients"
jq -s -e 'any(.subject | contains("Closed <b>ä & \"x\" on first"))' "$lab/mails" >/dev/null || fail "the subject: $(jq .subject "$lab/mails")"
jq -s -e 'all(.html | contains("&lt;script&gt;x&lt;/script&gt;"))' "$lab/mails" >/dev/null || fail "the HTML"
echo "ok: $count alerts in $(mails length) mails: $(jq -r .subject "$lab/mails" | tail -n 1)"

total=$count
for fault in gone deferred hang password; do
	case $fault in
	gone) why=connect && stop_server ;;
	deferred) why='451 later' && echo '451 later, please' >"$lab/fault" ;;
	hang) why='no answer within outputs.email.timeout' && echo hang >"$lab/fault" ;;
	password) why='does not accept outputs.email.username' && echo wr0ng >"$lab/ours" ;;
	esac
	lab_replay "$fault"
	lab_wait 30 output '.waiting > 0 and (.error | test("^email: localhost: .*('"$why"')"))' >/dev/null || fail "$fault: the status does not tell: $(output .)"
	output .error
	case $fault in
	gone) server ;;
	password) cp "$lab/password" "$lab/ours" ;; # read again, without a restart
	*) rm "$lab/fault" ;;
	esac
	total=$((total + count))
	arrived "$total"
	echo "ok: $fault: no alert is lost"
done
echo '== the end does not wait for a server that hangs'
collector -o outputs.email.timeout=10m
rm -f "$lab/hanging"
echo hang >"$lab/fault"
lab_replay stopped
lab_wait 30 test -e "$lab/hanging" || fail "the server does not hang"
lab_stop "$collector_pid" # fails if it has not stopped after 30 s
collector_pid=
rm "$lab/fault"
collector
total=$((total + count))
arrived "$total"

[ "$(mails 'map(.id) | length - (unique | length)')" = 0 ] || fail "a mail came twice"

echo '== what the server refuses for good'
echo '554 this is spam' >"$lab/fault"
lab_replay refused
refused() { output '.waiting == 0 and .refused == '"$count" >/dev/null; }
lab_wait 30 refused || fail "not refused: $(output .)"
rm "$lab/fault"
ask() { "$bin/mewsctl" outputs "$@" --collector "http://$http" --token-file "$lab/api.token"; }
letters() { [ "$({ ask dead-letters email --json || true; } | jq '[.[] | select(.why | contains("554 this is spam"))] | length')" = "$count" ]; }
lab_wait 10 letters || fail "they are not dead letters"
ask retry email
total=$((total + count))
lab_wait 60 counted "$total" || fail "sent again, the mails count $(mails 'map(.count) | add') of $total alerts"
ask test email | tee "$lab/test"
grep -q '^email: delivered: 250 ' "$lab/test" || fail "the test"
jq -s -e 'any(.subject == "[Mews] Notice: Mews test on " + (.subject | sub(".* on "; "")))' "$lab/mails" >/dev/null || fail "no mail of the test"
total=$((total + 1))

echo '== a server whose certificate is of another authority; a recipient that it does not know'
collector -o "outputs.email.tls.ca=$lab/other/ca.pem"
lab_replay authority
lab_wait 30 output '.waiting > 0 and (.error | test("certificate"))' >/dev/null || fail "a wrong authority: $(output .)"
output .error
second=nobody@mews.example collector
lab_wait 30 output '.waiting > 0 and (.error | test("550 no such user here"))' >/dev/null || fail "an unknown recipient: $(output .)"
output .error

echo '== TLS from the start'
stop_server
server tls
collector -o "outputs.email.server=smtps://localhost:$mail"
lab_replay tls
total=$((total + 2 * count))
arrived "$total"
echo "ok: $(mails length) mails, $total alerts"

# wrong OPTION TEXT: refused with a sentence.
wrong() {
	! "$bin/mews-collector" --check -o outputs.email.enabled=true -o outputs.email.server=smtp://h -o outputs.email.sender=a@b -o outputs.email.to=c@d -o "$1" >"$lab/check" 2>&1 || fail "accepted: $1"
	grep -qF "$2" "$lab/check" || fail "$1: $(cat "$lab/check")"
}
wrong outputs.email.server=http://h "'outputs.email.server' must be smtp://HOST:PORT or smtps://HOST:PORT, not 'http://h'"
wrong 'outputs.email.to=x@y>, <z@w' "'outputs.email.to' must be an address such as ops@example.org"
wrong outputs.email.username=u "'outputs.email.password_file' must be given with outputs.email.username"
wrong outputs.email.starttls=maybe "'outputs.email.starttls' must be required or no, not 'maybe'"
! grep -q 's3cret\|wr0ng' "$lab"/*.log || fail "a secret is in a log"
