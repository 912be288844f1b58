#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# images.sh - container images of mews-sensor and mews-collector: no registry, no daemon, no root.
set -euo pipefail
umask 022 # the modes in the images

usage() {
	cat <<'END'
usage: deploy/images.sh [--build FOLDER] [--tag TAG] [OUT]

Puts the programs of a build (default build/release) and the libraries that they need, those of this Debian,
into an image each: OUT/mews-sensor.tar and OUT/mews-collector.tar (default OUT: build/images), in the layout
of OCI. There is no shell and no package manager in them. The same build gives the same bytes.

  podman load -i build/images/mews-sensor.tar        docker load takes them too, and
  skopeo copy oci-archive:build/images/mews-sensor.tar docker://REGISTRY/mews-sensor:TAG

  --build FOLDER   a configured and built tree
  --tag TAG        default: the version
  -h, --help

Beside each image is its list of packages as SPDX (mews-sensor.spdx.json), which is also in the image, in
/usr/share/doc. Needs jq.
END
}

die() {
	echo "images: $1" >&2
	exit 1
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release out=$root/build/images
version=$(sed -n 's/^project(mews VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
tag=$version
while [ $# -gt 0 ]; do
	case $1 in
	--build | --tag)
		[ $# -ge 2 ] || die "$1 needs a value"
		if [ "$1" = --build ]; then build=$2; else tag=$2; fi
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
	*) out=$1 ;;
	esac
	shift
done
command -v jq >/dev/null || die "jq is missing: run deploy/install-deps.sh --packages"
[ -x "$build/bin/mews-sensor" ] && [ -x "$build/bin/mews-collector" ] || die "$build holds no programs: build them first (cmake --build FOLDER --target programs)"
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null)} ||
	die "this is no git checkout: set SOURCE_DATE_EPOCH to the time of the sources, such as \$(date +%s)"
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
arch=$(dpkg --print-architecture)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$out"
DESTDIR=$scratch/all cmake --install "$build" --prefix /usr --strip >/dev/null

# put_libraries PROGRAM...: what the loader would load, to its own place, and which packages that is.
put_libraries() {
	local lib real
	ldd "$@" | grep -oE '/[^ ]+\.so[^ ]*' | sort -u | while read -r lib; do
		real=$(realpath "$lib")
		case $lib in
		*/ld-linux*) install -D -m 0755 "$real" "$rootfs/usr$lib" ;;
		*) install -D -m 0644 "$real" "$rootfs/usr/lib/$(uname -m)-linux-gnu/$(basename "$lib")" ;;
		esac
		{ dpkg -S "$real" "${real#/usr}" 2>/dev/null || true; } | head -n 1 | cut -d: -f1 >>"$scratch/packages"
	done
}

# put_sbom NAME: the packages that parts of the image are of, as SPDX 2.3.
put_sbom() {
	local name=$1
	sort -u "$scratch/packages" | xargs dpkg-query -W -f '${source:Package}\t${binary:Package}\t${Version}\t${Homepage}\n' |
		jq -Rn --arg name "$name" --arg version "$version" --arg created "$created" '
			[inputs | split("\t") | { name: (.[1] | sub(":.*"; "")), version: .[2] }] as $parts |
			{ spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", name: $name,
			  documentNamespace: "https://example.org/spdx/\($name)-\($version)",
			  creationInfo: { created: $created, creators: ["Tool: deploy/images.sh"] },
			  packages: ([{ name: $name, SPDXID: "SPDXRef-\($name)", versionInfo: $version, downloadLocation: "NOASSERTION", licenseDeclared: "Apache-2.0" }]
				+ [$parts[] | { name, SPDXID: "SPDXRef-\(.name | gsub("[^A-Za-z0-9.-]"; "-"))", versionInfo: .version, downloadLocation: "NOASSERTION",
					externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: "pkg:deb/debian/\(.name)@\(.version | @uri)" }] }]),
			  relationships: [$parts[] | { spdxElementId: "SPDXRef-\($name)", relationshipType: "CONTAINS", relatedSpdxElement: "SPDXRef-\(.name | gsub("[^A-Za-z0-9.-]"; "-"))" }] }' >"$out/$name.spdx.json"
	install -D -m 0644 "$out/$name.spdx.json" "$rootfs/usr/share/doc/$name/$name.spdx.json"
}

