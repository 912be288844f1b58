#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cgroups_deed.sh - in a machine of cgroups.sh: which cgroups are there, a deed, and one in a container of runc
# for each place where a runtime puts its containers; print what came of it.
# shellcheck disable=SC2154 # in_guest.sh sets them
. /var/in_guest.sh
cgroups() {
	case $(stat -fc %T /sys/fs/cgroup) in
	cgroup2fs) echo v2 ;;
	*) [ -e /sys/fs/cgroup/unified/cgroup.procs ] && echo hybrid || echo v1 ;;
	esac
}
echo "kernel $(uname -r), cgroup $(cgroups)"
wait_for 90 connected && echo "connected: $(systemctl is-active mews-sensor mews-collector | tr '\n' ' ')"
deed
once machine

# A container's id is 64 hexadecimal digits.
id_of() { sha256sum <<<"$1" | cut -d' ' -f1; }
# bundle NAME CGROUPS_PATH: a system of busybox that reads its /etc/shadow, and what docker writes about a container
bundle() {
	local id at
	id=$(id_of "$1")
	at=/run/containerd/io.containerd.runtime.v2.task/moby/$id
	mkdir -p "$at/rootfs"/{bin,etc,proc,dev}
	cp /bin/busybox "$at/rootfs/bin/"
	for name in sh cat sleep; do ln -s busybox "$at/rootfs/bin/$name"; done
	cp /etc/shadow "$at/rootfs/etc/"
	: >"$at/rootfs/$1"
	(
		cd "$at" || exit
		runc spec
		sed -i -e 's/"terminal": true/"terminal": false/' -e "s|\"args\": \\[|&\"cat\", \"/etc/shadow\", \"/$1\"], \"x\": [|" \
			-e "s|\"linux\": {|&\"cgroupsPath\": \"$2\",|" config.json
	)
	mkdir -p "/var/lib/docker/containers/$id"
	cat >"/var/lib/docker/containers/$id/config.v2.json" <<-END
		{"ID": "$id", "Name": "/$1", "Image": "sha256:$(id_of image)", "Config": {"Image": "shop/$1:1", "Labels": {}, "Env": []}, "Created": "2026-01-01T00:00:00Z", "State": {"Pid": 0}}
	END
}
of_container() {
	mewsctl alerts -n all --rule 'Sensitive file read' --node machine --json | grep "\"proc.cmdline\":\"cat /etc/shadow /$1\"" |
		sed 's/.*"container.id":"\([^"]*\)".*"container.name":"\([^"]*\)".*/\1 \2/'
}
contained() { # contained NAME CGROUPS_PATH [OPTION]
	local id want found tries=1
	[ ${#by[@]} = 0 ] || tries=4 # a kernel on which events can be missed
	id=$(id_of "$1")
	bundle "$1" "${2//ID/$id}"
	want="${id:0:12} $1"
	seen() { [ -n "$(of_container "$1")" ]; }
	while [ "$tries" -gt 0 ]; do
		"${by[@]}" runc "${@:3}" run --bundle "/run/containerd/io.containerd.runtime.v2.task/moby/$id" "$id" >/run/said 2>&1 || { echo "runc: $?"; cat /run/said; return; }
		if wait_for 40 seen "$1"; then break; fi
		tries=$((tries - 1))
	done
	found=$(of_container "$1")
	[ "$found" = "$want" ] && echo "container $1: once, with id and name" || echo "container $1: '$want', but alerts have '$found'"
}
contained docker /docker/ID
contained systemd system.slice:docker:ID --systemd-cgroup
contained pod /kubepods/besteffort/pod0b0b0b0b-1111-2222-3333-444444444444/ID
journalctl -q -b _COMM=mews-sensor -p warning -o cat | grep -vE "kernel.perf_event_paranoid to 2${by:+|while a program on their CPU was preempted}" | tee /run/warnings
echo "warnings $(wc -l </run/warnings)"
echo "seconds $(cut -d' ' -f1 /proc/uptime)"
journalctl -q -b -u mews-sensor -u mews-collector
echo finished
