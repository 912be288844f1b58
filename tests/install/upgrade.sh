# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# upgrade.sh - a newer version of the packages, with services running.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
# newer DEB [FOLDER]: the same package with a higher version, and another comment in its configuration.
newer() {
	local tree=$lab/newer/tree version
	rm -rf "$tree"
	dpkg-deb -R "$1" "$tree"
	version=$(dpkg-deb -f "$1" Version)
	sed -i "s/$version/${version/+deb/.1+deb}/" "$tree/DEBIAN/control"
	[ ! -d "$tree/etc/mews" ] || find "$tree/etc/mews" -name '*.yaml' -exec sed -i '1i# A newer version.' {} +
	dpkg-deb --root-owner-group -b "$tree" "${2:-$lab/newer}" >/dev/null
}
mkdir "$lab/newer"
for deb in "$lab"/packages/mews-{sensor,collector,ctl,rules}_*.deb; do newer "$deb"; done
"$root/deploy/apt-repo.sh" "$lab/apt" "$lab"/newer/*.deb >>"$lab/repo.log" 2>&1

inside sh -c 'mkdir -p /var/lib/mews-sensor && touch /var/lib/mews-sensor/kept'
alerts >"$lab/alerts.before"
before=$(main_pid mews-collector)
upgrade() { inside apt-get update && inside apt-get -y -o Dpkg::Options::=--force-confold upgrade; }
check "upgrade" upgrade
newest() { [ "$(inside dpkg-query -W -f '${Version}\n' 'mews-*' | sort -u | grep -c '\.1+deb')" = 1 ]; }
check "all packages are the newer ones" newest
other_pid() { [ "$(main_pid mews-collector)" != "$before" ] && active mews-collector; }
check "the new collector runs" other_pid
same_alerts() { [ -s "$lab/alerts.before" ] && alerts | diff "$lab/alerts.before" -; }
check "no alert is lost" lab_wait 20 same_alerts
check "an edited configuration is kept" inside grep -q 'watch: false' /etc/mews/collector.yaml
check "an unedited one is the newer one" inside grep -q '^# A newer version' /etc/mews/sensor.yaml
check "a rule of one's own is kept" inside test -s /etc/mews/rules.d/own.yaml
check "what the sensor has stored is kept" inside test -e /var/lib/mews-sensor/kept
