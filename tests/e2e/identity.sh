#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Authentication of nodes: real programs over TLS. Each refused peer is counted, and none
# disturbs the good one. (Replayed proofs and the like need a special peer: unit.ingest_door.)
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1 n2
lab_collector
lab_sensor n1
good=$sensor_pid

# start NAME NODE PKI CERT [OPTION]...: a sensor that should be refused, or should refuse the collector.
start() {
	local name=$1 node=$2 pki=$3 cert=$4
	shift 4
	"$bin/mews-sensor" -o "collector=$listen" -o "node=$node" -o cluster=lab -o tls.server_name=mews-collector \
		-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$pki/node-$cert.pem" -o "tls.key=$pki/node-$cert.key" "$@" 2>"$lab/$name.log" &
	refused_pid=$!
	lab_pids+=("$refused_pid")
}
refused() { [ "$(lab_metric mews_ingest_refused_identity_total)" -gt "$1" ]; }
gone() { lab_status | jq -e --arg n "$1" '.sensors[] | select(.node == $n) | .connected == false'; }
stranger() { lab_status | jq -e --arg n "$1" '[.sensors[].node] | index($n)'; }

before=$(lab_metric mews_ingest_refused_identity_total)
start other-name n2 "$lab/pki" n1
lab_wait 20 refused "$before" || fail "the certificate of n1 was accepted for n2"
lab_wait 10 grep -q 'n2' "$lab/other-name.log" || fail "the sensor does not say why it was refused"
lab_stop "$refused_pid" || true

"$bin/mewsctl" pki init "$lab/foreign" --name foreign >/dev/null
"$bin/mewsctl" pki issue "$lab/foreign" --node n3 >/dev/null
start foreign n3 "$lab/foreign" n3
lab_wait 20 grep -qE 'certificate|TLS|refused|reach' "$lab/foreign.log" || fail "the sensor with a foreign certificate says nothing"
lab_stop "$refused_pid" || true

# Failures of TLS itself: each reason has its message. A later option overrides an earlier one.
# says NAME SENTENCE: the sensor started last has logged it, and is stopped.
says() {
	lab_wait 20 grep -q "$2" "$lab/$1.log" || fail "$1: not '$2', but: $(tail -n 1 "$lab/$1.log")"
	lab_stop "$refused_pid" || true
}
cat "$lab/pki/ca.pem" "$lab/foreign/ca.pem" >"$lab/both.pem"
start unknown-here n3 "$lab/foreign" n3 -o "tls.ca=$lab/both.pem"
says unknown-here "refuses this node's certificate or its TLS: unknown authority"
start wrong-authority n3 "$lab/foreign" n3 -o "tls.ca=$lab/foreign/ca.pem"
says wrong-authority 'does not fit tls.ca: it is not signed by that authority'
start wrong-name n2 "$lab/pki" n2 -o tls.server_name=elsewhere
says wrong-name "its certificate is for 'mews-collector', not for 'elsewhere'"

# A key that others can read is refused, with the remedy.
cp "$lab/pki/node-n2.key" "$lab/open.key"
chmod 644 "$lab/open.key"
got=0
timeout 30 "$bin/mews-sensor" -o "collector=$listen" -o node=n2 -o cluster=lab -o "tls.ca=$lab/pki/ca.pem" \
	-o "tls.certificate=$lab/pki/node-n2.pem" -o "tls.key=$lab/open.key" 2>"$lab/open-key.log" || got=$?
[ "$got" = 3 ] || fail "a key that others may read was taken (exit $got)"
grep -q "others may read or change the key (tls.key) $lab/open.key: chmod 600" "$lab/open-key.log" || fail "the remedy is not said"

# The collector's certificate is revoked: a sensor with the list disconnects, and the
# next handshake fails. The good one has no list.
lab_sensor n2 -o "tls.crl=$lab/pki/crl.pem"
with_list=$sensor_pid
"$bin/mewsctl" pki revoke "$lab/pki" mews-collector --collector >/dev/null
lab_wait 20 grep -q 'is no longer trusted: its certificate: it is revoked' "$lab/sensor-n2.log" || fail "the sensor stays with a revoked collector"
lab_wait 30 grep -q 'does not fit tls.ca: it is revoked' "$lab/sensor-n2.log" || fail "the sensor does not say that the collector is revoked"
lab_wait 10 gone n2 || fail "n2 is still connected to a revoked collector"
lab_stop "$with_list" || true

# Certificates that expire during a connection: the node's at the collector, the collector's at
# the sensor. (The accept under way still has the old one: it is the first sensor's.)
"$bin/mewsctl" pki issue "$lab/pki" --node n4 --for 20s >/dev/null
"$bin/mewsctl" pki issue "$lab/pki" --node n5 >/dev/null
"$bin/mewsctl" pki issue "$lab/pki" --collector mews-collector --ip 127.0.0.1 --force --for 25s >/dev/null
kill -HUP "$collector_pid"
lab_wait 10 grep -q 'certificates reloaded' "$lab/collector.log" || fail "SIGHUP did not reload the certificates"
lab_sensor n4
short=$sensor_pid
lab_sensor n5
lab_wait 40 grep -q 'refused this node: the certificate has expired' "$lab/sensor-n4.log" || fail "a node stays connected beyond its certificate"
lab_wait 40 grep -q 'is no longer trusted: its certificate: it has expired' "$lab/sensor-n5.log" || fail "the sensor stays connected beyond the collector's certificate"
grep -q 'refused sensor n4: the certificate has expired' "$lab/collector.log" || fail "the collector does not say whose certificate expired"
[ "$(lab_metric mews_ingest_certificate_expiry_timestamp_seconds)" -gt 0 ] || fail "the collector does not tell when its certificate expires"
[ "$(lab_metric "mews_node_certificate_expiry_timestamp_seconds{cluster=\"lab\",node=\"n4\"")" -gt 0 ] || fail "nobody tells when the certificate of n4 expires"
lab_stop "$short" || true
lab_stop "$sensor_pid" || true

# No certificate at all: the handshake itself must fail.
if printf '' | timeout 10 openssl s_client -connect "${listen#*//}" -CAfile "$lab/pki/ca.pem" -tls1_2 -quiet >"$lab/s_client.log" 2>&1 &&
	! grep -qE 'alert|error' "$lab/s_client.log"; then
	fail "a peer without a certificate was let in"
fi

stranger n3 >/dev/null && fail "a foreign node is in the status"
kill -0 "$good" || fail "the good sensor died"
lab_connected n1 >/dev/null || fail "the good sensor is no longer connected"
head -c 1 /etc/shadow >/dev/null
lab_wait 10 lab_alert 'Sensitive file read' >/dev/null || fail "the good node's alerts no longer come"
echo "refused: $(lab_metric mews_ingest_refused_identity_total); the good node goes on"
