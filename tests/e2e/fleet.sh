#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fleet.sh [--short]: 500 nodes (--short: 60) whose processes have the same pids, and among them five that mean
# harm: one never reads its replies, one floods with batches that do not decode, one sends truncated and oversized
# frames, one reconnects without end, one claims another's name. The others raise exactly the alerts of their
# events, in bounded memory.
. "$(dirname "$0")/../support/lab.sh"
nodes=495 seconds=120
[ "${1:-}" != --short ] || nodes=55 seconds=20
passed=0 failed=0
lab_begin

"$bin/quiet_recording" "$lab/quiet.rec" "$seconds"
printf -- '- rule: Closed\n  desc: d\n  condition: evt.type = close\n  output: closed by %%proc.pid\n  priority: WARNING\n' >"$lab/rules.yaml"
lab_rules=$lab/rules.yaml
lab_pki deaf flood cut again
for i in $(seq -f '%04g' "$nodes"); do
	lab_pki "n-$i"
done
lab_collector

cat >"$lab/harm.py" <<'PY'
import os, socket, ssl, struct, sys, threading, time
pki, port = sys.argv[1], int(sys.argv[2])

def connect(node):
    tls = ssl.create_default_context(cafile=pki + "/ca.pem")
    tls.check_hostname = False
    tls.load_cert_chain(f"{pki}/node-{node}.pem", f"{pki}/node-{node}.key")
    s = tls.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=10))
    s.sendall(b"\0SP\0\0\x30\0\0")
    return s

def deaf():  # requests without end; what comes back is never read
    s = connect("deaf")
    n = 0
    while True:
        n += 1
        s.sendall(struct.pack(">QI", 4 + 1000, 0x80000000 | n & 0x7fffffff) + b"x" * 1000)

sizes = [1 << 62, 1 << 31, 100 << 20, 60000, 5, 3, 0]
k = 0
def cut():  # a frame that claims a size, and ends in the middle or is too long
    global k
    s = connect("cut")
    k += 1
    s.sendall(struct.pack(">QI", sizes[k % len(sizes)], 0x80000001) + b"x" * 2000)
    time.sleep(0.02)
    s.close()

def again():
    connect("again").close()

count = {"deaf": 0, "cut": 0, "again": 0}
def forever(name, deed):
    while True:
        count[name] += 1
        try:
            deed()
        except OSError:
            time.sleep(0.01)
        said = f"{sys.argv[3]}/harm-{name}"
        with open(said + ".new", "w") as f:
            f.write(str(count[name]))
        os.replace(said + ".new", said)  # a reader never finds it empty

for name, deed in (("deaf", deaf), ("cut", cut), ("again", again)):
    threading.Thread(target=forever, args=(name, deed)).start()
PY
/usr/bin/python3 "$lab/harm.py" "$lab/pki" "${listen##*:}" "$lab" 2>"$lab/harm.log" &
harm=$!
lab_pids+=("$harm")
(
	trap 'kill "$run"; exit' TERM
	while :; do
		"$bin/flood" "$listen" "$lab/pki/ca.pem" "$lab/pki/node-flood.pem" "$lab/pki/node-flood.key" mews-collector flood lab 20000 &
		run=$!
		wait "$run" || sleep 1
	done
) >"$lab/flooded" 2>"$lab/flood.log" &
flood=$!
lab_pids+=("$flood")
# It has the certificate of another node.
"$bin/mews-sensor" --replay "$lab/quiet.rec" -o node=n-0001 -o cluster=lab -o "collector=$listen" -o tls.server_name=mews-collector \
	-o "tls.ca=$lab/pki/ca.pem" -o "tls.certificate=$lab/pki/node-again.pem" -o "tls.key=$lab/pki/node-again.key" -o link.retry_refused=1s 2>"$lab/claims.log" &
lab_pids+=("$!")

high() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$collector_pid/status"; }
before=$(high)
timeout $((seconds + 300)) "$bin/mews-sensor" --replay "$lab/quiet.rec" --nodes "$nodes" -o node=n -o cluster=lab -o "collector=$listen" \
	-o tls.server_name=mews-collector -o "tls.ca=$lab/pki/ca.pem" -o "tls.dir=$lab/pki" 2>"$lab/sensor-fleet.log" || fail "the fleet's replay did not end"

ok() {
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok $what"
	else
		failed=$((failed + 1))
		echo "FAILED $what"
	fi
}
per_node() { sqlite3 "$lab/outbox.db" "select node, count(*), count(distinct id) from alert where rule = 'Closed' group by node"; }
exact() {
	per_node >"$lab/per-node"
	[ "$(awk -F'|' -v n="$seconds" '$1 ~ /^n-/ && $2 == n && $3 == n' "$lab/per-node" | wc -l)" = "$nodes" ] && [ "$(wc -l <"$lab/per-node")" = "$nodes" ] && return
	awk -F'|' -v n="$seconds" '$2 != n || $3 != n' "$lab/per-node" | head -n 5
	return 1
}
bounded() {
	echo "the collector's memory: $before MiB at first, $(high) MiB at most"
	[ "$(high)" -lt $((before + 150 + nodes / 4)) ]
}
no_loss() { [ "$(lab_metric 'mews_node_drops_total{cluster="lab",node="n-')" = 0 ] && ! grep -E 'node n-[0-9]+: .*loss window' "$lab/collector.log"; }
harmed() {
	echo "frames cut $(cat "$lab/harm-cut"), connected again $(cat "$lab/harm-again"), malformed $(lab_metric mews_ingest_malformed_total)"
	[ "$(cat "$lab/harm-cut")" -gt 5 ] && [ "$(cat "$lab/harm-again")" -gt 5 ] && [ "$(lab_metric mews_ingest_malformed_total)" -gt 100 ]
}
claimed() { [ "$(lab_metric mews_ingest_refused_identity_total)" -gt 0 ] && grep -q refused "$lab/claims.log"; }
ok "each of $nodes nodes has raised its $seconds alerts, once" exact
ok "no node has lost anything" no_loss
ok "the others did harm" harmed
ok "a claimed name is refused" claimed
ok "memory is bounded" bounded
kill "$flood" "$harm" 2>/dev/null || true
ok "the collector stops when told to" lab_stop "$collector_pid"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
