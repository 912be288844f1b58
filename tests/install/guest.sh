# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# guest.sh - the machine's system, which is not running, under a kernel of its own: its systemd starts
# everything, then a script; what that prints arrives in a file.
# shellcheck disable=SC2154 # run.sh and machine.sh set them

# guest_disk SIZE SCRIPT FILE...: make $lab/disk of the machine's system, with the script and files in /var.
# The system itself stays as it is.
guest_disk() {
	local unit=$machine/etc/systemd/system size=$1 script=$2 file added=()
	shift 2
	cat >"$unit/deed.service" <<-'UNIT'
		[Unit]
		After=multi-user.target
		[Service]
		Type=oneshot
		ExecStart=/bin/bash /var/deed.sh
		ExecStopPost=/usr/bin/systemctl --no-block poweroff --force
		StandardOutput=file:/dev/ttyS1
		StandardError=file:/dev/ttyS1
		TimeoutStartSec=430
		[Install]
		WantedBy=graphical.target
	UNIT
	mkdir -p "$unit/graphical.target.wants"
	ln -s ../deed.service "$unit/graphical.target.wants/"
	ln -sf /lib/systemd/system/graphical.target "$unit/default.target"
	cp "$script" "$machine/var/deed.sh"
	for file in "$here/in_guest.sh" "$@"; do
		cp "$file" "$machine/var/"
		added+=("$machine/var/${file##*/}")
	done
	mke2fs -q -t ext4 -d "$machine" "$lab/disk" "$size" >"$lab/mke2fs.log" 2>&1 || fail "no disk"
	rm -r "$unit"/{deed.service,default.target,graphical.target.wants} "$machine/var/deed.sh" "${added[@]}"
}

# guest_start KERNEL SECONDS OPTION...: boot it with these options of the kernel, until it turns itself off.
guest_start() {
	local folder oldest qemu
	folder=$("$root/tests/vm/fetch.sh" kernel "$1") || skip 'no kernel'
	read -r _ oldest _ < <(awk -v name="$1" '$1 == name' "$root/tests/vm/kernels")
	qemu=$("$root/tests/vm/fetch.sh" qemu "$oldest") || skip 'no QEMU'
	: >"$lab/deed.out"
	timeout "$2" "$qemu" -m 1024 -smp 2 -display none -no-reboot -nic none -accel tcg -cpu Haswell-v1 -snapshot \
		-kernel "$folder/vmlinuz" -append "console=ttyS0 root=/dev/nvme0n1 rw panic=-1 systemd.mask=serial-getty@ttyS0.service ${*:3}" \
		-drive "file=$lab/disk,format=raw,if=none,id=disk" -device nvme,drive=disk,serial=disk \
		-serial "file:$lab/kernel.console.log" -serial "file:$lab/deed.out" </dev/null >"$lab/qemu.log" 2>&1 &
	lab_pids+=("$!")
	wait "$!"
}

# guest KERNEL SECONDS OPTION...: the same; what the script has printed is in $lab/deed.out. Without hardware
# virtualization one guest in hundreds stands still: that one is started once more.
guest() {
	shown=no
	if ! guest_start "$@"; then
		echo "the guest stood still; once more. Its console, then what it said:"
		tail -n 40 "$lab/kernel.console.log" "$lab/deed.out"
		guest_start "$@" || true
	fi
	sed -i 's/\r$//' "$lab/deed.out" # of the serial line
}

# said PATTERN: did the script print that line? If not, all that it printed is shown, once.
said() {
	grep -qE "^$1" "$lab/deed.out" && return
	[ "$shown" = yes ] || cat "$lab/deed.out"
	shown=yes
	return 1
}
