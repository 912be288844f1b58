#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Enrolment: real programs, from a token to an alert; what is refused, in words; renewal, revocation,
# and the change to another authority, each while a sensor runs.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_port
server=127.0.0.1:$port
lab_port
listen=tls+tcp://127.0.0.1:$port
lab_port
http=127.0.0.1:$port
pki() { "$bin/mewsctl" pki "$@"; }
lab_pki
desk=$lab/desk
pki enroller "$lab/pki" "$desk" --address "$server" --listen "$server" --collector "$listen" >/dev/null
serve() {
	"$bin/mewsctl" pki serve "$desk" 2>>"$lab/enroller.log" &
	server_pid=$!
	lab_pids+=("$server_pid")
	lab_wait 20 served || fail "the enroller does not serve"
}
served() { grep -q 'enrolment server' < <(curl -sk "https://$server/"); }
serve
lab_collector -o "tls.ca=$desk/trust.pem" -o "tls.crl=$desk/trust-crl.pem"

token() { (umask 077 && pki token "$desk" "$@" >"$lab/line"); }
# enrol NODE FOLDER [EXIT]: with the line in $lab/line.
enrol() {
	local got=0
	"$bin/mews-sensor" enroll --dir "$lab/$2" --node "$1" "$lab/line" 2>"$lab/enrol-$2.log" || got=$?
	[ "$got" = "${3:-0}" ] || fail "enrolling $1 exits with $got, not ${3:-0}: $(cat "$lab/enrol-$2.log")"
}
# refused NODE FOLDER SENTENCE
refused() {
	enrol "$1" "$2" 3
	grep -q "$3" "$lab/enrol-$2.log" || fail "not '$3', but: $(cat "$lab/enrol-$2.log")"
	[ "$(wc -l <"$lab/enrol-$2.log")" = 1 ] || fail "more than one sentence: $(cat "$lab/enrol-$2.log")"
}
sensor() { # sensor NODE FOLDER [OPTION]...
	"$bin/mews-sensor" -o cluster=lab -o "node=$1" -o "enroll.dir=$lab/$2" -o tls.server_name=mews-collector "${@:3}" 2>>"$lab/sensor-$1.log" &
	sensor_pid=$!
	lab_pids+=("$sensor_pid")
}