# blob FILE: move it into the layout; print its descriptor.
blob() {
	local sum
	sum=$(sha256sum "$1" | cut -d' ' -f1)
	jq -cn --arg d "sha256:$sum" --argjson n "$(stat -c %s "$1")" '{ digest: $d, size: $n }'
	mv "$1" "$oci/blobs/sha256/$sum"
}
tarred() { tar -c --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" --format=ustar -C "$1" .; }

# image NAME USER CONFIG PROGRAM...: CONFIG is more of the image's configuration, as JSON.
image() {
	local name=$1 user=$2 config=$3 layer
	shift 3
	rootfs=$scratch/$name oci=$scratch/$name.oci
	: >"$scratch/packages"
	mkdir -p "$rootfs"/{etc/mews,etc/ssl/certs,proc,sys,dev,run,tmp,var/lib,usr/lib} "$oci/blobs/sha256"
	chmod 1777 "$rootfs/tmp"
	for link in bin sbin lib lib64; do
		mkdir -p "$rootfs/usr/$link"
		ln -s "usr/$link" "$rootfs/$link"
	done
	printf 'root:x:0:0:root:/:/nologin\nmews:x:65532:65532:Mews:/:/nologin\n' >"$rootfs/etc/passwd"
	printf 'root:x:0:\nmews:x:65532:\n' >"$rootfs/etc/group"
	printf 'hosts: files dns\n' >"$rootfs/etc/nsswitch.conf"
	[ ! -s /etc/ssl/certs/ca-certificates.crt ] || { install -m 0644 /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/" && echo ca-certificates >>"$scratch/packages"; }
	for program; do install -D -m 0755 "$scratch/all/$program" "$rootfs/$program"; done
	put_libraries "${@/#/$scratch/all/}"
	put_sbom "$name"
	[ "$name" != mews-collector ] || cp -r "$scratch/all/usr/share/mews" "$rootfs/usr/share/"
	find "$rootfs" -type d -exec chmod go+rx {} +
	tarred "$rootfs" >"$scratch/layer"
	layer=$(sha256sum "$scratch/layer" | cut -d' ' -f1)
	gzip -9n <"$scratch/layer" >"$scratch/layer.gz"
	jq -cn --arg diff "sha256:$layer" --arg created "$created" --arg arch "$arch" --arg user "$user" --arg version "$version" --arg name "$name" --argjson more "$config" '
		{ created: $created, architecture: $arch, os: "linux", rootfs: { type: "layers", diff_ids: [$diff] },
		  config: ({ User: $user, Env: ["PATH=/usr/sbin:/usr/bin"],
			Labels: { "org.opencontainers.image.title": $name, "org.opencontainers.image.version": $version,
				"org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.created": $created } } + $more) }' >"$scratch/config"
	config=$(blob "$scratch/config")
	layer=$(blob "$scratch/layer.gz")
	jq -cn --argjson c "$config" --argjson l "$layer" '{ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: ({ mediaType: "application/vnd.oci.image.config.v1+json" } + $c),
		layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" } + $l] }' >"$scratch/manifest"
	jq -cn --argjson m "$(blob "$scratch/manifest")" --arg tag "localhost/$name:$tag" '{ schemaVersion: 2, manifests: [
		{ mediaType: "application/vnd.oci.image.manifest.v1+json", annotations: { "org.opencontainers.image.ref.name": $tag } } + $m] }' >"$oci/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$oci/oci-layout"
	tarred "$oci" >"$out/$name.tar"
	echo "$out/$name.tar: localhost/$name:$tag, $(($(stat -c %s "$out/$name.tar") / 1024)) KiB, $(jq '.packages | length' "$out/$name.spdx.json") packages"
}

image mews-sensor 0 '{ "Entrypoint": ["/usr/sbin/mews-sensor"] }' usr/sbin/mews-sensor
image mews-collector 65532 '{ "Entrypoint": ["/usr/sbin/mews-collector"], "ExposedPorts": { "7443/tcp": {}, "8765/tcp": {} } }' usr/sbin/mews-collector usr/bin/mewsctl
