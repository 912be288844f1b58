#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Falco's own two rule files in force: a real action for each of their rules that this machine can
# trigger, its alert, and a value in every field of its output. Exceptions are listed below with their
# reasons, and an exception that is no longer one is a failure.
# The files are not part of this project: FALCO_RULES=DIR says where they are.
# The containers are made by hand: a control group named as podman's, an own pid and mount namespace,
# and an overlay as root, which is discarded; and files as podman writes them, of a privileged one.
. "$(dirname "$0")/../support/lab.sh"
rules=${FALCO_RULES:-$root/../shared/rules}
files=("$rules/falco_rules.yaml" "$rules/falco-incubating_rules.yaml")
for f in "${files[@]}"; do [ -r "$f" ] || { echo "Falco's rules are not in $rules"; exit 77; }; done
lab_begin
. "$root/rules/cases.sh"

# the default rules may be loaded with them, in either order: a name means the same in all
"$bin/mewsctl" rules check "${files[@]}" "$root/rules/mews_rules.yaml" >"$lab/check.log" 2>&1 || fail "the default rules do not load after Falco's"
"$bin/mewsctl" rules check "$root/rules/mews_rules.yaml" "${files[@]}" >"$lab/check.log" 2>&1 || fail "the default rules do not load before Falco's"

# ---- a container ----

group=/sys/fs/cgroup
[ ! -d "$group/unified" ] || group=$group/unified
id=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
group=$group/mews_lab.$$/libpod-$id
mkdir -p "$group" || { echo "no control groups here"; exit 77; }
trap 'code=$?; rmdir "$group" "${group%/*}" 2>/dev/null || true; lab_end "$code"' EXIT

# What podman writes before it begins a container, and the command that says where.
described() {
	local store=$lab/store
	mkdir -p "$store/overlay-containers/$id/userdata"
	jq -n '{root: {path: "/"}, annotations: {"io.container.manager": "libpod", "io.podman.annotations.privileged": "TRUE"}}' \
		>"$store/overlay-containers/$id/userdata/config.json"
	jq -n --arg id "$id" '[{id: $id, names: ["box"], image: "0", metadata: "{\"image-name\":\"localhost/box:1\"}"}]' \
		>"$store/overlay-containers/containers.json"
	/bin/true create --bundle "$store/overlay-containers/$id/userdata" "$id"
}

# boxed [OPTION OF unshare]... SCRIPT: run a script as process 1 of a container.
cat >"$lab/enter" <<'EOF'
set -e
mount -t tmpfs box "$lab/box"
mkdir "$lab/box"/{upper,work,root}
mount -t overlay box -o "lowerdir=/,upperdir=$lab/box/upper,workdir=$lab/box/work" "$lab/box/root"
mount -t proc proc "$lab/box/root/proc"
mount --rbind /dev "$lab/box/root/dev"
mkdir "$lab/box/root/.outside"
cd "$lab/box/root"
pivot_root . .outside
umount -l /.outside
exec bash -c "$1"
EOF
boxed() {
	local script=${*: -1}
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec unshare -m -p -f -u -i --propagation private "${@:1:$#-1}" bash "$lab/enter" "$script"
	)
}

# ---- a trigger for each rule: on the machine, or in a container ----

