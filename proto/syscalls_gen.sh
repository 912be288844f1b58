#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Print syscalls.def from the kernel's own tables. To take over a newer kernel's system calls:
#
#   apt-get install linux-source          # the newest that Debian has, perhaps in backports
#   proto/syscalls_gen.sh /usr/src/linux-source-X.tar.xz >syscalls.new && mv syscalls.new proto/syscalls.def
#
# The argument may also be a folder with the unpacked source. A name that the kernel's tables have
# dropped stays valid in rules: add it to 'other' below.
set -eu
export LC_ALL=C

# Further names that evt.type may be compared with: Falco's names for system calls of other
# architectures, for calls that the kernel no longer lists, and for tracepoints.
other='
	multiplexer page_fault_kernel page_fault_user riscv_flush_icache riscv_hwprobe rtas
	s390_guarded_storage s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr s390_sthyi
	sched_process_exit sched_switch signal_deliver spu_create spu_run subpage_prot swapcontext
	switch_endian sync_file_range2 sys_debug_setcontext timerfd
'

x86_64=arch/x86/entry/syscalls/syscall_64.tbl
ia32=arch/x86/entry/syscalls/syscall_32.tbl
arm64=scripts/syscall.tbl
arm32=arch/arm64/tools/syscall_32.tbl
arm64_abis=arch/arm64/kernel/Makefile.syscalls

[ $# -eq 1 ] || {
	echo "usage: syscalls_gen.sh LINUX_SOURCE (a folder, or Debian's linux-source-*.tar.xz)" >&2
	exit 2
}
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -f "$source" ]; then
	set -- Makefile "$x86_64" "$ia32" "$arm64" "$arm32" "$arm64_abis"
	top=$(basename "$source")
	top=${top%.tar*}
	for file; do
		set -- "$@" "$top/$file"
		shift
	done
	tar -xf "$source" -C "$work" "$@"
	source=$work/$top
fi
cd "$source"

# Rows "column number name function" for the callers whose tables are marked with one of the ABIs.
rows() { # column, table, its ABIs
	awk -v column="$1" -v abis=" $3 " '
		/^[0-9]/ && index(abis, " " $2 " ") { print column, $1, $3, (NF > 3 ? $4 : "-") }
	' "$2"
}

version=$(awk '/^(VERSION|PATCHLEVEL) =/ { v = v sep $3; sep = "." } END { print v }' Makefile)
more=$(sed -n 's/^syscall_abis_64 *+= *//p' "$arm64_abis")

{
	rows 1 "$x86_64" "common 64"
	rows 4 "$arm64" "common 64 $more"
	rows 2 "$x86_64" "common x32"
	rows 3 "$ia32" "i386"
	rows 5 "$arm32" "common"
	for name in $other; do
		echo 0 -1 "$name" -
	done
} >"$work/rows"
awk '
	# Of several functions take the first: it is from the 64-bit tables, whose callers fire tracepoints.
	{
		names[$3]
		number[$3, $1] = $2
		sub(/^(compat_)?sys_/, "", $4)
		if ($4 != "-" && $4 != "ni_syscall" && !($3 in entry))
			entry[$3] = $4
	}
	END {
		for (name in names) {
			line = name ", " (name in entry ? entry[name] : "none")
			for (column = 1; column <= 5; column++)
				line = line ", " ((name, column) in number ? number[name, column] : -1)
			print name, "SYSCALL(" line ")"
		}
	}
' "$work/rows" >"$work/calls"

cat <<EOF
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * syscalls.def - every system call and its number for each kind of caller: names that evt.type may be
 * compared with besides those of events.def. From Linux $version; printed by syscalls_gen.sh, do not edit.
 *
 * SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32)   sorted by name
 *   name   the name in user space and rules: umount2
 *   entry  the kernel's function without sys_, which names its tracepoints: umount for
 *          sys_enter_umount. x86-64's if architectures differ. none if the kernel has none
 *   x86_64, x32, ia32   its number on x86-64 for 64-bit callers, for x32 callers (without bit 30) and
 *          for 32-bit callers; -1 if it does not exist
 *   arm64, arm32        the same on arm64, for 64-bit and for 32-bit callers
 *
 * A name without any number is of another architecture, or the kernel's name of a tracepoint.
 * A rule with a name that is neither here nor in events.def is refused.
 * Consumers: driver/numbers.h, sensor/capture_table.c, collector/field/syscall_numbers.c, tests/driver/.
 */
#ifndef SYSCALL
#define SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32)
#endif
EOF
sort -k 1,1 "$work/calls" | cut -d ' ' -f 2-
echo '#undef SYSCALL'
