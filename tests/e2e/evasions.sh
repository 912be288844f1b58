#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Attacks that hide behind a name (long and crooked paths, links, mounts, chroots, long arguments, the
# loader) or make no system call (io_uring). Each raises its alert. Mounts are made in a separate namespace.
. "$(dirname "$0")/../support/lab.sh"
lab_begin

cp "$root/rules/mews_rules.yaml" "$lab/rules.yaml"
cat >>"$lab/rules.yaml" <<'RULES'

- rule: Arguments
  desc: d
  condition: evt.type = execve and evt.rawres = 0 and proc.name = true and proc.args contains evasion-case
  output: a=%proc.args
  priority: NOTICE
RULES
lab_pki n1
lab_rules=$lab/rules.yaml
lab_collector -o rule.matching=all
lab_sensor n1
reader=$lab/reader
cp "$bin/evasions" "$reader"
loader=$(readlink -f /lib64/ld-linux-x86-64.so.2 || readlink -f /lib/ld-linux-aarch64.so.1)
bad=0

# tried WHAT RULE CONDITION: the alert has been raised.
tried() {
	if lab_wait 15 lab_alert "$2" "$3"; then
		echo "ok   $1"
	else
		echo "FAIL $1"
		bad=$((bad + 1))
	fi
}
read_='Sensitive file read'

cat "/etc$(printf '/.%.0s' {1..1200})/shadow" >/dev/null
tried 'a path of 2,400 bytes' "$read_" '.output_fields["fd.name"] == "/etc/shadow" and (.output_fields["proc.cmdline"] | startswith("cat"))'

cat "/etc$(printf '/.%.0s' {1..2042})/shadow" >/dev/null
tried 'the longest path' "$read_" '.output_fields["fd.name"] == "/etc/shadow" and (.output_fields["mews.cut"] | not) and (.output_fields["proc.cmdline"] | length > 4000)'

# fd.name has Falco's limit of 1,024 bytes for what is left without dots.
up=$lab/$(printf 'u%.0s' {1..200})
ln -s / "$up"
"$reader" "$up$up$up$up$up$up$up/etc/shadow"
tried 'a path of 1,500 bytes through links' "$read_" '.output_fields["fd.name"] == "/DIR_TOO_LONG/FILENAME_TOO_LONG" and .output_fields["mews.fd.realname"] == "/etc/shadow"'

ln /etc/../etc/./shadow /proc/self/none 2>/dev/null || true
tried 'a link whose path is not plain' 'Hard link to a sensitive file' '.output_fields["mews.path.target"] == "/etc/shadow"'

ln -s /etc/shadow "$lab/innocent"
"$reader" "$lab/innocent"
tried 'a symbolic link' "$read_" "(.output_fields[\"fd.name\"] | endswith(\"/innocent\")) and .output_fields[\"mews.fd.realname\"] == \"/etc/shadow\""

"$reader" root /etc /shadow
tried 'openat2 within a root' "$read_" '.output_fields["fd.name"] == "/etc/shadow" and (.output_fields["proc.cmdline"] | contains(" root "))'
"$reader" beneath /etc shadow
tried 'openat2 beneath a folder' "$read_" '.output_fields["fd.name"] == "/etc/shadow" and (.output_fields["proc.cmdline"] | contains(" beneath "))'

"$reader" ring /etc/shadow
tried 'io_uring' "$read_" '.output_fields["fd.name"] == "/etc/shadow" and .output_fields["mews.io_uring"]'

# The file under another path, and a program with the path of an allowed reader.
mkdir -p "$lab/jail/usr/sbin" "$lab/jail/etc"
cp "$reader" "$lab/jail/usr/sbin/unix_chkpwd"
unshare -m --propagation private sh -c 'mount --bind /etc "$1/etc" && "$2" "$1/etc/gshadow" && chroot "$1" /usr/sbin/unix_chkpwd' - "$lab/jail" "$reader"
tried 'a bind mount' "$read_" '.output_fields["fd.name"] | endswith("/jail/etc/gshadow")'
tried 'a program in a chroot' "$read_" '.output_fields["proc.exepath"] | endswith("/jail/usr/sbin/unix_chkpwd")'

shm=/dev/shm/mews-evasions.$$
mkdir "$shm"
cp "$reader" "$shm/prog"
chroot "$shm" /prog || true
tried 'a chroot in shared memory' 'Execution from shared memory' ".output_fields[\"mews.proc.program\"] == \"$shm/prog\" and .output_fields[\"proc.cmdline\"] == \"prog\""
(cd "$shm" && "$loader" --argv0 sshd ./prog)
rm -r "$shm"
tried 'the loader runs a program' 'Execution from shared memory' ".output_fields[\"mews.proc.program\"] == \"$shm/prog\" and (.output_fields[\"proc.cmdline\"] | contains(\"--argv0\"))"

(exec -a "$(printf 'z%.0s' {1..5000})" /bin/true evasion-case)
tried 'argv[0] of 5,000 bytes' Arguments '.output_fields["mews.cut"] and .output_fields["proc.args"] == "evasion-case"'

[ "$bad" = 0 ] || fail "$bad evasions raised no alert"
