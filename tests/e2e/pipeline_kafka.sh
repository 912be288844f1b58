#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole pipeline with real parts: live eBPF, mutual TLS, rules, outbox, a real Kafka broker. Each
# alert id arrives once, in the order in which the alerts of its key were raised; the state of the node is in the
# coverage topic, and what the library knows of its brokers in the metrics.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
kafka=$root/tests/support/kafka.sh

bootstrap=$("$kafka" start "$lab/kafka")
trap 'code=$?; "$kafka" stop "$lab/kafka" || true; lab_end "$code"' EXIT

lab_watch
lab_pki n1
MEWS_KAFKA_AUTO_CREATE=false "$kafka" topic "$lab/kafka" coverage 1 cleanup.policy=compact 2>"$lab/topic.log" || fail "the topic: $(cat "$lab/topic.log")"
lab_collector -o outputs.kafka.enabled=true -o outputs.kafka.coverage_topic=coverage -o "outputs.kafka.brokers=$bootstrap" -o outputs.kafka.topic=alerts \
	-o outputs.kafka.properties.allow.auto.create.topics=true
lab_sensor n1

n=200
lab_touch 1 "$n"
lab_wait 30 sh -c "[ \$(grep -c 'Watched file opened' '$lab/alerts') -ge $n ]" ||
	fail "of $n alerts $(grep -c 'Watched file opened' "$lab/alerts" || true) reached the file output"

delivered() { [ "$(lab_metric 'mews_output_delivered_total{output="kafka"}')" -ge "$n" ]; }
lab_wait 60 delivered || fail "Kafka has confirmed $(lab_metric 'mews_output_delivered_total{output="kafka"}') of $n: $(lab_status | jq -r '.outputs[] | select(.name == "kafka").error')"

kcat -C -q -e -b "$bootstrap" -t alerts -f '%k\t%h\t%s\n' >"$lab/consumed"
[ "$(cut -f1 "$lab/consumed" | sort -u)" = lab/n1 ] || fail "keys: $(cut -f1 "$lab/consumed" | sort | uniq -c)"
cut -f3 "$lab/consumed" | jq -r .uuid >"$lab/ids"
[ -z "$(sort "$lab/ids" | uniq -d)" ] || fail "an alert id arrived twice"
cmp <(cut -f3 "$lab/consumed" | jq -r '.uuid') <(jq -r .uuid "$lab/alerts") || fail "Kafka's order is not that of the outbox"
cmp <(cut -f3 "$lab/consumed" | jq -r 'select(.rule == "Watched file opened").output_fields["fd.name"]' | sed 's|.*/||') <(seq "$n") ||
	fail "not each file's alert once, in order"
grep -q "ce_id=$(head -n 1 "$lab/ids")" "$lab/consumed" || fail "the alert's id is not in ce_id"
echo "$(wc -l <"$lab/ids") alerts in Kafka, each once, in order"

coverage() { kcat -C -q -e -b "$bootstrap" -t coverage -f '%k\t%h\t%s\n' | tail -n 1 >"$lab/coverage"; }
seen() {
	coverage && [ -s "$lab/coverage" ] && cut -f3 "$lab/coverage" | jq -e '.node == "n1" and .cluster == "lab" and .state == "up" and .sequence > 0 and .durable > 0 and
		(.watermark | type == "string") and .drops == 0 and (.rules | length == 32) and .loss_window == false' >/dev/null
}
lab_wait 60 seen || fail "the coverage topic: $(cat "$lab/coverage")"
[ "$(cut -f1 "$lab/coverage")" = lab/n1 ] || fail "its key: $(cut -f1 "$lab/coverage")"
grep -q 'ce_type=io.mews.coverage.v1' "$lab/coverage" || fail "its headers: $(cut -f2 "$lab/coverage")"
up() { [ "$(lab_metric 'mews_kafka_brokers_up{output="kafka"}')" = 1 ]; }
lab_wait 30 up || fail "mews_kafka_brokers_up is $(lab_metric 'mews_kafka_brokers_up{output="kafka"}')"
[ "$(lab_metric 'mews_kafka_beats_total{output="kafka"}')" -gt 0 ] || fail 'no state of a node was counted'
echo "the node's state in the coverage topic: $(cut -f3 "$lab/coverage")"
