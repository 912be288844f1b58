#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - the join with a real kube-apiserver: labels, namespaces, workloads and services in alerts of a real
# sensor, with the least rights, through restarts, deletions and old versions.
#
# The pods' processes are started in control groups as the kubelet makes them; there is no kubelet. Needs root
# and what apiserver_need names; exit status 77 without.
# shellcheck disable=SC2154 # variables of lab.sh and cluster.sh
. "$(dirname "$0")/../support/lab.sh"
. "$(dirname "$0")/apiserver.sh"
. "$(dirname "$0")/cluster.sh"
. "$(dirname "$0")/pods.sh"
apiserver_need || exit 77
pods_need || exit 77

lab_begin
trap 'code=$?; pods_end; apiserver_end; lab_end "$code"' EXIT
lab_pki n1
apiserver_begin
apiserver_start
cluster_make
rights pods@ namespaces@
pods_rules
lab_collector -o kubernetes.enabled=true -o "kubernetes.kubeconfig=$lab/kube/mews.yaml" -o kubernetes.wait=20s
[ "$(lab_metric mews_kubernetes_synced)" = 1 ] || fail "not synced when the start was over"
lab_sensor n1
web=$(pod_uid web-7d4-x1 shop)

# With rights on pods and namespaces alone: what these say.
deed least "besteffort/pod$web"
said least "web-7d4-x1 shop 10.1.2.3 web|app:web, empty, tier:front|empty, team:cart|web-7d4 <NA> <NA>|ReplicaSet web-7d4"
[ "$(lab_metric 'mews_kubernetes_denied{cluster="",resource="deployments"}')" = 1 ] || fail "a resource that is denied is not shown"
grep -q 'may not list and watch deployments' "$lab/collector.log" || fail "a resource that is denied is not logged"
[ "$(lab_metric mews_kubernetes_up)" = 1 ] || fail "resources that are denied count as trouble"

# With all of them; a grant is noticed without a restart, at the latest after a minute.
rights "${rights_all[@]}"
allowed() { [ "$(lab_metric mews_kubernetes_denied)" = 0 ]; }
lab_wait 90 allowed || fail "a grant is not noticed"
deed all "burstable/pod${web//-/_}" # systemd's spelling
said all "web-7d4-x1 shop 10.1.2.3 web|app:web, empty, tier:front|empty, team:cart|web-7d4 web everything, web|Deployment web"
deed daemon "besteffort/pod$(pod_uid agent-a1 shop)"
said daemon "agent-a1 shop <NA> agent|app:agent|empty, team:cart|<NA> <NA> <NA>|DaemonSet agent"
deed job "besteffort/pod$(pod_uid nightly-1-z9 shop)"
said job "nightly-1-z9 shop <NA> <NA>||empty, team:cart|<NA> <NA> <NA>|CronJob nightly"
deed static "besteffort/pod0123456789abcdef0123456789abcdef"
said static "static-n1 kube-system <NA> <NA>|tier:control||<NA> <NA> <NA>|<NA> <NA>"
deed unknown "besteffort/pod00000000-0000-0000-0000-000000000000"
said unknown "<NA> <NA> <NA> <NA>|<NA>|<NA>|<NA> <NA> <NA>|<NA> <NA>"
[ "$(lab_metric mews_kubernetes_unknown_pods_total)" -gt 0 ] || fail "a pod that is not known is not counted"

# Changes come by the watch: no list since.
lists=$(lab_metric mews_kubernetes_lists_total)
kctl label pod -n shop web-7d4-x1 app- tier=back --overwrite >/dev/null
kctl label ns shop team=till --overwrite >/dev/null
changed() { deed "$1" "besteffort/pod$web" && [[ $(deed_said "$1") == *"|empty, tier:back|empty, team:till|"* ]]; }
n=0
until changed "changed$n"; do
	n=$((n + 1))
	[ "$n" -lt 20 ] || fail "changes of labels do not arrive: $(deed_said "changed$((n - 1))")"
	sleep 0.5
