#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [COUNT] - containers of real runtimes that do their deed as their first act and are gone:
# each alert has what the runtime itself says of the container. COUNT of each runtime (200), then as many pods (cri.sh).
#
# Needs root, podman, docker.io, containerd and runc; exit status 77 without them; for pods also what cri.sh needs.
# --install installs all of it from the distribution first.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/lab.sh"
. "$root/tests/containers/runtimes.sh"
. "$root/tests/containers/deeds.sh"
[ "${1:-}" != --install ] || {
	shift
	apt-get update -q >/dev/null
	apt-get install -qy --no-install-recommends podman docker.io containerd runc conmon busybox-static jq \
		python3-grpcio python3-protobuf containernetworking-plugins >/dev/null
}
count=${1:-200}
runtimes_need || exit 77

lab_begin
usual_at=/nowhere
trap 'code=$?; runtimes_end; rm -rf "$usual_at"; lab_end "$code"' EXIT
runtimes_begin
lab_pki n1
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<'EOF'
- rule: Check
  desc: The command of a health check.
  condition: evt.type in (execve, execveat) and proc.name = true and proc.is_container_healthcheck = true
  output: check %proc.args|%container.healthcheck|%container.name|
  priority: NOTICE
- rule: Nested
  desc: A deed in a container in a container.
  condition: evt.type in (execve, execveat) and proc.name = true and mews.container.parent exists
  output: nested %proc.args|%container.id %mews.container.parent|
  priority: NOTICE
- rule: Deed
  desc: A deed in a container.
  condition: evt.type in (execve, execveat) and proc.name = true and container.id != host
  output: >
    deed %proc.args|%container.full_id %container.name %container.image %container.image.id %container.privileged|%container.id
    %container.image.repository %container.image.tag %container.type %container.mount.dest[/tmp] %container.mount.rdwr[/tmp] %user.name
  priority: WARNING
EOF


# equal RUNTIME NAME DEED: its alert is there, and says what the runtime says.
equal() {
	local got want # of plain containers, containerd knows no image id
	lab_wait 20 deeds_have "$3" || { echo "no alert of $3"; return 1; }
	got=$(deeds "$3" | head -1 | cut -d'|' -f2)
	want=$(runtime_inspect "$1" "$2")
	[ "$got" = "$want" ] || { echo "$3: the alert has '$got', the runtime '$want'"; return 1; }
}
# whole RUNTIME DEED: nothing is missing in it.
whole() {
	local got
	got=$(deeds "$2" | head -1)
	got=${got%% container_id=*}
	case $1 in
	containerd) [[ $(cut -d'|' -f3 <<<"$got") == *" localhost/mews-box 1 containerd "* ]] ;;
	*) [[ $got == *" $1 /mnt false root" && $got != *'<NA>'* ]] ;;
	esac || { echo "$2: $got"; return 1; }
}
unexpected() { ! grep -E 'container .*(unknown|without)' "$lab/sensor-n1.log"; }

started=()
for r in "${runtimes[@]}"; do
	if runtime_start "$r"; then
		started+=("$r")
	else
		echo "$r does not run here"
	fi
