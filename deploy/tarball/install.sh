#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh - install Mews from this folder, or remove what it has installed.
set -eu

usage() {
	cat <<'END'
usage: ./install.sh [--prefix DIR] [--no-units]
       ./install.sh [--prefix DIR] --uninstall [--purge]

  --prefix DIR   where programs, libraries and rules go (default /usr/local)
  --no-units     no users and no units for systemd, even if it runs here
  --uninstall    stop and remove what was installed there; /etc/mews and data stay
  --purge        remove /etc/mews, alerts, spools and users too

Configurations go to /etc/mews; those that are there stay as they are. Nothing is started: afterwards
systemctl enable --now mews-collector mews-sensor
END
}

die() {
	echo "install.sh: $1" >&2
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
prefix=/usr/local units=auto uninstall=no purge=no
while [ $# -gt 0 ]; do
	case $1 in
	--prefix)
		[ $# -ge 2 ] || die '--prefix needs a folder'
		prefix=$2
		shift
		;;
	--no-units) units=no ;;
	--uninstall) uninstall=yes ;;
	--purge) purge=yes ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done
case $prefix in
/*[!A-Za-z0-9/._-]* | [!/]* | '') die "--prefix must be an absolute path of letters, digits and ._-" ;;
esac
prefix=${prefix%/}
[ "$(id -u)" = 0 ] || die 'run it as root'
[ "$units" = no ] || [ -d /run/systemd/system ] || units=no
list=$prefix/lib/mews/installed # every file, for --uninstall
services='mews-sensor mews-collector mews-enroll mews-sensor-pins'

# ---- remove ----

if [ "$uninstall" = yes ]; then
	[ -f "$list" ] || die "nothing of Mews is installed in $prefix: $list is missing"
	for service in $services; do
		if [ -e "/etc/systemd/system/$service.service" ] && [ -d /run/systemd/system ]; then
			systemctl disable --now "$service" >/dev/null 2>&1 || true
		fi
	done
	while read -r file; do rm -f "$file"; done <"$list"
	rm -f "$list"
	for dir in lib/mews share/mews/rules share/mews/presets share/mews/schemas share/mews share/bash-completion/completions share/bash-completion \
		share/man/man1 share/man/man8 share/man share bin sbin lib; do
		[ ! -d "$prefix/$dir" ] || rmdir "$prefix/$dir" 2>/dev/null || true
	done
	[ "$prefix" = /usr/local ] || rmdir "$prefix" 2>/dev/null || true
	[ ! -d /run/systemd/system ] || systemctl daemon-reload
	if [ "$purge" = yes ]; then
		rm -rf /etc/mews /var/lib/mews /var/lib/mews-sensor /var/lib/mews-enroll /var/log/mews
		for user in mews-sensor mews-collector mews-enroll; do
			! id "$user" >/dev/null 2>&1 || userdel "$user"
		done
		! getent group mews >/dev/null || groupdel mews
	fi
	echo "Mews is removed from $prefix$([ "$purge" = yes ] || echo '; /etc/mews and data in /var/lib stay (--purge)')"
	exit 0
fi

# ---- install ----

[ ! -e /usr/sbin/mews-sensor ] && [ ! -e /usr/sbin/mews-collector ] || [ "$prefix" = /usr ] || die "Mews' packages are installed here: remove them first"
# Libraries are next to the programs; the C library is the machine's.
"$here/bin/mewsctl" --version >/dev/null 2>&1 ||
	die "the programs do not run here: $("$here/bin/mewsctl" --version 2>&1 | head -n 1)"

mkdir -p "$prefix/lib/mews"
: >"$list.new"
# put SOURCE TARGET [MODE]: beside the old one first, which may be running.
put() {
	mkdir -p "$(dirname "$2")"
	install -m "${3:-0644}" "$1" "$2.new"
	mv "$2.new" "$2"
	echo "$2" >>"$list.new"
}
for file in "$here"/bin/* "$here"/sbin/*; do put "$file" "$prefix/${file#"$here"/}" 0755; done
find "$here/lib" "$here/share" -type f | sort >"$list.files"
while read -r file; do put "$file" "$prefix/${file#"$here"/}"; done <"$list.files"
rm -f "$list.files"

mkdir -p /etc/mews/rules.d
for file in "$here"/etc/*.yaml; do
	target=/etc/mews/${file##*/}
	[ -e "$target" ] || sed "s|/usr/share/mews|$prefix/share/mews|g" "$file" >"$target"
done
[ -e /etc/mews/rules.d/local.yaml ] || install -m 0644 "$here/etc/rules.d/local.yaml" /etc/mews/rules.d/

if [ "$units" = auto ]; then
	getent group mews >/dev/null || groupadd --system mews
	for user in mews-sensor mews-collector mews-enroll; do
		id "$user" >/dev/null 2>&1 || useradd --system --gid mews --home-dir / --no-create-home --shell /usr/sbin/nologin "$user"
	done
	for file in "$here"/units/*.service; do
		sed -e "s|/usr/sbin/mews|$prefix/sbin/mews|g" -e "s|/usr/bin/mewsctl|$prefix/bin/mewsctl|g" "$file" >"$prefix/lib/mews/unit"
		put "$prefix/lib/mews/unit" "/etc/systemd/system/${file##*/}"
	done
	rm -f "$prefix/lib/mews/unit"
	systemctl daemon-reload
fi
# What an older version had and this one has not.
if [ -f "$list" ]; then
	grep -vxFf "$list.new" "$list" | while read -r file; do rm -f "$file"; done
fi
mv "$list.new" "$list"
echo "Mews $("$prefix/bin/mewsctl" --version | awk '{ print $NF; exit }') is in $prefix, its configuration in /etc/mews"
[ "$units" = no ] || echo 'Next: systemctl enable --now mews-collector mews-sensor, then mewsctl status'
