#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No local user can stop detection: while more connections than there are descriptors lie idle at the
# API and then at the sensors' port, alerts flow, sensors connect, and the API answers on its unix
# socket. On TCP some requests succeed while the crowd reconnects, and all do once it is gone. Refused
# connections are counted, and a lack of descriptors is logged.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1 n2
lab_watch

# idle PORT: 1,100 connections that send nothing; a closed one is opened again.
idle() {
	python3 - "$1" 2>>"$lab/idle.log" <<'PY' &
import resource, select, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
poll, open_ones = select.poll(), {}
while True:
    while len(open_ones) < 1100:
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", int(sys.argv[1])))
        open_ones[s.fileno()] = s
        poll.register(s, select.POLLIN)
    for fd, _ in poll.poll():
        poll.unregister(fd)
        open_ones.pop(fd).close()
PY
	idle_pid=$!
	lab_pids+=("$idle_pid")
}
stop_idle() { kill "$idle_pid" && wait "$idle_pid" 2>/dev/null || true; }
sockets() { curl -sf -m 5 --unix-socket "$lab/api.sock" "http://localhost/$1"; }
metric_is() { [ "$(sockets metrics | awk -v m="$1" '$1 == m { print $2 }')" -ge "$2" ]; }
alerts_are() { [ "$(lab_alerts 'Watched file opened')" -ge "$1" ]; }

ulimit -Sn 256
lab_collector
ulimit -Sn "$(ulimit -Hn)"
read -r soft hard < <(awk '/^Max open files/ { print $4, $5 }' "/proc/$collector_pid/limits")
[ "$soft" = "$hard" ] || fail "the soft limit is $soft, the hard one $hard"
lab_sensor n1
lab_touch 1 10
lab_wait 30 alerts_are 10 || fail "no alerts before the crowd"
lab_stop "$collector_pid"

# the smallest limit a service may have; the program is not run under it since root may exceed it
lab_collector
prlimit --pid "$collector_pid" --nofile=700:700
lab_wait 30 lab_connected n1 || fail "n1 did not connect again"

idle "${http##*:}"
lab_wait 30 metric_is mews_api_refused_total 500 || fail "the crowd at the API is not refused"
lab_touch 11 30
lab_wait 30 alerts_are 30 || fail "alerts stop while 1,100 connections lie idle at the API"
[ "$(sockets healthz)" = ok ] || fail "no answer on the unix socket"
[ "$("$bin/mewsctl" alerts --limit all --collector "unix:$lab/api.sock" --json | grep -c '"Watched file opened"')" = 30 ] ||
	fail "mewsctl does not show 30 alerts over the unix socket"
stop_idle
lab_wait 30 curl -sf -m 5 "http://$http/healthz" || fail "the API has no room on TCP once the crowd is gone"

idle "${listen##*:}"
lab_wait 30 grep -qE '700 file descriptors (are )?in use' "$lab/collector.log" || fail "that descriptors run short is not told"
lab_wait 30 metric_is mews_ingest_crowded_out_total 100 || fail "the crowd at the sensors' port is not hung up on"
lab_touch 31 50
lab_wait 30 alerts_are 50 || fail "alerts stop while 1,100 connections lie idle at the sensors' port"
[ "$(lab_metric mews_node_drops_total)" = 0 ] || fail "events of n1 were lost"
lab_sensor n2
stop_idle
