#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The container images, run by podman: built twice they are equal; the collector runs without root, the sensor
# with four capabilities, both on a file system that is read-only; a deed on the host becomes an alert; and
# what a sensor's container lacks, it says in one sentence.
. "$(dirname "$0")/../support/lab.sh"
for tool in podman runc jq; do
	command -v $tool >/dev/null || { echo "$tool is missing: run deploy/install-deps.sh --test"; exit 77; }
done
lab_begin
mkdir "$lab/pod"
cat >"$lab/pod/storage.conf" <<EOF
[storage]
driver = "overlay"
runroot = "$lab/pod/run"
graphroot = "$lab/pod/graph"
EOF
cat >"$lab/pod/containers.conf" <<'EOF'
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
EOF
export CONTAINERS_STORAGE_CONF=$lab/pod/storage.conf CONTAINERS_CONF=$lab/pod/containers.conf
clean() {
	local code=$?
	for c in $(podman ps -aq 2>/dev/null); do
		podman logs "$c" >"$lab/container-$c.log" 2>&1 || true
		podman rm -f -t 0 "$c" >/dev/null 2>&1 || true
	done
	lab_end "$code"
}
trap clean EXIT

"$root/deploy/images.sh" --build "$bin/.." --tag test "$lab/one" >"$lab/images.log" 2>&1 || fail "the images cannot be built"
(umask 077 && TZ=Asia/Tokyo "$root/deploy/images.sh" --build "$bin/.." --tag test "$lab/two" >>"$lab/images.log" 2>&1)
for file in "$lab"/one/*; do cmp "$file" "$lab/two/${file##*/}" || fail "built twice, ${file##*/} differs"; done
for name in mews-sensor mews-collector; do
	jq -e --arg n "$name" '.spdxVersion == "SPDX-2.3" and ([.packages[].name] | (index($n) != null) and (index("libc6") != null) and any(startswith("libssl3")))' \
		"$lab/one/$name.spdx.json" >/dev/null || fail "$name.spdx.json does not list what is in the image"
	podman load -q -i "$lab/one/$name.tar" >/dev/null || fail "podman does not load $name.tar"
	[ "$(podman inspect --format '{{ index .Config.Labels "org.opencontainers.image.title" }}' "localhost/$name:test")" = "$name" ] || fail "$name has no labels"
done
[ "$(podman inspect --format '{{ .Config.User }}' localhost/mews-collector:test)" = 65532 ] || fail "the collector's image runs as root"

lab_pki n1
lab_port
listen=tls+tcp://127.0.0.1:$port
mkdir "$lab/state" "$lab/keys"
cp "$lab/pki"/{ca.pem,collector-mews-collector.pem,collector-mews-collector.key,node-n1.pem,node-n1.key} "$lab/keys/"
chown -R 65532 "$lab/state" "$lab/keys/collector-mews-collector.key"
chmod 711 "$lab"
common=(--network host --read-only --cap-drop ALL --security-opt no-new-privileges -v "$lab/keys:/keys:ro")
podman run -d --name collector "${common[@]}" -v "$lab/state:/state" localhost/mews-collector:test \
	-o "listen=$listen" -o http.socket=/state/api.sock -o cluster=lab -o rules=/usr/share/mews/rules -o outbox.path=/state/outbox.db \
	-o tls.ca=/keys/ca.pem -o tls.certificate=/keys/collector-mews-collector.pem -o tls.key=/keys/collector-mews-collector.key >/dev/null ||
	fail "the collector's container does not start"
ctl() { podman exec collector /usr/bin/mewsctl "$@" --collector unix:/state/api.sock; }
ready() { ctl status --json | jq -e .collector; }
lab_wait 60 ready || fail "the collector in its container does not answer"

caps=(--cap-add BPF --cap-add PERFMON --cap-add DAC_READ_SEARCH --cap-add SYS_PTRACE)
to=(-o "collector=$listen" -o node=n1 -o cluster=lab -o tls.server_name=mews-collector -o tls.ca=/keys/ca.pem -o tls.certificate=/keys/node-n1.pem -o tls.key=/keys/node-n1.key)
sensor() { podman run "${common[@]}" "$@"; }
# lacks SENTENCE OPTION...: the container ends with exit code 4 and that sentence, and no other.
lacks() {
	local got=0
	sensor --rm "${@:2}" localhost/mews-sensor:test "${to[@]}" -o host_root=/host >"$lab/lacks.log" 2>&1 || got=$?
	[ "$got" = 4 ] || fail "without what it needs the sensor exits with $got: $(cat "$lab/lacks.log")"
	{ [ "$(grep -c ' error: ' "$lab/lacks.log")" = 1 ] && grep -q "$1" "$lab/lacks.log"; } || fail "not '$1', but: $(cat "$lab/lacks.log")"
}
lacks 'capturing needs CAP_BPF' --pid=host -v /:/host:ro
lacks "initial pid namespace: run it on the host, or with hostPID" "${caps[@]}" -v /:/host:ro
lacks 'its seccomp profile must allow' "${caps[@]}" --pid=host -v /:/host:ro

sensor -d --name sensor "${caps[@]}" --security-opt seccomp=unconfined --pid=host -v /:/host:ro localhost/mews-sensor:test "${to[@]}" -o host_root=/host >/dev/null ||
	fail "the sensor's container does not start"
connected() { ctl status --json | jq -e '.sensors[] | select(.node == "n1" and .connected)'; }
lab_wait 60 connected || fail "the sensor in its container does not connect"
effective=$(awk '/^CapEff/ { print $2 }' "/proc/$(podman inspect --format '{{ .State.Pid }}' sensor)/status")
head -c 1 /etc/shadow >/dev/null
alert() { ctl alerts -n all --rule 'Sensitive file read' --json | jq -e 'select(.output_fields."proc.name" == "head" and .output_fields."container.id" == "host")'; }
lab_wait 30 alert || fail "a deed on the host raises no alert"
podman stop -t 20 sensor >/dev/null
! podman logs sensor 2>&1 | grep 'are lost' || fail "the sensor's stop loses something"
echo "sensor $(stat -c %s "$lab/one/mews-sensor.tar") bytes, collector $(stat -c %s "$lab/one/mews-collector.tar") bytes, the sensor's capabilities $effective: an alert of the host"
