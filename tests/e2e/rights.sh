#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rights of the running sensor and collector: every thread has exactly the capabilities
# of the READMEs, gains none by what it executes, and nobody can read its memory.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki n1
lab_collector
lab_sensor n1

# mask NUMBER...: the mask of these capabilities, as in /proc.
mask() {
	local m=0 n
	for n; do m=$((m | 1 << n)); done
	printf '%016x' "$m"
}
# has NAME PID PERMITTED: checked for each thread.
has() {
	local t field want
	for t in /proc/"$2"/task/*; do
		for field in CapInh:0000000000000000 CapPrm:"$3" CapEff:"$3" CapBnd:0000000000000000 CapAmb:0000000000000000 NoNewPrivs:1; do
			want=${field#*:}
			got=$(awk -v f="${field%%:*}:" '$1 == f { print $2 }' "$t/status")
			[ "$got" = "$want" ] || fail "$1, thread ${t##*/} ($(cat "$t/comm")): ${field%%:*} is $got, not $want"
		done
	done
}
# CAP_DAC_READ_SEARCH 2, CAP_SYS_PTRACE 19, CAP_PERFMON 38, CAP_BPF 39
has mews-sensor "$sensor_pid" "$(mask 2 38 39)"
scanner=$(pgrep -P "$sensor_pid") || fail "the sensor has no scanner"
has mews-scanner "$scanner" "$(mask 2 19)"
has mews-collector "$collector_pid" "$(mask)"
lab_stop "$sensor_pid"
lab_stop "$collector_pid"

# A low port is the only thing for which a collector needs root.
listen=tls+tcp://127.0.0.1:943
lab_collector
has 'mews-collector on port 943' "$collector_pid" "$(mask 10)"
lab_stop "$collector_pid"

# A process whose memory others cannot read belongs to root in /proc, whoever runs it.
chmod 711 "$lab"
mkdir -m 700 "$lab/nobody"
chown 65534:65534 "$lab/nobody"
setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/mews-collector" -o "listen=ipc://$lab/nobody/s" \
	-o "http.listen=$http" -o http.socket= -o "outbox.path=$lab/nobody/o.db" -o "rules=$root/rules/mews_rules.yaml" 2>>"$lab/nobody.log" &
pid=$!
lab_pids+=("$pid")
lab_wait 60 lab_status || fail "the collector of nobody did not start"
if ! grep -q __asan_init < <(nm "$bin/mews-collector"); then
	[ "$(stat -c %u "/proc/$pid/environ")" = 0 ] || fail "the collector's memory can be read by its user's other processes"
fi
lab_stop "$pid"
echo "sensor: $(mask 2 38 39), its scanner: $(mask 2 19), collector: $(mask), on a low port: $(mask 10)"