triggers=() where=() script=()
on() { # on machine|box|network RULE SCRIPT
	triggers+=("$2")
	where[${#triggers[@]} - 1]=$1 script[${#triggers[@]} - 1]=$3
}
export lab root
# shellcheck disable=SC2016 # scripts for another shell
{
	on machine 'Directory traversal monitored file read' 'perl -e "system(qw(head -c 1 /usr/../usr/../etc/hostname))"'
	on machine 'Read sensitive file untrusted' 'head -c 1 /etc/shadow'
	on machine 'Run shell untrusted' 'cp /bin/bash $dir/nginx; deep 6 $dir/nginx -c "sh -c :; :"'
	on machine 'System user interactive' 'cp /bin/bash $dir/sshd; chmod 755 $lab $dir; $dir/sshd -c "setpriv --reuid 1 --regid 1 --clear-groups /bin/true; :"'
	on box 'Terminal shell in container' 'cp /bin/bash $dir/conmon; script -qec "$dir/conmon -c \"sh -c :; :\"" /dev/null'
	on box 'Launch Privileged Container' ':'
	on box 'Debugfs Launched in Privileged Container' 'named debugfs'
	on box 'Mount Launched in Privileged Container' 'named mount -a'
	on box 'Netcat Remote Code Execution in Container' 'named nc -e /bin/sh'
	on machine 'Search Private Keys or Passwords' 'grep -r "BEGIN PRIVATE" $dir || true'
	on machine 'Clear Log Activities' ': >$dir/syslog'
	on machine 'Remove Bulk Data from Disk' 'named shred x'
	on machine 'Create Symlink Over Sensitive Files' 'ln -s /etc/shadow $dir/x'
	on box 'Create Hardlink Over Sensitive Files' 'ln /etc/shadow /etc/x'
	on box 'Packet socket created in container' 'perl -e "socket(S, 17, 2, 0) or die"'
	on box 'Redirect STDOUT/STDIN to Network Connection in Container' 'exec 5<>/dev/udp/127.0.0.1/9; exec 0<&5'
	on box 'Linux Kernel Module Injection Detected' 'call finit_module -1 "" 0'
	on box 'Detect release_agent File Container Escapes' ': >/tmp/release_agent'
	on machine 'PTRACE attached to process' 'trace 16'
	on machine 'PTRACE anti-debug attempt' 'traced_hit'
	on machine 'Find AWS Credentials' 'find $dir -path .aws/credentials'
	on machine 'Execution from /dev/shm' 'shm_hit'
	on box 'Drop and execute new binary in container' 'cp /bin/true /tmp/dropped; /tmp/dropped; :'
	on network 'Disallowed SSH Connection Non Standard Port' 'listen 203.0.113.9 443 exec -a ssh perl'
	on machine 'Fileless execution via memfd_create' 'memfd_hit'
	on machine 'Modify Shell Configuration File' 'dd of=$dir/.bashrc if=/dev/null'
	on box 'Schedule Cron Jobs' ': >/etc/cron.d/case'
	on box 'Read ssh information' 'mkdir -p /root/.ssh; echo x >/root/.ssh/config; cat /root/.ssh/config'
	on machine 'DB program spawned process' 'cp /bin/bash $dir/postgres; $dir/postgres -c "/bin/true; :"'
	on machine 'Change thread namespace' 'enter /proc/self/ns/uts'
	on box 'Change namespace privileges via unshare' 'as_user unshare -n true || true' # a new user namespace would give it every capability
	on box 'Launch Excessively Capable Container' 'true'
	on network 'System procs network activity' 'exec 5<>/dev/udp/203.0.113.9/53'
	on machine 'Program run with disallowed http proxy env' 'HTTP_PROXY=http://localhost named curl'
	on network 'Unexpected UDP Traffic' 'exec 5<>/dev/udp/203.0.113.9/4321'
	on machine 'Non sudo setuid' 'as_user perl -MPOSIX -e "POSIX::setuid(1)" || true'
	on machine 'User mgmt binaries' 'named useradd x'
	on box 'Create files below dev' ': >/dev/case.$$; rm /dev/case.$$'
	on network 'Contact EC2 Instance Metadata Service From Container' 'exec 5<>/dev/udp/169.254.169.254/80'
	on network 'Contact cloud metadata service from container' 'exec 5<>/dev/udp/169.254.169.254/80'
	on box 'Launch Package Management Process in Container' 'named apt-get update'
	on box 'Launch Suspicious Network Tool in Container' 'named socat x'
	on machine 'Launch Suspicious Network Tool on Host' 'named socat x'
	on machine 'Delete or rename shell history' ': >$dir/.bash_history; rm $dir/.bash_history'
	on machine 'Set Setuid or Setgid bit' ': >$dir/x; chmod 4755 $dir/x'
	on box 'Launch Remote File Copy Tools in Container' 'named rsync x'
	on box 'Launch Ingress Remote File Copy Tools in Container' 'named wget x'
	on box 'Read environment variable from /proc files' 'cat /proc/self/environ'
	on box 'Exfiltrating Artifacts via Kubernetes Control Plane' 'cp /bin/bash $dir/conmon; echo x >$dir/x; setsid -w $dir/conmon -c "tar -cf - $dir/x; :"'
	on box 'Adding ssh keys to authorized_keys' 'mkdir -p /root/.ssh; : >/root/.ssh/authorized_keys'
	on machine 'Potential Local Privilege Escalation via Environment Variables Misuse' 'GLIBC_TUNABLES=x /bin/true'
	on machine 'Backdoored library loaded into SSHD (CVE-2024-3094)' ': >$dir/liblzma.so.5.6.0; cp /usr/bin/head $dir/sshd; $dir/sshd -c 1 $dir/liblzma.so.5.6.0'
	on machine 'BPF Program Not Profiled' 'call bpf 5 0 0'
	on machine 'Read sensitive file trusted after startup' 'cp /bin/bash $dir/nginx; $dir/nginx -c "until [ \$SECONDS -gt 6 ]; do read -r -t 1 <>$dir/pipe; done; : </etc/shadow"'
}

# Rules that nothing can trigger here, and why.
empty_list='its list of namespaces is empty until somebody fills it'
untriggered=(
	"Contact K8S API Server From Container|needs the name of an address; addresses are not resolved"
	"Network Connection outside Local Subnet|$empty_list"
)

# Fields without a value in an alert, and why: RULE|FIELD|REASON; a rule * is every rule.
unfilled=(
	"*|container.image.repository|empty on the machine"
	"*|container.image.tag|empty on the machine"
	"*|k8s.ns.name|there is no pod"
	"*|k8s.pod.name|there is no pod"
	"Remove Bulk Data from Disk|fd.name|a start of a program is about no descriptor"
	"Execution from /dev/shm|fd.name|a start of a program is about no descriptor"
	"Packet socket created in container|fd.name|a packet socket has neither ends nor a kind"
	"Packet socket created in container|fd.type|a packet socket has neither ends nor a kind"
	"Packet socket created in container|fd.l4proto|a packet socket has neither ends nor a kind"
	"Packet socket created in container|fd.lport|a packet socket has neither ends nor a kind"
	"Packet socket created in container|fd.rport|a packet socket has neither ends nor a kind"
	"Delete or rename shell history|evt.arg.path|a parameter of other calls that remove or rename"
	"Delete or rename shell history|evt.arg.oldpath|a parameter of other calls that remove or rename"
	"Set Setuid or Setgid bit|evt.arg.fd|a parameter of fchmod; this is fchmodat"
)

# ---- what a trigger runs in ----

# deep N COMMAND...: below N more shells.
deep() {
	local n=$1
	shift
	[ "$n" = 0 ] || { bash -c 'deep "$@"; :' - "$((n - 1))" "$@"; return; }
	"$@"
}
# listen ADDRESS PORT COMMAND...: connect to a listener by a command that runs perl.
listen() {
	local at=$1 port=$2 code='socket(S, PF_INET, SOCK_STREAM, 0); connect(S, pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or die $!'
	shift 2
	perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or die $!; listen(S, 1);
		if (fork() == 0) { exec("bash", "-c", "$ARGV[3] -MSocket -e \"\$0\" \"\$@\"", $ARGV[2], @ARGV[0, 1]) } wait; exit($? != 0)' \
		"$at" "$port" "$code" "$*"
}
export -f deep listen named call as_user trace traced_hit shm_hit memfd_hit enter

# trigger N: run a trigger, in a scratch folder.
trigger() {
	local dir=$lab/trigger.$1
	mkdir "$dir"
	export dir
	case ${where[$1]} in
	machine) bash -c "echo 0 >/proc/self/loginuid; ${script[$1]}" ;;
	box) boxed "${script[$1]}" ;;
	network) boxed -n "ip link set lo up; for a in 203.0.113.9 169.254.169.254; do ip address add \$a/32 dev lo; done; ${script[$1]}" ;;
	esac
}

