#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bad input gets one sentence with the cause and the remedy, and the documented exit code.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1
fails=0

# expect CODE PATTERN COMMAND...: it exits with CODE, and standard error has a line that matches.
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

# check.sh covers the collector.
# --- sensor
sensor=("$bin/mews-sensor" -o collector=tls+tcp://127.0.0.1:1 -o node=n1 -o cluster=lab -o tls.server_name=mews-collector)
stls=(-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-n1.pem" -o "tls.key=$lab/pki/node-n1.key")
expect 2 'not-an-option|unrecognized' "$bin/mews-sensor" --not-an-option
expect 3 'no-such.yaml' "$bin/mews-sensor" -c "$lab/no-such.yaml"
printf 'rules_files:\n  - /etc/falco/falco_rules.yaml\n' >"$lab/falco.yaml"
expect 3 "'rules_files' is an option of Falco" "$bin/mews-sensor" -c "$lab/falco.yaml"
expect 3 'nodee' "${sensor[@]}" "${stls[@]}" -o nodee=x
expect 3 'no-such.pem' "${sensor[@]}" "${stls[@]}" -o "tls.certificate=$lab/no-such.pem"
expect 3 'match' "${sensor[@]}" "${stls[@]}" -o "tls.key=$lab/pki/collector-mews-collector.key"
expect 3 'insecure' "${sensor[@]}" -o collector=tcp://127.0.0.1:1
expect 4 'CAP_BPF|root' setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$bin/mews-sensor" -o collector=ipc:///tmp/x -o node=n1
# shellcheck disable=SC2016 # expanded inside the namespace
expect 4 'CONFIG_DEBUG_INFO_BTF' unshare -m sh -c 'mount -t tmpfs none /sys/kernel && exec "$@"' - "${sensor[@]}" "${stls[@]}"

# --- mewsctl
expect 2 'unknown command' "$bin/mewsctl" nonsense
expect 1 'cannot reach the collector' "$bin/mewsctl" status --collector http://127.0.0.1:1
expect 1 'no.sock: No such file or directory' "$bin/mewsctl" status --collector "unix:$lab/no.sock"
printf -- '- rule: r\n  desc: d\n  condition: evt.type = open and nosuch.field = 1\n  output: o\n  priority: INFO\n' >"$lab/bad.yaml"
expect 1 'bad.yaml:3' "$bin/mewsctl" rules check "$lab/bad.yaml"

[ "$fails" = 0 ] || fail "$fails cases"
