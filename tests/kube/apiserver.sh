#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# apiserver.sh - sourced by tests: a real kube-apiserver and its etcd, in $lab.
#
#	apiserver_need                 0: the programs are here (KUBE_APISERVER and ETCD, in PATH, or in KUBE_BIN)
#	apiserver_begin                its authority, certificate, tokens and etcd
#	apiserver_start, apiserver_stop
#	kctl ARG...                    kubectl as the cluster's administrator
#	kube_config FILE TOKENFILE     a kubeconfig for this token
#
# shellcheck disable=SC2154 # $lab is lab.sh's
# build_apiserver.sh builds both programs from Debian's sources.
KUBE_BIN=${KUBE_BIN:-${HOME:-/root}/.cache/mews/kube/bin}
: "${KUBE_APISERVER:=$(command -v kube-apiserver || echo "$KUBE_BIN/kube-apiserver")}" "${ETCD:=$(command -v etcd || echo "$KUBE_BIN/etcd")}"
kube_port=16443 etcd_port=16379
kube_without=ServiceAccount # admission plugins that are off: pods without service accounts

apiserver_need() {
	[ -x "$KUBE_APISERVER" ] && [ -x "$ETCD" ] && command -v kubectl openssl >/dev/null && return
	echo "skipped: no kube-apiserver, etcd and kubectl (tests/kube/build_apiserver.sh ~/.cache/mews/kube)"
	return 1
}

# kube_pki: an authority, the server's certificate, a key for service accounts.
kube_pki() {
	local dir=$lab/kube
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=kube-ca \
		-keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=kube-apiserver \
		-keyout "$dir/server.key" -out "$dir/server.csr" 2>/dev/null
	openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
		-extfile <(echo subjectAltName=IP:127.0.0.1,IP:10.99.0.1) -out "$dir/server.crt" 2>/dev/null
	openssl genrsa -out "$dir/accounts.key" 2048 2>/dev/null
}

kube_config() {
	cat >"$1" <<-EOF
	apiVersion: v1
	kind: Config
	preferences: {}
	current-context: lab
	contexts:
	- name: lab
	  context: {cluster: lab, user: mews}
	clusters:
	- name: lab
	  cluster:
	    server: https://127.0.0.1:$kube_port
	    certificate-authority: $lab/kube/ca.crt
	users:
	- name: mews
	  user:
	    tokenFile: $2
	EOF
}

apiserver_begin() {
	mkdir -p "$lab/kube"
	kube_pki
	echo 'admin-token,admin,1,system:masters' >"$lab/kube/tokens"
	echo 'mews-token,mews,2' >>"$lab/kube/tokens"
	echo admin-token >"$lab/kube/admin.token"
	echo mews-token >"$lab/kube/mews.token"
	kube_config "$lab/kube/admin.yaml" "$lab/kube/admin.token"
	kube_config "$lab/kube/mews.yaml" "$lab/kube/mews.token"
	"$ETCD" --unsafe-no-fsync --data-dir "$lab/kube/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
		--advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$((etcd_port + 1))" \
		>"$lab/kube/etcd.log" 2>&1 &
	etcd_pid=$!
}

apiserver_start() {
	"$KUBE_APISERVER" --etcd-servers "http://127.0.0.1:$etcd_port" --secure-port "$kube_port" --bind-address 127.0.0.1 \
		--advertise-address 192.0.2.2 --endpoint-reconciler-type none --tls-cert-file "$lab/kube/server.crt" \
		--tls-private-key-file "$lab/kube/server.key" --token-auth-file "$lab/kube/tokens" --authorization-mode RBAC \
		--service-account-key-file "$lab/kube/accounts.key" --service-account-signing-key-file "$lab/kube/accounts.key" \
		--service-account-issuer https://lab --service-cluster-ip-range 10.99.0.0/24 --disable-admission-plugins "$kube_without" \
		--allow-privileged "$@" >>"$lab/kube/apiserver.log" 2>&1 &
	apiserver_pid=$!
	for _ in {1..120}; do
		kctl get --raw /readyz >/dev/null 2>&1 && return
		sleep 0.5
	done
	echo "the API server did not start" >&2
	tail -5 "$lab/kube/apiserver.log" >&2
	return 1
}

apiserver_stop() {
	kill "$apiserver_pid" 2>/dev/null
	wait "$apiserver_pid" 2>/dev/null || true
	apiserver_pid=
}

apiserver_end() {
	[ -z "${apiserver_pid:-}" ] || kill "$apiserver_pid" 2>/dev/null || true
	[ -z "${etcd_pid:-}" ] || kill "$etcd_pid" 2>/dev/null || true
}

kctl() { kubectl --kubeconfig "$lab/kube/admin.yaml" "$@"; }

# Forget the versions of everything but the newest.
etcd_compact() {
	local version
	version=$(kctl get --raw /api/v1/namespaces | jq -r .metadata.resourceVersion)
	curl -sf "http://127.0.0.1:$etcd_port/v3/kv/compaction" -d "{\"revision\": \"$version\", \"physical\": true}" >/dev/null
}
