# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# cases.sh - for each default rule, harmless commands that raise it, and for each of them commands
# that differ only in the deciding attribute and do not raise it. tests/e2e/rules_live.sh sources
# it.
#
#	rule_case NAME WORD ATTRIBUTE    WORD_hit and WORD_miss are functions; they run as root, with $dir
#	                                 an empty scratch folder below /var/tmp, and clean up after themselves
# shellcheck disable=SC2154,SC2034 # the script sets dir and reads rule_cases
rule_cases=()
rule_case() { rule_cases+=("$1|$2|$3"); }

# Write nothing to a file; remove the file if it did not exist before.
touch_file() {
	local old=no
	[ -e "$1" ] && old=yes
	mkdir -p "$(dirname "$1")"
	: >>"$1"
	[ "$old" = yes ] || rm -f "$1"
}

# Imitate a program by name only.
named() {
	local program=$dir/$1
	shift
	cp /bin/true "$program"
	"$program" "$@"
}

rule_case 'Sensitive file read' secret 'the file'
secret_hit() { head -c 1 /etc/shadow >/dev/null; }
secret_miss() { head -c 1 /etc/passwd >/dev/null; }

rule_case 'Sensitive file read' renamed 'the program behind a link'
renamed_hit() {
	ln -s /usr/bin/head "$dir/passwd"
	"$dir/passwd" -c 1 /etc/shadow >/dev/null
}
renamed_miss() {
	ln -s /usr/bin/passwd "$dir/head"
	"$dir/head" -S root >/dev/null
}

rule_case 'Sensitive file archived' archive 'the folder'
archive_hit() { tar -C / -cf - etc | wc -c; }
archive_miss() { tar -C / -cf - etc/default | wc -c; }

rule_case 'Private key or cloud credentials read' credentials 'the name of the file'
credentials_hit() {
	mkdir -p "$dir/.aws"
	echo key >"$dir/.aws/credentials"
	cat "$dir/.aws/credentials" >/dev/null
}
credentials_miss() {
	mkdir -p "$dir/.aws"
	echo key >"$dir/.aws/config"
	cat "$dir/.aws/config" >/dev/null
}

rule_case 'Private key or cloud credentials read' privatekey 'the public key'
privatekey_hit() {
	mkdir -p "$dir/.ssh"
	echo key >"$dir/.ssh/id_ed25519"
	cat "$dir"/.ssh/id_* >/dev/null
}
privatekey_miss() {
	mkdir -p "$dir/.ssh"
	echo key >"$dir/.ssh/id_ed25519.pub"
	cat "$dir"/.ssh/id_* >/dev/null
}

rule_case 'Hard link to a sensitive file' link 'the file'
link_hit() { ln /etc/gshadow "$dir/name" || true; }
link_miss() {
	: >"$dir/gshadow"
	ln "$dir/gshadow" "$dir/name" || true
}

rule_case 'Search for private keys' keys 'the search pattern'
keys_hit() { grep -r 'BEGIN OPENSSH PRIVATE KEY' "$dir" || true; }
keys_miss() { grep -r 'BEGIN OPENSSH PUBLIC KEY' "$dir" || true; }