# --- from a token to an alert
token --nodes 'web-*' --uses 2
[ "$(wc -l <"$lab/line")" = 1 ] || fail "the token is not one line"
enrol web-1 one
[ "$(stat -c %a "$lab/one/node.pem" "$desk/tokens" "$desk/ca.key" | sort -u)" = 600 ] || fail "keys or tokens can be read by others"
! grep -q "$(cut -d/ -f4 "$lab/line")" -r "$desk" "$lab"/*.log || fail "the secret is kept, or logged"
sensor web-1 one
lab_wait 60 lab_connected web-1 || fail "the enrolled sensor does not connect"
head -c 1 /etc/shadow >/dev/null
lab_wait 20 lab_alert 'Sensitive file read' >/dev/null || fail "no alert of an enrolled node"
lab_stop "$sensor_pid" || true

# --- refused, each in one sentence
refused web-1 again 'has a certificate until'
refused db-1 db "is for nodes 'web-\*', not for 'db-1'"
enrol web-2 two
refused web-3 three 'has been used up, 2 of 2 times'
# An answer that got lost: asking again, with the same key, gives the same certificate.
openssl x509 -in "$lab/two/node.pem" -noout -serial >"$lab/serial"
(umask 077 && openssl pkey -in "$lab/two/node.pem" -out "$lab/two/next.key") && rm "$lab/two/node.pem"
enrol web-2 two
openssl x509 -in "$lab/two/node.pem" -noout -serial | cmp - "$lab/serial" || fail "asking again gives another certificate"
[ "$(grep -c 'enrolled node' "$lab/enroller.log")" = 3 ] || fail "not every enrolment is logged"
token --nodes web-1
refused web-1 again 'make a token with --replace'
token --nodes web-1 --replace
enrol web-1 again
token --nodes 'late-*' --for 1s
sleep 1.1
refused late-1 late 'has expired at .*: make a new one'
sed -i 's|/1/\([^/]*\)/.\{64\}/|/1/\1/'"$(printf '0%.0s' {1..64})"'/|' "$lab/line"
refused web-9 foreign 'is not known here'
token --nodes web-4
sed -i 's|/[0-9a-f]\{64\}$|/'"$(printf '0%.0s' {1..64})"'|' "$lab/line"
refused web-4 pin 'is not the one that this line is for'
echo mews-enroll/1/x >"$lab/line"
refused web-4 cut 'cut off or damaged'
chmod 644 "$lab/line"
refused web-4 open 'others may read or change'
chmod 600 "$lab/line"
token --nodes web-4
got=0
sed "s|$server|127.0.0.1:1|" "$lab/line" >"$lab/nowhere"
"$bin/mews-sensor" enroll --dir "$lab/none" --node web-4 - <"$lab/nowhere" 2>"$lab/none.log" || got=$?
{ [ "$got" = 1 ] && grep -q 'cannot reach the enrolment server' "$lab/none.log"; } || fail "nobody there: exit $got, $(cat "$lab/none.log")"
for body in '' '{' '{"csr":"x"}' "$(head -c 20000 /dev/zero | tr '\0' x)"; do
	curl -sk -o /dev/null "https://$server/v1/enroll" -d "$body" || true
done
request=$(openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=web-1 2>/dev/null | sed ':a;N;$!ba;s/\n/\\n/g')
grep -q 'by showing it' < <(curl -sk "https://$server/v1/renew" -d "{\"csr\":\"$request\"}") || fail "a certificate is renewed for somebody who has shown none"
kill -0 "$server_pid" || fail "the enroller has died"

# --- the old certificate of web-1 was revoked by --replace: the collector knows without a restart
sensor web-1 one
lab_wait 30 grep -qE 'revoked' "$lab/sensor-web-1.log" || fail "a replaced certificate still connects: $(tail -n 3 "$lab/sensor-web-1.log")"
lab_stop "$sensor_pid" || true

# --- at the start of a sensor, by a file; renewal while it runs
token --nodes web-5 --life 60s
sensor web-5 five -o "enroll.file=$lab/line"
lab_wait 60 lab_connected web-5 || fail "a sensor does not enrol itself at its start: $(tail -n 3 "$lab/sensor-web-5.log")"
serial() { openssl x509 -in "$lab/five/node.pem" -noout -serial; }
first=$(serial)
renewed() { [ "$(serial)" != "$first" ] && grep -q "renewed node 'web-5'" "$lab/enroller.log"; }
lab_wait 90 renewed || fail "the certificate is not renewed: $(tail -n 3 "$lab/sensor-web-5.log")"
{ [ "$(stat -c %a "$lab/five/node.pem")" = 600 ] && [ ! -e "$lab/five/next.key" ]; } || fail "the new key is not kept as the old one"
anew() { [ "$(grep -c 'connected to mews-collector' "$lab/sensor-web-5.log")" = 2 ]; }
lab_wait 60 anew || fail "the sensor does not connect anew with its new certificate"
lab_wait 60 lab_connected web-5 || fail "web-5 is not connected after its renewal"
grep -qE '^enrolled .*1 node with a certificate of the last day, the latest web-5, ' < <("$bin/mewsctl" status --collector "http://$http") ||
	fail "mewsctl status does not tell of web-5: $("$bin/mewsctl" status --collector "http://$http")"

# --- another authority: both are trusted, then only the new one; the sensor stays throughout
pki init "$lab/new" --name lab >/dev/null
pki issue "$lab/new" --collector mews-collector --dns localhost --ip 127.0.0.1 >/dev/null
pki enroller "$lab/new" "$desk" >/dev/null
[ "$(grep -c BEGIN "$desk/trust.pem")" = 3 ] || fail "both authorities are not trusted"
both() { [ "$(grep -c BEGIN "$lab/five/ca.pem")" = 3 ]; }
lab_wait 60 both || fail "the node does not learn of the new authority: $(tail -n 3 "$lab/sensor-web-5.log")"
kill "$server_pid"
lab_wait 20 lab_gone "$server_pid"
serve # with its certificate of the new authority
lab_stop "$collector_pid"
lab_collector -o "tls.ca=$desk/trust.pem" -o "tls.crl=$desk/trust-crl.pem" \
	-o "tls.certificate=$lab/new/collector-mews-collector.pem" -o "tls.key=$lab/new/collector-mews-collector.key"
lab_wait 60 lab_connected web-5 || fail "web-5 does not trust the collector of the new authority"
pki enroller "$lab/new" "$desk" --only >/dev/null
new_only() { [ "$(grep -c BEGIN "$lab/five/ca.pem")" = 2 ]; }
lab_wait 60 new_only || fail "the node does not learn that the old authority is over"
lab_wait 60 lab_connected web-5 || fail "web-5 is not connected after the change"

# --- an enroller whose fleet is read-only, as a Secret of Kubernetes is
if [ "$(id -u)" = 0 ]; then
	# shellcheck disable=SC2016 # of the inner shell
	unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" pki enroller "$1" "$3" --address e.example --collector tls+tcp://c.example:1' - \
		"$lab/new" "$bin/mewsctl" "$lab/frozen" >/dev/null || fail "no enroller can be made of a fleet that is read-only"
	[ "$(grep -c BEGIN "$lab/frozen/trust.pem")" = 2 ] || fail "an enroller of a fleet that is read-only does not trust it"
fi

# --- revocation of a node: it is cut off, and renews no more
pki revoke "$desk" web-5 >/dev/null
lab_wait 60 grep -q 'is revoked' "$lab/sensor-web-5.log" || fail "a revoked node goes on"
lab_wait 60 grep -qE 'cannot be renewed: .* is revoked' "$lab/sensor-web-5.log" || fail "a revoked node is not told so"
grep -qE '^node +web-5 +revoked .* [1-9][0-9]*$' < <(pki list "$desk") || fail "the list does not show a node that had renewed its certificate and was revoked"
grep -qE '^node +web-[^5]+ +valid ' < <(pki list "$desk") || fail "the list does not show who is enrolled"
for list in list tokens; do
	! pki "$list" "$lab/no-folder" 2>"$lab/none.log" || fail "pki $list of a folder that is not there is no error"
	grep -q 'cannot read .*No such file' "$lab/none.log" || fail "pki $list: $(cat "$lab/none.log")"
done
grep -q '2 of 2' < <(pki tokens "$desk") || fail "the list of tokens does not show their use"
lab_stop "$sensor_pid" || true
echo "enrolled, renewed, moved to another authority and revoked; $(grep -c refused "$lab/enroller.log") requests refused"
