#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# runtimes.sh - real container runtimes in a scratch folder, for scripts that source it after lab.sh.
#
#	runtimes_need || exit 77
#	runtimes_begin
#	runtime_start docker; runtime_create docker NAME OPTION... -- COMMAND...; runtime_go docker NAME
#
# Images are made of busybox here, so no registry is needed. Everything, also the containers, is
# removed by runtimes_end.
# shellcheck disable=SC2154,SC2034 # $lab is lab.sh's; the list is for scripts that source this

runtimes=(podman docker containerd)

# A hard limit of descriptors lower than the runtimes ask for, and rights that root does not have:
# both are so on a machine that is a container itself.
limit() { prlimit --output HARD --noheadings "--$1" | tr -d ' '; }

runtimes_need() {
	local missing=()
	command -v podman >/dev/null || missing+=(podman)
	command -v dockerd >/dev/null || missing+=(docker.io)
	command -v containerd >/dev/null || missing+=(containerd)
	command -v runc >/dev/null || missing+=(runc)
	[ -x /bin/busybox ] || missing+=(busybox-static)
	[ ${#missing[@]} = 0 ] || { echo "skipped: install ${missing[*]}"; return 1; }
}

# A root file system as a tar archive, and an image with labels of its own from it.
make_image() {
	local root=$box/root link
	mkdir -p "$root/bin" "$root/etc" "$root/tmp"
	cp /bin/busybox "$root/bin/"
	for link in sh sleep true cat ls id; do ln -s busybox "$root/bin/$link"; done
	ln -s usr/lib "$root/lib" # for a container that has the machine's /usr
	ln -s usr/lib64 "$root/lib64"
	printf '#!/bin/sh\nwhile sleep 0.2; do /bin/true "$1"; done\n' >"$root/bin/deeds"
	chmod +x "$root/bin/deeds"
	printf 'root:x:0:0:root:/root:/bin/sh\nboxer:x:4711:0:::\n' >"$root/etc/passwd"
	tar -C "$root" -cf "$box/root.tar" .
}

# An archive as 'docker save' makes it, of one layer: for those that cannot make an image of a tar.
pack_image() { # NAME:TAG OUT [COMMAND as JSON]
	local layer config command=${3:-}
	[ -n "$command" ] || command='["/bin/sh"]'
	layer=$(sha256sum "$box/root.tar" | cut -d' ' -f1)
	rm -rf "$box/archive"
	mkdir -p "$box/archive/$layer"
	cp "$box/root.tar" "$box/archive/$layer/layer.tar"
	jq -cn --arg d "sha256:$layer" --argjson c "$command" '{architecture: "amd64", os: "linux", created: "2024-01-01T00:00:00Z",
		config: {Cmd: $c, Env: ["PATH=/bin"]}, rootfs: {type: "layers", diff_ids: [$d]}}' >"$box/config.json"
	config=$(sha256sum "$box/config.json" | cut -d' ' -f1)
	mv "$box/config.json" "$box/archive/$config.json"
	jq -cn --arg c "$config.json" --arg n "$1" --arg l "$layer/layer.tar" '[{Config: $c, RepoTags: [$n], Layers: [$l]}]' >"$box/archive/manifest.json"
	tar -C "$box/archive" -cf "$2" .
}

# runc without the rights that this root does not have.
make_runc() {
	cat >"$box/runc" <<-'EOF'
		#!/bin/sh
		bundle= last=
		for word in "$@"; do
			case $last in --bundle | -b) bundle=$word ;; esac
			last=$word
		done
		[ -z "$bundle" ] || [ ! -f "$bundle/config.json" ] ||
			sed -i -e 's/"CAP_SYS_RESOURCE",//g' -e 's/,"CAP_SYS_RESOURCE"//g' "$bundle/config.json"
		exec runc "$@"
	EOF
	chmod +x "$box/runc"
}

runtimes_begin() {
	box=$lab/box
	mkdir "$box"
	make_image
	make_runc
}

