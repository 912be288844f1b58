#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bad input gets: one sentence with the cause and the remedy, and the documented exit code.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1
fails=0

# expect CODE PATTERN COMMAND...: exits with CODE, and standard error has a line that matches.
expect() {
	local code=$1 pattern=$2 got=0
	shift 2
	timeout 30 "$@" >"$lab/out" 2>"$lab/err" || got=$?
	if [ "$got" != "$code" ] || ! grep -qE "$pattern" "$lab/err"; then
		printf 'FAIL: %s\n  exit %s (expected %s), standard error (expected /%s/):\n' "$*" "$got" "$code" "$pattern"
		sed 's/^/    /' "$lab/err"
		fails=$((fails + 1))
	elif grep -qE 'Sanitizer|Segmentation|Assertion' "$lab/err"; then
		printf 'FAIL: %s crashed\n' "$*"
		fails=$((fails + 1))
	else
		printf 'ok: %s\n' "$(grep -m 1 -E "$pattern" "$lab/err")"
	fi
}

lab_port
tls=(-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/collector-mews-collector.pem" -o "tls.key=$lab/pki/collector-mews-collector.key")
base=(-o "listen=tls+tcp://127.0.0.1:$port" -o http.listen= -o "outbox.path=$lab/o.db" -o "rules=$root/rules/mews_rules.yaml")
collector=("$bin/mews-collector" "${base[@]}")
good=("${collector[@]}" "${tls[@]}")

# --- command line and configuration
expect 2 'not-an-option|unrecognized' "$bin/mews-collector" --not-an-option
expect 3 'no-such.yaml' "$bin/mews-collector" -c "$lab/no-such.yaml"
printf 'cluster: a\nlisten: [\n' >"$lab/broken.yaml"
expect 3 'broken.yaml:[0-9]+' "$bin/mews-collector" -c "$lab/broken.yaml"
printf 'clutser: a\n' >"$lab/key.yaml"
expect 3 "clutser.*cluster" "${good[@]}" -c "$lab/key.yaml"
expect 3 'shards' "${good[@]}" -o shards=many
expect 3 'outbox.max_bytes' "${good[@]}" -o outbox.max_bytes=1
expect 3 'rule.matching' "${good[@]}" -o rule.matching=some

# --- rules
expect 4 'no-such-rules.yaml' "${good[@]}" -o "rules=$lab/no-such-rules.yaml"
printf -- '- rule: r\n  desc: d\n  condition: evt.type = open and nosuch.field = 1\n  output: o\n  priority: INFO\n' >"$lab/bad.yaml"
expect 4 'bad.yaml:3:[0-9]+: .*nosuch.field' "${good[@]}" -o "rules=$lab/bad.yaml"

# --- certificates
expect 3 'tls.certificate' "${collector[@]}" -o "tls.ca=$lab/pki/ca.pem"
expect 3 'no-such.pem' "${good[@]}" -o "tls.certificate=$lab/no-such.pem"
expect 3 'belong' "${good[@]}" -o "tls.key=$lab/pki/node-n1.key"
echo garbage >"$lab/garbage.pem"
expect 3 'garbage.pem' "${good[@]}" -o "tls.certificate=$lab/garbage.pem"
expect 3 'insecure' "${collector[@]}" -o "listen=tcp://127.0.0.1:$port"

# --- addresses
lab_collector
expect 6 'in use' "${good[@]}" -o "listen=$listen"
expect 6 'in use' "${good[@]}" -o "http.listen=$http"
expect 5 'another collector|in use|locked' "${good[@]}" -o "outbox.path=$lab/outbox.db"
lab_stop "$collector_pid"

# --- outbox
head -c 65536 /dev/urandom >"$lab/corrupt.db"
expect 5 'corrupt.db' "${good[@]}" -o "outbox.path=$lab/corrupt.db"
expect 5 'no-such-folder' "${good[@]}" -o "outbox.path=$lab/no-such-folder/o.db"

# --- outputs
expect 3 'no.such.property' "${good[@]}" -o outputs.kafka.enabled=true -o outputs.kafka.brokers=127.0.0.1:1 -o outputs.kafka.properties.no.such.property=1
expect 3 'outputs.file.path' "${good[@]}" -o outputs.file.enabled=true

# --- sensor
sensor=("$bin/mews-sensor" -o "collector=$listen" -o node=n1 -o cluster=lab -o tls.server_name=mews-collector)
stls=(-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-n1.pem" -o "tls.key=$lab/pki/node-n1.key")
expect 2 'not-an-option|unrecognized' "$bin/mews-sensor" --not-an-option
expect 3 'no-such.yaml' "$bin/mews-sensor" -c "$lab/no-such.yaml"
expect 3 'nodee' "${sensor[@]}" "${stls[@]}" -o nodee=x
expect 3 'no-such.pem' "${sensor[@]}" "${stls[@]}" -o "tls.certificate=$lab/no-such.pem"
expect 3 'match' "${sensor[@]}" "${stls[@]}" -o "tls.key=$lab/pki/collector-mews-collector.key"
expect 3 'insecure' "${sensor[@]}" -o collector=tcp://127.0.0.1:1
expect 4 'CAP_BPF|root' setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$bin/mews-sensor" -o collector=ipc:///tmp/x -o node=n1
# shellcheck disable=SC2016 # expanded inside the namespace
expect 4 'CONFIG_DEBUG_INFO_BTF' unshare -m sh -c 'mount -t tmpfs none /sys/kernel && exec "$@"' - "${sensor[@]}" "${stls[@]}"

# --- mewsctl
expect 2 'unknown command' "$bin/mewsctl" nonsense
expect 1 'cannot ask' "$bin/mewsctl" status --collector http://127.0.0.1:1
expect 1 'bad.yaml:3' "$bin/mewsctl" rules check "$lab/bad.yaml"

[ "$fails" = 0 ] || fail "$fails cases"
