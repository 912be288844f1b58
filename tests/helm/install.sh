#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install.sh - the chart in a real cluster of one node: installed by the README's lines, sensors get their
# certificates by the token that NOTES asks for, a deed in a pod is an alert with the pod's labels, a changed rule
# works without a restart, and 'helm uninstall' leaves nothing.
#
# Needs root and what node_need names; exit status 77 without.
# shellcheck disable=SC2154 # variables of the scripts that it sources
[ -n "${MEWS_OWN_NET:-}" ] || MEWS_OWN_NET=1 exec unshare -n -m --propagation slave "$0" "$@"
mount --make-rshared /
. "$(dirname "$0")/../support/lab.sh"
here=$root/tests/helm
. "$here/tools.sh"
. "$here/node.sh"
. "$root/tests/kube/apiserver.sh"
. "$root/tests/containers/runtimes.sh"
node_need || exit 77
helm_need || exit 77

lab_begin
trap 'code=$?; debris "$code"; node_end; apiserver_end; lab_end "$code"' EXIT
debris() {
	[ "$1" != 0 ] || return 0
	{
		kctl get pods,pvc,events -A -o wide
		kctl describe pod -n mews mews-collector-0 | tail -25
		for part in collector-0:enroller-init collector-0:collector collector-0:enroller; do kctl logs -n mews "mews-${part%:*}" -c "${part#*:}" --tail 20; done
		kctl logs -n mews -l app.kubernetes.io/component=sensor --tail 20
	} >"$lab/cluster.log" 2>&1 || true
}
say() { printf '== %s (%ds)\n' "$1" "$SECONDS"; }
say 'images'
"$root/deploy/images.sh" --build "$bin/.." --tag 0.1.0 "$lab/images" >"$lab/images.log" 2>&1 || fail "the images cannot be built"
say 'cluster'
node_begin n1
for part in sensor collector; do node_image "$lab/images/mews-$part.tar"; done
node_volume n1 state 8Gi
node_volume n1 enroll 64Mi

say 'install'
export KUBECONFIG=$lab/kube/admin.yaml PATH=$bin:$PATH
helm() { "$HELM" "$@" 2>"$lab/helm.err"; }
mkdir "$lab/cwd"
# The README's lines, as they stand but for the registry and the state's folder.
awk '/^## / { here = $0 == "## Kubernetes" } here && /^```$/ { code = 0 } here && code { print } here && /^```sh$/ { code = 1 }' "$root/README.md" |
	sed -e "s|registry.example|localhost|" -e "s|deploy/helm/mews|$root/deploy/helm/mews|" -e "s|--set enroller|--set sensor.stateDir=$lab/node --set enroller|" >"$lab/readme.sh"
