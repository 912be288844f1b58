#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real ordinary work on a machine raises nothing above Notice. The work is the list of
# ordinary_deeds.sh; it runs on a copy of this machine (an overlay in a separate mount and pid
# namespace), which is discarded: no user, package, key or log of this machine is touched.
. "$(dirname "$0")/../support/lab.sh"
lab_begin

# Make the copy of the machine. Its changes are on a separate file system, since no layer of an
# overlay may contain another; containers' images too, since an overlay cannot be an upper layer.
copy=$lab/copy
truncate -s 6G "$lab/disk"
mke2fs -q -t ext4 -F "$lab/disk"
mkdir "$copy"
mount -o loop "$lab/disk" "$copy" || { echo "no loop device here"; exit 77; }
mkdir "$copy"/{changes,work,root,containers}
cp "$root/tests/e2e/ordinary_deeds.sh" "$lab/deeds.sh"

# Remove podman's control groups, which belong to the machine.
remove_groups() { find /sys/fs/cgroup -depth -path '*/libpod_parent*' -type d -exec rmdir {} + 2>/dev/null || true; }

# run_on_copy FUNCTION: run a function of ordinary_deeds.sh on the copy.
run_on_copy() {
	unshare -m -p -f --kill-child --propagation private bash -c '
		set -e
		mount -t overlay copy -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
		cd "$1/root"
		mount -t tmpfs -o mode=755 dev dev
		for device in null zero full random urandom tty; do
			: >"dev/$device"
			mount --bind "/dev/$device" "dev/$device"
		done
		mkdir dev/pts dev/shm
		mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts dev/pts
		mount -t tmpfs shm dev/shm
		ln -s pts/ptmx dev/ptmx
		ln -s /proc/self/fd dev/fd
		mount --rbind /sys sys
		mount -t proc proc proc
		mount -t tmpfs run run
		mount -t tmpfs tmp tmp
		mkdir -p var/lib/containers .outside
		mount --bind "$1/containers" var/lib/containers
		cp "$2" tmp/deeds.sh
		pivot_root . .outside
		umount -l /.outside
		exec bash /tmp/deeds.sh "$3"' - "$copy" "$lab/deeds.sh" "$1"
}

run_on_copy prepare >"$lab/prepare.log" 2>&1 || fail "the packages that the work needs could not be installed: see prepare.log"

lab_pki n1
lab_collector -o rule.matching=all
lab_sensor n1
groups=$(find /sys/fs/cgroup -maxdepth 2 -name libpod_parent | wc -l)
run_on_copy work >"$lab/work.log" 2>&1 || fail "the work does not run here: see the last lines of work.log"
[ "$groups" != 0 ] || remove_groups
run_on_copy control >/dev/null 2>&1 || fail "the control does not run here"
lab_wait 30 lab_alert 'Sensitive file read' '.output_fields["proc.name"] == "head"' || fail "the control is not noticed"

jq -r 'select(.output_fields["proc.name"] != "head") | "\(.priority): \(.rule)"' "$lab/alerts" | sort | uniq -c
lost=$(lab_metric mews_collector_loss_windows_total)
[ "$lost" = 0 ] || fail "events were lost: the test has seen only a part"
loud=$(jq -r 'select(.priority | IN("Notice", "Informational", "Debug") | not) | select(.output_fields["proc.name"] != "head") | .output' "$lab/alerts")
[ -z "$loud" ] || fail "raised by ordinary work: $loud"
