# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# node.sh - sourced by tests: a cluster of one node, with real controllers, scheduler, kubelet and containerd, in
# $lab, in network and mount namespaces of its own.
#
#	node_need           0: the programs are here (KUBE_BIN=FOLDER; tests/kube/build_apiserver.sh FOLDER --node)
#	node_begin NAME     until the node is ready
#	node_image TAR      for its pods
#	node_volume NAME SIZE
#	node_end
#
# There is no kube-proxy and no DNS: pods know each other by hostAliases, and the API server by its address.
# shellcheck disable=SC2154,SC2034 # $lab is lab.sh's; for apiserver.sh and runtimes.sh
KUBE_BIN=${KUBE_BIN:-${HOME:-/root}/.cache/mews/kube/bin}

node_need() {
	local program
	[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; return 1; }
	for program in kube-controller-manager kube-scheduler kubelet kube-apiserver etcd; do
		[ -x "$KUBE_BIN/$program" ] || { echo "skipped: no $program (KUBE_BIN=..., or tests/kube/build_apiserver.sh ~/.cache/mews/kube --node)"; return 1; }
	done
	for program in containerd runc kubectl jq ip; do
		command -v "$program" >/dev/null || { echo "skipped: no $program"; return 1; }
	done
	[ -x /usr/lib/cni/ptp ] || { echo "skipped: no containernetworking-plugins"; return 1; }
	KUBE_APISERVER=$KUBE_BIN/kube-apiserver ETCD=$KUBE_BIN/etcd
}

node_containerd() {
	local d=$box/containerd
	mkdir -p "$d/cni"
	echo '{"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local",
		"dataDir": "'"$d"'/ipam", "ranges": [[{"subnet": "10.89.7.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}' >"$d/cni/lab.conflist"
	cat >"$box/containerd.toml" <<-EOF
		version = 2
		root = "$d/root"
		state = "$d/state"
		[grpc]
		  address = "$d/sock"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$d/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/mews-pause:1"
		  restrict_oom_score_adj = true
		  disable_apparmor = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$d/cni"
		  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		    runtime_type = "io.containerd.runc.v2"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
		      BinaryName = "$box/runc"
	EOF
	containerd -c "$box/containerd.toml" >"$lab/containerd.log" 2>&1 &
	lab_pids+=("$!")
	export CONTAINERD_ADDRESS=$d/sock
	lab_wait 60 ctr version || fail "containerd does not start"
	# What pods' first container does, as far as it matters here: it sleeps.
	printf '#!/bin/sh\nwhile sleep 3600; do :; done\n' >"$box/root/bin/pause"
	chmod +x "$box/root/bin/pause"
	tar -C "$box/root" -cf "$box/root.tar" .
	pack_image localhost/mews-pause:1 "$box/pause.tar" '["/bin/pause"]'
	pack_image localhost/mews-box:1 "$box/image.tar"
	node_image "$box/pause.tar"
	node_image "$box/image.tar"
}
node_image() { ctr -n k8s.io image import "$1" >/dev/null || fail "$1 is not imported"; }

node_kubelet() {
	mkdir -p "$lab/kubelet"
	echo 'nameserver 192.0.2.53' >"$lab/kube/resolv.conf"
	cat >"$lab/kube/kubelet.yaml" <<-EOF
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
		authorization: {mode: AlwaysAllow}
		cgroupDriver: cgroupfs
		enforceNodeAllocatable: []
		evictionHard: {memory.available: 1Mi}
		failSwapOn: false
		healthzPort: 0
		makeIPTablesUtilChains: false
		maxOpenFiles: $(limit nofile)
		oomScoreAdj: 0
		resolvConf: $lab/kube/resolv.conf
		syncFrequency: 5s
		configMapAndSecretChangeDetectionStrategy: Watch
	EOF
	"$KUBE_BIN/kubelet" --config "$lab/kube/kubelet.yaml" --kubeconfig "$lab/kube/admin.yaml" --root-dir "$lab/kubelet" --cert-dir "$lab/kube/kubelet" \
		--container-runtime remote --container-runtime-endpoint "unix://$CONTAINERD_ADDRESS" --hostname-override "$1" --node-ip 10.99.0.2 \
		>"$lab/kubelet.out" 2>&1 &
	lab_pids+=("$!")
}

node_ready() { [ "$(kctl get node "$1" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

node_begin() {
	local dir
	ip link set lo up
	ip address add 10.99.0.1/32 dev lo
	ip address add 10.99.0.2/32 dev lo
	echo 1 >/proc/sys/net/ipv4/ip_forward
	# What kubelet and CNI keep outside of their folders.
	for dir in /var/log/pods /var/log/containers /var/lib/kubelet /var/lib/cni /run/netns; do
		mkdir -p "$dir"
		mount -t tmpfs tmpfs "$dir"
	done
	box=$lab/box
	mkdir "$box"
	make_image
	make_runc
	kube_without=MutatingAdmissionWebhook kube_port=443
	apiserver_begin
	apiserver_start --bind-address 0.0.0.0 --kubelet-preferred-address-types InternalIP
	"$KUBE_BIN/kube-controller-manager" --kubeconfig "$lab/kube/admin.yaml" --service-account-private-key-file "$lab/kube/accounts.key" \
		--root-ca-file "$lab/kube/ca.crt" --leader-elect=false --port 0 --secure-port 10257 >"$lab/controllers.out" 2>&1 &
	lab_pids+=("$!")
	"$KUBE_BIN/kube-scheduler" --kubeconfig "$lab/kube/admin.yaml" --leader-elect=false --port 0 --secure-port 10259 >"$lab/scheduler.out" 2>&1 &
	lab_pids+=("$!")
	node_containerd
	node_kubelet "$1"
	lab_wait 120 node_ready "$1" || fail "the node does not get ready: $(tail -3 "$lab/kubelet.out")"
}

# node_volume NODE NAME SIZE
node_volume() {
	mkdir -p "$lab/volumes/$2"
	kctl create -f - >/dev/null <<-EOF
	apiVersion: v1
	kind: PersistentVolume
	metadata: {name: $2}
	spec:
	  capacity: {storage: $3}
	  accessModes: [ReadWriteOnce]
	  local: {path: $lab/volumes/$2}
	  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [$1]}]}]}}
	EOF
}

node_end() {
	local name group
	if [ -n "${CONTAINERD_ADDRESS:-}" ]; then
		for name in $(ctr -n k8s.io task ls -q 2>/dev/null); do ctr -n k8s.io task kill -s 9 "$name" >/dev/null 2>&1 || true; done
		for name in $(ctr -n k8s.io container ls -q 2>/dev/null); do
			ctr -n k8s.io task delete -f "$name" >/dev/null 2>&1 || true
			ctr -n k8s.io container delete "$name" >/dev/null 2>&1 || true
		done
	fi
	for group in /sys/fs/cgroup/kubepods /sys/fs/cgroup/*/kubepods; do
		[ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	done
}
