#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A collector that is not up yet, and a broker that never is: reported once, retried, nothing lost.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_watch
lab_pki n1
lab_port
listen=tls+tcp://127.0.0.1:$port
lab_port
http=127.0.0.1:$port

# The sensor first: it reports that nobody answers, captures and keeps events.
"$bin/mews-sensor" -o "collector=$listen" -o node=n1 -o cluster=lab -o tls.server_name=mews-collector -o link.retry_max=1s \
	-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-n1.pem" -o "tls.key=$lab/pki/node-n1.key" 2>"$lab/sensor-n1.log" &
sensor_pid=$!
lab_pids+=("$sensor_pid")
lab_wait 30 grep -q "$listen" "$lab/sensor-n1.log" || fail "the sensor does not say that the collector does not answer"
lab_touch 1 50
sleep 2 # a few attempts
[ "$(grep -c "$listen" "$lab/sensor-n1.log")" = 1 ] || fail "the sensor repeats itself"
kill -0 "$sensor_pid" || fail "the sensor gave up"

# The collector, whose broker is down.
lab_collector -o outputs.kafka.enabled=true -o outputs.kafka.brokers=127.0.0.1:9
lab_wait 30 lab_connected n1 || fail "the sensor did not connect when the collector came"
have() { [ "$(lab_alerts 'Watched file opened')" -ge 50 ]; }
lab_wait 30 have || fail "$(lab_alerts 'Watched file opened') of the 50 alerts from before the collector was there"
kafka() { lab_status | jq -e '.outputs[] | select(.name == "kafka") | '"$1"; }
lab_wait 30 kafka '.waiting >= 50 and .delivered == 0 and .error != ""' || fail "the status says of Kafka: $(kafka .)"
curl -sf "http://$http/readyz" >/dev/null || fail "an output that cannot deliver makes the collector unready"
lab_stop "$sensor_pid"
lab_stop "$collector_pid"
[ "$(sqlite3 "$lab/outbox.db" "select count(*) from alert where rule = 'Watched file opened'")" = 50 ] || fail "the outbox does not keep what Kafka has not got"
echo "50 alerts from before the collector was there, kept for a broker that is not"
