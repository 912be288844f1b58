# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# arm64_alert.sh - the programs of the packages in a virtual machine.
# shellcheck disable=SC2154,SC2034 # arm64.sh sets and reads them
unpacked=/src/build/unpacked
rm -rf "${cross:?}$unpacked"
for deb in "$cross"/src/build/packages/mews-{sensor,collector,ctl}_*_arm64.deb "$cross"/src/build/packages/mews-rules_*_all.deb; do
	dpkg-deb -x "$deb" "$cross$unpacked"
done
mkdir "$cross$unpacked/all"
cp "$cross$unpacked"/usr/{bin,sbin}/mews* "$cross$unpacked/all/"
seconds=600 code=0
unit=/src/build/arm64/sensor/test_container_read # which qemu-user cannot run
[ -e "$cross$unit" ] || unit=''
vm ${unit:+"$unit"} "$unpacked"/all/{mewsctl,mews-sensor,mews-collector} "$unpacked/usr/share/mews/rules/mews_rules.yaml" /src/tests/install/arm64_deed.sh -- \
	sh /src/tests/install/arm64_deed.sh "$unpacked/all" "$unpacked/usr/share/mews/rules/mews_rules.yaml" "$unit" >"$logs/deed" 2>&1 || code=$?
said() { # said TEXT: does the output have such a line?
	cat "$logs/deed"
	[ "$code" = 0 ] && grep -qE "^$1" "$logs/deed"
}
[ -z "$unit" ] || check 'unit.container_read' said 'container_read ended with 0'
check 'the sensor loads, attaches and connects' said 'connected, on aarch64'
check 'cat /etc/shadow raises its alert' said 'alert .*"rule":"Sensitive file read"'
check 'a connection raises its alert' said 'alert .*"rule":"Connected there"'
check 'the sensor ends when it is told to' said 'sensor ended with 0'
