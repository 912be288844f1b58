#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# systemd.sh [COUNT [RELEASE]] - runtimes that leave control groups to systemd, in a machine that has one (systemd-nspawn,
# control groups v2 only): a user's own podman (rootless), root's podman and docker with the systemd driver. Containers do
# their deed as their first act and are gone; each alert has what the runtime itself says of the container. COUNT of
# each (20). RELEASE: Debian's, this machine's by default (12: podman 4; 13: podman 5).
#
# Needs root, systemd-nspawn, debootstrap, and Debian's archive; exit status 77 without.
# shellcheck disable=SC2154 # variables of lab.sh and the others
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/lab.sh"
. "$root/tests/containers/runtimes.sh"
. "$root/tests/containers/deeds.sh"
count=${1:-20}
release=${2:-$(. /etc/os-release && echo "${VERSION_ID:-}")}
case $release in 12 | 13) ;; *) release=12 ;; esac
skip() {
	echo "skipped: $*"
	exit 77
}
[ "$(id -u)" = 0 ] || skip 'needs root'
for tool in systemd-nspawn debootstrap jq; do command -v "$tool" >/dev/null || skip "install ${tool/systemd-nspawn/systemd-container}"; done

lab_begin
. "$root/tests/install/machine.sh"
machine_make

# The machine has no library of Mews: it gets those of this one, but its own C library.
mkdir "$lab/lib" "$lab/pki" "$lab/share"
ldd "$bin/mews-sensor" | awk '$3 ~ /^\// { print $3 }' | grep -vE '/(libc|libm|ld-linux[^/]*|libpthread|libdl|librt|libresolv)\.so' | xargs cp -Lt "$lab/lib"
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
machine_boot --system-call-filter=@keyring --bind-ro="$bin" --bind-ro="$lab/lib" --bind-ro="$lab/pki" --bind-ro="$lab/share"

box=$lab/box
mkdir "$box"
make_image
cp "$box/root.tar" "$lab/share/root.tar"
cat >"$lab/share/podman.conf" <<'EOF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=32768:32768"]
pids_limit = 0
[engine]
cgroup_manager = "systemd"
events_logger = "file"
runtime = "runc"
EOF
# Daemons are not started before their units fit a machine without all rights.
printf '#!/bin/sh\nexit 101\n' >"$machine/usr/sbin/policy-rc.d"
chmod +x "$machine/usr/sbin/policy-rc.d"
packages='podman runc conmon uidmap dbus dbus-user-session libpam-systemd docker.io containerd'
[ "$release" = 12 ] || packages+=' docker-cli'
inside sh -c "apt-get update -q && apt-get install -qy --no-install-recommends $packages" >"$lab/apt.log" 2>&1 || fail 'the runtimes cannot be installed'
for unit in docker containerd; do
	mkdir -p "$machine/etc/systemd/system/$unit.service.d"
	printf '[Service]\nLimitNOFILE=\nLimitNPROC=\nLimitCORE=\nOOMScoreAdjust=0\n' >"$machine/etc/systemd/system/$unit.service.d/lab.conf"
done
mkdir -p "$machine/etc/docker"
echo '{"bridge": "none", "iptables": false, "ip6tables": false, "ip-forward": false, "exec-opts": ["native.cgroupdriver=systemd"]}' >"$machine/etc/docker/daemon.json"
inside systemctl daemon-reload
inside systemctl start dbus systemd-logind
inside useradd -m -u 4800 owner
inside loginctl enable-linger owner
lab_wait 30 inside test -S /run/user/4800/bus || fail "the user's systemd does not come up"

as_owner() {
	inside setpriv --reuid owner --regid owner --init-groups env HOME=/home/owner XDG_RUNTIME_DIR=/run/user/4800 \
		DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/4800/bus CONTAINERS_CONF="$lab/share/podman.conf" "$@"
}
as_root() { inside env CONTAINERS_CONF="$lab/share/podman.conf" "$@"; }

# tool RUNTIME ARGUMENT...: the runtime's command.
tool() {
	local runtime=$1
	shift
	case $runtime in
	rootless) as_owner podman "$@" ;;
	podman) as_root podman "$@" ;;
	docker) as_root docker "$@" ;;
	esac
}
image_of() { case $1 in docker) echo mews-box:1 ;; *) echo localhost/mews-box:1 ;; esac }
begin() { # RUNTIME: with its image
	if [ "$1" = docker ]; then
		inside systemctl start containerd docker
		tool docker import "$lab/share/root.tar" mews-box:1
	else
		tool "$1" import -q "$lab/share/root.tar" localhost/mews-box:1
	fi && tool "$1" run --rm --network none "$(image_of "$1")" true
}
started=()
for r in rootless podman docker; do
	if begin "$r" >"$lab/$r.log" 2>&1; then
		started+=("$r")
	else
		echo "$r does not run here: $(tail -n 1 "$lab/$r.log")"
	fi
