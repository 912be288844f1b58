#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cut_off.sh [SECONDS]: peers that leave at any point of a connection leave nothing behind, and keep
# nobody out. For so long (default: once), again and again 1,000 of them: during the handshake, before the
# greeting, in the middle of a message; orderly, with a reset, or without a word. After each thousand a
# new sensor is welcomed, and one that stays connected continues. At the end no connection and no
# descriptor is left, and the collector stops when told to. With plain NNG (common/nng/README.md) once, and
# only in the middle of a message: such connections remain until their timeout.
. "$(dirname "$0")/../support/lab.sh"
seconds=${1:-1}
points=all limit=15
case $("$bin/mews-collector" --version) in *plain*) points=message limit=90 seconds=1 ;; esac
lab_begin
lab_pki n1 n2 n3
lab_watch
lab_collector
lab_sensor n1
descriptors() { find "/proc/$collector_pid/fd" -type l | wc -l; }
before=$(descriptors)

thousand() {
	python3 - "$lab/pki" "${listen##*:}" "$points" <<'PY'
import socket, ssl, struct, sys, threading

pki, port = sys.argv[1], int(sys.argv[2])
tls = ssl.create_default_context(cafile=pki + "/ca.pem")
tls.check_hostname = False
tls.load_cert_chain(pki + "/node-n2.pem", pki + "/node-n2.key")
failed = []

def greet(s):
    s.sendall(b"\0SP\0\0\x30\0\0")  # "I am a REQ"
    got = b""
    while len(got) < 8:
        part = s.recv(8 - len(got))
        if not part:
            raise ConnectionError("closed before its greeting was whole")
        got += part

# Where a peer leaves: mostly in the middle of a message.
POINTS = ["after length", "in message", "in message"] * 3
if sys.argv[3] == "all":
    POINTS += ["handshake", "before greeting", "in greeting"]

def cut_off(k):
    point = POINTS[k % len(POINTS)]
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    if point == "handshake":
        s.sendall(b"\x16\x03\x01\x02\0\x01")
    else:
        s = tls.wrap_socket(s)
        if point == "in greeting":
            s.sendall(b"\0SP\0")
        elif point != "before greeting":
            greet(s)
            s.sendall(struct.pack(">Q", 60000))  # a message of so many bytes, of which only some follow
            if point == "in message":
                s.sendall(b"x" * 30000)
        if k % 5 == 0:
            try:
                s.unwrap()
            except OSError:
                pass
    if k % 2 != 0:  # a reset, not an orderly end
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()

def many(first):
    try:
        for k in range(first, first + 50):
            cut_off(k)
    except Exception as e:
        failed.append(e)

threads = [threading.Thread(target=many, args=(i * 50,)) for i in range(20)]
for t in threads:
    t.start()
for t in threads:
    t.join()
if failed:
    sys.exit(f"no connection: {failed[0]}")
PY
}

nothing_left() { ! pgrep -f "node=n3 .*$lab"; }
rounds=0
until=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$until" ]; do
	thousand
	rounds=$((rounds + 1))
	lab_sensor n3
	lab_stop "$sensor_pid"
	lab_wait 10 nothing_left || fail "a stopped sensor leaves a process that holds its hooks: $(pgrep -f "node=n3 .*$lab")"
	lab_touch_next 10
done

alone() { [ "$(lab_metric mews_ingest_connections)" = 1 ] && [ "$(descriptors)" -le $((before + 10)) ]; }
lab_wait "$limit" alone ||
	fail "after $limit s $(lab_metric mews_ingest_connections) connections and $(descriptors) descriptors are left; before there were $before"
[ "$(lab_metric mews_ingest_ending)" = 0 ] || fail "NNG does not end connections"
lab_connected n1 >/dev/null || fail "n1 is not connected"
lab_once "while others were cut off"
lab_stop "$collector_pid"
! grep -E 'network library' "$lab/collector.log" || fail "NNG is stuck"
echo "$((rounds * 1000)) connections were cut off; nothing is left of them"