# Connect in a new network namespace, so that nothing is sent anywhere.
connect_alone() {
	unshare -n sh -c "ip link set lo up; ip address add $1/32 dev lo
		exec perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0); connect(S, pack_sockaddr_in(80, inet_aton(\"$1\"))) or die \$!'"
}
rule_case 'Cloud metadata service contacted' metadata 'the address'
metadata_hit() { connect_alone 169.254.169.254; }
metadata_miss() { connect_alone 169.254.169.253; }

rule_case 'Fileless execution' memfd 'the location of the program'
memfd_hit() {
	local nr=319
	[ "$(uname -m)" = aarch64 ] && nr=279
	perl -MIO::Handle -e 'my $name = "x"; my $fd = syscall(shift, $name, 0); open(my $in, "<", "/bin/true"); binmode $in;
		open(my $out, ">&=", $fd); binmode $out; local $/; print $out scalar <$in>; $out->flush;
		exec {"/proc/self/fd/$fd"} "true" if fork() == 0; wait' "$nr"
}
memfd_miss() {
	cp /bin/true "$dir/x"
	"$dir/x"
}

rule_case 'Shell spawned by a server' server 'the name of the parent'
server_hit() {
	cp /bin/bash "$dir/lighttpd"
	"$dir/lighttpd" -c 'sh -c :; :'
}
server_miss() {
	cp /bin/bash "$dir/launcher"
	"$dir/launcher" -c 'sh -c :; :'
}

rule_case 'Shell spawned by an application runtime' runtimeshell 'the name of the parent'
runtimeshell_hit() {
	cp /bin/bash "$dir/java"
	"$dir/java" -c 'sh -c :; :'
}
runtimeshell_miss() {
	cp /bin/bash "$dir/javac"
	"$dir/javac" -c 'sh -c :; :'
}

rule_case 'Shell redirected to a network connection' redirect 'the descriptor'
redirect_hit() { bash -c 'exec 5<>/dev/udp/127.0.0.1/9; exec 0<&5'; }
redirect_miss() { bash -c 'exec 5<>/dev/udp/127.0.0.1/9; exec 7<&5'; }

rule_case 'Network tool runs a program' tool 'an argument'
tool_hit() {
	cp /bin/true "$dir/ncat"
	"$dir/ncat" -l 127.0.0.1 -e /bin/sh
}
tool_miss() {
	cp /bin/true "$dir/ncat"
	"$dir/ncat" -l 127.0.0.1 -v
}

rule_case 'Network tool runs a program' together 'one of several combined options'
together_hit() { named nc -lvnpe 4444 /bin/sh; }
together_miss() { named nc -lvnp 4444 /bin/sh; }

rule_case 'Execution from shared memory' shm 'the folder'
shm_hit() {
	local file=/dev/shm/case.$$
	cp /bin/true "$file"
	"$file"
	rm -f "$file"
}
shm_miss() {
	cp /bin/true "$dir/case"
	"$dir/case"
}

rule_case 'Hidden program in a temporary folder' hidden 'the dot'
hidden_hit() {
	mkdir -p "$dir/.cache"
	cp /bin/true "$dir/.cache/case"
	"$dir/.cache/case"
}
hidden_miss() {
	mkdir -p "$dir/cache"
	cp /bin/true "$dir/cache/case"
	"$dir/cache/case"
}

connect_unix() {
	perl -MSocket -e 'my $a = pack_sockaddr_un(shift); socket(L, PF_UNIX, SOCK_STREAM, 0); bind(L, $a) or die; listen(L, 1);
		socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, $a) or die' "$1"
	rm -f "$1"
}
rule_case 'Container runtime socket contacted' runtime 'the name of the socket'
runtime_hit() { connect_unix "$dir/docker.sock"; }
runtime_miss() { connect_unix "$dir/printer.sock"; }

rule_case 'Preload library list written' preload 'the file'
preload_hit() { touch_file /etc/ld.so.preload; }
preload_miss() { touch_file /etc/ld.so.preload.case; }

rule_case 'System program written' program 'the folder'
program_hit() { touch_file "/usr/bin/case.$$"; }
program_miss() { touch_file "/usr/local/bin/case.$$"; }

rule_case 'System program written' imitated 'the folder'
imitated_hit() {
	cp /bin/bash "$dir/dpkg"
	"$dir/dpkg" -c ": >>/usr/bin/case.$$; rm -f /usr/bin/case.$$"
}
imitated_miss() {
	cp /bin/bash "$dir/dpkg"
	"$dir/dpkg" -c ": >>/usr/local/bin/case.$$; rm -f /usr/local/bin/case.$$"
}

rule_case 'Account database written' accounts 'reading instead of writing'
accounts_hit() { touch_file /etc/group; }
accounts_miss() { head -c 1 /etc/group >/dev/null; }

rule_case 'SSH authorized keys written' login 'the name of the file'
login_hit() { touch_file "$dir/.ssh/authorized_keys"; }
login_miss() { touch_file "$dir/.ssh/known_hosts"; }

rule_case 'Scheduled task written' schedule 'the folder'
schedule_hit() { touch_file "/etc/cron.d/case-$$"; }
schedule_miss() { touch_file "/etc/case-$$"; }

rule_case 'Service definition written' service 'the folder'
service_hit() { touch_file "/etc/systemd/system/case-$$.service"; }
service_miss() { touch_file "$dir/etc/systemd/system/case-$$.service"; }

rule_case 'Shell startup file written' startup 'the name of the file'
startup_hit() { touch_file "$dir/.bashrc"; }
startup_miss() { touch_file "$dir/.bash_history"; }

rule_case 'Log truncated' log 'appending instead of truncating'
log_hit() {
	local log=/var/log/case.$$.log
	echo line >"$log"
	: >"$log"
	rm -f "$log"
}
log_miss() {
	local log=/var/log/case.$$.log
	echo line >"$log"
	echo line >>"$log"
	rm -f "$log"
}

rule_case 'Process memory read' memory 'the file'
memory_hit() { head -c 1 "/proc/$$/mem" >/dev/null 2>&1 || true; }
memory_miss() { head -c 1 "/proc/$$/maps" >/dev/null; }

rule_case 'Packet capture started' capture 'the name of the program'
capture_hit() { named tcpdump -i lo; }
capture_miss() { named tcpdumb -i lo; }

rule_case 'Download piped to a shell' download 'the target of the pipe'
download_hit() { sh -c 'false && curl http://127.0.0.1/x | sh; :'; }
download_miss() { sh -c 'false && curl http://127.0.0.1/x | cat; :'; }

rule_case 'Interactive shell spawned by a script' terminal 'an argument'
terminal_hit() { named python3.11 -c 'import pty; pty.spawn("/bin/sh")'; }
terminal_miss() { named python3.11 -c 'import pty; pty.openpty()'; }

rule_case 'Cryptocurrency miner started' miner 'the scheme of an address'
miner_hit() { named updater -o stratum+tcp://127.0.0.1:3333; }
miner_miss() { named updater -o tcp://127.0.0.1:3333; }

rule_case 'Kernel helper program changed' lever 'reading instead of writing'
lever_hit() { : >>/proc/sys/kernel/core_pattern; }
lever_miss() { head -c 1 /proc/sys/kernel/core_pattern >/dev/null; }

rule_case 'Kernel module tool started' module 'the name of the program'
module_hit() { named insmod case.ko; }
module_miss() { named lsmod case.ko; }

rule_case 'Authentication configuration written' logins 'the folder'
logins_hit() { touch_file "/etc/pam.d/case.$$"; }
logins_miss() { touch_file "/etc/pam.case.$$"; }

rule_case 'Device rule written' device 'the folder'
device_hit() { touch_file "/etc/udev/rules.d/case.$$"; }
device_miss() { touch_file "/etc/udev/case.$$"; }

rule_case 'Trusted CA certificate written' certificate 'the folder'
certificate_hit() { touch_file "/usr/local/share/ca-certificates/case.$$"; }
certificate_miss() { touch_file "/usr/local/share/case.$$"; }

rule_case 'Security service stopped' watching 'the command'
watching_hit() { named systemctl stop auditd; }
watching_miss() { named systemctl status auditd; }

rule_case 'Firewall rules flushed' firewall 'an argument'
firewall_hit() { named nft flush ruleset; }
firewall_miss() { named nft list ruleset; }

rule_case 'Security service stopped' killed 'the signal'
killed_hit() { named pkill -9 falco; }
killed_miss() { named pkill -HUP falco; }

rule_case 'Firewall rules flushed' chain 'an argument'
chain_hit() { named iptables -F INPUT; }
chain_miss() { named iptables -L INPUT; }

rule_case 'Command history cleared' first 'whether the file existed'
first_hit() {
	echo line >"$dir/.zsh_history"
	: >"$dir/.zsh_history"
}
first_miss() { echo line >"$dir/.zsh_history"; }

rule_case 'Command history cleared' history 'appending instead of truncating'
history_hit() {
	echo line >>"$dir/.bash_history"
	: >"$dir/.bash_history"
}
history_miss() {
	echo line >>"$dir/.bash_history"
	: >>"$dir/.bash_history"
}

# call NAME ARGUMENT...: make a system call; whether it succeeds does not matter.
call() {
	local nr
	case $1.$(uname -m) in
	finit_module.aarch64) nr=273 ;;
	finit_module.*) nr=313 ;;
	delete_module.aarch64) nr=106 ;;
	delete_module.*) nr=176 ;;
	bpf.aarch64) nr=280 ;;
	bpf.*) nr=321 ;;
	userfaultfd.aarch64) nr=282 ;;
	userfaultfd.*) nr=323 ;;
	kexec_load.aarch64) nr=104 ;;
	kexec_load.*) nr=246 ;;
	perf_event_open.aarch64) nr=241 ;;
	perf_event_open.*) nr=298 ;;
	io_uring_register.*) nr=427 ;;
	esac
	shift
	perl -e 'my ($nr, @arguments) = map { /^-?[0-9]+$/ ? $_ + 0 : $_ } @ARGV; syscall($nr, @arguments)' "$nr" "$@"
}
as_user() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

