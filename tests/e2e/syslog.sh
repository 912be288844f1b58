#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The syslog output with a real rsyslogd: over its local socket, UDP, TCP and TLS every alert arrives, with
# its header and structured data; a server that is stopped and started again in mid-flow misses none, delays
# no other output, and is reported in one sentence, as is a certificate that is not trusted.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
rsyslogd=$(command -v rsyslogd || echo /usr/sbin/rsyslogd)
[ -x "$rsyslogd" ] || { echo "rsyslogd is missing: deploy/install-deps.sh --test"; exit 77; }

count=1000
"$bin/quiet_recording" "$lab/quiet.rec" $((count / 200)) 200
printf -- '- rule: Closed\n  desc: d\n  condition: evt.type = close\n  output: closed "%%evt.type" ]\n  priority: WARNING\n' >"$lab/closed.yaml"
lab_rules=$lab/closed.yaml
kinds='local udp tcp tls'
# shellcheck disable=SC2086 # a list
lab_pki $kinds stopped-tcp stopped-tls client
"$bin/mewsctl" pki issue "$lab/pki" --collector syslog --dns localhost --ip 127.0.0.1 >/dev/null
"$bin/mewsctl" pki init "$lab/other" --name other >/dev/null

lab_port
udp=$port
lab_port
tcp=$port
lab_port
tls=$port
cat >"$lab/rsyslog.conf" <<EOF
global(workDirectory="$lab" maxMessageSize="64k" defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="$lab/pki/ca.pem"
	defaultNetstreamDriverCertFile="$lab/pki/collector-syslog.pem" defaultNetstreamDriverKeyFile="$lab/pki/collector-syslog.key")
module(load="imuxsock" sysSock.use="off")
module(load="imudp")
module(load="imptcp")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["client"])
template(name="all" type="string" string="%pri-text%|%hostname%|%app-name%|%structured-data%|%msg%\n")
ruleset(name="local") { action(type="omfile" file="$lab/local.got" template="all") }
ruleset(name="udp") { action(type="omfile" file="$lab/udp.got" template="all") }
ruleset(name="tcp") { action(type="omfile" file="$lab/tcp.got" template="all") }
ruleset(name="tls") { action(type="omfile" file="$lab/tls.got" template="all") }
input(type="imuxsock" socket="$lab/log" ruleset="local" rateLimit.interval="0")
input(type="imudp" address="127.0.0.1" port="$udp" ruleset="udp")
input(type="imptcp" address="127.0.0.1" port="$tcp" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="$tls" ruleset="tls")
EOF

# open PORT: is something listening there?
open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
server() {
	"$rsyslogd" -n -f "$lab/rsyslog.conf" -i "$lab/rsyslogd.pid" 2>>"$lab/rsyslogd.log" &
	server_pid=$!
	lab_pids+=("$server_pid")
	lab_wait 20 open "$tls" || fail "rsyslogd did not start"
}
address() {
	case $1 in
	local) echo "unix:$lab/log" ;;
	udp) echo "udp://127.0.0.1:$udp" ;;
	tcp) echo "tcp://127.0.0.1:$tcp" ;;
	tls) echo "tls://localhost:$tls" ;;
	esac
}
# collector KIND [ARGUMENT]...: restart it, sending to that address.
collector() {
	local kind=$1 more=()
	shift
	[ -z "${collector_pid:-}" ] || lab_stop "$collector_pid"
	[ "$kind" != tls ] || more=(-o "outputs.syslog.tls.ca=$lab/pki/ca.pem" -o "outputs.syslog.tls.certificate=$lab/pki/node-client.pem"
		-o "outputs.syslog.tls.key=$lab/pki/node-client.key")
	rm -f "$lab/alerts"
	lab_collector -o outputs.syslog.enabled=true -o outputs.syslog.facility=local3 -o "outputs.syslog.address=$(address "$kind")" \
		"${more[@]}" "$@"
}
# replay NODE SPEED
replay() {
	"$bin/mews-sensor" --replay "$lab/quiet.rec" --speed "$2" -o "node=$1" -o cluster=lab -o "collector=$listen" -o tls.server_name=mews-collector \
		-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-$1.pem" -o "tls.key=$lab/pki/node-$1.key" 2>>"$lab/sensor-$1.log" ||
		fail "the replay as $1 failed"
}
syslog() { lab_status | jq -e '.outputs[] | select(.name == "syslog") | '"$1"; }
sent() { syslog '.waiting == 0'; }
# Alerts of the rule in the file output, and in what rsyslogd wrote (the text begins after the last '|').
raised() { jq -r 'select(.rule == "Closed").uuid' "$lab/alerts" 2>/dev/null | sort; }
got() { sed 's/^[^|]*|[^|]*|[^|]*|.*|[^{]*{/{/' "$lab/$1.got" 2>/dev/null | jq -r 'select(.rule == "Closed").uuid' | sort; }
# arrived FILE: has every alert arrived?
arrived() { [ "$(raised | wc -l)" = "$count" ] && [ "$(got "$1" | sort -u)" = "$(raised)" ]; }

