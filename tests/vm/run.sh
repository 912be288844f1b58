#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - run a command under one of the kernels, in a virtual machine.
#
#   run.sh [-r ROOT] [-f FILE]... [-d IMAGE [-w LOG]] [-n PORT,...] [-p FILE] [-c CPUS] [-t SECONDS] KERNEL COMMAND [ARGUMENT...]
#
#   -r ROOT      where FILEs, their libraries and a busybox are: a system with arm64's, for that kernel
#   -f FILE      copy FILE to the same path: a program with the libraries it is linked to
#   -d IMAGE     an ext4 disk at /disk, kept between runs; created if missing
#   -w LOG       record its writes and flushes, for disk_crash.py
#   -n PORT,...  a network: this machine is 10.0.2.2 there, and PORTs of its loopback interface lead into it
#   -p FILE      write QEMU's process id to FILE: kill -9 is a loss of power
#   -c CPUS      1
#   -t SECONDS   time limit: 120
#   KERNEL       a name in the file 'kernels'
#
# Prints the command's output and exits with its status: 124 if the time was over, 125 if the machine
# ended before the command did (its console follows), 77 if kernel or QEMU cannot be had. Besides FILEs
# there is a busybox; commands run as root, with all kernel file systems mounted and
# the loopback interface up. Ending run.sh ends the machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
files=() from='' image='' log='' ports='' pid_file='' cpus=1 seconds=120
while getopts r:f:d:w:n:p:c:t: option; do
	case $option in
	r) from=$(realpath "$OPTARG") ;;
	f) files+=("$OPTARG") ;;
	d) image=$OPTARG ;;
	w) log=$OPTARG ;;
	n) ports=$OPTARG ;;
	p) pid_file=$OPTARG ;;
	c) cpus=$OPTARG ;;
	t) seconds=$OPTARG ;;
	*)
		sed -n '3,21s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done
shift $((OPTIND - 1))
kernel=${1:?a kernel} command=("${@:2}")
[ ${#command[@]} -gt 0 ] || { echo 'run.sh: no command' >&2; exit 2; }

folder=$("$here/fetch.sh" kernel "$kernel")
read -r oldest _ _ package options < <(awk -v name="$kernel" '$1 == name { $1 = ""; print }' "$here/kernels")
case $package in
*-arm64)
	[ -n "$from" ] || { echo "run.sh: $kernel needs -r ROOT" >&2; exit 2; }
	arch=aarch64 hardware=(-machine virt -cpu cortex-a57) console=ttyAMA0 says=ttyS0
	says_to=(-chardev "stdio,id=says" -device "pci-serial,chardev=says")
	;;
*)
	arch=x86_64 hardware=(-cpu Haswell-v1) console=ttyS0 says=ttyS1
	says_to=(-serial stdio)
	;;
esac
qemu=$("$here/fetch.sh" qemu "$oldest" "$arch")
busybox=$(command -v busybox) || { echo 'run.sh: busybox is missing (apt-get install busybox-static)' >&2; exit 77; }

scratch=$(mktemp -d /var/tmp/mews-vm.XXXXXX)
running=''
trap '[ -z "$running" ] || { kill "$running"; wait "$running"; } 2>/dev/null || true; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$scratch/root

# real PATH: it without symbolic links, as a path below $from.
real() {
	local path
	path=$(readlink -f "$from$1")
	echo "${path#"$from"}"
}

# put FILE: copy it to its path in the machine's root, without debug information
put() {
	local real place
	place=$root$(real "$(dirname "$1")")
	real=$(real "$1")
	mkdir -p "$place" "$root$(dirname "$real")"
	if [ ! -e "$root$real" ]; then
		cp -p "$from$real" "$root$real"
		strip -g "$root$real" 2>/dev/null || true
	fi
	[ "$place/$(basename "$1")" = "$root$real" ] || ln -sf "$real" "$place/$(basename "$1")"
}