done
[ "$(lab_metric mews_kubernetes_lists_total)" = "$lists" ] || fail "a change needed a list"
# A pod made just now is known before its first process.
pod fresh-1 shop '{app: fresh}' '[]'
sleep 1 # a kubelet needs longer
deed fresh "besteffort/pod$(pod_uid fresh-1 shop)"
said fresh "fresh-1 shop <NA> fresh|app:fresh|empty, team:till|<NA> <NA> <NA>|<NA> <NA>"

# A pod that is deleted is known for a while: its last events may be late.
fresh=$(pod_uid fresh-1 shop)
kctl delete pod -n shop fresh-1 --grace-period=0 --force >/dev/null 2>&1
sleep 1
deed deleted "besteffort/pod$fresh"
said deleted "fresh-1 shop <NA> fresh|app:fresh|empty, team:till|<NA> <NA> <NA>|<NA> <NA>"

# The API server goes away: log, metric, an alert, a mark on alerts; what is known stays.
apiserver_stop
stale() { [ "$(lab_metric mews_kubernetes_stale_seconds)" -ge 10 ]; }
lab_wait 60 stale || fail "an API server that is away is not noticed"
[ "$(lab_metric mews_kubernetes_up)" = 0 ] || fail "mews_kubernetes_up is 1 without an API server"
lab_wait 20 grep -q 'kubernetes: the API server has told nothing new' "$lab/collector.log" || fail "no log line without an API server"
lab_wait 20 lab_alert 'Mews cannot read Kubernetes' || fail "no alert without an API server"
deed away "besteffort/pod$web"
said away "web-7d4-x1 shop 10.1.2.3 <NA>|empty, tier:back|empty, team:till|web-7d4 web <NA>|Deployment web"
deed_alert away | jq -e '.output_fields["mews.kubernetes_stale"]' >/dev/null || fail "an alert is not marked while the API server is away"

# It comes back, with another token: the file is read again.
sed -i 's/^mews-token/new-token/' "$lab/kube/tokens"
apiserver_start
refused() { grep -q 401 <<<"$(lab_status)" || [ "$(lab_metric mews_kubernetes_up)" = 0 ]; }
refused || fail "an expired token is accepted"
echo new-token >"$lab/kube/mews.token"
up() { [ "$(lab_metric mews_kubernetes_up)" = 1 ]; }
lab_wait 90 up || fail "not followed again: $(lab_api /metrics | grep kubernetes_up)"
lab_wait 20 grep -q 'followed again' "$lab/collector.log" || fail "no log line when it is back"
deed back "besteffort/pod$web"
said back "web-7d4-x1 shop 10.1.2.3 <NA>|empty, tier:back|empty, team:till|web-7d4 web <NA>|Deployment web"
deed_alert back | jq -e '.output_fields["mews.kubernetes_stale"] == null' >/dev/null || fail "the mark stays"
[ "$(lab_alerts 'Mews cannot read Kubernetes')" = 1 ] || fail "$(lab_alerts 'Mews cannot read Kubernetes') alerts about one outage"

# Its versions are gone when it comes back: 410, and a new list.
apiserver_stop
expired=$(lab_metric mews_kubernetes_expired_total)
apiserver_start --watch-cache=false
for i in {1..5}; do kctl label pod -n shop web-7d4-x1 "n=$i" --overwrite >/dev/null; done
etcd_compact
gone() { [ "$(lab_metric mews_kubernetes_expired_total)" -gt "$expired" ] && up; }
lab_wait 120 gone || echo "(the server still had its versions: 410 is not shown here)"
changed() { deed "$1" "besteffort/pod$web" && [[ $(deed_said "$1") == *"n:5"* ]]; }
n=0
until changed "after$n"; do
	n=$((n + 1))
	[ "$n" -lt 30 ] || fail "not up to date after old versions: $(deed_said "after$((n - 1))")"
	sleep 1
done
lab_stop "$sensor_pid"
lab_stop "$collector_pid"
echo "kubernetes: fields, rights, watch, deletion, outage, token and old versions hold with $("$KUBE_APISERVER" --version)"