rule_case 'Set-user-ID bit set' setuid 'the bit'
setuid_hit() {
	: >"$dir/x"
	chmod 4755 "$dir/x"
}
setuid_miss() {
	: >"$dir/x"
	chmod 755 "$dir/x"
}

rule_case 'Kernel module loaded directly' load 'the system call'
load_hit() { call finit_module -1 '' 0; }
load_miss() { call delete_module no_such_module 2048; }

# Make a ptrace request to a child.
trace() {
	local nr=101
	[ "$(uname -m)" = aarch64 ] && nr=117
	perl -e 'my ($nr, $request) = map { $_ + 0 } @ARGV; my $pid = fork();
		if ($pid == 0) { sleep 60; exit }
		syscall($nr, $request, $pid, 0, 0); kill "KILL", $pid; waitpid $pid, 0' "$nr" "$1"
}
rule_case 'Process controlled by another program' attach 'the request'
attach_hit() { trace 16; }
attach_miss() { trace 17; }

rule_case 'eBPF program loaded' ebpf 'the command'
ebpf_hit() { call bpf 5 0 0; }
ebpf_miss() { call bpf 0 0 0; }

# Enter a namespace, in a new pid namespace with a first process of its own.
enter() {
	local nr=308
	[ "$(uname -m)" = aarch64 ] && nr=268
	unshare -p -f -u --mount-proc sh -c 'perl -e '"'"'open(my $f, "<", $ARGV[1]) or die;
		syscall($ARGV[0] + 0, fileno($f), 0) == 0 or die $!'"'"' "$@"; exit $?' - "$nr" "$1"
}
rule_case 'Namespace of the first process entered' enter 'the process'
enter_hit() { enter /proc/1/ns/uts; }
enter_miss() { enter /proc/self/ns/uts; }