done
[ ${#started[@]} -gt 0 ] || { echo "skipped: no runtime runs here"; exit 77; }

group=/sys/fs/cgroup
[ ! -d $group/unified ] || group=$group/unified
group=$group/mews-test-$$
mkdir "$group"
new_id() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
enter() { # ID ARGUMENT
	mkdir "$group/$1"
	(
		echo "$BASHPID" >"$group/$1/cgroup.procs"
		exec "$box/root/bin/true" "$2"
	)
	rmdir "$group/$1"
}

# Before the sensor: one whose bundle is where its runtime has it by default. The others' bundles are found with the
# snapshot, by the commands of their runtimes.
usual=$(new_id)
usual_at=/run/containers/storage/overlay-containers/$usual
mkdir -p "$usual_at/userdata"
echo '{"annotations": {"io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.container.name": "usual"}}' >"$usual_at/userdata/config.json"
mkdir "$group/$usual"
(
	echo "$BASHPID" >"$group/$usual/cgroup.procs"
	exec env PATH="$box/root/bin:$PATH" "$box/root/bin/sh" -c "while sleep 0.05; do $box/root/bin/true usual; done"
) &
usual_pid=$!
# The others: read with its snapshot.
for r in "${started[@]}"; do
	options=(-v /tmp:/mnt:ro)
	[ "$r" != containerd ] || options=()
	runtime_create "$r" before "${options[@]}" -- deeds "before-$r"
	runtime_leave "$r" before
done
lab_collector
lab_sensor n1
lab_wait 60 lab_durable n1 || fail "the snapshot is not durable"
again() {
	: >"$lab/alerts"
	sleep 1
	equal "$1" before "before-$1"
}
is "one that was there before the sensor raises alerts" lab_wait 20 deeds_have usual
nameless() { deeds usual | grep -v ' usual ' >&2; }
is "each of them has its name" not nameless
kill "$usual_pid"
wait "$usual_pid" || true
rm -r "$usual_at"
lab_wait 10 rmdir "$group/$usual" 2>/dev/null
for r in "${started[@]}"; do
	is "$r: a container that was there before the sensor" lab_wait 60 again "$r"
done

# A collector that starts with nothing: the next snapshot has them again. On a busy machine containerd does not answer in time,
# and is asked again half a minute later.
lab_stop "$collector_pid"
rm -f "$lab/outbox.db"*
lab_collector
lab_wait 60 lab_connected n1 || fail "the sensor does not come back"
for r in "${started[@]}"; do
	is "$r: the same after a restart of the collector" lab_wait 60 again "$r"
	case $r in
	podman) podman rm -f -t 0 before ;;
	docker) docker rm -f before ;;
	containerd) ctr task kill -s 9 before ;;
	esac >/dev/null 2>&1 || true
done

# Quick ones.
for r in "${started[@]}"; do
	options=(-v /tmp:/mnt:ro)
	[ "$r" != containerd ] || options=()
	for i in $(seq "$count"); do
		runtime_create "$r" "quick-$i" "${options[@]}" -- true "quick-$r-$i"
		runtime_go "$r" "quick-$i" || echo "$r did not run quick-$i"
	done
	for i in $(seq "$count"); do
		is "$r: quick-$i" equal "$r" "quick-$i" "quick-$r-$i"
		is "$r: quick-$i has all" whole "$r" "quick-$r-$i"
	done
done
case " ${started[*]} " in *' docker '*)
	runtime_create docker strong --privileged -v /tmp:/mnt:ro -- true strong
	runtime_go docker strong
	is "docker: a privileged one" equal docker strong strong
	;;
esac
for r in "${started[@]}"; do
	[ "$r" != containerd ] || continue
	runtime_create "$r" user -u 4711 -- true "user-$r"
	runtime_go "$r" user
	named() { lab_wait 20 deeds_have "$1" && [[ $(deeds "$1") == *" boxer container_id="* ]]; }
	is "$r: a user that only its own files name" named "user-$r"
done

# Health checks, as the runtimes run them; the same program without being one; what the container does itself.
for r in "${started[@]}"; do
	[ "$r" != containerd ] || continue
	options=(--health-cmd "exec /bin/true healthy-$r" --health-interval 1s)
	[ "$r" != podman ] || options=(--health-cmd "exec /bin/true healthy-$r" --health-interval disable)
	runtime_create "$r" checked "${options[@]}" -- deeds "own-$r"
	runtime_leave "$r" checked
	[ "$r" != podman ] || podman healthcheck run checked >/dev/null
	"$r" exec checked /bin/true "other-$r"
	is "$r: a health check" lab_wait 20 said Check "check healthy-$r|/bin/sh -c exec /bin/true healthy-$r|checked|"
	is "$r: a command of somebody" lab_wait 20 deeds_have "other-$r"
	is "$r: it is no health check" not said Check "check other-$r|"
	is "$r: nor what the container does" not said Check "check own-$r|"
	"$r" rm -f checked >/dev/null 2>&1 || true
done
is "the sensor has nothing to report" unexpected

