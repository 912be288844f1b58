#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - the Helm chart: lint; what it renders for a matrix of values and versions of Kubernetes, checked
# against these versions' own schemas; its rights, configurations and alert rules.
#
# helm and kubeconform: HELM, KUBECONFORM, or PATH, or built from the Go proxy once, as the schemas are fetched,
# into ~/.cache/mews/helm (MEWS_HELM_CACHE). Exit status 77: neither they nor Go are here.
. "$(dirname "$0")/../support/lab.sh"
here=$root/tests/helm chart=$root/deploy/helm/mews
# shellcheck source=tests/helm/tools.sh
. "$here/tools.sh"
helm_need || exit 77
schemas_need 1.20.2 || exit 77
schemas_need 1.33.5 || exit 77
crds_need || exit 77
lab_begin

helm_() { "$HELM" "$@" 2>"$lab/helm.err" || { grep -v 'walk.go' "$lab/helm.err"; return 1; }; }
helm_ lint --strict --quiet "$chart" || fail "helm lint"

# render VERSION VALUE...: to $lab/out.yaml
render() { helm_ template mews "$chart" -n mews --kube-version "$1" "${@:2}" >"$lab/out.yaml"; }
# Kinds of operators are checked against their own definitions.
valid() {
	local file='{{ .ResourceKind }}{{ .KindSuffix }}.json'
	"$KUBECONFORM" -strict -schema-location "$(schemas "$1")/$file" -schema-location "$(schemas crds)/$file" -summary "$lab/out.yaml"
}
matrix=0
while read -r case values; do
	[ -n "$case" ] || continue
	for version in 1.20.2 1.33.5; do
		args=()
		for value in $values; do args+=(--set-json "$value"); done
		render "$version" "${args[@]}" || fail "$case, Kubernetes $version: not rendered"
		valid "$version" >"$lab/conform" || fail "$case, Kubernetes $version: $(cat "$lab/conform")"
		matrix=$((matrix + 1))
	done
done <<'END'
default
enroller enroller.enabled=true enroller.address="enroll.example:7444" enroller.collector="tls+tcp://c.example:7443"
external externalCollector.address="tls+tcp://collector.example:7443" cluster.name="east"
external_policy externalCollector.address="tls+tcp://collector.example:7443" networkPolicy.enabled=true monitoring.serviceMonitor.enabled=true
own_identity sensorIdentity.tlsSecret="nodes" sensor.hostNetwork=true sensor.hostAliases=[{"ip":"192.0.2.1","hostnames":["c.example"]}]
privileged sensor.leastPrivileged=false
more_capabilities sensor.capabilities=["SYS_ADMIN"]
no_kubernetes collector.kubernetes=false collector.podDisruptionBudget=false
monitoring monitoring.serviceMonitor={"enabled":true,"labels":{"release":"p"}} monitoring.prometheusRule={"enabled":true,"labels":{"release":"p"}} monitoring.dashboard.enabled=true
policy networkPolicy={"enabled":true,"sensorsFrom":[{"ipBlock":{"cidr":"192.0.2.0/24"}}],"apiFrom":[{"namespaceSelector":{"matchLabels":{"a":"b"}}}]}
all_monitoring cluster.name="a" monitoring.serviceMonitor={"enabled":true,"interval":"15s"} monitoring.prometheusRule.enabled=true networkPolicy.enabled=true enroller={"enabled":true,"address":"e.example:7444"}
cert_manager tls.certManager={"enabled":true,"issuer":{"kind":"ClusterIssuer","name":"fleet"}}
image image={"registry":"r.example","repository":"a/b","tag":"x"} imagePullSecrets=[{"name":"pull"}]
rules rules={"local.yaml":"-\u0020list:\u0020a\n\u0020\u0020items:\u0020[b]\n","two.yml":""}
placement priorityClass.create=true sensor.priorityClassName="mews" collector.priorityClassName="mews" sensor.affinity={"nodeAffinity":{}} collector.tolerations=[{"operator":"Exists"}] collector.podAnnotations={"a":"b"} sensor.podAnnotations={"a":"b"} sensor.nodeSelector={"a":"b"}
storage collector.storage.storageClass="fast" collector.extraVolumes=[{"name":"k","secret":{"secretName":"k"}}] collector.extraVolumeMounts=[{"name":"k","mountPath":"/k"}] collector.env=[{"name":"A","value":"b"}] collector.service={"type":"LoadBalancer","annotations":{"a":"b"}}
END

# The definitions do refuse: a key that the operator does not know, a value of another type.
refuses() { # refuses WHAT FROM TO VALUE...: with FROM changed to TO
	render 1.33.5 "${@:4}" && grep -q "$2" "$lab/out.yaml" || fail "$1: not rendered"
	sed -i "s/$2/$3/" "$lab/out.yaml"
	! valid 1.33.5 >"$lab/conform" || fail "$1 is accepted"
	grep -q "$1" "$lab/conform" || fail "$1: $(cat "$lab/conform")"
}
refuses ServiceMonitor 'jobLabel:' 'jobLable:' --set monitoring.serviceMonitor.enabled=true
refuses PrometheusRule 'groups:' 'group:' --set monitoring.prometheusRule.enabled=true
refuses Certificate 'size: 256' 'size: "256"' --set tls.certManager.enabled=true,tls.certManager.issuer.name=fleet

# What cannot be meant is refused, with the value's name.
refused=0
while read -r value name; do
	! helm_ template mews "$chart" --set-json "$value" >"$lab/refused" || fail "$value is accepted"
	grep -q "$name" "$lab/refused" || fail "$value: the error does not name $name: $(cat "$lab/refused")"
	refused=$((refused + 1))
