#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A thousand connections that end in the middle of a message leave nothing behind: at once
# where NNG is tuned (common/nng/README.md), else after their timeout. A sensor continues meanwhile.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1 n2
lab_watch
lab_collector
lab_sensor n1
lab_wait 20 lab_connected n1 || fail "n1 did not connect"
descriptors() { find "/proc/$collector_pid/fd" -type l | wc -l; }
before=$(descriptors)

python3 - "$lab/pki" "${listen##*:}" <<'PY'
import socket, ssl, struct, sys, threading

pki, port = sys.argv[1], int(sys.argv[2])
tls = ssl.create_default_context(cafile=pki + "/ca.pem")
tls.check_hostname = False
tls.load_cert_chain(pki + "/node-n2.pem", pki + "/node-n2.key")
failed = []

def cut_off(k):
    s = tls.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=60))
    s.sendall(b"\0SP\0\0\x30\0\0")  # "I am a REQ"
    got = b""
    while len(got) < 8:
        part = s.recv(8 - len(got))
        if not part:
            raise ConnectionError("closed before its greeting was whole")
        got += part
    s.sendall(struct.pack(">Q", 60000))  # a message of so many bytes, of which only some follow
    if k % 3 != 0:
        s.sendall(b"x" * 30000)
    if k % 2 != 0:  # a reset, not an orderly end
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()

def many():
    try:
        for k in range(50):
            cut_off(k)
    except Exception as e:
        failed.append(e)

threads = [threading.Thread(target=many) for _ in range(20)]
for t in threads:
    t.start()
for t in threads:
    t.join()
if failed:
    sys.exit(f"no connection: {failed[0]}")
PY

limit=90
case $("$bin/mews-collector" --version) in *tuned*) limit=15 ;; esac
alone() { [ "$(lab_metric mews_ingest_connections)" = 1 ] && [ "$(descriptors)" -le $((before + 10)) ]; }
lab_wait "$limit" alone ||
	fail "after $limit s $(lab_metric mews_ingest_connections) connections and $(descriptors) descriptors are left; before there were $before"
[ "$(lab_metric mews_ingest_ending)" = 0 ] || fail "NNG does not end connections"
lab_touch 1 10
alerts_are() { [ "$(lab_alerts 'Watched file opened')" -ge "$1" ]; }
lab_wait 30 alerts_are 10 || fail "no alerts any more"
lab_connected n1 >/dev/null || fail "n1 is not connected"
echo "1000 connections were cut off; nothing is left of them"
