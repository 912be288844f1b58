# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# kernel.sh - the installed system under a kernel of its own, so that its sensor sees the whole machine: a
# real deed, from the units that the packages enabled to the alert.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
machine_off
cat >"$machine/etc/systemd/system/deed.service" <<'EOF2'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /var/deed.sh
ExecStopPost=/usr/bin/systemctl --no-block poweroff --force
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
TimeoutStartSec=240
[Install]
WantedBy=graphical.target
EOF2
mkdir -p "$machine/etc/systemd/system/graphical.target.wants"
ln -s ../deed.service "$machine/etc/systemd/system/graphical.target.wants/"
cp "$here/deed.sh" "$lab/fleet" "$machine/var/"
mkdir "$lab/newest"
newer "$lab"/newer/mews-sensor_*.deb "$lab/newest"
cp "$lab"/newest/mews-sensor_*.deb "$machine/var/newer.deb"
echo '127.0.0.1 collector.example' >>"$machine/etc/hosts"
ln -sf /lib/systemd/system/graphical.target "$machine/etc/systemd/system/default.target"
mke2fs -q -t ext4 -d "$machine" "$lab/disk" 1500M
rm -r "$machine"/etc/systemd/system/{deed.service,default.target,graphical.target.wants} "$machine"/var/{deed.sh,fleet,newer.deb}

folder=$("$root/tests/vm/fetch.sh" kernel 6.1) || skip 'no kernel'
qemu=$("$root/tests/vm/fetch.sh" qemu 7.2) || skip 'no QEMU'
boot() { # until the guest turns itself off; without hardware virtualization one in hundreds stands still
	timeout 250 "$qemu" -m 1024 -smp 2 -display none -no-reboot -nic none -accel tcg -cpu Haswell-v1 -snapshot \
		-kernel "$folder/vmlinuz" -append 'console=ttyS0 root=/dev/nvme0n1 rw panic=-1 systemd.mask=serial-getty@ttyS0.service' \
		-drive "file=$lab/disk,format=raw,if=none,id=disk" -device nvme,drive=disk,serial=disk \
		-serial "file:$lab/kernel.console.log" -serial "file:$lab/deed.out" </dev/null &
	lab_pids+=("$!")
	wait "$!"
}
if ! boot; then
	echo "the guest stood still; once more. Its console, then what it said:"
	tail -n 40 "$lab/kernel.console.log" "$lab/deed.out"
	boot || true
fi
rm -f "$lab/disk"
sed -i 's/\r$//' "$lab/deed.out" # of the serial line
said() { # said TEXT: did deed.sh print that line?
	grep -vE '^[A-Z][a-z]{2} [0-9]' "$lab/deed.out" # without its journal
	grep -qE "^$1" "$lab/deed.out"
}
check "the sensor starts at boot, with its own user" said 'sensor active mews-sensor'
check "... with four capabilities at most" said 'capabilities CapEff:.*000000c000000004$'
check "the sensor is connected to the collector" said 'connected'
check "cat /etc/shadow raises its alert" said 'alert .*"rule":"Sensitive file read"'
check "its capture is pinned, for its own user" said 'pinned for mews-sensor 700$'
check "killed, the sensor is started again and connects" said 'again connected'
check "... and takes over what went on in the kernel" said '.*taken over$'
check "a deed while there was no sensor" said 'while it is auto-restart: 0 alerts'
check "... raises its alert afterwards, once" said 'afterwards: 1 alerts'
check "a stop leaves nothing pinned" said 'nothing is pinned after a stop$'
check "nor does one while a killed sensor waits for its restart" said 'nothing is pinned after a stop of what was killed'
check "each start pins again" test "$(grep -c '^started: 1' "$lab/deed.out")" = 2
check "systemctl reload" said 'reloaded'
check "an upgrade of the sensor" said 'upgraded .*\.1\.1\+deb'
check "... takes over, too" said 'take-overs: 2'
check "... and misses no deed meanwhile" said 'no deed of .* is missed'
check "README: a fleet: the lines in the configurations and these commands are enough" said 'fleet connected over tls'
check "no warning, but for the hooks that Debian's kernel refuses" said 'warnings 0'
check "all of it" said 'finished'
sed -n 's/^seconds /        seconds from boot to the first alert, without hardware virtualization: /p' "$lab/deed.out"