[ "$(wc -l <"$lab/readme.sh")" -ge 8 ] || fail "the README has no 'Kubernetes'"
(cd "$lab/cwd" && . "$lab/readme.sh") >"$lab/notes" || fail "the README's lines: $(cat "$lab/helm.err")"
pod_up() { [ "$(kctl get pod -n mews mews-collector-0 -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }
lab_wait 180 pod_up || fail "the collector's pod does not get ready"
say 'the collector is ready'

# There is no DNS here: the sensors are told the address. The names are the chart's.
ip=$(kctl get pod -n mews mews-collector-0 -o jsonpath='{.status.podIP}')
again() { helm upgrade mews "$root/deploy/helm/mews" -n mews --reuse-values "$@" >"$lab/helm.out" || fail "helm upgrade: $(cat "$lab/helm.err")"; }
again --set "sensor.hostAliases[0].ip=$ip" --set "sensor.hostAliases[0].hostnames[0]=mews-collector.mews.svc"
# The line of the notes.
sed -n '/-- mewsctl pki token/,/create secret/p' "$lab/notes" >"$lab/token.sh"
[ -s "$lab/token.sh" ] || fail "the notes do not say how to make a token"
. "$lab/token.sh" >/dev/null || fail "the notes' lines for a token"
ctl() { kctl exec -n mews mews-collector-0 -c collector -- mewsctl "$@"; }
connected() { ctl status --json | jq -e '.sensors[] | select(.node == "n1" and .connected)'; }
lab_wait 240 connected || fail "the sensor does not connect"
say 'a sensor has its certificate, and is connected'

kctl run victim --image localhost/mews-box:1 --restart Never --labels app=shop,tier=front --command -- sh -c 'sleep 5; while :; do cat /etc/passwd >/dev/null; sleep 1; done' >/dev/null
again --set-json 'rules={"local.yaml":"- rule: Passwords in a pod\n  desc: d\n  condition: evt.type in (open, openat, openat2) and fd.name = /etc/passwd and k8s.pod.name = victim\n  output: read by %k8s.pod.name %k8s.ns.name\n  priority: WARNING\n"}'
uid=$(kctl get pod -n mews mews-collector-0 -o jsonpath='{.metadata.uid}')
alert() { ctl alerts -n all --rule 'Passwords in a pod' --json | jq -e 'select(.output_fields."k8s.pod.name" == "victim" and .output_fields."k8s.ns.name" == "default")'; }
lab_wait 180 alert || fail "a pod's deed raises no alert"
say "a deed in a pod is an alert, by a rule that came without a restart"
[ "$(kctl get pod -n mews mews-collector-0 -o jsonpath='{.metadata.uid} {.status.containerStatuses[*].restartCount}')" = "$uid 0 0" ] || fail "the collector was restarted"

# Probes, which a kubelet runs in the container, and another command.
kctl apply -f - >/dev/null <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: probed}
spec:
  restartPolicy: Never
  containers:
  - name: app
    image: localhost/mews-box:1
    command: [sleep, "1000"]
    livenessProbe: {periodSeconds: 2, exec: {command: [/bin/true, alive]}}
    readinessProbe: {periodSeconds: 2, exec: {command: [/bin/true, ready]}}
EOF
again --set-json 'rules={"local.yaml":"- rule: Probe\n  desc: d\n  condition: evt.type in (execve, execveat) and proc.name = true and k8s.pod.name = probed\n  output: probe %proc.args live=%proc.is_container_liveness_probe ready=%proc.is_container_readiness_probe\n  priority: NOTICE\n"}'
probed() { [ "$(kctl get pod probed -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }
lab_wait 120 probed || fail "the pod with probes does not get ready"
probe() { ctl alerts -n all --rule Probe --json | jq -e --arg t "$1" 'select(.output | contains($t))'; }
lab_wait 180 probe 'probe alive live=true ready=false' || fail "a kubelet's liveness probe is not told"
lab_wait 120 probe 'probe ready live=false ready=true' || fail "a kubelet's readiness probe is not told"
other() { kctl exec probed -- /bin/true other && probe 'probe other live=false ready=false'; }
lab_wait 60 other || fail "another command raises no alert"
say "a kubelet's probes are told from other commands"
own_key() { ! kctl exec -n mews mews-collector-0 -c collector -- mewsctl pki token /enroll --nodes x; }
own_key >/dev/null 2>&1 || fail "the collector can use the enroller's key"

say 'uninstall'
helm uninstall mews -n mews >/dev/null || fail "helm uninstall"
gone() { [ -z "$(kctl get pods -n mews -o name)" ]; }
lab_wait 120 gone || fail "pods stay"
left=$(for kind in $(kctl api-resources --verbs list -o name | grep -v -e '^events' -e '^componentstatuses'); do kctl get "$kind" -A -l app.kubernetes.io/instance=mews -o name --ignore-not-found; done 2>/dev/null)
# Kubernetes before 1.27 keeps the claims of a StatefulSet, as the notes say.
left=$(grep -v '^persistentvolumeclaim/' <<<"$left" || true)
[ -z "$left" ] || fail "uninstall leaves $left"
echo "helm: installed with $("$HELM" version --short 2>/dev/null) in Kubernetes $("$KUBE_BIN/kubelet" --version), a pod's deed raised its alert, nothing is left"