done
[ ${#started[@]} -gt 0 ] || skip 'no runtime runs here'

lab_pki n1
lab_rules=$lab/rules.yaml
cat >"$lab_rules" <<'EOF'
- rule: Check
  desc: The command of a health check.
  condition: evt.type in (execve, execveat) and proc.name = true and proc.is_container_healthcheck = true
  output: check %proc.args|%container.name|
  priority: NOTICE
- rule: Deed
  desc: A deed in a container.
  condition: evt.type in (execve, execveat) and proc.name = true and container.id != host
  output: >
    deed %proc.args|%container.full_id %container.name %container.image %container.image.id|%container.id
    %container.image.repository %container.image.tag %container.type %user.name %mews.container.rootless %container.label[made.by]|
  priority: WARNING
EOF
# The sensor is the machine's: it sees its folders and mounts, but all processes.
# shellcheck disable=SC2016 # for the shell in there
lab_sensor_by=(nsenter -t "$leader" --mount unshare --mount --propagation slave env "LD_LIBRARY_PATH=$lab/lib" sh -c
	'mount -t proc proc /proc && { mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; } && exec "$0" "$@"')
tool rootless run -d --name before --network none --label 'made.by=a lab' localhost/mews-box:1 deeds before-rootless >/dev/null || true
# shellcheck disable=SC2119 # it has no arguments of this script
lab_collector
lab_sensor n1

inspect() {
	case $1 in
	docker) tool docker inspect "$2" | jq -r '.[0] | [.Id, (.Name | ltrimstr("/")), .Config.Image, (.Image | ltrimstr("sha256:"))] | join(" ")' ;;
	*) tool "$1" inspect "$2" | jq -r '.[0] | [.Id, .Name, .ImageName, .Image] | join(" ")' ;;
	esac
}
# equal RUNTIME NAME DEED USER: its first alert is there, and says what the runtime says.
equal() {
	local got want repository=localhost/mews-box type=podman rootless=false
	lab_wait 20 deeds_have "$3" || { echo "no alert of $3"; return 1; }
	case $1 in
	docker) repository=mews-box type=docker ;;
	rootless) rootless=true ;;
	esac
	got=$(deeds "$3" | head -1)
	want=$(inspect "$1" "$2")
	want="deed $3|$want|${want:0:12} $repository 1 $type $4 $rootless a lab|"
	[[ $got == "$want"* ]] || { printf '%s has\n  %s, not\n  %s\n' "$3" "$got" "$want"; return 1; }
}
run() { # RUNTIME NAME DEED OPTION...
	local r=$1 name=$2 deed=$3
	shift 3
	tool "$r" run --name "$name" --network none --label 'made.by=a lab' "$@" "$(image_of "$r")" true "$deed" >/dev/null 2>>"$lab/$r.log" || echo "$r did not run $name"
}

case " ${started[*]} " in *' rootless '*)
	lab_wait 60 lab_durable n1 || fail 'the snapshot is not durable'
	: >"$lab/alerts"
	is 'rootless: one that was there before the sensor' equal rootless before before-rootless root
	tool rootless rm -f -t 0 before >/dev/null
	;;
esac
for r in "${started[@]}"; do
	for i in $(seq "$count"); do run "$r" "quick-$i" "quick-$r-$i"; done
	for i in $(seq "$count"); do is "$r: quick-$i" equal "$r" "quick-$i" "quick-$r-$i" root; done
	run "$r" user "user-$r" -u 4711
	is "$r: a user that only its own files name" equal "$r" user "user-$r" boxer
done
case " ${started[*]} " in *' rootless '*)
	run rootless keep keep-rootless --userns=keep-id -u 4711
	is 'rootless: a user in a namespace of its own' equal rootless keep keep-rootless boxer
	;;
esac
for r in "${started[@]}"; do
	[ "$r" != docker ] || continue
	tool "$r" run -d --name checked --network none --health-cmd "exec /bin/true healthy-$r" --health-interval disable "$(image_of "$r")" deeds "own-$r" >/dev/null
	tool "$r" healthcheck run checked >/dev/null
	tool "$r" exec checked /bin/true "other-$r"
	is "$r: a health check" lab_wait 20 said Check "check healthy-$r|checked|"
	is "$r: a command of somebody" lab_wait 20 deeds_have "other-$r"
	is "$r: it is no health check" not said Check "check other-$r|"
	tool "$r" rm -f -t 0 checked >/dev/null
done
unexpected() { ! grep -E 'container .*(unknown|without|slow)' "$lab/sensor-n1.log"; }
is 'the sensor has nothing to report' unexpected
is 'none is late' [ "$(lab_metric mews_node_containers_late_total)" = 0 ]

lab_stop "$sensor_pid"
lab_stop "$collector_pid"
machine_off
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
