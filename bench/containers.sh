#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# containers.sh [SECONDS [RATE]] - so many containers started each second (100, for 60 s), each with a bundle and a control group of
# its own, and a first act that raises an alert; beside them the same act outside of containers. Prints the time from
# each act to its line in the file of alerts, what the sensor needs, and whether anything was lost. Needs root.
. "$(dirname "$0")/../tests/support/lab.sh"
seconds=${1:-60} rate=${2:-100}
[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
group=
for at in /sys/fs/cgroup/memory /sys/fs/cgroup; do
	mkdir "$at/mews-bench" 2>/dev/null && { group=$at/mews-bench; break; }
done
[ -n "$group" ] || { echo "no control group can be made here" >&2; exit 77; }

lab_begin
trap 'code=$?; find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null; lab_end "$code"' EXIT
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<'EOF'
- rule: Deed
  desc: A first act.
  condition: evt.type = execve and proc.name = true and (proc.args startswith inside- or proc.args startswith outside-)
  output: deed %proc.args %container.name
  priority: WARNING
EOF
lab_pki n1
lab_collector
lab_sensor n1
lab_wait 60 lab_durable n1 || fail "the snapshot is not durable"
cat >"$lab/watch.py" <<'EOF'
import json, sys, time
alerts, total, most = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
seen, rest, until = {}, b"", time.monotonic() + most
with open(alerts, "rb") as f: # each alert's line, when it is there
    while len(seen) < 2 * total and time.monotonic() < until:
        data = f.read()
        now = time.time_ns()
        if not data:
            time.sleep(0.0005)
            continue
        lines = (rest + data).split(b"\n")
        rest = lines.pop()
        for line in lines:
            a = json.loads(line)["output_fields"]
            if "proc.args" in a:
                seen[a["proc.args"]] = (now, a["evt.time"], a["container.name"])

def times(kind):
    v = sorted((at - then) / 1e6 for args, (at, then, _) in seen.items() if args.startswith(kind))
    return "p50 %.1f, p99 %.1f, most %.1f ms" % (v[len(v) // 2], v[len(v) * 99 // 100], v[-1]) if v else "none"

unnamed = sum(1 for args, (_, _, name) in seen.items() if args.startswith("inside-") and name != "box-" + args[7:])
print("  alert inside   " + times("inside-"))
print("  alert outside  " + times("outside-"))
print("  alerts missing %d, without the container's name %d" % (2 * total - len(seen), unnamed))
sys.exit(len(seen) != 2 * total or unnamed != 0)
EOF
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($14 + $15 + $16 + $17) / hz }' "/proc/$sensor_pid/stat"; }
before=$(cpu)
result=0
mkdir "$lab/bundles"
: >>"$lab/alerts"
python3 "$lab/watch.py" "$lab/alerts" $((seconds * rate)) $((4 * seconds + 20)) >"$lab/watched" &
watcher=$!
begun=$SECONDS
"$bin/bench_boxes" "$lab/bundles" "$group" "$seconds" "$rate" || result=1
took=$((SECONDS - begun))
after=$(cpu)
wait "$watcher" || result=1
cat "$lab/watched"
awk -v a="$before" -v b="$after" -v s="$took" 'BEGIN { printf "  sensor         %.1f %% of a core, without the process that reads files\n", 100 * (b - a) / s }'
counted() { [ "$(lab_metric mews_node_containers_total)" -ge $((seconds * rate)) ]; } # with the sensor's next poll
lab_wait 15 counted || result=1
for m in drops containers containers_late containers_refused; do
	printf '  %-14s %s\n' "${m//_/ }" "$(lab_metric "mews_node_${m}_total")"
done
[ "$(lab_metric mews_node_drops_total)" = 0 ] || result=1
exit "$result"
