# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# install.sh - the README's lines, as they stand but for the address; and what apt refuses.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
awk '/^## / { here = $0 == "## Install" } here && /^```$/ { code = 0 } here && code { print } here && /^```sh$/ { code = 1 }' \
	"$root/README.md" >"$lab/all"
sed -n '/^repo=/,/^mewsctl alerts/p' "$lab/all" >"$lab/lines"
sed -n '/^mewsctl pki init/,$p' "$lab/all" | sed 's/web1/machine/g' >"$lab/fleet"
[ "$(wc -l <"$lab/lines")" -ge 6 ] && [ "$(wc -l <"$lab/fleet")" -ge 12 ] || fail "the README has no 'Install'"
sed -i -e "s|^repo=.*|repo=$repo|" "$lab/lines"
lines() { inside bash -euc "$(sed -n "$1" "$lab/lines")"; }

check "README: trust the key, add the source, update" lines '1,/^apt-get update/p'

refused() { # refused TEXT: does apt refuse the repository, saying so?
	! inside apt-get -o APT::Update::Error-Mode=any update >"$lab/refused" 2>&1 && grep -E "$1" "$lab/refused"
}
index=$lab/apt/dists/$suite
cp -rp "$index" "$lab/whole"
restore() { rm -rf "$index" && cp -rp "$lab/whole" "$index"; }
for file in "$index"/main/binary-amd64/Packages* "$index"/main/binary-amd64/by-hash/*/*; do
	case $file in
	*Packages) sed -i 's/^Package: mews-sensor$/Package: mews-sensory/' "$file" ;;
	*) printf 'x' | dd of="$file" bs=1 seek=100 conv=notrunc status=none ;;
	esac
done
inside sh -c 'rm -rf /var/lib/apt/lists/127*'
check "a changed list of packages is refused" refused 'Hash Sum mismatch|unexpected size'
restore
sed -i 's/^Label: Mews$/Label: Mewz/' "$index/InRelease"
check "a changed index is refused" refused 'invalid|BADSIG|signature verification failed'
restore
sed -i -n '/^-----BEGIN PGP SIGNATURE/,$!p' "$index/InRelease"
rm -f "$index/Release.gpg"
check "an unsigned index is refused" refused 'not signed|no longer signed|NOSPLIT|Clearsigned'
restore
check "the repository is accepted again" inside apt-get -o APT::Update::Error-Mode=any update
requested() { inside apt-get -o Debug::Acquire::http=true update 2>&1 | cat >/dev/null; grep -q 'by-hash/SHA512/.* 200 ' "$lab/web.log"; }
check "indexes are fetched by hash" requested

began=$EPOCHREALTIME
check "README: install" lines '/^apt-get install/p'
check "README: status" lines '/^mewsctl status/p'
awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "        from apt-get install to a running collector: %.1f s\n", b - a }'