rule_case 'User namespace created by a user' userns 'the user'
userns_hit() { as_user unshare -U true || true; }
userns_miss() { unshare -U true || true; }

rule_case 'Page faults handled by a user' faults 'the user'
faults_hit() { as_user perl -e 'syscall(shift() + 0, 0)' "$([ "$(uname -m)" = aarch64 ] && echo 282 || echo 323)"; }
faults_miss() { call userfaultfd 0; }

rule_case 'Process named as a kernel thread' kthread 'the name'
kthread_hit() { perl -e '$0 = "kworker/0:1"'; }
kthread_miss() { perl -e '$0 = "worker/0:1"'; }

rule_case 'Packet socket opened' packets 'the domain'
packets_hit() { perl -e 'socket(S, 17, 2, 0) or die $!'; }
packets_miss() { perl -e 'socket(S, 2, 2, 0) or die $!'; }

listen_as() {
	cp /usr/bin/perl "$dir/$1"
	"$dir/$1" -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die;
		listen(S, 1) or die'
}
rule_case 'Shell or network tool listens' listens 'the name of the program'
listens_hit() { listen_as ncat; }
listens_miss() { listen_as server; }

rule_case 'Symbolic link to a sensitive file' softlink 'the file'
softlink_hit() { ln -s /etc/gshadow "$dir/x"; }
softlink_miss() { ln -s /etc/hostname "$dir/x"; }

rule_case 'Account or login file replaced' replaced 'the name of the file'
replaced_hit() {
	mkdir "$dir/.ssh"
	: >"$dir/.ssh/new"
	mv "$dir/.ssh/new" "$dir/.ssh/authorized_keys"
}
replaced_miss() {
	mkdir "$dir/.ssh"
	: >"$dir/.ssh/new"
	mv "$dir/.ssh/new" "$dir/.ssh/known_hosts"
}

rule_case 'Scheduled or started file replaced' started 'the folder'
started_hit() {
	: >"/etc/case.$$"
	mv "/etc/case.$$" "/etc/cron.d/case-$$"
	rm -f "/etc/cron.d/case-$$"
}
started_miss() {
	: >"/etc/case.$$"
	mv "/etc/case.$$" "/etc/case-$$"
	rm -f "/etc/case-$$"
}

rule_case 'Log removed' logremoved 'the folder'
logremoved_hit() {
	: >"/var/log/case.$$"
	rm "/var/log/case.$$"
}
logremoved_miss() {
	: >"/var/tmp/case.$$"
	rm "/var/tmp/case.$$"
}