server
for kind in $kinds; do
	collector "$kind"
	replay "$kind" max
	lab_wait 30 arrived "$kind" || fail "$kind: $(got "$kind" | sort -u | wc -l) of $(raised | wc -l) alerts: $(syslog .)"
	[ "$(got "$kind" | wc -l)" = "$count" ] || fail "$kind: $(got "$kind" | wc -l) messages for $count alerts"
	line=$(grep -m 1 '"rule":"Closed"' "$lab/$kind.got")
	if [ "$kind" = local ]; then
		[[ $line == "local3.warning|"*"|mews|-| {"* ]] || fail "$kind: $line"
	else
		[[ $line == "local3.warning|$kind|mews|[mews@32473 id=\""*"\" rule=\"Closed\" priority=\"Warning\" node=\"$kind\" cluster=\"lab\"]|"* ]] ||
			fail "$kind: $line"
	fi
	echo "ok: $kind: $count alerts, each once"
done

for kind in tcp tls; do
	: >"$lab/$kind.got"
	collector "$kind"
	replay "stopped-$kind" real &
	sensor=$!
	lab_wait 20 test -s "$lab/$kind.got" || fail "nothing arrived"
	lab_stop "$server_pid"
	lab_wait 20 syslog '.waiting > 0 and (.error | test("syslog: (lost|cannot).*port.*: (Connection|Broken)"))' || fail "the status does not say that the server is gone: $(syslog .)"
	at=$(got "$kind" | wc -l)
	wait "$sensor" || fail "the replay failed"
	lab_wait 20 sh -c "[ \$(jq -c 'select(.rule == \"Closed\")' '$lab/alerts' | wc -l) = $count ]" || fail "the other output was delayed"
	[ "$at" -gt 0 ] && [ "$at" -lt "$count" ] || fail "not in mid-flow: $at of $count"
	echo "stopped after $at: $(syslog .error)"
	server
	lab_wait 40 arrived "$kind" || fail "$kind: $(got "$kind" | sort -u | wc -l) of $(raised | wc -l) alerts: $(syslog .)"
	lab_wait 10 sent || fail "$kind: still waiting: $(syslog .)"
	syslog '.error == ""' >/dev/null || fail "the error stays: $(syslog .)"
	echo "ok: $kind: stopped after $at alerts and started again: all $count, $(($(got "$kind" | wc -l) - count)) twice"
done

echo '== certificates'
collector tls -o "outputs.syslog.tls.ca=$lab/other/ca.pem"
lab_wait 20 syslog '.error | test("TLS with localhost port [0-9]+ failed: .*certificate")' || fail "an unknown authority: $(syslog .)"
syslog .error
collector tls -o "outputs.syslog.tls.server_name=other.example"
lab_wait 20 syslog '.error | test("TLS with localhost port [0-9]+ failed: hostname mismatch")' || fail "another name: $(syslog .)"
syslog .error
grep -rqF "$(sed -n 2p "$lab/pki/node-client.key")" "$lab"/*.log && fail "a key is in a log"
echo "ok: refused for a reason"
