#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [ROUNDS]: simulate the build of a kernel, the same each time: many short processes, which
# read and write many small files. 2 rounds by default.
set -euo pipefail
rounds=${1:-2}
case $rounds in
'' | *[!0-9]*)
	echo "usage: bench/build.sh [ROUNDS]" >&2
	exit 2
	;;
esac
for tool in gcc make; do
	command -v "$tool" >/dev/null || {
		echo "build.sh: $tool is missing: deploy/install-deps.sh --test installs it" >&2
		exit 1
	}
done

dir=$(mktemp -d /var/tmp/mews-build.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
cd "$dir"
mkdir include
for i in $(seq 40); do echo "struct s$i { int a[$i]; };" >"include/$i.h"; done
for i in $(seq 24); do
	for h in $(seq 40); do echo "#include \"$h.h\""; done >"$i.c"
	echo "int f$i(struct s$i *s); int f$i(struct s$i *s) { return s->a[0]; }" >>"$i.c"
done
# each object: the compiler, its dependencies made smaller, a stamp, a list of its symbols
cat >Makefile <<'MAKE'
objects := $(patsubst %.c,%.o,$(wildcard *.c))
all: lib.a
lib.a: $(objects)
	@rm -f $@; ar rcs $@ $(objects); nm $@ | sort | uniq >lib.map
%.o: %.c
	@gcc -Iinclude -O0 -MD -MF $*.d -c -o $@ $<
	@tr -s ' \\' '\n' <$*.d | grep '\.h' | sort -u >$*.cmd; rm $*.d
	@mkdir -p stamps; echo $@ >stamps/$*.tmp; mv stamps/$*.tmp stamps/$*
	@test -s $*.cmd && cat include/*.h | cksum >/dev/null
	@nm $@ | grep -c ' T ' >$*.n || true
clean:
	@rm -rf *.o *.a *.cmd *.n *.map stamps
MAKE
for _ in $(seq "$rounds"); do
	make -s all
	make -s clean
done