rule_case 'Command history cleared' forgotten 'the name of the file'
forgotten_hit() { ln -s /dev/null "$dir/.bash_history"; }
forgotten_miss() { ln -s /dev/null "$dir/.bash_aliases"; }

rule_case 'Command history cleared' unlinked 'the name of the file'
unlinked_hit() {
	: >>"$dir/.bash_history"
	rm "$dir/.bash_history"
}
unlinked_miss() {
	: >>"$dir/.bash_aliases"
	rm "$dir/.bash_aliases"
}

# Read 8 bytes of a process: of this one's child, or of itself.
copy_memory() {
	local nr=310
	[ "$(uname -m)" = aarch64 ] && nr=270
	perl -e 'my ($nr, $other) = map { $_ + 0 } @ARGV; my $text = "x" x 8; my $room = "y" x 8;
		my ($from, $to) = map { pack("QQ", unpack("Q", pack("p", $_)), 8) } $text, $room;
		my $pid = $other ? fork() : $$;
		if ($pid == 0) { sleep 60; exit }
		my $n = syscall($nr, $pid, $to, 1, $from, 1, 0);
		if ($other) { kill "KILL", $pid; waitpid $pid, 0 }
		exit($n != 8)' "$nr" "$1"
}
rule_case 'Memory of another process copied' copied 'the process'
copied_hit() { copy_memory 1; }
copied_miss() { copy_memory 0; }

rule_case 'Process asks to be traced' traced 'the request'
traced_hit() { perl -e 'syscall($ARGV[0] + 0, 0, 0, 0, 0) == 0 or die $!' "$([ "$(uname -m)" = aarch64 ] && echo 117 || echo 101)"; }
traced_miss() { trace 17; }

rule_case 'Running program removed by itself' itself 'the file'
itself_hit() {
	cp /usr/bin/perl "$dir/x"
	"$dir/x" -e 'unlink($ARGV[0]) or die $!' "$dir/x"
}
itself_miss() {
	cp /usr/bin/perl "$dir/x"
	: >"$dir/y"
	"$dir/x" -e 'unlink($ARGV[0]) or die $!' "$dir/y"
}

# Give a new file below /etc a mode.
set_mode() {
	: >"/etc/case.$$"
	chmod "$1" "/etc/case.$$"
	rm -f "/etc/case.$$"
}
rule_case 'System file made writable by everybody' writable 'the bit'
writable_hit() { set_mode 646; }
writable_miss() { set_mode 644; }

# Connect a program's own socket to a port of this machine where nobody has to listen.
connect_as() { perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0) or die; bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die;
	listen(S, 1) or die; system(@ARGV, (unpack_sockaddr_in(getsockname(S)))[0]) == 0 or die' "$@"; }
rule_case 'Connection by a shell' shellconnects 'the program'
shellconnects_hit() { connect_as bash -c ': <>"/dev/tcp/127.0.0.1/$0"'; }
shellconnects_miss() { connect_as perl -MIO::Socket::INET -e 'IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die'; }

rule_case 'Kernel protection setting written' protection 'the file'
protection_hit() { : >>/proc/sys/kernel/kptr_restrict; }
protection_miss() { : >>/proc/sys/kernel/printk; }

rule_case 'Authentication module written' pammodule 'the name of the file'
pammodule_hit() { touch_file "/usr/lib/$(uname -m)-linux-gnu/security/pam_case.$$.so"; }
pammodule_miss() { touch_file "/usr/lib/$(uname -m)-linux-gnu/security/case.$$.so"; }

rule_case 'Loader configuration written' loader 'the folder'
loader_hit() { touch_file "/etc/ld.so.conf.d/case.$$"; }
loader_miss() { touch_file "/etc/case.$$"; }

rule_case 'Login message script written' motd 'the folder'
motd_hit() { touch_file "/etc/update-motd.d/case.$$"; }
motd_miss() { touch_file "/etc/case.$$"; }

rule_case 'Desktop autostart entry written' autostart 'the folder'
autostart_hit() { touch_file "$dir/.config/autostart/case.desktop"; }
autostart_miss() { touch_file "$dir/.config/case.desktop"; }

rule_case 'System library written' library 'the name of the file'
library_hit() { touch_file "/usr/lib/case.$$.so"; }
library_miss() { touch_file "/usr/lib/case.$$.conf"; }