# ---- the run ----

wanted=$("$bin/mewsctl" rules list --json "${files[@]}" | jq -r '.[] | select(.enabled).rule' | sort)
have=$(printf '%s\n' "${triggers[@]}" "${untriggered[@]%%|*}" | sort)
[ "$wanted" = "$have" ] || fail "the rules with a trigger or a reason are not those of the files: $(diff <(echo "$wanted") <(echo "$have"))"

mkdir "$lab/rules.d"
cp "${files[0]}" "$lab/rules.d/1.yaml"
cp "${files[1]}" "$lab/rules.d/2.yaml"
lab_rules=$lab/rules.d
lab_pki n1
lab_collector -o rule.matching=all
lab_sensor n1
lab_wait 30 lab_durable n1 || fail "the snapshot is not through"
mkdir "$lab/box"
described

# Alerts of the rule of a trigger, while it ran.
alerts_of() { jq -c --arg r "${triggers[$1]}" --argjson from "${from[$1]}" --argjson to "${to[$1]}" \
	'select(.rule == $r and .output_fields["evt.time"] >= $from and .output_fields["evt.time"] <= $to + 20000000)' "$lab/alerts" 2>/dev/null; }
raised() { [ -n "$(alerts_of "$1")" ]; }

from=() to=()
now_ns() { echo "${EPOCHREALTIME/[.,]/}000"; }
for i in "${!triggers[@]}"; do
	from[i]=$(now_ns)
	trigger "$i" >"$lab/trigger.out" 2>&1 </dev/null || { cat "$lab/trigger.out"; fail "the trigger of '${triggers[$i]}' does not run here"; }
	to[i]=$(now_ns)
