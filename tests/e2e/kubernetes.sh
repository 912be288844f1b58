#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Following an API server of Kubernetes: pages, watches, bookmarks, versions that are gone, a token that expires,
# rights, and a server that hangs, dies, is slow or answers nonsense. The server is tests/support/kube_api.py;
# tests/kube/run.sh does the same with a real one.
. "$(dirname "$0")/../support/lab.sh"

lab_begin
lab_port
api=127.0.0.1:$port
cat >"$lab/kubeconfig" <<EOF
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: mews}}]
clusters: [{name: lab, cluster: {server: "http://$api"}}]
users: [{name: mews, user: {tokenFile: token}}]
EOF
echo first >"$lab/token"
api_start() {
	python3 "$root/tests/support/kube_api.py" "${api#*:}" 2>>"$lab/api.log" &
	api_pid=$!
	lab_pids+=("$api_pid")
	lab_wait 20 curl -sf "http://$api/control/seen" || fail "the stand-in did not start"
}
control() { curl -sf "http://$api/control/$1" -d "$2" >/dev/null; }
seen() { curl -sf "http://$api/control/seen" | jq -r '.[]'; }
# object KIND N...: objects of a kind as JSON.
object() {
	local kind=$1
	shift
	printf '%s\n' "$@" | jq -Rcn --arg k "$kind" '[inputs | {kind: $k, metadata: {uid: "\($k)-\(.)", name: "n\(.)", namespace: "shop",
		labels: {n: "\(.)"}}}]'
}
metric() { lab_metric "mews_kubernetes_$1"; }
# soon METRIC VALUE [WHAT]: it has that value within a minute.
soon() {
	is() { [ "$(metric "$1")" = "$2" ]; }
	lab_wait 60 is "$1" "$2" || fail "${3:-$1}: $(metric "$1"), not $2"
}
pods='objects{cluster="lab",resource="pods"}'
kube=(-o kubernetes.enabled=true -o kubernetes.cluster=lab -o "kubernetes.kubeconfig=$lab/kubeconfig" -o kubernetes.insecure=true
	-o kubernetes.wait=20s)

# A configuration that cannot work is refused, with a place and the reason.
wrong() { "$bin/mews-collector" --check "${kube[@]}" "$@" 2>&1; }
said=$(wrong -o kubernetes.insecure=false || true)
[[ $said == *'without TLS'* ]] || fail "http:// is not refused: $said"
said=$(wrong -o kubernetes.context=other || true)
[[ $said == *"'contexts' has no 'other'"* ]] || fail "an unknown context is not refused: $said"
said=$(wrong -o kubernetes.kubeconfig=/nonexistent || true)
[[ $said == *'/nonexistent'* ]] || fail "a missing kubeconfig is not refused: $said"

# The first lists, in pages.
api_start
control set '{"token": "first", "page": 7, "denied": ["jobs"]}'
control put "$(object Pod {1..40})"
control put "$(object Namespace shop)"
lab_collector "${kube[@]}"
soon synced 1
soon "$pods" 40
[ "$(seen | grep -c '^list pods')" = 6 ] || fail "not in pages: $(seen | grep -c '^list pods')"
soon 'denied{cluster="lab",resource="jobs"}' 1
[ "$(metric up)" = 1 ] || fail "a resource that is denied is trouble"
if command -v promtool >/dev/null; then
	lab_api /metrics >"$lab/metrics"
	promtool check metrics <"$lab/metrics" || fail "promtool refuses the metrics"
fi

# Changes by a watch; a bookmark moves the version from which the next watch begins.
lists=$(metric lists_total)
control put "$(object Pod 41 42)"
soon "$pods" 42
control put "$(object Service 1 2 3)"
soon 'objects{cluster="lab",resource="services"}' 3
control set '{"bookmark": true}'
sleep 1
control set '{"mode": "ends"}'
newest() { seen | grep '^watch pods' | tail -1; }
resumed() { [[ $(newest) == "watch pods 146" ]]; }
lab_wait 30 resumed || fail "a watch does not resume from the newest version: $(newest)"
[ "$(metric lists_total)" = "$lists" ] || fail "a watch that ends needs a new list"
watches=$(seen | grep -c '^watch pods')
sleep 3
[ "$(($(seen | grep -c '^watch pods') - watches))" -le 4 ] || fail "a server that ends each watch is asked in a loop"
control set '{"mode": "ok"}'

# Versions that are gone: once in the watch, once as its answer.
expired=$(metric expired_total)
control set '{"mode": "expire"}'
more() { [ "$(metric expired_total)" -gt "$expired" ]; }
lab_wait 30 more || fail "an expired version within a watch is not noticed"
control set '{"mode": "ok", "compact": true}'
control put "$(object Pod 43)"
soon "$pods" 43 "after a version was gone"
control set '{"mode": "ends", "compact": true}'
control put "$(object Pod 44)"
control set '{"mode": "ok", "compact": true}'
soon "$pods" 44 "after a 410"
soon up 1

# A token that has expired is read again.
control set '{"token": "second", "mode": "cut"}'
checked() { seen | grep '^401'; }
lab_wait 30 checked || fail "the token is not checked"
soon up 0 "an expired token"
control set '{"mode": "ok"}'
echo second >"$lab/token"
soon up 1 "a new token"

# Nonsense, cuts, errors, a line without an end: nothing is lost, and all is well afterwards.
for mode in garbage cut error busy status huge; do
	errors=$(metric errors_total)
	control set "{\"mode\": \"$mode\"}"
	control put "$(object Pod "$mode")"
	failed() { [ "$(metric errors_total)" -gt "$errors" ]; }
	lab_wait 100 failed || fail "$mode: no error is counted"
	control set '{"mode": "ok"}'
	soon up 1 "after $mode"
done
soon "$pods" 50 "after all this"
rss=$(awk '/VmRSS/ { print $2 }' "/proc/$collector_pid/status")
[ "$rss" -lt 600000 ] || fail "$rss kB resident"

# Dead: what is known stays; a log line, an alert. It comes back with less: the rest is deleted later.
kill -9 "$api_pid"
wait "$api_pid" 2>/dev/null || true
stale() { [ "$(metric stale_seconds)" -ge 10 ]; }
lab_wait 40 stale || fail "a dead server is not noticed"
lab_wait 20 lab_alert 'Mews cannot read Kubernetes' || fail "no alert of a dead server"
lab_wait 20 grep -q 'has told nothing new' "$lab/collector.log" || fail "no log line of a dead server"
[ "$(metric "$pods")" = 50 ] || fail "what was known is forgotten"
api_start
control put "$(object Pod 1)"
soon up 1 "after its death"
lab_wait 20 grep -q 'followed again' "$lab/collector.log" || fail "no log line when it is back"
lab_stop "$collector_pid"

# A server that hangs delays a start as long as it is told to, and the stop not at all.
control set '{"mode": "hang"}'
begun=$SECONDS
lab_collector "${kube[@]}" -o kubernetes.wait=2s
[ $((SECONDS - begun)) -lt 20 ] || fail "a start waits too long"
grep -q 'first lists are not complete' "$lab/collector.log" || fail "an incomplete start is not logged"
[ "$(metric synced)" = 0 ] || fail "synced with a server that hangs"
lab_stop "$collector_pid"
echo "kubernetes: pages, watches, bookmarks, old versions, tokens, rights and broken servers are handled"
