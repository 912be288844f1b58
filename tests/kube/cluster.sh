#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cluster.sh - sourced by tests: what a small cluster has, made through an API server by kctl.
#
# There are no controllers here: what they would make is made as they do, with its owner.
# shellcheck disable=SC2034 # for the scripts that source this

# owner KIND NAME API_GROUP/VERSION NAMESPACE: the reference to it, as YAML in one line.
owner() {
	printf '[{apiVersion: %s, kind: %s, name: %s, uid: %s, controller: true, blockOwnerDeletion: true}]' \
		"$3" "$1" "$2" "$(kctl get "$1" -n "$4" "$2" -o jsonpath='{.metadata.uid}')"
}

# pod NAME NAMESPACE LABELS OWNERS [ANNOTATIONS]
pod() {
	kctl create -f - >/dev/null <<-EOF
	apiVersion: v1
	kind: Pod
	metadata: {name: $1, namespace: $2, labels: $3, ownerReferences: $4, annotations: ${5:-{\}}}
	spec: {nodeName: n1, containers: [{name: app, image: "r.example/app:1", readinessProbe: {exec: {command: [/bin/true, ready]}}}]}
	EOF
}

pod_uid() { kctl get pod -n "$2" "$1" -o jsonpath='{.metadata.uid}'; }

# pod_ip NAME NAMESPACE IP: as the kubelet reports it.
pod_ip() {
	kctl get --raw "/api/v1/namespaces/$2/pods/$1/status" | jq -c --arg ip "$3" '.status.podIP = $ip | .status.podIPs = [{ip: $ip}]' |
		kctl replace --raw "/api/v1/namespaces/$2/pods/$1/status" -f - >/dev/null
}

template='{metadata: {labels: {app: web}}, spec: {restartPolicy: Always, containers: [{name: app, image: "r.example/app:1"}]}}'

cluster_make() {
	kctl create -f - >/dev/null <<-EOF
	apiVersion: v1
	kind: Namespace
	metadata: {name: shop, labels: {team: cart, empty: ""}}
	---
	apiVersion: apps/v1
	kind: Deployment
	metadata: {name: web, namespace: shop, labels: {part: front}}
	spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: $template}
	---
	apiVersion: apps/v1
	kind: DaemonSet
	metadata: {name: agent, namespace: shop}
	spec: {selector: {matchLabels: {app: web}}, template: $template}
	---
	apiVersion: batch/v1beta1
	kind: CronJob
	metadata: {name: nightly, namespace: shop}
	spec: {schedule: "0 1 * * *", jobTemplate: {spec: {template: ${template/Always/Never}}}}
	---
	apiVersion: v1
	kind: Service
	metadata: {name: web, namespace: shop, labels: {exposed: inside}}
	spec: {selector: {app: web}, ports: [{port: 80}]}
	---
	apiVersion: v1
	kind: Service
	metadata: {name: everything, namespace: shop}
	spec: {selector: {tier: front}, ports: [{port: 80}]}
	---
	apiVersion: v1
	kind: Service
	metadata: {name: other, namespace: shop}
	spec: {selector: {app: db}, ports: [{port: 80}]}
	EOF
	kctl create -f - >/dev/null <<-EOF
	apiVersion: apps/v1
	kind: ReplicaSet
	metadata: {name: web-7d4, namespace: shop, labels: {hash: 7d4}, ownerReferences: $(owner Deployment web apps/v1 shop)}
	spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: $template}
	---
	apiVersion: batch/v1
	kind: Job
	metadata: {name: nightly-1, namespace: shop, ownerReferences: $(owner CronJob nightly batch/v1beta1 shop)}
	spec: {template: ${template/Always/Never}}
	EOF
	pod web-7d4-x1 shop '{app: web, tier: front, empty: ""}' "$(owner ReplicaSet web-7d4 apps/v1 shop)"
	pod agent-a1 shop '{app: agent}' "$(owner DaemonSet agent apps/v1 shop)"
	pod nightly-1-z9 shop '{}' "$(owner Job nightly-1 batch/v1 shop)"
	pod alone shop '{app: db}' '[]'
	pod static-n1 kube-system '{tier: control}' '[]' \
		'{kubernetes.io/config.mirror: 0123456789abcdef0123456789abcdef, kubernetes.io/config.hash: 0123456789abcdef0123456789abcdef}'
	pod_ip web-7d4-x1 shop 10.1.2.3
}

# rights RESOURCE@GROUP...: what the collector's user may list and watch, and nothing else.
rights() {
	local one rules=
	for one; do rules+="{apiGroups: [\"${one#*@}\"], resources: [${one%@*}], verbs: [list, watch]}, "; done
	kctl apply -f - >/dev/null <<-EOF
	apiVersion: rbac.authorization.k8s.io/v1
	kind: ClusterRole
	metadata: {name: mews-collector}
	rules: [${rules%, }]
	---
	apiVersion: rbac.authorization.k8s.io/v1
	kind: ClusterRoleBinding
	metadata: {name: mews-collector}
	roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mews-collector}
	subjects: [{kind: User, name: mews, apiGroup: rbac.authorization.k8s.io}]
	EOF
}
rights_all=(pods@ namespaces@ services@ replicasets@apps deployments@apps replicationcontrollers@ jobs@batch)
