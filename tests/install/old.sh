# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# old.sh - from old packages to the new ones, with running services, in either order.
# shellcheck disable=SC2154 # run.sh and machine.sh set them

# The oldest commit whose packages have all that an upgrade has to read: an outbox, recordings and a spool on
# disk. Packages began with e174717, sixteen commits earlier; before that there was none to upgrade from.
# It speaks protocol 3, and its outbox, spool and configurations are of older versions than today's.
old_commit=112bef69cf6aeae4b8582ecf380319bbc48a215d
old=${fresh%/*}/old-${old_commit:0:12}-debian$release

# Built once, and kept.
old_packages() {
	[ ! -e "$old/complete" ] || return 0
	git -C "$root" cat-file -e "$old_commit^{commit}" 2>/dev/null || {
		echo "commit $old_commit is not in this clone: 'git fetch --unshallow' gets it"
		return 1
	}
	rm -rf "$old" "$lab/old.tree"
	mkdir -p "$old" "$lab/old.tree"
	git -C "$root" archive "$old_commit" | tar -x -C "$lab/old.tree"
	SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct "$old_commit") \
		"$lab/old.tree/deploy/packages.sh" "${fast[@]}" "$old" || return
	rm -rf "$lab/old.tree"
	: >"$old/complete"
}
check "the packages of ${old_commit:0:12} are built" old_packages
[ -e "$old/complete" ] || return 0

machine=$lab/machine-old
machine_make
mkdir "$machine/var/packages"
cp "$old"/mews-{sensor,collector,ctl,rules}_*.deb "$machine/var/packages/"
machine_boot
inside sh -c 'apt-get update && apt-get -y install /var/packages/*.deb' >"$lab/apt.log" 2>&1 || fail "the old packages cannot be installed"
rm "$machine"/var/packages/*
cp "$lab"/packages/mews-{sensor,collector,ctl,rules}_*.deb "$machine/var/packages/"
# What the new ones need: the guest has no network.
inside sh -c 'apt-get -y --download-only install /var/packages/*.deb' >>"$lab/apt.log" 2>&1 || fail "no way to what the new packages need"
# Configurations that somebody has changed stay the old ones.
inside sh -c 'for name in collector sensor; do echo "# Changed." >>/etc/mews/$name.yaml; done'
machine_off
guest_disk 2G "$here/old_deed.sh"

guest 6.1 440 mews.order=collector
check "old sensor and collector work" said 'old sensor, old collector: each deed once'
check "the collector is upgraded, services running: the old sensor connects" said 'old sensor, new collector: connected'
check "... each deed has its alert, once" said 'old sensor, new collector: each deed once'
check "... old alerts are there" said 'old sensor, new collector: .* old alerts are there'
check "... an old recording is read" said 'old sensor, new collector: the old recording raises'
check "then the sensor: it runs with its changed configuration of before" said 'new sensor, new collector: the sensor runs'
check "... each deed has its alert, once: of an old spool, too" said 'new sensor, new collector, afterwards: each deed once'
check "... old alerts are there" said 'new sensor, new collector: .* old alerts are there'
check "... an old recording is read" said 'new sensor, new collector: the old recording raises'
check "... no drops, no gaps in the status" said 'machine +up( +[^ ]+){3} +0 +0 '
check "all of it" said 'finished'

guest 6.1 440 mews.order=sensor
check "the sensor is upgraded first: it runs, the old collector asks for an upgrade" said 'the collector refused this node: this collector speaks another protocol'
check "... mewsctl of today shows the old collector's alerts" said 'new sensor, old collector: .* old alerts are there'
check "then the collector, services running: the sensor connects" said 'new sensor, new collector: connected'
check "... each deed has its alert, once: of an old spool, and of the time without a collector" said 'new sensor, new collector: each deed once'
check "... and afterwards" said 'new sensor, new collector, afterwards: each deed once'
check "... old alerts are there" said 'new sensor, new collector: .* old alerts are there'
check "... no drops, no gaps in the status" said 'machine +up( +[^ ]+){3} +0 +0 '
check "all of it" said 'finished'
rm -f "$lab/disk"