rule_case 'Boot file written' boot 'the folder'
boot_hit() { touch_file "/boot/case.$$"; }
boot_miss() { touch_file "/case.$$"; }

rule_case 'Python startup hook written' pythonhook 'the extension'
pythonhook_hit() { touch_file "$dir/python3/site-packages/case.pth"; }
pythonhook_miss() { touch_file "$dir/python3/site-packages/case.py"; }

# In a mount namespace with an empty /dev, so that no disk of this machine is touched.
rule_case 'Disk opened for writing' disk 'the name of the device'
disk_hit() { unshare -m sh -c 'mount -t tmpfs case /dev; : >>/dev/sda'; }
disk_miss() { unshare -m sh -c 'mount -t tmpfs case /dev; : >>/dev/sound'; }

rule_case 'Timer definition written' timer 'the extension'
timer_hit() { touch_file "$dir/.config/systemd/user/case.timer"; }
timer_miss() { touch_file "$dir/.config/systemd/user/case.time"; }

rule_case 'Unit generator or user service written' generator 'the folder'
generator_hit() { touch_file "$dir/systemd/system-generators/case"; }
generator_miss() { touch_file "$dir/systemd/system-shutdown/case"; }

rule_case 'Package manager configuration written' packages 'the folder'
packages_hit() { touch_file "/etc/apt/apt.conf.d/99case.$$"; }
packages_miss() { touch_file "/etc/apt/99case.$$"; }

rule_case 'Log or audit configuration written' logconfig 'the folder'
logconfig_hit() { touch_file "/etc/rsyslog.d/case.$$"; }
logconfig_miss() { touch_file "/etc/case.$$"; }

rule_case 'Process memory opened for writing' memorywrite 'the file'
memorywrite_hit() { bash -c ': >>/proc/$$/mem'; }
memorywrite_miss() { bash -c ': >>/proc/$$/comm'; }

rule_case 'Block device node created' node 'the kind of the device'
node_hit() { mknod "$dir/x" b 7 255; }
node_miss() { mknod "$dir/x" c 1 3; }

# Look up the handle of a folder, and open it if told to.
handle() {
	local lookup=303 open=304
	[ "$(uname -m)" = aarch64 ] && lookup=264 open=265
	perl -e 'my ($lookup, $open, $folder) = @ARGV; my $handle = pack("Ii", 128, 0) . "\0" x 128; my $mount = pack("i", 0);
		opendir(my $d, $folder) or die; syscall($lookup + 0, -100, $folder, $handle, $mount, 0) == 0 or die $!;
		syscall($open + 0, fileno($d), $handle, 0) if $open' "$lookup" "${1:+$open}" "$dir"
}
rule_case 'File opened by its handle' handle 'the system call'
handle_hit() { handle open; }
handle_miss() { handle ''; }

# Refer to a child by a descriptor, and take its standard input if told to.
take() {
	perl -e 'my $take = shift; my $pid = fork(); if ($pid == 0) { sleep 60; exit }
		my $fd = syscall(434, $pid, 0); my $got = $take ? syscall(438, $fd, 0, 0) : 0;
		kill "KILL", $pid; waitpid $pid, 0; exit($fd < 0 || $got < 0)' "$1"
}
rule_case 'Descriptor taken from another process' descriptor 'the system call'
descriptor_hit() { take 1; }
descriptor_miss() { take 0; }

rule_case 'Root of the first process entered' firstroot 'the process'
firstroot_hit() { unshare -p -f --mount-proc head -c 1 /proc/1/root/etc/hostname >/dev/null; }
firstroot_miss() { unshare -p -f --mount-proc head -c 1 /proc/self/root/etc/hostname >/dev/null; }

rule_case 'Process hidden by a mount' hides 'the folder'
hides_hit() { unshare -m sh -c 'mount --bind "$1" /proc/$$' - "$dir"; }
hides_miss() {
	mkdir "$dir/x"
	unshare -m sh -c 'mount --bind "$1" "$1/x"' - "$dir"
}

rule_case 'Control group hierarchy mounted' hierarchy 'the kind of the file system'
hierarchy_hit() {
	mkdir "$dir/x"
	unshare -m mount -t cgroup -o none,name=case case "$dir/x" || true
}
hierarchy_miss() {
	mkdir "$dir/x"
	unshare -m mount -t tmpfs case "$dir/x"
}