done <<'END'
sensors=1 sensors
sensor.leastPrivilege=true leastPrivilege
sensor.leastPrivileged="yes" leastPrivileged
sensor.capabilities=["CAP_BPF"] capabilities
externalCollector.address="tcp://c.example:7443" address
collector.storage.size="8GB" size
rules={"local.txt":""} local.txt
image.pullPolicy="Sometimes" pullPolicy
tls.secret="" secret
END

# part KIND NAME FILTER: of what was rendered last, by jq
part() { python3 -c 'import json, sys, yaml; [print(json.dumps(d)) for d in yaml.safe_load_all(open(sys.argv[1])) if d]' "$lab/out.yaml" | jq -r --arg k "$1" --arg n "$2" "select(.kind == \$k and .metadata.name == \$n) | $3"; }

render 1.33.5 --set enroller.enabled=true,monitoring.serviceMonitor.enabled=true,monitoring.prometheusRule.enabled=true,monitoring.dashboard.enabled=true \
	--set 'rules.local\.yaml=a' --set collector.config.outputs.stdout.enabled=true || fail "not rendered"
# The collector may do what it does: list and watch what kube.def names.
wanted=$(sed -nE 's|^KUBE\([A-Z]+, "([a-z]+)", "/apis?/(([a-z]+)/)?v1/.*|\3/\1|p' "$root/collector/kube/kube.def" | sort)
given=$(part ClusterRole mews-mews-collector '.rules[] | .apiGroups[] as $g | .resources[] | "\($g)/\(.)"' | sort)
[ "$wanted" = "$given" ] || fail "rights: $(diff <(echo "$wanted") <(echo "$given"))"
[ "$(part ClusterRole mews-mews-collector '[.rules[].verbs[]] | unique | join(" ")')" = 'list watch' ] || fail "more than list and watch"
# A sensor has four capabilities, no more, and no token of the cluster.
[ "$(part DaemonSet mews-sensor '.spec.template.spec.containers[0].securityContext.capabilities | .add + .drop | sort | join(" ")')" = 'ALL BPF DAC_READ_SEARCH PERFMON SYS_PTRACE' ] || fail "capabilities"
[ "$(part DaemonSet mews-sensor '.spec.template.spec.automountServiceAccountToken')" = false ] || fail "the sensor has a token of the cluster"
# The authority's key is in the init container alone; the collector cannot write the enroller's folder.
[ "$(part StatefulSet mews-collector '.spec.template.spec | [.initContainers[], .containers[] | select(any(.volumeMounts[]; .name == "fleet")).name] | join(" ")')" = enroller-init ] || fail "who sees the authority's key"
[ "$(part StatefulSet mews-collector '.spec.template.spec.containers[] | select(.name == "collector").volumeMounts[] | select(.name == "enroll").readOnly')" = true ] || fail "the collector may write the enroller's folder"

# A change of the rules changes nothing of the pods; one of the configuration does.
part StatefulSet mews-collector . >"$lab/before"
render 1.33.5 --set enroller.enabled=true,monitoring.serviceMonitor.enabled=true --set 'rules.local\.yaml=b' --set collector.config.outputs.stdout.enabled=true || fail "not rendered"
part StatefulSet mews-collector . | cmp -s "$lab/before" - || fail "a change of the rules restarts the collector"
render 1.33.5 --set enroller.enabled=true --set collector.config.outputs.stdout.enabled=false || fail "not rendered"
! part StatefulSet mews-collector . | cmp -s "$lab/before" - || fail "a change of the configuration does not restart the collector"

# The programs accept their configurations; only the places are the lab's.
lab_pki n1
render 1.33.5 --set cluster.name=lab --set collector.config.outputs.stdout.enabled=true || fail "not rendered"
part ConfigMap mews-collector '.data["collector.yaml"]' >"$lab/collector.yaml"
part ConfigMap mews-sensor '.data["sensor.yaml"]' >"$lab/sensor.yaml"
keys=(-o "tls.ca=$lab/pki/ca.pem")
"$bin/mews-collector" --check -c "$lab/collector.yaml" "${keys[@]}" -o "rules=$root/rules" -o "outbox.path=$lab/outbox.db" -o "checkpoint.path=$lab/states" \
	-o kubernetes.enabled=false -o "http.socket=$lab/api.sock" -o "tls.certificate=$lab/pki/collector-mews-collector.pem" -o "tls.key=$lab/pki/collector-mews-collector.key" \
	-o "http.tls.certificate=$lab/pki/collector-mews-collector.pem" -o "http.tls.key=$lab/pki/collector-mews-collector.key" >"$lab/check" 2>&1 || fail "the collector's configuration: $(cat "$lab/check")"
code=0
"$bin/mews-sensor" --check -c "$lab/sensor.yaml" "${keys[@]}" -o "tls.certificate=$lab/pki/node-n1.pem" -o "tls.key=$lab/pki/node-n1.key" -o node=n1 -o host_root=/ -o "spool.path=$lab/spool" \
	-o enroll.file= -o enroll.dir= >"$lab/check" 2>&1 || code=$?
{ [ "$code" = 0 ] || [ "$code" = 4 ]; } || fail "the sensor's configuration: $(cat "$lab/check")"

# The rules of Prometheus arrive as they are.
render 1.33.5 --set monitoring.prometheusRule.enabled=true || fail "not rendered"
cmp <(part PrometheusRule mews-alerts .spec | jq -S .) <(python3 -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))' <"$root/deploy/prometheus/mews.rules.yaml" | jq -S .) || fail "the alert rules are others"
echo "helm: lint, $matrix renderings valid, $refused wrong values refused, rights, rules, configurations: $("$HELM" version --short 2>/dev/null)"
