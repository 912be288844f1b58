# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# tools.sh - sourced by tests of the chart: helm, kubeconform, and the schemas of versions of Kubernetes.
#
#	helm_need               0: HELM and KUBECONFORM are programs
#	schemas_need VERSION    0: $(schemas VERSION) is a folder of that version's schemas
#	crds_need               0: $(schemas crds) is a folder of the schemas of the operators' kinds
# shellcheck disable=SC2154 # $here is the caller's
helm_cache=${MEWS_HELM_CACHE:-$HOME/.cache/mews/helm}
HELM=${HELM:-$(command -v helm || true)} KUBECONFORM=${KUBECONFORM:-$(command -v kubeconform || true)}

go_() {
	env GOPATH="$helm_cache/go" GOBIN="$helm_cache/bin" GOCACHE="$helm_cache/build" GOFLAGS=-mod=mod nice go "$@"
}

# tool PROGRAM PACKAGE@VERSION: its path, built now if need be.
tool() {
	[ -x "$helm_cache/bin/$1" ] || go_ install "$2" >&2 || return 1
	echo "$helm_cache/bin/$1"
}

helm_need() {
	if [ ! -x "$HELM" ] || [ ! -x "$KUBECONFORM" ]; then
		[ -x "$helm_cache/bin/helm" ] || command -v go >/dev/null || { echo "helm, kubeconform or go is missing"; return 1; }
		mkdir -p "$helm_cache"
		KUBECONFORM=$(tool kubeconform github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0) || return 1
		HELM=$(tool helm helm.sh/helm/v3/cmd/helm@v3.19.0) || return 1
	fi
}

schemas() { echo "$helm_cache/schemas-$1"; }

schemas_need() {
	local from
	[ ! -d "$(schemas "$1")" ] || return 0
	command -v go >/dev/null || { echo "go is missing, for the schemas of Kubernetes $1"; return 1; }
	mkdir -p "$helm_cache"
	from=$(cd "$helm_cache" && go_ mod download -json "k8s.io/kubernetes@v$1" | jq -r .Dir) || { echo "the schemas of Kubernetes $1 cannot be fetched"; return 1; }
	rm -rf "$(schemas "$1").new"
	python3 "$here/schemas.py" "$from/api/openapi-spec/swagger.json" "$(schemas "$1").new" && mv "$(schemas "$1").new" "$(schemas "$1")"
	# The sources are large, and not needed any more.
	chmod -R u+w "$from" && rm -rf "$from" "$helm_cache/go/pkg/mod/cache/download/k8s.io/kubernetes"
}

# crd_files MODULE@VERSION FILE...: their paths, fetched from the Go proxy.
crd_files() {
	local from file
	from=$(cd "$helm_cache" && go_ mod download -json "$1" | jq -er .Dir) || { echo "the definitions of $1 cannot be fetched" >&2; return 1; }
	for file in "${@:2}"; do echo "$from/$file"; done
}

crds_need() {
	local files
	[ ! -d "$(schemas crds)" ] || return 0
	command -v go >/dev/null || { echo "go is missing, for the schemas of the operators"; return 1; }
	mkdir -p "$helm_cache"
	files=$(crd_files github.com/prometheus-operator/prometheus-operator@v0.85.0 \
		example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,prometheusrules}.yaml &&
		crd_files github.com/cert-manager/cert-manager@v1.18.2 deploy/crds/crd-certificates.yaml) || return 1
	rm -rf "$(schemas crds).new"
	# shellcheck disable=SC2086 # a list
	python3 "$here/schemas.py" --crds "$(schemas crds).new" $files && mv "$(schemas crds).new" "$(schemas crds)"
}
