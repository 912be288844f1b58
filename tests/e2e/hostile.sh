#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# hostile.sh [--short]: bytes and messages made to do harm. A program with newlines, escape sequences, quotes,
# backslashes, invalid UTF-8 and names of thousands of bytes in its arguments, environment and files: each
# output has one valid JSON line for each alert, in which they are unchanged, but for bytes that are no UTF-8,
# which become U+FFFD. A sensor whose batches lie (hostile_frames.c) costs bounded memory, is counted, and
# leaves other nodes alone. A collector that answers nonsense costs a sensor nothing. --short: every seventh byte lies.
. "$(dirname "$0")/../support/lab.sh"
kafka=$root/tests/support/kafka.sh
python=/usr/bin/python3
step=1 garbage=120
[ "${1:-}" != --short ] || step=7 garbage=10
passed=0 failed=0
lab_begin
bootstrap=$("$kafka" start "$lab/kafka")
trap 'code=$?; "$kafka" stop "$lab/kafka" || true; lab_end "$code"' EXIT

try() {
	if "$@"; then
		passed=$((passed + 1))
		echo "ok ${*:1:2}"
	else
		failed=$((failed + 1))
		echo "FAILED ${*:1:2}"
	fi
}

# ---- bytes

mkdir "$lab/deeds"
cp "$(readlink -f /bin/true)" "$lab/hostile-true"
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<EOR
- rule: Hostile file
  desc: A file with a hostile name.
  condition: evt.type in (open, openat, openat2) and evt.arg.name startswith $lab/deeds/
  output: opened %evt.arg.name
  priority: WARNING
- rule: Hostile program
  desc: A program with hostile arguments.
  condition: evt.type in (execve, execveat) and proc.name startswith hostile-true
  output: ran %proc.args with %proc.env[HOSTILE]
  priority: WARNING
EOR
cat >"$lab/deeds.py" <<'PY'
import json, os, sys
lab = os.fsencode(sys.argv[1])
texts = [b"new\nline\r\n", b"\x1b[2J\x1b]0;owned\x07", b'quo"te\'s`$(x)', b"back\\slash\\n\\u0000\\", b"tab\t\x01\x7f\x0b",
         b"\xff\xfe\xc0\xaf", b"half \xe2\x82", b"\xed\xa0\x80 surrogate", "\u202egnp\u2028\u200b\U0001f408".encode(),
         b'{"rule":"x"}\n{"rule":"y"}', b"%s%n%fd.name", b"<b>&amp;</b>", b"x" * 250]
long_args = [b"a" * 3000, b"b\n" * 1500]
files = []
for t in texts:
    path = lab + b"/deeds/" + t.replace(b"/", b"_")
    files.append(path)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
# A path as long as the kernel takes it; fd.name is then /DIR_TOO_LONG/FILENAME_TOO_LONG, as in Falco.
deep = lab + b"/deeds"
while len(deep) + 202 < 4095:
    deep += b"/" + b"d\n" * 100
    os.makedirs(deep, exist_ok=True)
deep += b"/" + b"e" * (4095 - len(deep) - 1)
files.append(deep)
os.close(os.open(deep, os.O_CREAT | os.O_WRONLY, 0o600))
for t in texts + long_args:
    if os.fork() == 0:
        os.execve(lab + b"/hostile-true", [b"hostile-true", t], {b"HOSTILE": t})
    os.wait()
said = lambda b: b.decode("utf-8", "replace")
json.dump({"files": [said(f) for f in files], "args": [said(t) for t in texts + long_args]}, open(sys.argv[1] + "/expected", "w"))
PY
# lines.py FILE EXPECTED: are its lines alerts as JSON, each once and with what is expected?
cat >"$lab/lines.py" <<'PY'
import collections, json, re, sys
want = json.load(open(sys.argv[2]))
one = lambda s: re.sub("\ufffd+", "\ufffd", s)  # how many stand for bytes that are no UTF-8 is free
files, args, env = [], [], []
for line in open(sys.argv[1], "rb").read().split(b"\n")[:-1]:
    if re.search(rb"[\x00-\x1f\x7f]", line):
        sys.exit(f"a control byte in {line[:200]}")
    a = json.loads(line.decode("utf-8"))
    f = a["output_fields"]
    if a["rule"] == "Hostile file":
        files.append(one(f["evt.arg.name"]))
    elif a["rule"] == "Hostile program":
        args.append(one(f["proc.args"]))
        env.append(one(f["proc.env[HOSTILE]"]))
for name, got, expected in (("files", files, want["files"]), ("arguments", args, want["args"]), ("environments", env, want["args"])):
    got, expected = collections.Counter(got), collections.Counter(map(one, expected))
    if got != expected:
        sys.exit(f"{name}: missing {[x[:60] + ' ' + str(len(x)) for x in expected - got]}, wrong {[x[:60] + ' ' + str(len(x)) for x in got - expected]}")
PY
cat >"$lab/program.py" <<'PY'
import sys
with open(sys.argv[1], "ab", buffering=0) as f:
    for line in iter(sys.stdin.buffer.readline, b""):
        f.write(line)
PY
lab_pki n1 liar
lab_collector -o outputs.kafka.enabled=true -o "outputs.kafka.brokers=$bootstrap" -o outputs.kafka.topic=hostile \
	-o outputs.kafka.properties.allow.auto.create.topics=true -o outputs.stdout.enabled=true -o outputs.stdout.format=json \
	-o outputs.program.enabled=true -o "outputs.program.command=$python" -o "outputs.program.command=$lab/program.py" \
	-o "outputs.program.command=$lab/program.got"
