#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Kafka output logs in over TLS with SASL: PLAIN and SCRAM, with the password from a file, to a broker that
# requires a client's certificate; a wrong password is reported, and so is a missing certificate, a topic that
# access rights deny, and, at start, a library that does not support the configured mechanism.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
kafka=$root/tests/support/kafka.sh
prog=$bin/kafka_outbox

# Kafka 4 does not accept SCRAM from a librdkafka before 2.6.1.
library=$(kcat -V | sed -n 's/.*librdkafka \([0-9.]*\).*/\1/p')
old=no
[ "$(printf '%s\n' 2.6.1 "$library" | sort -V | head -n 1)" = 2.6.1 ] || old=yes
[ "$old" = no ] || export MEWS_KAFKA_VERSION=3.9.1
echo "Kafka ${MEWS_KAFKA_VERSION:-4.1.0} with librdkafka $library"

lab_pki client
"$bin/mewsctl" pki issue "$lab/pki" --collector kafka --dns localhost --ip 127.0.0.1 >/dev/null
cat "$lab/pki/collector-kafka.key" "$lab/pki/collector-kafka.pem" >"$lab/kafka.pem"
echo right-7 >"$lab/password"
echo wrong-7 >"$lab/wrong"

trap 'code=$?; "$kafka" stop "$lab/kafka" || true; lab_end "$code"' EXIT
plain=$(MEWS_KAFKA_CA=$lab/pki/ca.pem MEWS_KAFKA_TLS=$lab/kafka.pem MEWS_KAFKA_PASSWORD=$(cat "$lab/password") "$kafka" start "$lab/kafka") || exit $?
broker=$(cat "$lab/kafka/address.sasl")
anonymous=(security.protocol=sasl_ssl "ssl.ca.location=$lab/pki/ca.pem" sasl.username=mews)
login=("${anonymous[@]}" "ssl.certificate.location=$lab/pki/node-client.pem" "ssl.key.location=$lab/pki/node-client.key")

for mechanism in PLAIN SCRAM-SHA-512; do
	topic=by-${mechanism,,}
	timeout 60 "$prog" produce "$lab/$topic.db" "$broker" "$topic" 200 0 "${login[@]}" "sasl.mechanism=$mechanism" \
		"sasl.password=\${file:$lab/password}" allow.auto.create.topics=true >"$lab/$mechanism.log" 2>&1 || fail "$mechanism: did not deliver"
	grep -q '^delivered 199 refused 1 ' "$lab/$mechanism.log" || fail "$mechanism: $(cat "$lab/$mechanism.log")"
	"$prog" verify "$plain" "$topic" 200 once

	"$prog" produce "$lab/$topic-wrong.db" "$broker" "$topic" 10 0 "${login[@]}" "sasl.mechanism=$mechanism" \
		"sasl.password=\${file:$lab/wrong}" >"$lab/wrong.log" 2>&1 &
	pid=$!
	lab_pids+=("$pid")
	lab_wait 30 grep -qi 'trouble: Kafka: .*authentication' "$lab/wrong.log" || fail "$mechanism: a wrong password is not said: $(cat "$lab/wrong.log")"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	echo "$mechanism over TLS: delivered; with a wrong password: $(grep -i -m 1 authentication "$lab/wrong.log")"
done

password="sasl.password=\${file:$lab/password}"
"$prog" produce "$lab/anonymous.db" "$broker" by-plain 10 0 "${anonymous[@]}" sasl.mechanism=PLAIN "$password" >"$lab/anonymous.log" 2>&1 &
pid=$!
lab_pids+=("$pid")
lab_wait 30 grep -q 'trouble: Kafka: .*SSL' "$lab/anonymous.log" || fail "a missing certificate is not said: $(cat "$lab/anonymous.log")"
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
echo "without a certificate: $(grep -m 1 trouble "$lab/anonymous.log")"

denied=(--deny-principal User:mews --operation Write --topic denied)
"$kafka" topic "$lab/kafka" denied 1 2>>"$lab/tool.log" || fail 'the topic was not made'
"$kafka" acl "$lab/kafka" --add "${denied[@]}" 2>>"$lab/tool.log" || fail 'the rights were not changed'
"$prog" produce "$lab/denied.db" "$broker" denied 50 0 "${login[@]}" sasl.mechanism=PLAIN "$password" >"$lab/denied.log" 2>&1 &
pid=$!
lab_pids+=("$pid")
lab_wait 30 grep -q "trouble: Kafka does not let us write to the topic 'denied'; grant WRITE and DESCRIBE" "$lab/denied.log" || fail "a denied topic is not said: $(cat "$lab/denied.log")"
"$kafka" acl "$lab/kafka" --remove --force "${denied[@]}" 2>>"$lab/tool.log" || fail 'the rights were not changed back'
lab_wait 60 lab_gone "$pid" || fail "it did not go on: $(cat "$lab/denied.log")"
grep -q '^delivered 49 refused 1 ' "$lab/denied.log" || fail "denied, then allowed: $(cat "$lab/denied.log")"
"$prog" verify "$plain" denied 50 repeated
echo "denied by access rights, then allowed: each alert arrived"

# said MECHANISM: does a collector report that its library cannot log in to Kafka 4 with it?
said() {
	"$bin/mews-collector" --check -o "listen=ipc://$lab/s" -o http.listen= -o http.socket= -o "outbox.path=$lab/o.db" \
		-o "rules=$root/rules/mews_rules.yaml" -o outputs.kafka.enabled=true -o "outputs.kafka.brokers=$broker" \
		-o outputs.kafka.properties.security.protocol=sasl_ssl -o "outputs.kafka.properties.ssl.ca.location=$lab/pki/ca.pem" \
		-o outputs.kafka.properties.sasl.username=mews -o "outputs.kafka.properties.sasl.password=\${file:$lab/password}" \
		-o "outputs.kafka.properties.sasl.mechanism=$1" 2>"$lab/check.log" || fail "--check: $(cat "$lab/check.log")"
	if grep -q "librdkafka $library cannot log in to Kafka 4 with SCRAM" "$lab/check.log"; then echo yes; else echo no; fi
}
[ "$(said SCRAM-SHA-512)" = "$old" ] || fail "SCRAM with librdkafka $library: $(cat "$lab/check.log")"
[ "$(said PLAIN)" = no ] || fail "PLAIN with librdkafka $library: $(cat "$lab/check.log")"
! grep -l 'right-7\|wrong-7' "$lab"/*.log || fail "a password is in a log"