# The deed is the very first act in its control group, with nothing of a runtime before it: files as
# podman writes them, and a process that enters and begins at once.
store=$lab/store/overlay-containers
ids=()
for i in $(seq 20); do
	ids+=("$(new_id)")
	mkdir -p "$store/${ids[-1]}/userdata"
	echo '{"annotations": {"io.container.manager": "libpod"}}' >"$store/${ids[-1]}/userdata/config.json"
done
printf '%s\n' "${ids[@]}" | jq -nR '[inputs] | to_entries | map({id: .value, names: ["first-\(.key + 1)"]})' >"$store/containers.json"
for i in $(seq 20); do
	/bin/true create --bundle "$store/${ids[i - 1]}/userdata" "${ids[i - 1]}"
	enter "${ids[i - 1]}" "first-$i"
done
first_named() { lab_wait 20 deeds_have "$1" && [[ $(deeds "$1") == *" $1 "* ]]; }
for i in $(seq 20); do is "the first act in a control group, $i" first_named "first-$i"; done

# A container in a container, as docker in docker and kind have them.
outer=$(new_id) inner=$(new_id)
mkdir -p "$group/$outer/docker"
enter "$outer/docker/$inner" nested-1
rmdir "$group/$outer/docker" "$group/$outer"
is "a container in a container" lab_wait 20 said Nested "nested nested-1|${inner:0:12} ${outer:0:12}|"

# A containerd that does not answer: its containers are reported without what only it tells, and none is late.
hung=$lab/hung late=$(lab_metric mews_node_containers_late_total)
mkdir "$hung"
perl -MSocket -e 'socket(L, PF_UNIX, SOCK_STREAM, 0); bind(L, pack_sockaddr_un(shift)) or die; listen(L, 5); sleep 1000' "$hung/containerd.sock" &
lab_pids+=("$!")
lab_wait 20 test -S "$hung/containerd.sock"
for i in 1 2 3; do
	id=$(new_id)
	bundle=$hung/io.containerd.runtime.v2.task/default/$id
	mkdir -p "$bundle"
	echo '{}' >"$bundle/config.json"
	/bin/true create --bundle "$bundle" "$id"
	enter "$id" "hung-$i"
	is "a containerd that hangs, $i" lab_wait 20 deeds_have "hung-$i"
done
none_late() { [ "$(lab_metric mews_node_containers_late_total)" = "$late" ]; }
is "it makes nothing late" none_late

# Hostile bundles: 64 MB, a list in a list a million times, a link out of the bundle. Each is refused with a sentence, the
# process in it is seen all the same, and nothing is late.
refused() { grep -q "evil-$1/config.json $2" "$lab/sensor-n1.log"; }
for kind in large deep link; do
	id=$(new_id)
	mkdir "$lab/evil-$kind"
	case $kind in
	large) truncate -s 64M "$lab/evil-$kind/config.json" && why='is larger than 8 MiB' ;;
	deep) head -c 1000000 /dev/zero | tr '\0' '[' >"$lab/evil-$kind/config.json" && why='is no valid JSON' ;;
	link) ln -s ../rules.yaml "$lab/evil-$kind/config.json" && why='is a link' ;;
	esac
	/bin/true create --bundle "$lab/evil-$kind" "$id"
	enter "$id" "evil-$kind"
	is "a hostile bundle is refused: $kind" lab_wait 20 refused "$kind" "$why"
	is "its process raises its alert: $kind" lab_wait 20 deeds_have "evil-$kind"
done
rmdir "$group"
is "hostile bundles make nothing late" none_late
r=${started[0]}
runtime_create "$r" after -v /tmp:/mnt:ro -- true after
runtime_go "$r" after
is "$r: one after that" equal "$r" after after


# Pods, in a lab of their own.
lab_stop "$sensor_pid"
lab_stop "$collector_pid"
runtimes_end
code=0
"$root/tests/containers/cri.sh" "$count" >"$lab/cri.out" || code=$?
grep -v ' passed, ' "$lab/cri.out" || true
if [ "$code" != 77 ]; then
	read -r p _ f _ <<<"$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$lab/cri.out" || echo '0 passed, 1 failed')"
	passed=$((passed + p)) failed=$((failed + f))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
