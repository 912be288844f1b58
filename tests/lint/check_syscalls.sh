#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compare proto/syscalls.def with the kernel headers of this machine: each of their numbers must be in the
# table under the same name. The table may have more, since the headers may be older.
# With the kernel source in $MEWS_LINUX_SOURCE (a folder, or Debian's archive), or else the newest installed
# linux-source, the generator must print exactly the table; an older source is skipped.
# Usage: check_syscalls.sh [C compiler]
set -eu
cd "$(dirname "$0")/../.."
cc=${1:-cc}
table=proto/syscalls.def
status=0

# Print lines "name number" of a header. The preprocessor evaluates the numbers, except for x32's sums.
numbers() { # header
	echo "#include <$1>" | "$cc" -E -dM -x c - |
		sed -n 's/^#define __NR_\([a-z_0-9]*\) .*/\1/p' |
		grep -vxE 'syscalls|arch_specific_syscall' | # a count, a first number
		sed 's/.*/@& __NR_&/; 1i #include <'"$1"'>' |
		"$cc" -E -P -D__X32_SYSCALL_BIT=0 -x c - |
		sed -n 's/^@\([a-z_0-9]*\) *(\{0,1\}\(0 + \)\{0,1\}\([0-9]*\))\{0,1\}$/\1 \3/p'
}

compare() { # header, column of the table, its name
	numbers "$1" | awk -F '[(), ]+' -v header="$1" -v column="$2" -v caller="$3" -v table="$table" '
		NR == FNR && $1 == "SYSCALL" { number[$2] = $column }
		NR == FNR { next }
		{ seen++ }
		!($1 in number) { print table ": no " $1 ", which is " $2 " in <" header ">"; bad = 1; next }
		number[$1] != $2 {
			print table ": " $1 " is " number[$1] " for " caller ", but " $2 " in <" header ">"
			bad = 1
		}
		END {
			if (seen < 250)
				print "check_syscalls.sh: only " seen + 0 " system calls found in <" header ">"
			exit bad || seen < 250
		}
	' "$table" FS=' ' - || status=1
}

version() { sed -n 's/.* Of Linux \([0-9.]*\);.*/\1/p' "$1"; }

case $(echo | "$cc" -E -dM -x c -) in
*'__x86_64__ 1'*)
	compare asm/unistd_64.h 4 x86_64
	compare asm/unistd_x32.h 5 x32
	compare asm/unistd_32.h 6 ia32
	;;
*'__aarch64__ 1'*) compare asm/unistd.h 7 arm64 ;;
esac
[ $status -eq 0 ] || echo "Print the table anew from a newer kernel's source: proto/syscalls_gen.sh says how."

source=${MEWS_LINUX_SOURCE:-$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.*' | sort -V | tail -n 1)}
[ -n "$source" ] || exit $status
made=$(mktemp)
trap 'rm -f "$made"' EXIT
proto/syscalls_gen.sh "$source" >"$made"
have=$(version $table)
given=$(version "$made")
if [ "$(printf '%s\n' "$have" "$given" | sort -V | tail -n 1)" != "$given" ]; then
	echo "$source: Linux $given is older than the table, $have: not compared"
elif ! diff -u $table "$made"; then
	echo "$table is not what proto/syscalls_gen.sh prints of $source"
	status=1
fi
exit $status
