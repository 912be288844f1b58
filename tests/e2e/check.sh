#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --check refuses everything that a start of the collector refuses: with the same message and exit code,
# and neither creates anything; a configuration that --check accepts starts.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1
fails=0

wrong() {
	printf 'FAIL: %s\n  %s\n' "$1" "$2"
	sed 's/^/    /' "$lab/check" "$lab/start"
	fails=$((fails + 1))
}

# Messages without times.
said() { sed 's/^.* mews-collector //' "$1"; }
# All files but these, and those of the running collector.
files() { find "$lab" ! -path "$lab/check" ! -path "$lab/start" ! -path "$lab/out" ! -path "$lab/outbox.db*" ! -path "$lab/*.log" ! -path "$lab" -printf '%p %s %T@\n' | sort; }

# refused CODE PATTERN ARGUMENT...: by both, with the same messages, of which one matches.
refused() {
	local code=$1 pattern=$2 before by_check=0 by_start=0
	shift 2
	truncate -s 0 "$lab/check" "$lab/start" "$lab/out"
	before=$(files)
	timeout 30 "$bin/mews-collector" "$@" --check >"$lab/out" 2>"$lab/check" || by_check=$?
	timeout 30 "$bin/mews-collector" "$@" >"$lab/out" 2>"$lab/start" || by_start=$?
	if [ "$by_start" != "$code" ] || ! grep -qE "$pattern" "$lab/start"; then
		wrong "$*" "start: exit $by_start, expected $code and /$pattern/"
	elif [ "$by_check" != "$by_start" ]; then
		wrong "$*" "--check: exit $by_check, start: $by_start"
	elif ! grep -qxF "$(said "$lab/start" | grep -m 1 -E "$pattern")" < <(said "$lab/check"); then
		wrong "$*" "--check does not say what a start says"
	elif [ "$before" != "$(files)" ]; then
		wrong "$*" "left behind: $(diff <(echo "$before") <(files))"
	elif grep -qE 'Sanitizer|Segmentation|Assertion' "$lab/check" "$lab/start"; then
		wrong "$*" crashed
	else
		printf 'ok: %s\n' "$(said "$lab/start" | grep -m 1 -E "$pattern")"
	fi
}

# fine ARGUMENT...: --check reports and creates nothing, and the collector starts.
fine() {
	local before pid
	truncate -s 0 "$lab/check" "$lab/start" "$lab/out"
	before=$(files)
	timeout 30 "$bin/mews-collector" "$@" --check 2>"$lab/check" || wrong "$*" "--check: exit $?"
	grep -q 'are valid$' "$lab/check" || wrong "$*" "--check does not say that it is fine"
	[ "$before" = "$(files)" ] || wrong "$*" "--check left behind: $(diff <(echo "$before") <(files))"
	"$bin/mews-collector" "$@" 2>"$lab/start" >"$lab/out" &
	pid=$!
	lab_pids+=("$pid")
	if lab_wait 30 grep -q 'listening for sensors' "$lab/start"; then
		lab_stop "$pid" || wrong "$*" "did not stop well"
		printf 'ok: fine and starts: %s\n' "${*: -1}"
	else
		wrong "$*" "--check found it fine, and it does not start"
	fi
}

