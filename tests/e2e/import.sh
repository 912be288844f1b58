#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mewsctl import falco: a configuration with all that is translated, which the collector accepts; what has no
# counterpart is listed with its line; what cannot be read is refused with its place.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
falco=$lab/falco
mkdir "$falco" "$lab/log"
cat >"$falco/local.yaml" <<'EOF'
- rule: Own rule
  desc: A rule of this test.
  condition: evt.type = chdir
  output: own
  priority: NOTICE
EOF
cat >"$falco/falco.yaml" <<EOF
rules_files: [$root/rules/mews_rules.yaml, $falco/local.yaml]
rules:
  - disable:
      tag: network
  - enable:
      rule: "Own*"
engine:
  kind: modern_ebpf
watch_config_files: false
time_format_iso_8601: true
json_output: true
json_include_tags_property: false
log_level: warning
priority: notice
rule_matching: all
stdout_output: { enabled: true }
syslog_output: { enabled: true }
file_output: { enabled: true, keep_alive: true, filename: $lab/log/events.txt }
http_output: { enabled: true, url: "https://siem.example/a?b=\"c\"" }
program_output: { enabled: true, program: "jq '{text: .output}' | cat" }
webserver: { enabled: true, listen_port: 8801 }
grpc: { enabled: true }
EOF
import() { "$bin/mewsctl" import "$@"; }
import falco "$falco" >"$lab/collector.yaml" || fail "it is not imported"
import falco "$falco/falco.yaml" | diff -q - "$lab/collector.yaml" >/dev/null || fail "the folder and the file give different results"
for line in "  - \"$falco/local.yaml\"" 'rule.priority: "notice"' 'rule.matching: "all"' 'rule.watch: false' '  - { disable: { tag: "network" } }' \
	'  - { enable: { rule: "Own*" } }' 'log.level: warn' '  time_iso8601: true' '  tags: false' 'http.listen: 127.0.0.1:8801 # /healthz and /metrics, on loopback' \
	'  stdout: { enabled: true, format: json }' "  file: { enabled: true, path: \"$lab/log/events.txt\", format: json }" \
	'  syslog: { enabled: true, address: "unix:/dev/log", format: json }' '    url: "https://siem.example/a?b=\"c\""' \
	"  program: { enabled: true, command: [/bin/sh, -c, \"jq '{text: .output}' | cat\"], format: json }" \
	'# line 8:   kind: modern_ebpf' '# line 22: grpc: { enabled: true }'; do
	grep -qxF -- "$line" "$lab/collector.yaml" || fail "not in the result: $line"
done
[ "$(grep -c '^# line' "$lab/collector.yaml")" = 2 ] || fail "something else is not translated: $(grep '^# line' "$lab/collector.yaml")"
"$bin/mews-collector" -c "$lab/collector.yaml" -o "listen=ipc://$lab/sensor.sock" -o ipc.group=root -o "outbox.path=$lab/outbox.db" -o "http.socket=$lab/api.sock" \
	--check >"$lab/check.log" 2>&1 || fail "the collector does not accept the result: $(cat "$lab/check.log")"

# refused STATUS SENTENCE ARGUMENT...
refused() {
	local got=0
	import "${@:3}" >"$lab/out" 2>"$lab/refused.log" || got=$?
	[ "$got" = "$1" ] && [ ! -s "$lab/out" ] && grep -q "$2" "$lab/refused.log" || fail "import ${*:3}: $got, $(cat "$lab/refused.log")"
}
echo 'priority: [' >"$lab/broken.yaml"
refused 1 'broken.yaml:[0-9]' falco "$lab/broken.yaml"
echo 'json_output: perhaps' >"$lab/wrong.yaml"
refused 1 'wrong.yaml:1: .*json_output' falco "$lab/wrong.yaml"
refused 1 'none.yaml' falco "$lab/none.yaml"
refused 2 'say what to import' sysdig
echo "imported: $(grep -vc '^#' "$lab/collector.yaml") lines, which the collector accepts"