done
lab_wait 30 lab_durable n1 || fail "the events are not through"

bad=0
exceptions=$(printf '%s\n' "${unfilled[@]}")
for i in "${!triggers[@]}"; do
	rule=${triggers[$i]}
	lab_wait 10 raised "$i" || { echo "FAIL $rule: not raised"; bad=$((bad + 1)); continue; }
	# The alert with the fewest fields without a value.
	empty=$(alerts_of "$i" | jq -rs 'map([.output_fields | to_entries[] | select(.value == null or .value == "" or .value == "<NA>").key]) | min_by(length)[]')
	for field in $empty; do
		grep -qF -e "$rule|$field|" -e "*|$field|" <<<"$exceptions" || { echo "FAIL $rule: $field has no value"; bad=$((bad + 1)); }
	done
	while IFS='|' read -r _ field _; do
		grep -qxF "$field" <<<"$empty" || { echo "FAIL $rule: $field has a value; it is listed as an exception"; bad=$((bad + 1)); }
	done < <(grep -F "$rule|" <<<"$exceptions")
	echo "ok   $rule: $(alerts_of "$i" | head -n 1 | jq '[.output_fields | to_entries[] | select(.value != null)] | length') fields"
done
for u in "${untriggered[@]}"; do
	IFS='|' read -r rule why <<<"$u"
	[ "$why" = "$empty_list" ] || "$bin/mewsctl" rules list --json "${files[@]}" | jq -e --arg r "$rule" '.[] | select(.rule == $r).blind != null' >/dev/null ||
		{ echo "FAIL $rule: it is not blind, so it needs a trigger"; bad=$((bad + 1)); }
	echo "--   $rule: $why"
done
[ "$bad" = 0 ] || fail "$bad"
echo "${#triggers[@]} of $(wc -l <<<"$wanted") rules are raised, ${#untriggered[@]} cannot be"