lab_port
listen=tls+tcp://127.0.0.1:$port
lab_port
http=127.0.0.1:$port
lab_rules=$lab/one.yaml
printf -- '- rule: r\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFO\n' >"$lab_rules"
tls=(-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/collector-mews-collector.pem" -o "tls.key=$lab/pki/collector-mews-collector.key")
base=(-o "listen=$listen" -o http.listen= -o http.socket= -o "outbox.path=$lab/o.db" -o "rules=$lab_rules")
good=("${base[@]}" "${tls[@]}")

# --- the command line, the file, its keys
refused 2 'not-an-option' --not-an-option
refused 3 'no-such.yaml' -c "$lab/no-such.yaml"
printf 'cluster: a\nlisten: [\n' >"$lab/broken.yaml"
refused 3 'broken.yaml:3' -c "$lab/broken.yaml"
printf 'clutser: a\n' >"$lab/key.yaml"
refused 3 "key.yaml:1:1: error: unknown key 'clutser'; did you mean 'cluster'" "${good[@]}" -c "$lab/key.yaml"
printf 'cluster: a\n' >"$lab/parts.yaml"
mkdir "$lab/parts.d"
printf 'shards: 1\n' >"$lab/parts.d/10.yaml"
printf '\nshards: many\n' >"$lab/parts.d/20.yaml"
refused 3 "parts.d/20.yaml:2:9: error: 'shards'" "${good[@]}" -c "$lab/parts.yaml"
refused 3 "unknown key 'lissten'; did you mean 'listen'" "${good[@]}" -o lissten=tcp://127.0.0.1:1
refused 3 "unknown key 'outputs.kafak.enabled'; did you mean 'outputs.kafka.enabled'" "${good[@]}" -o outputs.kafak.enabled=true
refused 3 "unknown key 'outputs.file.pth'; did you mean 'outputs.file.path'" "${good[@]}" -o outputs.file.pth=x
refused 3 "unknown key 'second'" "${good[@]}" -o first=1 -o second=2
"$bin/mews-collector" --check "${good[@]}" -o log.format=json -o lissten=x 2>"$lab/check" && wrong log.format=json "--check: exit 0"
grep -q "\"message\":\"command line: unknown key 'lissten'" "$lab/check" || wrong log.format=json "not JSON"
refused 3 'shards' "${good[@]}" -o shards=many
refused 3 'outbox.max_bytes' "${good[@]}" -o outbox.max_bytes=1
refused 3 'rule.matching' "${good[@]}" -o rule.matching=some
refused 3 'log.level' "${good[@]}" -o log.level=loud
refused 3 'rule.priority' "${good[@]}" -o rule.priority=loud
printf 'rules_files:\n  - /etc/falco/falco_rules.yaml\njson_output: false\nstdout_output:\n  enabled: true\n' >"$lab/falco.yaml"
refused 3 "falco.yaml:1:1: error: 'rules_files' is an option of Falco, whose configuration Mews does not read" -c "$lab/falco.yaml"

# --- rules
refused 4 'no-such-rules.yaml' "${good[@]}" -o "rules=$lab/no-such-rules.yaml"
printf -- '- rule: r\n  desc: d\n  condition: evt.type = open and nosuch.field = 1\n  output: o\n  priority: INFO\n' >"$lab/bad.yaml"
refused 4 'bad.yaml:3:[0-9]+: .*nosuch.field' "${good[@]}" -o "rules=$lab/bad.yaml"

# --- certificates
refused 3 'tls.certificate is not set' "${base[@]}" -o "tls.ca=$lab/pki/ca.pem"
refused 3 'no-such.pem' "${good[@]}" -o "tls.certificate=$lab/no-such.pem"
refused 3 'belong' "${good[@]}" -o "tls.key=$lab/pki/node-n1.key"
echo garbage >"$lab/garbage.pem"
refused 3 'garbage.pem' "${good[@]}" -o "tls.certificate=$lab/garbage.pem"
refused 3 'garbage.pem' "${good[@]}" -o "tls.crl=$lab/garbage.pem"
cp "$lab/pki/collector-mews-collector.key" "$lab/open.key"
chmod 644 "$lab/open.key"
refused 3 'chmod 600' "${good[@]}" -o "tls.key=$lab/open.key"

# --- addresses
refused 3 'insecure' "${base[@]}" -o "listen=tcp://127.0.0.1:1"
refused 3 'is not an address' "${good[@]}" -o listen=127.0.0.1:7443
refused 3 'has no port' "${good[@]}" -o listen=tls+tcp://127.0.0.1
refused 6 'is not an address of this machine' "${good[@]}" -o listen=tls+tcp://192.0.2.1:7443
refused 6 'cannot listen on ipc://' "${good[@]}" -o "listen=ipc://$lab/none/s"
echo precious >"$lab/precious"
refused 6 'not a socket' "${good[@]}" -o "listen=ipc://$lab/precious"
refused 3 'has no port' "${good[@]}" -o http.listen=localhost
refused 3 'other machines can reach' "${good[@]}" -o http.listen=0.0.0.0:1
refused 6 'in use' "${good[@]}" -o "http.listen=${listen#tls+tcp://}"
refused 6 'precious .*not a socket' "${good[@]}" -o "http.socket=$lab/precious"
api=("${good[@]}" -o "http.listen=$http")
echo 0123456789abcdef0123456789abcdef >"$lab/open.token"
refused 3 'open.token.* chmod 600' "${api[@]}" -o "http.token_file=$lab/open.token"
(umask 077 && : >"$lab/empty.token")
refused 3 'empty.token has no token' "${api[@]}" -o "http.token_file=$lab/empty.token"
refused 3 'set together' "${api[@]}" -o "http.tls.certificate=$lab/pki/ca.pem"
refused 3 'garbage.pem' "${api[@]}" -o "http.tls.certificate=$lab/garbage.pem" -o "http.tls.key=$lab/pki/node-n1.key"
refused 6 'none/s: No such file' "${good[@]}" -o "http.socket=$lab/none/s"

# --- the outbox
head -c 65536 /dev/urandom >"$lab/corrupt.db"
refused 5 'corrupt.db.* is not an outbox' "${good[@]}" -o "outbox.path=$lab/corrupt.db"
echo short >"$lab/short.db"
refused 5 'short.db.* is not an outbox' "${good[@]}" -o "outbox.path=$lab/short.db"
refused 5 'no-such-folder.* is missing' "${good[@]}" -o "outbox.path=$lab/no-such-folder/o.db"
mkdir "$lab/folder"
refused 5 'folder.: Is a directory' "${good[@]}" -o "outbox.path=$lab/folder"
mkdir -m 500 "$lab/closed"
refused 5 'closed/o.db.: Permission denied' "${good[@]}" -o "outbox.path=$lab/closed/o.db"
sqlite3 "$lab/foreign.db" 'CREATE TABLE t(x)'
refused 5 'foreign.db.* is not an outbox' "${good[@]}" -o "outbox.path=$lab/foreign.db"
sqlite3 "$lab/newer.db" 'CREATE TABLE t(x); PRAGMA application_id=1835366259; PRAGMA user_version=99'
refused 5 'newer.db.* has schema 99' "${good[@]}" -o "outbox.path=$lab/newer.db"
refused 5 "outbox '' is missing" "${good[@]}" -o outbox.path=

# --- outputs
kafka=(-o outputs.kafka.enabled=true -o outputs.kafka.brokers=127.0.0.1:1)
refused 3 'no.such.property' "${good[@]}" "${kafka[@]}" -o outputs.kafka.properties.no.such.property=1
refused 3 'acks.*idempotence' "${good[@]}" "${kafka[@]}" -o outputs.kafka.properties.acks=1
refused 3 'ssl.ca.location' "${good[@]}" "${kafka[@]}" -o outputs.kafka.properties.security.protocol=ssl -o "outputs.kafka.properties.ssl.ca.location=$lab/none.pem"
refused 3 'Unsupported SASL mechanism: NONE' "${good[@]}" "${kafka[@]}" -o outputs.kafka.properties.security.protocol=sasl_ssl -o outputs.kafka.properties.sasl.mechanism=NONE
refused 3 'brokers is missing' "${good[@]}" -o outputs.kafka.enabled=true
refused 3 "brokers: 'b:port' is not an address" "${good[@]}" -o outputs.kafka.enabled=true -o outputs.kafka.brokers=a:1 -o outputs.kafka.brokers=b:port
refused 3 "topic: 'a b' is not a valid topic name" "${good[@]}" "${kafka[@]}" -o 'outputs.kafka.topic=a b'
refused 3 "outputs.kafka.from' must be now or beginning" "${good[@]}" "${kafka[@]}" -o outputs.kafka.from=then
refused 3 'outputs.file.path' "${good[@]}" -o outputs.file.enabled=true
refused 3 'none/a.*No such file' "${good[@]}" -o outputs.file.enabled=true -o "outputs.file.path=$lab/none/a"
refused 3 'closed/a.*Permission denied' "${good[@]}" -o outputs.file.enabled=true -o "outputs.file.path=$lab/closed/a"
refused 3 'outputs.file.format' "${good[@]}" -o outputs.file.enabled=true -o "outputs.file.path=$lab/a" -o outputs.file.format=xml
refused 3 'outputs.stdout.format' "${good[@]}" -o outputs.stdout.enabled=true -o outputs.stdout.format=xml

# --- several mistakes: --check finds them all
"$bin/mews-collector" --check "${base[@]}" "${kafka[@]}" -o outputs.kafka.topic=/ -o "rules=$lab/bad.yaml" -o "outbox.path=$lab/corrupt.db" \
	-o http.listen=localhost 2>"$lab/check" && wrong several "--check: exit 0"
for what in outputs.kafka.topic 'tls.ca is not set' nosuch.field 'is not an outbox' http.listen; do
	grep -qF "$what" "$lab/check" || wrong several "nothing about '$what'"
done

# --- valid configurations start
mkdir "$lab/empty"
fine -o "rules=$lab/empty" "${tls[@]}" "${base[@]:0:8}"
grep -q 'empty: warning: The folder holds no rule file' "$lab/check" || wrong 'empty folder' 'no warning'
grep -q 'no rule is in force' "$lab/check" || wrong 'no rule' 'no warning'
fine "${good[@]}" # and the outbox exists now
fine "${good[@]}" "${kafka[@]}" -o outputs.file.enabled=true -o "outputs.file.path=$lab/alerts" -o "http.listen=$http" -o "http.socket=$lab/api.sock"
grep -q SCRAM "$lab/check" && wrong 'no SCRAM' 'a warning about it'
echo kept >"$lab/alerts.old"
"$bin/mews-collector" --check "${good[@]}" -o outputs.file.enabled=true -o "outputs.file.path=$lab/alerts.old" -o outputs.file.append=false 2>"$lab/check"
[ "$(cat "$lab/alerts.old")" = kept ] || wrong append=false "--check emptied the file"
: >"$lab/empty.db"
fine "${good[@]}" -o "outbox.path=$lab/empty.db"
head -c 300 /dev/urandom | dd of="$lab/o.db" bs=1 seek=100 conv=notrunc status=none
fine "${good[@]}" # damaged: it is salvaged
fine -o "listen=ipc://$lab/s" -o http.listen= -o http.socket= -o "outbox.path=$lab/o.db" -o "rules=$lab_rules"

# --- in use by a running collector
lab_collector
refused 6 'in use' "${good[@]}" -o "listen=$listen"
lab_port
refused 6 'in use' "${good[@]}" -o "listen=tls+tcp://127.0.0.1:$port" -o "http.listen=$http"
refused 6 'in use' "${good[@]}" -o "listen=tls+tcp://127.0.0.1:$port" -o "http.socket=$lab/api.sock"
refused 5 'another collector has the outbox' "${good[@]}" -o "listen=tls+tcp://127.0.0.1:$port" -o "outbox.path=$lab/outbox.db"
same=("${good[@]}" -o "listen=$listen" -o "http.listen=$http" -o "http.socket=$lab/api.sock" -o "outbox.path=$lab/outbox.db")
"$bin/mews-collector" --check --running "${same[@]}" 2>"$lab/check" || wrong --running "exit $?"
"$bin/mews-collector" --check --running "${same[@]}" -o "tls.ca=$lab/garbage.pem" 2>"$lab/check" && wrong --running "a mistake is passed over"
"$bin/mews-collector" --check --running "${same[@]}" -o "http.socket=$lab/precious" 2>"$lab/check" && wrong --running "a wrong socket is passed over"
grep -q 'precious .*not a socket' "$lab/check" || wrong --running "nothing about the socket"
lab_stop "$collector_pid"

[ "$fails" = 0 ] || fail "$fails cases"