rule_case 'Asynchronous system calls set up' ring 'the system call'
ring_hit() { perl -e 'my $parameters = "\0" x 120; syscall(425, 4, $parameters) >= 0 or die $!'; }
ring_miss() { call io_uring_register -1 0 0 0; }

rule_case 'Performance event opened by a user' performance 'the user'
performance_hit() { as_user perl -e 'syscall(shift() + 0, 0, 0, 0, 0, 0)' "$([ "$(uname -m)" = aarch64 ] && echo 241 || echo 298)"; }
performance_miss() { call perf_event_open 0 0 0 0 0; }

rule_case 'Capability kept across programs' ambient 'the set of capabilities'
ambient_hit() { setpriv --inh-caps +net_raw --ambient-caps +net_raw true; }
ambient_miss() { setpriv --inh-caps +net_raw true; }

# More segments than the kernel takes: refused before anything is changed.
rule_case 'Kernel replaced at run time' kernel 'the system call'
kernel_hit() { call kexec_load 0 1000000 0 0; }
kernel_miss() { call delete_module no_such_module 2048; }

memory_file() { "$@" -e 'my $name = "x"; syscall(shift() + 0, $name, 0) >= 0 or die $!' "$([ "$(uname -m)" = aarch64 ] && echo 279 || echo 319)"; }
rule_case 'Memory file created by an interpreter' memoryfile 'the name of the program'
memoryfile_hit() { memory_file perl; }
memoryfile_miss() {
	cp /usr/bin/perl "$dir/server"
	memory_file "$dir/server"
}

rule_case 'Library preloaded from a temporary folder' environment 'the name of the variable'
environment_hit() { LD_PRELOAD=$dir/case.so /bin/true; }
environment_miss() { LD_PRELOADED=$dir/case.so /bin/true; }

rule_case 'Command history disabled' nohistory 'the value of the variable'
nohistory_hit() { HISTFILE=/dev/null bash -c :; }
nohistory_miss() { HISTFILE=/dev/zero bash -c :; }

rule_case 'SSH agent contacted' agent 'the name of the socket'
agent_hit() {
	mkdir "$dir/ssh-case"
	connect_unix "$dir/ssh-case/agent.1"
}
agent_miss() {
	mkdir "$dir/ssh-case"
	connect_unix "$dir/ssh-case/printer.1"
}

rule_case 'Decoded script piped to a shell' decoded 'the target of the pipe'
decoded_hit() { sh -c 'echo Og== | base64 -d | sh; :'; }
decoded_miss() { sh -c 'echo Og== | base64 -d | cat; :'; }

rule_case 'Program started as a kernel thread' bracket 'the bracket'
bracket_hit() { bash -c 'exec -a "[kworker/0:1]" true'; }
bracket_miss() { bash -c 'exec -a "kworker/0:1" true'; }

rule_case 'Program named as a system service' imitates 'the name of the program'
imitates_hit() { named crond; }
imitates_miss() { named crony; }

rule_case 'Kernel module file written' modulefile 'the folder'
modulefile_hit() { touch_file "/etc/modules-load.d/case.$$.conf"; }
modulefile_miss() { touch_file "/etc/case.$$.conf"; }

write_as_server() {
	cp /bin/bash "$dir/nginx"
	mkdir -p /var/www
	"$dir/nginx" -c ': >>"$0"' "$1"
	rm -f "$1"
}
rule_case 'Script written by a web server' webshell 'the extension'
webshell_hit() { write_as_server "/var/www/case.$$.php"; }
webshell_miss() { write_as_server "/var/www/case.$$.png"; }

rule_case 'Environment of a process read' environ 'the process'
environ_hit() { cat "/proc/$$/environ" >/dev/null; }
environ_miss() { cat /proc/self/environ >/dev/null; }

rule_case 'File given capabilities' capabilities 'an argument'
capabilities_hit() { named setcap cap_net_raw+ep "$dir/x"; }
capabilities_miss() { named setcap -r "$dir/x"; }

rule_case 'SSH tunnel opened' tunnel 'an option'
tunnel_hit() { named ssh -N -R 8080:127.0.0.1:80 localhost; }
tunnel_miss() { named ssh -N -p 8080 localhost; }

rule_case 'Container given the whole machine' machine 'the folder'
machine_hit() { named podman run --rm -v /:/host case; }
machine_miss() { named podman run --rm -v /srv:/host case; }