# libraries FILE: as ldd prints them
libraries() {
	if [ "$arch" = aarch64 ]; then
		echo ' => /lib/ld-linux-aarch64.so.1 (0x0)'
		"$from/usr/bin/qemu-aarch64-static" -L "$from" "$from/lib/ld-linux-aarch64.so.1" --list "$from$1"
	else
		ldd "$1"
	fi
}

put_with_libraries() {
	local library
	[ -e "$from$1" ] || { echo "run.sh: no file $from$1" >&2; exit 2; }
	put "$1"
	for library in $(libraries "$1" 2>/dev/null | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p'); do put "$library"; done
}

# The modules that the tests need, as far as they are not built in, and the order in which init loads them.
put_modules() {
	local name file
	for name in overlay virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net; do
		file=$(find "$folder/lib/modules" -name "$name.ko*" | head -n 1)
		[ -n "$file" ] || continue
		echo "$name" >>"$root/vm/modules"
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$root/vm/$name.ko"
	done
}

make_root() {
	local d name
	mkdir -p "$root"/{usr/{bin,sbin,lib,lib64},proc,sys,dev,tmp,run,etc,root,disk,var/tmp,vm}
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$root/$d"; done
	chmod 1777 "$root/tmp" "$root/var/tmp"
	cp "$here/init" "$root/init"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	for name in "${files[@]}"; do put_with_libraries "$name"; done
	put_with_libraries /bin/busybox
	for name in $("$busybox" --list); do
		[ -e "$root/bin/$name" ] || ln -s "$(real /bin/busybox)" "$root/bin/$name"
	done
	put_modules
	ln -s "/dev/$says" "$root/vm/says"
	for name in "${command[@]}"; do printf " '%s'" "${name//\'/\'\\\'\'}"; done >"$root/vm/command"
	(cd "$root" && find . | "$busybox" cpio -o -H newc) >"$scratch/initrd" 2>/dev/null
	rm -rf "$root"
}

make_root
machine=(-m 1024 -smp "$cpus" -display none -no-reboot -kernel "$folder/vmlinuz" -initrd "$scratch/initrd"
	-serial "file:$scratch/console" "${says_to[@]}" -accel tcg "${hardware[@]}"
	-append "console=$console panic=-1 rdinit=/init ${options:-}")
if [ -n "$image" ]; then
	[ -e "$image" ] || mke2fs -q -t ext4 "$image" 256M
	if [ -n "$log" ]; then
		: >"$log"
		machine+=(-blockdev "driver=blklogwrites,node-name=disk,file.driver=file,file.filename=$image,log.driver=file,log.filename=$log")
	else
		machine+=(-blockdev "driver=file,node-name=disk,filename=$image")
	fi
	machine+=(-device "nvme,drive=disk,serial=disk")
fi
network=user
for port in ${ports//,/ }; do network+=,hostfwd=tcp:127.0.0.1:$port-:$port; done
[ -n "$ports" ] || network=none
machine+=(-nic "$network${ports:+,model=virtio-net-pci}")
[ -z "$pid_file" ] || machine+=(-pidfile "$pid_file")

# The command's output arrives through the second serial port; its exit status is the last line.
mkfifo "$scratch/says"
sed -u -e "/^@status [0-9][0-9]*\$/{s/@status //;w $scratch/status" -e 'd;}' <"$scratch/says" &
reader=$!
setpriv --pdeathsig TERM timeout -k 5 "$seconds" setpriv --pdeathsig KILL "$qemu" "${machine[@]}" </dev/null >"$scratch/says" 2>"$scratch/qemu" &
running=$!
status=0
wait "$running" || status=$?
running=''
wait "$reader"
[ ! -s "$scratch/status" ] || exit "$(cat "$scratch/status")"
[ "$status" != 124 ] || { echo "run.sh: not done after $seconds s" >&2; exit 124; }
[ -n "$pid_file" ] || { echo 'run.sh: the machine ended, the command did not:'; tail -n 60 "$scratch/qemu" "$scratch/console"; } >&2
exit 125
