#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A program whose name, arguments and file try to take over a terminal is reported everywhere, but
# nothing harmful reaches the terminal: no escape sequence, no forged line, no C1
# control character, no invalid UTF-8, nothing that changes the direction of text.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1
fails=0

# Check standard input as terminal output. Our own colours are allowed if they are reset.
cat >"$lab/check.py" <<'PY'
import re, sys, unicodedata
data = sys.stdin.buffer.read()
try:
    text = data.decode("utf-8")
except UnicodeDecodeError as e:
    sys.exit(f"not UTF-8: {e}")
text = re.sub("\x1b\\[(?:[0-9;]*m|H|2J(?=collector|RULE))", "", text).replace("\r\n", "\n")
for c in text:
    if (unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") and c not in "\n\t") or 0xe0000 <= ord(c) <= 0xe0fff:
        sys.exit(f"U+{ord(c):04X} in {text!r}")
if re.search("^ *FORGED", text, re.M):
    sys.exit(f"a forged line in {text!r}")
if len(sys.argv) > 1 and not re.search(sys.argv[1], text, re.I):
    sys.exit(f"no {sys.argv[1]} in {text!r}")
PY
# harmless NAME PATTERN: $lab/NAME is safe for a terminal, and contains the pattern.
harmless() {
	local why
	if why=$(/usr/bin/python3 "$lab/check.py" "$2" <"$lab/$1" 2>&1); then
		echo "ok: $1"
	else
		echo "FAIL: $1: $why" >&2
		fails=$((fails + 1))
	fi
}
# script(1) runs its command in $SHELL: use a shell that understands bash's %q.
export SHELL=/bin/bash
# to_file NAME COMMAND..., to_terminal NAME COMMAND...: both outputs go to $lab/NAME.
to_file() {
	local name=$1
	shift
	timeout 60 "$@" >"$lab/$name" 2>&1 || true
}
to_terminal() {
	local name=$1
	shift
	timeout 60 script -qec "$(printf '%q ' "$@")" /dev/null </dev/null >"$lab/$name" 2>&1 || true
}
# both NAME PATTERN COMMAND...: to a file and to a terminal.
both() {
	local name=$1 pattern=$2
	shift 2
	to_file "$name" "$@"
	harmless "$name" "$pattern"
	to_terminal "$name-terminal" "$@"
	harmless "$name-terminal" "$pattern"
}

ctl=$bin/mewsctl
"$bin/hostile_recording" "$lab/hostile.rec"
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<'YAML'
- rule: "Opened \e[2J \x9b2J \u202e x"
  desc: "a description \e]0;owned\a"
  condition: evt.type = openat and fd.name startswith /tmp
  output: file=%fd.name by=%proc.name args=%proc.args exe=%proc.exepath parent=%proc.pname
  priority: WARNING
  tags: ["\e[2J"]
- rule: Quiet
  desc: d
  condition: "evt.type = openat and fd.name = '/never' and proc.name = '\e[2J'"
  output: o
  priority: WARNING
YAML
name=$(printf 'Opened \033[2J \302\2332J \342\200\256 x')
cat >"$lab/cases.yaml" <<'YAML'
cases:
  - name: "a case \e[2J"
    processes:
      - {pid: 10, ppid: 1, comm: !hex 1b630a9bff, exepath: /tmp/x, argv: [!hex 1b5b324a0a464f52474544], cwd: /}
    events:
      - openat: {fd: 3, dirfd: AT_FDCWD, name: !hex 2f746d702f1b5b324a0a464f524745449bffc29be280ae, flags: O_RDONLY}
    alerts:
      - rule: "Opened \e[2J \x9b2J \u202e x"
        fields: {fd.name: another, proc.args: "\e[2J", proc.name: another}
        output: another
YAML
printf -- '- rule: broken\n  desc: d\n  condition: "evt.type = \\e[2J\342\200\256"\n  output: o\n  priority: NOTICE\n' >"$lab/broken.yaml"

# --- without a collector
both replay 'file=/tmp/\\x1b' "$ctl" replay --rules "$lab_rules" "$lab/hostile.rec"
to_terminal replay-json "$ctl" replay --json --rules "$lab_rules" "$lab/hostile.rec"
harmless replay-json '\\u001b\[2J'
both explain 'by \\x1b' "$ctl" rules explain "$name" --replay "$lab/hostile.rec" --rules "$lab_rules"
both explain-no 'fd.name=/tmp/\\x1b' "$ctl" rules explain Quiet --replay "$lab/hostile.rec" --rules "$lab_rules"
both explain-summary 'fd.name = /never' "$ctl" rules explain Quiet --summary --replay "$lab/hostile.rec" --rules "$lab_rules"
both explain-unknown 'x1b' "$ctl" rules explain "$name!" --replay "$lab/hostile.rec" --rules "$lab_rules"
both test 'fd.name is .*x1b' "$ctl" rules test --rules "$lab_rules" -v "$lab/cases.yaml"
both check 'x1b' "$ctl" rules check "$lab/broken.yaml"
both check-json 'u001b' "$ctl" rules check --json "$lab/broken.yaml"
both list 'x1b' "$ctl" rules list "$lab_rules"
both list-json 'u001b' "$ctl" rules list --json "$lab_rules"
both describe 'x1b' "$ctl" rules describe "$name" --rules "$lab_rules"
both describe-json 'u001b' "$ctl" rules describe --json "$lab_rules"

# --- the demo
printf '%s\t%s\n' "$EPOCHREALTIME" "$("$ctl" replay --json --rules "$lab_rules" "$lab/hostile.rec" 2>/dev/null)" >"$lab/alerts.tsv"
(
	# shellcheck disable=SC2034 # for demo.sh
	dir=$lab
	# shellcheck source=deploy/demo.sh
	. "$root/deploy/demo.sh"
	seen "$name" 0
) >"$lab/demo"
harmless demo 'Warning.*file=/tmp/'

# --- the API, and the collector's own outputs and log
lab_port
listen=tls+tcp://127.0.0.1:$port
lab_port
http=127.0.0.1:$port
collector=("$bin/mews-collector" -o "listen=$listen" -o "http.listen=$http" -o "http.socket=$lab/api.sock" -o cluster=lab
	-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/collector-mews-collector.pem" -o "tls.key=$lab/pki/collector-mews-collector.key"
	-o "outbox.path=$lab/outbox.db" -o "rules=$lab_rules" -o outputs.stdout.enabled=true)
for format in text json; do
	rm -f "$lab"/outbox.db*
	script -qec "echo \$\$ >$lab/pid; exec $(printf '%q ' "${collector[@]}" -o outputs.stdout.format=$format)" /dev/null </dev/null >"$lab/stdout-$format" 2>&1 &
	lab_pids+=($!)
	lab_wait 30 lab_status || fail "the collector did not start"
	"$bin/mews-sensor" --replay "$lab/hostile.rec" --speed max -o node=n1 -o cluster=lab -o "collector=$listen" -o tls.server_name=mews-collector \
		-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-n1.pem" -o "tls.key=$lab/pki/node-n1.key" 2>>"$lab/sensor.log" ||
		fail "the replay failed"
	lab_wait 20 grep -q 'x1b\|u001b' "$lab/stdout-$format" || fail "no alert on standard output: $(cat "$lab/stdout-$format")"
	if [ $format = text ]; then
		base=(--collector "unix:$lab/api.sock")
		both alerts 'file=/tmp/\\x1b' "$ctl" alerts -n all "${base[@]}"
		both alerts-json 'file=/tmp/\\u001b' "$ctl" alerts -n all --json "${base[@]}"
		"$ctl" alerts -n all --json "${base[@]}" | jq -e 'select(.output | contains("\u001b[2J"))' >/dev/null || fail "--json changed what an alert says"
		both top 'Opened \\x1b' "$ctl" rules top "${base[@]}"
		both top-json 'u001b' "$ctl" rules top --json "${base[@]}"
		both status 'n1' "$ctl" status "${base[@]}"
		both nodes 'n1' "$ctl" nodes "${base[@]}"
		cp "$lab/broken.yaml" "$lab_rules.new"
		cp "$lab_rules" "$lab_rules.old"
		mv "$lab_rules.new" "$lab_rules"
		both reload 'x1b' "$ctl" rules reload "${base[@]}"
		both reload-json 'u001b' "$ctl" rules reload --json "${base[@]}"
		mv "$lab_rules.old" "$lab_rules"
	fi
	pid=$(cat "$lab/pid")
	kill "$pid"
	lab_wait 30 lab_gone "$pid" || fail "the collector did not stop"
done
harmless stdout-text 'file=/tmp/\\x1b'
harmless stdout-json 'u001b'
harmless sensor.log .
[ "$fails" = 0 ] || fail "$fails places"