lab_sensor n1 -o capture.ring=32MiB
"$python" "$lab/deeds.py" "$lab" || fail "the deeds failed"
count=$(jq '(.files | length) + (.args | length)' "$lab/expected")
all_delivered() {
	[ "$(sqlite3 "$lab/outbox.db" "select count(*) from alert where rule like 'Hostile %'")" -ge "$count" ] &&
		lab_status | jq -e 'all(.outputs[]; .waiting == 0)'
}
lab_wait 30 all_delivered || true # the comparison says what is missing
kcat -C -q -e -b "$bootstrap" -t hostile -D '\n' -f '%s\n' >"$lab/kafka.got"
"$bin/mewsctl" alerts --limit all --json --collector "unix:$lab/api.sock" >"$lab/api.got"
cp "$lab/alerts" "$lab/file.got"
cp "$lab/collector.out" "$lab/stdout.got"
bytes() { "$python" "$lab/lines.py" "$lab/$1.got" "$lab/expected"; }
for output in file stdout kafka program api; do try bytes "$output"; done

# ---- batches that lie

resident() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$collector_pid/status"; }
frames() {
	local before sent malformed
	before=$(resident)
	sent=$("$bin/hostile_frames" "$listen" "$lab/pki/ca.pem" "$lab/pki/node-liar.pem" "$lab/pki/node-liar.key" mews-collector liar lab "$step") || return 1
	malformed=$(($(lab_metric mews_ingest_malformed_total) + $(lab_metric mews_collector_malformed_total)))
	echo "$sent batches were sent and answered, $malformed were counted as malformed; memory grew by $(($(resident) - before)) MiB"
	[ "$malformed" -gt 0 ] && [ $(($(resident) - before)) -lt 100 ] && lab_gone_not "$collector_pid"
}
lab_gone_not() { ! lab_gone "$1"; }
others() {
	local file="$lab/deeds/after $1"
	: >"$file"
	lab_wait 20 lab_alert 'Hostile file' ".output_fields.\"evt.arg.name\" == \"$file\"" && lab_connected n1 >/dev/null
}
try frames
try others frames

# ---- a collector that answers nonsense

# It has the fleet's certificate, speaks NNG's protocol, and answers every request with random bytes, a length that
# never ends, or nothing.
cat >"$lab/nonsense.py" <<'PY'
import os, random, socket, ssl, struct, sys, threading
pki, port, seed = sys.argv[1], int(sys.argv[2]), 7
random.seed(seed)
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki + "/ca.pem")
tls.load_cert_chain(pki + "/collector-mews-collector.pem", pki + "/collector-mews-collector.key")
tls.verify_mode = ssl.CERT_REQUIRED
door = socket.create_server(("127.0.0.1", port))
served = 0

def read(s, n):
    got = b""
    while len(got) < n:
        part = s.recv(n - len(got))
        if not part:
            raise ConnectionError
        got += part
    return got

def serve(s, kind):
    global served
    try:
        s = tls.wrap_socket(s, server_side=True)
        s.sendall(b"\0SP\0\0\x31\0\0")
        read(s, 8)
        while True:
            n, = struct.unpack(">Q", read(s, 8))
            header = read(s, n)[:4]
            served += 1
            open(sys.argv[3], "w").write(str(served))
            if kind == 0:
                body = os.urandom(random.randrange(200))
            elif kind == 1:  # each kind of reply, with contents that lie
                body = bytes([random.randrange(1, 16) * 8 + 2, 0xff, 0xff, 0xff, 0xff, 0x07]) + os.urandom(20)
            elif kind == 2:  # fields of the right types, with random numbers
                inner = b"".join(bytes([f * 8]) + bytes([0xff] * 9 + [1]) for f in range(1, 16))
                body = bytes([random.randrange(1, 8) * 8 + 2, len(inner) & 0x7f | 0x80, len(inner) >> 7]) + inner
            else:
                s.sendall(struct.pack(">Q", 1 << 62) + header)
                return
            s.sendall(struct.pack(">Q", 4 + len(body)) + header + body)
    except (OSError, ConnectionError):
        pass
    finally:
        s.close()

k = 0
while True:
    s, _ = door.accept()
    threading.Thread(target=serve, args=(s, k % 4), daemon=True).start()
    k += 1
PY
served() { [ "$(cat "$lab/served")" -gt 4 ] 2>/dev/null; }
nonsense() {
	local kb here
	lab_stop "$collector_pid" || return 1
	"$python" "$lab/nonsense.py" "$lab/pki" "${listen##*:}" "$lab/served" 2>"$lab/nonsense.log" &
	here=$!
	lab_pids+=("$here")
	sleep "$garbage" # under test: how long it talks to the sensor, at least
	lab_wait 90 served || return 1
	kill "$here" && wait "$here" 2>/dev/null || true
	kb=$(awk '/^VmRSS/ { print $2 }' "/proc/$sensor_pid/status") || return 1
	echo "$(cat "$lab/served") requests were answered with nonsense; the sensor has $((kb / 1024)) MiB"
	[ "$kb" -lt 300000 ] || return 1
	lab_collector
	lab_wait 90 lab_connected n1
}
try nonsense
try others nonsense
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
