#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cri.sh [COUNT] - pods of a real containerd through its CRI, as a kubelet makes them: each container's first act has
# the container's and the pod's names, as CRI itself tells them. With a kube-apiserver (apiserver_need) also their
# labels and workloads: of pods that exist there. COUNT pods (20).
#
# Needs root, containerd, runc, python3-grpcio and python3-protobuf; exit status 77 without.
# shellcheck disable=SC2154 # variables of lab.sh and the others
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/lab.sh"
. "$root/tests/containers/runtimes.sh"
. "$root/tests/containers/deeds.sh"
. "$root/tests/kube/apiserver.sh"
. "$root/tests/kube/cluster.sh"
count=${1:-20}
runtimes_need || exit 77
/usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null || { echo 'skipped: install python3-grpcio python3-protobuf'; exit 77; }

# cri METHOD [REQUEST]: set $answer. One process answers all, since its start takes longer than a pod.
cri() {
	echo "$1 ${2:-}" >&"${CRI[1]}" && read -r -t 90 answer <&"${CRI[0]}" && [[ $answer != '{"error"'* ]]
}
remove_pod() {
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$1\"}" && cri RemovePodSandbox "{\"pod_sandbox_id\": \"$1\"}"
}
cri_end() {
	local pod
	if [ -n "${CRI_PID:-}" ] && cri ListPodSandbox; then
		for pod in $(jq -r '.items[]?.id' <<<"$answer"); do remove_pod "$pod" || true; done
	fi
	runtimes_end
	for at in /sys/fs/cgroup/*/kubepods /sys/fs/cgroup/kubepods; do
		[ ! -d "$at" ] || find "$at" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	done
}

start_cri() {
	local d=$box/containerd
	mkdir -p "$d"
	cat >"$box/containerd.toml" <<-EOF
		version = 2
		root = "$d/root"
		state = "$d"
		[grpc]
		  address = "$d/containerd.sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:1"
		  restrict_oom_score_adj = true
		  disable_apparmor = true
		[plugins."io.containerd.grpc.v1.cri".cni]
		  bin_dir = "/usr/lib/cni"
		  conf_dir = "$d/cni"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		  runtime_type = "io.containerd.runc.v2"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$d/opt"
	EOF
	mkdir "$d/cni"
	cat >"$d/cni/lab.conflist" <<-EOF
		{"cniVersion": "0.4.0", "name": "mews-lab", "plugins": [{"type": "ptp", "ipMasq": false,
		"ipam": {"type": "host-local", "dataDir": "$d/addresses", "ranges": [[{"subnet": "10.89.7.0/24"}]]}}]}
	EOF
	containerd -c "$box/containerd.toml" >"$lab/containerd.log" 2>&1 &
	lab_pids+=("$!")
	export CONTAINERD_ADDRESS=$d/containerd.sock
	lab_wait 60 ctr version || return 1
	pack_image localhost/mews-box:1 "$box/image.tar"
	ctr -n k8s.io image import "$box/image.tar" >/dev/null
	rm -r "$box/archive"
	pack_image localhost/pause:1 "$box/pause.tar" '["/bin/sleep", "100000"]'
	ctr -n k8s.io image import "$box/pause.tar" >/dev/null
	coproc CRI { /usr/bin/python3 "$root/tests/containers/cri.py" "$d/containerd.sock" 2>"$lab/cri.log"; }
	lab_pids+=("$CRI_PID")
	lab_wait 60 cri Version
}

# run_pod NAME NAMESPACE UID DEED: a sandbox on the host's network (network=POD: with one of its own), and a container
# in it that does the deed. Its probes are as kubectl notes them; notes=live: without that of readiness.
network=NODE notes=both
run_pod() {
	local config sandbox container applied
	applied=$(jq -cn --arg n "$notes" '{livenessProbe: {exec: {command: ["/bin/true", "alive"]}}, readinessProbe: {exec: {command: ["/bin/true", "prepared"]}}}
		| if $n == "live" then del(.readinessProbe) else . end | {spec: {containers: [{name: "app"} + .]}}')
	config=$(jq -cn --arg n "$1" --arg ns "$2" --arg u "$3" --arg log "$lab" --arg net "$network" --arg a "$applied" '{metadata: {name: $n, namespace: $ns, uid: $u},
		labels: {"io.kubernetes.pod.name": $n, "io.kubernetes.pod.namespace": $ns, "io.kubernetes.pod.uid": $u, app: "lab"}, log_directory: $log,
		annotations: {"kubectl.kubernetes.io/last-applied-configuration": $a},
		linux: {cgroup_parent: ("/kubepods/besteffort/pod" + $u), security_context: {namespace_options: {network: $net, pid: "CONTAINER"}}}}')
	cri RunPodSandbox "{\"config\": $config}" || fail "no sandbox of $1: $answer"
	sandbox=$(jq -r .pod_sandbox_id <<<"$answer")
	cri CreateContainer "$(jq -cn --arg s "$sandbox" --argjson c "$config" --arg d "$4" --arg net "$network" '{pod_sandbox_id: $s, sandbox_config: $c,
		config: {metadata: {name: "app"}, image: {image: "localhost/mews-box:1"}, command: (if $d == "-" then ["/bin/sleep", "1000"] else ["/bin/true", $d] end), log_path: ($d + ".out"),
		labels: ($c.labels + {"io.kubernetes.container.name": "app"}),
		linux: {security_context: {namespace_options: {network: $net, pid: "CONTAINER"}}}}}')" || fail "no container of $1: $answer"
	container=$(jq -r .container_id <<<"$answer")
	cri StartContainer "{\"container_id\": \"$container\"}" || fail "the container of $1 does not start: $answer"
	ran_sandbox=$sandbox ran=$container
}

lab_begin
trap 'code=$?; cri_end; apiserver_end; lab_end "$code"' EXIT
runtimes_begin
start_cri || { echo "skipped: containerd's CRI does not run here"; exit 77; }
lab_pki n1
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<'EOF'
- rule: Probe
  desc: A command that a kubelet runs.
  condition: >
    evt.type in (execve, execveat) and proc.name = true and
    (proc.is_container_liveness_probe = true or proc.is_container_readiness_probe = true)
  output: probe %proc.args|%container.name %container.liveness_probe|%proc.is_container_readiness_probe|
  priority: NOTICE
- rule: Network
  desc: What the network plugin said.
  condition: evt.type in (execve, execveat) and proc.name = true and container.cni.json exists
  output: network %proc.args|%k8s.pod.ip %container.cni.json|
  priority: NOTICE
- rule: Deed
  desc: A deed in a pod.
  condition: evt.type in (execve, execveat) and proc.name = true and container.id != host
  output: >
    deed %proc.args|%container.full_id %container.name %container.type %container.image.repository %container.image.tag
    %k8s.pod.name %k8s.ns.name %k8s.pod.uid %k8s.pod.full_sandbox_id|%k8s.pod.labels|%mews.k8s.workload.kind %mews.k8s.workload.name|
  priority: WARNING
EOF
options=()
pods=() # NAME NAMESPACE UID WANTED
if apiserver_need; then
	apiserver_begin
	apiserver_start
	cluster_make
	rights "${rights_all[@]}"
	options=(-o kubernetes.enabled=true -o "kubernetes.kubeconfig=$lab/kube/mews.yaml" -o kubernetes.wait=20s)
	pods+=("web-7d4-x1 shop $(pod_uid web-7d4-x1 shop) app:web, empty, tier:front|Deployment web")
	pods+=("agent-a1 shop $(pod_uid agent-a1 shop) app:agent|DaemonSet agent")
fi
for i in $(seq "$count"); do
	pods+=("pod-$i lab $(cat /proc/sys/kernel/random/uuid) app:lab|<NA> <NA>") # its runtime tells the labels
done
lab_collector "${options[@]}"
lab_sensor n1

n=0
for pod in "${pods[@]}"; do
	n=$((n + 1))
	read -r name ns uid wanted <<<"$pod"
	run_pod "$name" "$ns" "$uid" "cri-$n"
	lab_wait 20 deeds_have "cri-$n" || fail "no alert of $name"
	got=$(deeds "cri-$n" | head -1)
	cri ContainerStatus "{\"container_id\": \"$ran\"}" || fail "no status of $name: $answer"
	status=$(jq -r '.status | "\(.id) \(.metadata.name)"' <<<"$answer")
	image=$(jq -r '.status.image.image | sub(":"; " ")' <<<"$answer")
	want="deed cri-$n|$status containerd $image $name $ns $uid $ran_sandbox|$wanted|"
	if [[ $got == "$want"* ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'failed: %s has\n  %s, not\n  %s\n' "$name" "$got" "$want"
	fi
	remove_pod "$ran_sandbox" || fail "$name cannot be removed: $answer"
done

# A pod that stays: its probes, as a kubelet runs them (ExecSync), and another command.
run_pod stays lab "$(cat /proc/sys/kernel/random/uuid)" -
execute() { cri ExecSync "$(jq -cn --arg c "$ran" '{container_id: $c, cmd: $ARGS.positional, timeout: 10}' --args "$@")" || fail "exec: $answer"; }
execute /bin/true alive
execute /bin/true prepared
execute /bin/true other
is "a liveness probe" lab_wait 20 said Probe "probe alive|app /bin/true alive|false|"
is "a readiness probe" lab_wait 20 said Probe "probe prepared|app /bin/true alive|true|"
is "another command" lab_wait 20 said Deed "deed other|"
is "is no probe" not said Probe "probe other|"
remove_pod "$ran_sandbox" || fail "the pod cannot be removed: $answer"

# A probe that only the API server tells.
if [ ${#options[@]} -gt 0 ]; then
	notes=live
	run_pod web-7d4-x1 shop "$(pod_uid web-7d4-x1 shop)" -
	execute /bin/true ready
	is "a readiness probe of the API server" lab_wait 20 said Probe "probe ready|app /bin/true alive|true|"
	remove_pod "$ran_sandbox" || fail "the pod cannot be removed: $answer"
fi

# With a network of its own.
if [ -x /usr/lib/cni/ptp ] && [ -x /usr/lib/cni/host-local ]; then
	network=POD
	run_pod networked lab "$(cat /proc/sys/kernel/random/uuid)" networked
	cri PodSandboxStatus "{\"pod_sandbox_id\": \"$ran_sandbox\"}" || fail "no status: $answer"
	ip=$(jq -r .status.network.ip <<<"$answer")
	is "its address and the plugin's answer" lab_wait 20 said Network "network networked|$ip {\"Interfaces\":"
	remove_pod "$ran_sandbox" || fail "the pod cannot be removed: $answer"
else
	echo "no pod with a network: install containernetworking-plugins"
fi
[ "$(lab_metric mews_node_containers_late_total)" = 0 ] || fail "$(lab_metric mews_node_containers_late_total) containers were late"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
