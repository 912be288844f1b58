#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build_apiserver.sh FOLDER [--node] - make kube-apiserver and etcd for tests/kube/run.sh in FOLDER/bin, from packages
# of Debian 12 alone: the source package kubernetes, its compiler, etcd-server. --node: also what tests/helm/node.sh
# needs. Installs nothing; needs no root, 4 GB of disk and some ten minutes of two cores. Does nothing if they are there.
set -euo pipefail
programs=(kube-apiserver)
[ "${2:-}" != --node ] || programs+=(kube-controller-manager kube-scheduler kubelet)
{ [ $# = 1 ] || [ "${2:-}" = --node ]; } || { echo "usage: build_apiserver.sh FOLDER [--node]" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
[ ! -x "$folder/bin/${programs[-1]}" ] || { echo "$folder/bin/${programs[-1]} is there"; exit 0; }
cd "$folder"
log=$folder/build.log
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

# Package lists of its own: the machine's are left alone.
mkdir -p apt/lists/partial apt/cache/archives/partial src debs root
printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bookworm main\n' deb "$mirror" deb-src "$mirror" >apt/sources.list
cat >apt/conf <<EOF
Dir::State "$folder/apt";
Dir::State::status "/var/lib/dpkg/status";
Dir::State::lists "$folder/apt/lists";
Dir::Cache "$folder/apt/cache";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Sandbox::User "root";
EOF
export APT_CONFIG=$folder/apt/conf
{
	apt-get -qq update
	(cd src && apt-get source -qq --download-only kubernetes)
	(cd debs && apt-get -qq download etcd-server golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev rsync libpopt0)
	for deb in debs/*.deb; do dpkg-deb -x "$deb" root; done
	[ -d src/kubernetes ] || dpkg-source -x src/*.dsc src/kubernetes

	# the compiler's parts in one place, as it expects them
	mkdir -p go
	cp -a root/usr/lib/go-1.19/. go/
	rm -rf go/src go/api go/misc go/test go/pkg/include
	cp -a root/usr/share/go-1.19/src root/usr/share/go-1.19/misc go/
	cp -a root/usr/share/go-1.19/pkg/include go/pkg/

	# the vendored version of reflect2 crashes with compilers since 1.18
	rm -f src/kubernetes/vendor/github.com/modern-go/reflect2/*.{go,s}
	cp root/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} src/kubernetes/vendor/github.com/modern-go/reflect2/

	cd src/kubernetes
	mkdir -p .go/src/k8s.io
	ln -sfn ../../.. .go/src/k8s.io/kubernetes
	mkdir -p "$folder/home"
	HOME=$folder/home GOROOT=$folder/go GOPATH=$PWD/.go GOCACHE=$folder/cache PATH=$folder/go/bin:$folder/root/usr/bin:$PATH \
		LD_LIBRARY_PATH=$(echo "$folder"/root/usr/lib/*-linux-gnu) CGO_ENABLED=0 GOFLAGS=-mod=vendor GOTOOLCHAIN=local \
		nice make WHAT="${programs[*]/#/cmd/}"
} >"$log" 2>&1 || { tail -20 "$log" >&2; exit 1; }
mkdir -p "$folder/bin"
cp "${programs[@]/#/$folder/src/kubernetes/_output/bin/}" "$folder/root/usr/bin/etcd" "$folder/bin/"
echo "KUBE_APISERVER=$folder/bin/kube-apiserver ETCD=$folder/bin/etcd"
