#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# apt-repo.sh - put Debian packages into a signed apt repository: a folder for any web server.
set -euo pipefail

usage() {
	cat <<'END'
usage: deploy/apt-repo.sh [--key KEY] FOLDER PACKAGE.deb...

Adds packages of deploy/packages.sh to the repository in FOLDER, each to the suite of the Debian release
that it was built for, and writes the indexes again, signed. Old versions stay; remove their files from
FOLDER/pool and run this again without packages. README.md has the lines for machines that install.

  --key KEY    sign with this key of gpg (GNUPGHOME). Without it, the key in FOLDER.key is used, and made
               there the first time: keep that folder secret, and do not publish it
  -h, --help
END
}

die() {
	echo "apt-repo: $1" >&2
	exit 1
}

key=''
while [ $# -gt 0 ]; do
	case $1 in
	--key)
		key=${2:?--key needs the name of a key}
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	-*)
		usage >&2
		exit 2
		;;
	*) break ;;
	esac
	shift
done
[ $# -ge 1 ] || { usage >&2; exit 2; }
for tool in apt-ftparchive gpg; do
	command -v "$tool" >/dev/null || die "$tool is missing: run deploy/install-deps.sh --packages"
done
repo=$1
shift
mkdir -p "$repo"
repo=$(cd "$repo" && pwd)

# A suite per release, since packages are built for one.
declare -A suites=([12]=bookworm [13]=trixie)
for deb; do
	release=$(dpkg-deb -f "$deb" Version | sed -n 's/.*+deb\([0-9]*\)$/\1/p')
	[ -n "${suites[${release:-0}]:-}" ] || die "$deb: its version does not name a release of Debian: build it with deploy/packages.sh"
	mkdir -p "$repo/pool/${suites[$release]}"
	cp "$deb" "$repo/pool/${suites[$release]}/"
done

if [ -z "$key" ]; then
	export GNUPGHOME=$repo.key
	if [ ! -d "$GNUPGHOME" ]; then
		mkdir -m 700 "$GNUPGHOME"
		gpg --batch --quiet --passphrase '' --quick-generate-key 'Mews packages' ed25519 sign never
	fi
	key='Mews packages'
fi
sign() { gpg --batch --quiet --yes --local-user "$key" --digest-algo SHA512 "$@"; }
gpg --batch --quiet --yes --armor --output "$repo/mews.asc" --export "$key"
[ -s "$repo/mews.asc" ] || die "gpg has no key '$key': see gpg --list-secret-keys"

cd "$repo"
for pool in pool/*/; do
	suite=$(basename "$pool")
	dist=dists/$suite
	rm -rf "$dist.new"
	for arch in amd64 arm64; do
		index=$dist.new/main/binary-$arch
		mkdir -p "$index"
		apt-ftparchive --arch "$arch" packages "pool/$suite" >"$index/Packages"
		xz -9k "$index/Packages"
	done
	apt-ftparchive -o APT::FTPArchive::Release::Origin=Mews -o APT::FTPArchive::Release::Label=Mews \
		-o "APT::FTPArchive::Release::Suite=$suite" -o "APT::FTPArchive::Release::Codename=$suite" \
		-o APT::FTPArchive::Release::Components=main -o "APT::FTPArchive::Release::Architectures=amd64 arm64" \
		-o APT::FTPArchive::Release::Acquire-By-Hash=yes release "$dist.new" >"$repo/Release.new"
	mv "$repo/Release.new" "$dist.new/Release"
	# By hash: a client that has an older Release still finds the indexes that it names.
	for index in "$dist.new"/main/binary-*; do
		mkdir -p "$index"/by-hash/{SHA256,SHA512}
		[ ! -d "${index/$dist.new/$dist}/by-hash" ] || cp -rp "${index/$dist.new/$dist}/by-hash" "$index/"
		for file in "$index"/Packages*; do
			cp -p "$file" "$index/by-hash/SHA256/$(sha256sum "$file" | cut -d' ' -f1)"
			cp -p "$file" "$index/by-hash/SHA512/$(sha512sum "$file" | cut -d' ' -f1)"
		done
		find "$index/by-hash" -type f -mtime +30 -delete
	done
	sign --clearsign --output "$dist.new/InRelease" "$dist.new/Release"
	sign --armor --detach-sign --output "$dist.new/Release.gpg" "$dist.new/Release"
	mkdir -p "$dist"
	# InRelease last: until then clients see the old indexes.
	cp -rp "$dist.new"/main "$dist/"
	for file in Release Release.gpg InRelease; do mv "$dist.new/$file" "$dist/$file"; done
	rm -rf "$dist.new"
	echo "apt-repo: $suite: $(grep -c ^Package: "$dist/main/binary-amd64/Packages") packages for amd64"
done
echo "apt-repo: publish $repo; its key is $repo/mews.asc: $(gpg --batch --show-keys --with-colons "$repo/mews.asc" | awk -F: '$1 == "fpr" { print $10; exit }')"
