#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Somebody kills the sensor, does something, and empties the pinned rings before the next sensor takes over:
# nobody has counted these events as dropped, and the numbers of those that follow tell that they are missing. A
# loss window `unaccounted` opens, with the exact count, in the log, /metrics, an alert of its own, and the alerts after it.
. "$(dirname "$0")/../support/lab.sh"
pins=''
lab_begin
trap 'code=$?; [ -z "$pins" ] || umount "$pins" 2>/dev/null || true; lab_end "$code"' EXIT
mkdir "$lab/pins"
pins=$lab/pins
mount -t bpf bpf "$pins"
lab_watch
lab_count
lab_pki n1
lab_collector
lost=777

start() {
	local before
	before=$(said)
	lab_sensor_start n1 -o "spool.path=$lab/spool" -o spool.min_free=0 -o "capture.pin=$pins/sensor" -o capture.ring=32MiB
	lab_wait 60 said_more "$before" || fail "the sensor does not connect"
}
said() { grep -c 'connected to' "$lab/sensor-n1.log" || true; }
said_more() { [ "$(said)" -gt "$1" ]; }
# empty_rings: move the consumer's position of each ring to the producer's.
empty_rings() {
	python3 - "$pins"/sensor/*/ring_* <<-'PY'
		import ctypes, mmap, os, platform, sys
		assert platform.machine() == "x86_64"
		libc = ctypes.CDLL(None, use_errno=True)
		for path in sys.argv[1:]:
		    name = ctypes.create_string_buffer(path.encode())
		    attr = (ctypes.c_uint64 * 2)(ctypes.addressof(name), 0)
		    fd = libc.syscall(321, 7, attr, 16)  # bpf(BPF_OBJ_GET)
		    if fd < 0:
		        sys.exit(f"{path}: {os.strerror(ctypes.get_errno())}")
		    consumer = mmap.mmap(fd, 4096)
		    producer = mmap.mmap(fd, 4096, prot=mmap.PROT_READ, offset=4096)
		    consumer[:8] = producer[:8]
	PY
}

: >"$lab/sensor-n1.log"
start
# Until the rules are in force on the node, calls are not captured.
counted() {
	lab_calls 1
	lab_touch_next 1
	account && [ "$(of generated)" -gt 0 ] && lab_durable n1
}
account() { "$bin/mewsctl" accounts --json --collector "http://$http" lab/n1 >"$lab/said.json"; }
of() { jq -r --arg k "$1" '.[0].types[] | select(.type == "mlock2")[$k]' "$lab/said.json"; }
windows() { lab_metric 'mews_collector_loss_windows_total'; }
lab_wait 60 counted || fail "no call is captured: $(cat "$lab/said.json")"
[ "$(windows)" = 0 ] || fail "there is a loss window before anything is lost"

# In the rings of the dead sensor there are so many calls, and whatever else the machine has done.
kill -9 "$sensor_pid"
wait "$sensor_pid" 2>/dev/null || true
lab_calls "$lost"
empty_rings
start
told() {
	lab_calls 1
	lab_touch_next 1
	account && [ "$(of unaccounted)" -ge "$lost" ]
}
lab_wait 60 told || fail "the account does not tell of $lost calls: $(cat "$lab/said.json")"
[ "$(of unaccounted)" = "$lost" ] || fail "of $lost calls, $(of unaccounted) are missing: $(cat "$lab/said.json")"
[ "$(of dropped)" = '{}' ] && [ "$(lab_metric mews_node_drops_total)" = 0 ] || fail "somebody has counted them: $(cat "$lab/said.json")"
[ "$(lab_metric mews_ingest_gaps_total)" = 0 ] || fail "a batch is missing"

# The window: in /metrics, in the log, as an alert.
cause='{cause="unaccounted"}'
[ "$(lab_metric mews_node_unaccounted_total)" -ge "$lost" ] || fail "/metrics: $(lab_metric mews_node_unaccounted_total) events are unaccounted for"
[ "$(lab_metric "mews_collector_loss_windows_total$cause")" -gt 0 ] || fail "no window in /metrics"
[ "$(windows)" = "$(lab_metric "mews_collector_loss_windows_total$cause")" ] || fail "other windows: $(lab_status | jq -c .collector.loss_windows)"
grep -q 'node n1: events are missing that nobody counted as dropped (loss window unaccounted, since ' "$lab/collector.log" || fail "no line in the log"
lab_wait 20 lab_alert 'Mews lost events of a node' '.output_fields."mews.loss_cause" == "unaccounted" and .hostname == "n1"' || fail "no alert about the loss"

# The mark on alerts since then: all that is missing, the calls among it.
missing=$(jq -r '.[0].unaccounted' "$lab/said.json")
marked() {
	lab_touch_next 1
	lab_alert 'Watched file opened' ".output_fields | .\"mews.loss_window\" == true and .\"mews.loss_cause\" == \"unaccounted\" and
		(.\"mews.loss\" | map(select(.cause == \"unaccounted\").events) | add // 0) >= $missing"
}
lab_wait 20 marked || fail "no alert tells of $missing lost events: $(lab_alert 'Watched file opened' | tail -n 1)"
echo "$missing events stolen from the rings are told of, with $lost of $lost calls among them"
