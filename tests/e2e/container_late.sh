#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Containers whose runtime's files are not to be believed, or cannot be read in time: alerts come all the same, marked,
# and both are counted. What is read later has its name later.
. "$(dirname "$0")/../support/lab.sh"
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
group=
for at in /sys/fs/cgroup/memory /sys/fs/cgroup; do
	mkdir "$at/mews-late-$$" 2>/dev/null && { group=$at/mews-late-$$; break; }
done
[ -n "$group" ] || { echo "skipped: no control group can be made here"; exit 77; }
lab_begin
stopped=()
let_go() {
	local code=$?
	[ ${#stopped[@]} = 0 ] || kill -CONT "${stopped[@]}" 2>/dev/null || true # they end with the sensor
	find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	lab_end "$code"
}
trap let_go EXIT
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<'EOF'
- rule: Deed
  desc: A deed in a container.
  condition: evt.type in (execve, execveat) and proc.name = true and container.id != host
  output: deed %proc.args|%container.name|
  priority: WARNING
EOF
lab_pki n1
lab_collector
lab_sensor n1

# box NAME: a container's id and bundle; its config.json is to be made.
id() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }
box() { mkdir -p "$lab/$1"; }
# deed NAME DEED: a runtime's command line tells where the bundle is; then the container's first process.
deed() {
	local in
	in=$group/docker/$(id "$1")
	/bin/true --bundle "$lab/$1" "$(id "$1")"
	mkdir -p "$in"
	bash -c 'echo $$ >"$1/cgroup.procs" && exec /bin/true "$2"' - "$in" "$2"
}
said() { jq -r --arg d "deed $1|" 'select(.output | contains($d)) | "\(.output | split("|")[1]) \(.output_fields["mews.container_unknown"])"' "$lab/alerts" 2>/dev/null | tail -1; }
is() { [ "$(said "$1")" = "$2" ]; }
counts() { [ "$(lab_metric "mews_node_containers_$1")" = "$2" ]; }
config() { # of podman's, which has the name in its annotations
	jq -cn --arg n "$1" '{ociVersion: "1.0.0", process: {args: ["sh"]}, root: {path: "rootfs"}, linux: {namespaces: []},
		annotations: {"io.podman.annotations.autoremove": "FALSE", "io.kubernetes.cri-o.ContainerType": "container",
		"io.kubernetes.container.name": $n}}' >"$lab/$1/config.json"
}

box good
config good
deed good first
lab_wait 30 is first "good null" || fail "a container that can be read: $(said first)"
lab_wait 30 counts total 1 || fail "it is not counted: $(lab_metric mews_node_containers_total)"

box wrong
ln -s "$lab/good/config.json" "$lab/wrong/config.json" # out of its bundle
deed wrong second
lab_wait 30 is second "<NA> true" || fail "a container whose files are not believed: $(said second)"
lab_wait 30 counts refused_total 1 || fail "it is not counted: $(lab_metric mews_node_containers_refused_total)"

# The process that reads is stopped: the event waits half a second, and goes.
for keeper in $(cat "/proc/$sensor_pid/task"/*/children); do
	for worker in $(cat "/proc/$keeper/task"/*/children); do stopped+=("$worker"); done
done
[ ${#stopped[@]} -gt 0 ] || fail "no process reads files of runtimes"
kill -STOP "${stopped[@]}"
box slow
config slow
deed slow third
lab_wait 30 is third "<NA> true" || fail "a container that cannot be read in time: $(said third)"
lab_wait 30 counts late_total 1 || fail "it is not counted: $(lab_metric mews_node_containers_late_total)"
kill -CONT "${stopped[@]}" 2>/dev/null || true
# The next act in it has its name.
again() { deed slow fourth && sleep 0.3 && is fourth "slow null"; }
lab_wait 40 again || fail "what is read later has no name later: $(said fourth)"
lab_stop "$sensor_pid"
lab_stop "$collector_pid"
echo "containers: late and refused ones are counted, and marked in alerts"
