# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# kernel.sh - the installed system under a kernel of its own, so that its sensor sees the whole machine: a
# real deed, from the units that the packages enabled to the alert.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
machine_off
mkdir "$lab/newest"
newer "$lab"/newer/mews-sensor_*.deb "$lab/newest"
mv "$lab"/newest/mews-sensor_*.deb "$lab/newer.deb"
echo '127.0.0.1 collector.example' >>"$machine/etc/hosts"
guest_disk 1500M "$here/deed.sh" "$lab/fleet" "$lab/newer.deb"
guest 6.1 250
rm -f "$lab/disk"
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