start_podman() {
	mkdir -p "$box/podman"
	cat >"$box/storage.conf" <<-EOF
		[storage]
		driver = "overlay"
		runroot = "$box/podman/run"
		graphroot = "$box/podman/graph"
	EOF
	cat >"$box/containers.conf" <<-EOF
		[containers]
		default_ulimits = ["nofile=$(limit nofile):$(limit nofile)", "nproc=32768:32768"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		lock_type = "file"
		runtime = "runc"
		tmp_dir = "$box/podman/tmp"
	EOF
	export CONTAINERS_STORAGE_CONF=$box/storage.conf CONTAINERS_CONF=$box/containers.conf
	podman import -q "$box/root.tar" localhost/mews-box:1 >/dev/null
}

start_docker() {
	mkdir -p "$box/docker"
	jq -n --arg d "$box/docker" --arg runc "$box/runc" '{"data-root": ($d + "/data"), "exec-root": ($d + "/exec"),
		pidfile: ($d + "/pid"), hosts: ["unix://" + $d + "/sock"], bridge: "none", iptables: false, ip6tables: false,
		"ip-forward": false, "exec-opts": ["native.cgroupdriver=cgroupfs"],
		runtimes: {plain: {path: $runc}}, "default-runtime": "plain"}' >"$box/docker.json"
	dockerd --config-file "$box/docker.json" >"$lab/dockerd.log" 2>&1 &
	lab_pids+=("$!")
	export DOCKER_HOST=unix://$box/docker/sock
	lab_wait 60 docker version || return 1
	docker import "$box/root.tar" mews-box:1 >/dev/null
}

start_containerd() {
	local d=$box/containerd
	mkdir -p "$d"
	cat >"$box/containerd.toml" <<-EOF
		version = 2
		root = "$d/root"
		state = "$d"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		  address = "$d/containerd.sock"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$d/opt"
	EOF
	containerd -c "$box/containerd.toml" >"$lab/containerd.log" 2>&1 &
	lab_pids+=("$!")
	export CONTAINERD_ADDRESS=$d/containerd.sock
	lab_wait 60 ctr version || return 1
	pack_image localhost/mews-box:1 "$box/image.tar"
	ctr image import "$box/image.tar" >/dev/null
}

runtime_start() { "start_$1"; }

# runtime_create RUNTIME NAME [OPTION]... -- COMMAND...: it does not run yet.
runtime_create() {
	local runtime=$1 name=$2 options=()
	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	case $runtime in
	podman) podman create -q --name "$name" --network none "${options[@]}" localhost/mews-box:1 "$@" ;;
	docker) docker create --name "$name" --network none "${options[@]}" mews-box:1 "$@" ;;
	containerd) ctr container create "${options[@]}" localhost/mews-box:1 "$name" "$@" ;;
	esac >/dev/null
}

# Start it, and wait for its end if it ends soon.
runtime_go() {
	case $1 in
	podman) podman start -a "$2" ;;
	docker) docker start -a "$2" ;;
	containerd) ctr task start "$2" ;;
	esac </dev/null >/dev/null 2>&1
}

# Start it and leave it running.
runtime_leave() {
	case $1 in
	podman) podman start "$2" ;;
	docker) docker start "$2" ;;
	containerd) ctr task start -d "$2" ;;
	esac </dev/null >/dev/null 2>&1
}

# What the runtime itself says of a container, as one line: id, name, repository:tag, image id, privileged.
runtime_inspect() {
	case $1 in
	podman) podman inspect "$2" | jq -r '.[0] | [.Id, .Name, .ImageName, .Image, .HostConfig.Privileged] | map(tostring) | join(" ")' ;;
	docker) docker inspect "$2" | jq -r '.[0] | [.Id, (.Name | ltrimstr("/")), .Config.Image, (.Image | ltrimstr("sha256:")), .HostConfig.Privileged] | map(tostring) | join(" ")' ;;
	containerd) ctr container info "$2" | jq -r '[.ID, .ID, .Image, "<NA>", false] | map(tostring) | join(" ")' ;;
	esac
}

runtimes_end() {
	local name
	if [ -n "${CONTAINERS_CONF:-}" ]; then
		podman rm -af -t 0 >/dev/null 2>&1 || true
		podman system reset -f >/dev/null 2>&1 || true
	fi
	[ -z "${DOCKER_HOST:-}" ] || docker ps -aq | xargs -r docker rm -f >/dev/null 2>&1 || true
	if [ -n "${CONTAINERD_ADDRESS:-}" ]; then
		for name in $(ctr task ls -q 2>/dev/null); do ctr task kill -s 9 "$name" >/dev/null 2>&1 || true; done
		for name in $(ctr container ls -q 2>/dev/null); do
			ctr task delete -f "$name" >/dev/null 2>&1 || true
			ctr container delete "$name" >/dev/null 2>&1 || true
		done
	fi
}
