#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kubernetes.sh [PODS] - what following a cluster costs the collector: memory and CPU for so many pods (5,000) with
# their replica sets, deployments, services and namespaces, and for 50 changes of pods a second. The API server is
# tests/support/kube_api.py, on the same machine; its own CPU is not counted.
. "$(dirname "$0")/../tests/support/lab.sh"
pods=${1:-5000} seconds=30

lab_begin
lab_port
api=127.0.0.1:$port
cat >"$lab/kubeconfig" <<EOF
current-context: lab
contexts: [{name: lab, context: {cluster: lab}}]
clusters: [{name: lab, cluster: {server: "http://$api"}}]
EOF
python3 "$root/tests/support/kube_api.py" "${api#*:}" 2>"$lab/api.log" &
lab_pids+=("$!")
lab_wait 20 curl -sf "http://$api/control/seen" || fail "the stand-in did not start"

# Objects as large as usual: a pod of two containers is about 6 kB of JSON.
cat >"$lab/fill.py" <<'EOF'
import json, sys, time, urllib.request
api, pods, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def put(objects):
    urllib.request.urlopen(urllib.request.Request("http://%s/control/put" % api, json.dumps(objects).encode())).read()
def owner(kind, n):
    return [{"apiVersion": "apps/v1", "kind": kind, "name": "app-%d" % n, "uid": "%s-%d" % (kind, n), "controller": True}]
def meta(kind, n, **more):
    m = {"uid": "%s-%d" % (kind, n), "name": "app-%d" % n, "namespace": "ns-%d" % (n % 50), "labels": {
        "app.kubernetes.io/name": "app-%d" % n, "app.kubernetes.io/part-of": "shop", "pod-template-hash": "%08x" % n}}
    m.update(more)
    return m
def pod(n, word="x"):
    box = {"name": "app", "image": "registry.example.org/team/app-%d:1.2.3" % n, "env": [{"name": "V%d" % i, "value": "v" * 40} for i in range(20)],
           "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}, "volumeMounts": [{"name": "a", "mountPath": "/a"}] * 4}
    m = meta("Pod", n, ownerReferences=owner("ReplicaSet", n // 5))
    m["labels"]["word"] = word
    return {"kind": "Pod", "metadata": m, "spec": {"nodeName": "n%d" % (n % 100), "containers": [box, box]},
            "status": {"phase": "Running", "podIP": "10.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255), "conditions": [{"type": "Ready", "status": "True",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}] * 4, "containerStatuses": [{"name": "app", "image": box["image"], "imageID": "sha256:" + "0" * 64}] * 2}}
if what == "all":
    put([{"kind": "Namespace", "metadata": {"uid": "ns%d" % n, "name": "ns-%d" % n, "labels": {"team": "t%d" % n}}} for n in range(50)])
    put([{"kind": "Deployment", "metadata": meta("Deployment", n)} for n in range(pods // 10)])
    put([{"kind": "ReplicaSet", "metadata": meta("ReplicaSet", n, ownerReferences=owner("Deployment", n // 2))} for n in range(pods // 5)])
    put([{"kind": "Service", "metadata": meta("Service", n), "spec": {"selector": {"app.kubernetes.io/name": "app-%d" % n}}} for n in range(pods // 10)])
    put([pod(n) for n in range(pods)])
    print(len(json.dumps(pod(1))))
else:
    until = time.monotonic() + float(what)
    n = 0
    while time.monotonic() < until:
        put([pod(n % pods, "w%d" % n)])
        n += 1
        time.sleep(max(0, until - float(what) + n / 50 - time.monotonic()))
    print(n)
EOF
size=$(python3 "$lab/fill.py" "$api" "$pods" all)
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$collector_pid/status"; }
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($14 + $15) / hz }' "/proc/$collector_pid/stat"; }
lab_collector
sleep 2
before=$(rss) before_cpu=$(cpu)
lab_stop "$collector_pid"
lab_collector -o kubernetes.enabled=true -o "kubernetes.kubeconfig=$lab/kubeconfig" -o kubernetes.insecure=true -o kubernetes.wait=60s
[ "$(lab_metric mews_kubernetes_synced)" = 1 ] || fail "not synced within a minute"
all() { [ "$(lab_metric 'mews_kubernetes_objects{cluster="",resource="pods"}')" = "$pods" ]; }
lab_wait 60 all || fail "$(lab_metric mews_kubernetes_objects) objects"
sleep 2
after=$(rss) after_cpu=$(cpu)
echo "$pods pods of $size bytes, with $(lab_metric mews_kubernetes_objects) objects in all:"
echo "  memory of the objects   $(($(lab_metric mews_kubernetes_bytes) / 1024)) KiB"
echo "  resident, without/with  $before / $after KiB"
awk -v a="$before_cpu" -v b="$after_cpu" 'BEGIN { printf "  CPU of the first lists  %.2f s\n", b - a }'
begun=$(cpu)
changes=$(python3 "$lab/fill.py" "$api" "$pods" "$seconds")
ended=$(cpu)
awk -v a="$begun" -v b="$ended" -v s="$seconds" -v n="$changes" 'BEGIN { printf "  CPU of %.0f changes/s     %.2f %% of a core, %.0f us each\n", n / s, 100 * (b - a) / s, 1e6 * (b - a) / n }'
echo "  resident afterwards     $(rss) KiB"
[ "$(lab_metric mews_kubernetes_changes_total)" -ge "$changes" ] || fail "changes are missing"
