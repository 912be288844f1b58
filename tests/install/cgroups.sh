# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# cgroups.sh - the installed packages under Debian's kernels, with cgroup v1, hybrid and v2, and containers.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
machine=$lab/machine-cgroups
machine_make
mkdir "$machine/var/packages"
cp "$lab"/packages/mews-{sensor,collector,ctl,rules}_*.deb "$machine/var/packages/"
machine_boot
inside sh -c 'apt-get update && apt-get -y --no-install-recommends install runc /var/packages/*.deb' >"$lab/apt.log" 2>&1 || fail "the packages cannot be installed"
machine_off
rm -r "$machine/var/packages"
guest_disk 1500M "$here/cgroups_deed.sh"

v1='systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1'
hybrid='systemd.unified_cgroup_hierarchy=0'
# under KERNEL CGROUPS [OPTION...]: a guest, and what has to come of it.
under() {
	guest "$1" 300 "${@:3}"
	check "kernel $1, cgroup $2: it is" said "kernel .*, cgroup $2\$"
	check "... the sensor connects" said 'connected: active active'
	check "... a deed has its alert" said 'machine: each deed once'
	for container in docker systemd pod; do
		check "... that of a container ($container) too, with its id and name" said "container $container: once, with id and name"
	done
	check "... no warning" said 'warnings 0'
	check "... all of it" said 'finished'
}
# shellcheck disable=SC2086 # options
under 6.1 v1 $v1
# shellcheck disable=SC2086
under 6.1 hybrid $hybrid
under 6.1 v2
under 6.12 v2
under newest v2
rm -f "$lab/disk"
