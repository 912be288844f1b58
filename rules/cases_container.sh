# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# cases_container.sh - as cases.sh: the cases of default rules that need a container, each with a real one of podman.
# They run in an image of busybox, with the machine's /usr for its programs.
# tests/e2e/rules_live.sh sources this after cases.sh and tests/containers/runtimes.sh.
# shellcheck disable=SC2034,SC2154 # as in cases.sh
container_cases=()
container_case() { container_cases+=("$1|$2|$3"); }

# box OPTION... -- COMMAND...: a container that ends with the command.
box() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	podman run --rm -q --network none -v /usr:/usr:ro "${options[@]}" localhost/mews-box:1 "$@" </dev/null
}
# running OPTION... -- COMMAND...: the command is 'podman exec' in a container that does something else.
running() {
	local options=() code=0
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	podman run -d -q --name case --network none -v /usr:/usr:ro "${options[@]}" localhost/mews-box:1 sleep 1000 >/dev/null
	"$@" || code=$?
	podman rm -f -t 0 case >/dev/null
	return "$code"
}

token() {
	mkdir "$dir/account"
	echo token >"$dir/account/token"
	echo space >"$dir/account/namespace"
	box -v "$dir/account:/var/run/secrets/kubernetes.io/serviceaccount:ro" -- "$@"
}
account=/var/run/secrets/kubernetes.io/serviceaccount
container_case 'Service account token read' token 'the process: not the first one'
token_hit() { token sh -c "cat $account/token; :"; }
token_miss() { token cat "$account/token"; }

container_case 'Service account token read' space 'the file'
space_hit() { token sh -c "cat $account/token; :"; }
space_miss() { token sh -c "cat $account/namespace; :"; }

# A program that listens and connects to itself.
meets=(perl -MSocket -e 'my $a = pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0])); socket(L, PF_INET, SOCK_STREAM, 0);
	bind(L, $a) or die; listen(L, 1); socket(S, PF_INET, SOCK_STREAM, 0); connect(S, $a) or die $!')
api=(-e KUBERNETES_SERVICE_HOST=127.0.0.2 -e KUBERNETES_SERVICE_PORT=6443)
container_case 'API server contacted from a container' apiserver 'the process: not the first one'
apiserver_hit() { running "${api[@]}" -- podman exec case "${meets[@]}" 127.0.0.2 6443; }
apiserver_miss() { box "${api[@]}" -- "${meets[@]}" 127.0.0.2 6443; }

container_case 'API server contacted from a container' apiaddress 'the port'
apiaddress_hit() { running "${api[@]}" -- podman exec case "${meets[@]}" 127.0.0.2 6443; }
apiaddress_miss() { running "${api[@]}" -- podman exec case "${meets[@]}" 127.0.0.2 6444; }

kubelet() {
	mkdir "$dir/pki"
	echo key | tee "$dir/pki/kubelet-client-current.pem" >"$dir/pki/kubelet.crt"
	box -v "$dir/pki:/host/var/lib/kubelet/pki:ro" -- cat "/host/var/lib/kubelet/pki/$1"
}
container_case 'Kubelet credentials read' kubelet 'the file: a public certificate'
kubelet_hit() { kubelet kubelet-client-current.pem; }
kubelet_miss() { kubelet kubelet.crt; }

container_case 'Terminal opened in a running container' exec 'the terminal'
exec_hit() { running -- script -qec 'podman exec -it case sh -c :' /dev/null; }
exec_miss() { running -- podman exec case sh -c :; }

container_case 'Program not of the image started' drift 'the program'
drift_hit() { box -- sh -c 'cp /bin/busybox /tmp/true; /tmp/true'; }
drift_miss() { box -- sh -c 'cp /bin/busybox /tmp/true; /bin/true'; }

container_case 'Software installed in a running container' software 'the argument'
software_hit() { box -- sh -c 'apt-get install no-such-package || true'; }
software_miss() { box -- sh -c 'apt-get indextargets || true'; }

pool() { box --cap-add NET_ADMIN -- sh -c 'ip address add 203.0.113.9/32 dev lo && exec "$@"' - "${meets[@]}" 203.0.113.9 "$1"; }
container_case 'Mining port contacted from a container' pool 'the port'
pool_hit() { pool 3333; }
pool_miss() { pool 3332; }

container_case 'Cryptocurrency miner started' algorithm 'the algorithm'
algorithm_hit() { box -- true --algo=rx/0 --url pool.example:8080; }
algorithm_miss() { box -- true --algo=lz4 --url pool.example:8080; }

container_case 'Container runtime socket contacted' inside 'the name of the socket'
connect_inside() { box -- sh -c "exec perl -MSocket -e 'my \$a = pack_sockaddr_un(shift); socket(L, PF_UNIX, SOCK_STREAM, 0); bind(L, \$a) or die;
	listen(L, 1); socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, \$a) or die' $1"; }
inside_hit() { connect_inside /tmp/docker.sock; }
inside_miss() { connect_inside /tmp/printer.sock; }

container_case 'Privileged container started' privileged 'the privilege'
privileged_hit() { box --privileged -- true; }
privileged_miss() { box -- true; }

container_case 'Container with a sensitive folder started' folder 'the folder'
folder_hit() { box -v /etc:/host:ro -- true; }
folder_miss() { box -v /srv:/host:ro -- true; }

# Out of a container: a namespace of the first process, files that make the kernel start programs outside.
join() { box --cap-add SYS_ADMIN -- sh -c "nsenter --uts=$1 true; exit \$?"; }
container_case 'Namespace of the first process entered' join 'the process'
join_hit() { join /proc/1/ns/uts; }
join_miss() { join /proc/self/ns/uts; }

container_case 'Kernel helper program changed' release 'reading instead of writing'
release_hit() { box -- sh -c 'echo x >/tmp/release_agent'; }
release_miss() { box -- sh -c 'cat /tmp/release_agent || true'; }

cgroups() { box --cap-add SYS_ADMIN -- sh -c "mkdir /tmp/x; mount -t $1 case /tmp/x || true"; }
container_case 'Control group hierarchy mounted' cgroups 'the kind of the file system'
cgroups_hit() { cgroups 'cgroup -o none,name=case'; }
cgroups_miss() { cgroups tmpfs; }
