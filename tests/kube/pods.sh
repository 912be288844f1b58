#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pods.sh - sourced by tests after lab.sh: processes in control groups as the kubelet makes them, and the alerts
# of what they do.
#
#	pods_need                 0: control groups can be made here
#	pods_rules                a rule on every deed
#	deed NAME GROUP           run 'true NAME' in kubepods/GROUP/<a container id>
#	said NAME WANT            its alert says so: pod, labels, namespace's labels, what it belongs to
#	pods_end
# shellcheck disable=SC2154,SC2034 # lab.sh's variables

pods_at=
pods_need() {
	local at
	[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; return 1; }
	for at in /sys/fs/cgroup/memory /sys/fs/cgroup; do
		if mkdir "$at/kubepods" 2>/dev/null || [ -d "$at/kubepods" ]; then
			pods_at=$at/kubepods
			return 0
		fi
	done
	echo "skipped: no control group can be made here"
	return 1
}

pods_end() { [ ! -d "$pods_at" ] || find "$pods_at" -depth -type d -exec rmdir {} \; 2>/dev/null || true; }

pods_rules() {
	lab_rules=$lab/rules.yaml
	cat >"$lab_rules" <<-'EOF'
	- rule: Deed
	  desc: A deed in a pod.
	  condition: evt.type in (execve, execveat) and proc.name = true and container.id != host
	  output: >
	    deed %proc.args|%k8s.pod.name %k8s.ns.name %k8s.pod.ip %k8s.pod.label[app]|%k8s.pod.labels|%k8s.ns.labels|%k8s.rs.name
	    %k8s.deployment.name %k8s.svc.name|%mews.k8s.workload.kind %mews.k8s.workload.name|
	  priority: WARNING
	- rule: Deed of the cart
	  desc: The same, by a label of the namespace.
	  condition: evt.type in (execve, execveat) and proc.name = true and k8s.ns.label[team] = cart
	  output: cart %proc.args
	  priority: NOTICE
	EOF
}

deed_alert() { jq -c --arg d "deed $1|" 'select(.output | contains($d))' "$lab/alerts" 2>/dev/null | tail -1; }
deed_said() { deed_alert "$1" | jq -r '.output' | sed 's/.*deed [^|]*|//; s/|[^|]*$//'; }
deed_known() { [ -n "$(deed_alert "$1")" ]; }

deed() {
	local group
	group=$pods_at/$2/$(printf '%s' "$1" | sha256sum | cut -d' ' -f1)
	mkdir -p "$group"
	bash -c 'echo $$ >"$1/cgroup.procs" && exec /bin/true "$2"' - "$group" "$1"
	rmdir "$group"
	lab_wait 30 deed_known "$1" || fail "no alert of $1"
}

said() {
	local got
	got=$(deed_said "$1")
	[ "$got" = "$2" ] || fail "$1: the alert has '$got', not '$2'"
}
