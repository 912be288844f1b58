#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Messages and exit codes for wrong command lines: one sentence that names the mistake and suggests
# what was probably meant; and the output of 'pki show'.
set -u
bin=${MEWS_BUILD:?}/bin
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fails=0

# says CODE WORDS PROGRAM ARGUMENT...
says() {
	local code=$1 words=$2 program=$3
	shift 3
	"$bin/$program" "$@" >"$dir/out" 2>&1
	local got=$?
	if [ "$got" != "$code" ] || ! grep -qF -- "$words" "$dir/out"; then
		echo "FAIL: $program $*: exit $got, not $code with: $words"
		cat "$dir/out"
		fails=$((fails + 1))
	fi
}

# Commands.
says 2 "mewsctl: unknown command 'stauts'; did you mean 'status'?" mewsctl stauts
says 2 "mewsctl: unknown command 'frobnicate'" mewsctl frobnicate
says 2 "mewsctl: unknown command 'chekc'; did you mean 'check'?" mewsctl rules chekc
says 2 "mewsctl: unknown command 'shwo'; did you mean 'show'?" mewsctl pki shwo
says 2 "mewsctl: unknown command 'froget'; did you mean 'forget'?" mewsctl nodes froget
says 2 "Try 'mewsctl rules --help'." mewsctl rules

# Options: of each program and each command.
for c in absence alerts status replay 'rules check' 'rules list' 'rules describe' 'rules fields' 'rules interest' 'rules explain' 'rules test' \
	'rules reload' 'rules top' 'pki show'; do
	read -ra words <<<"$c"
	says 2 "mewsctl: unknown option '--hepl'; did you mean '--help'?" mewsctl "${words[@]}" --hepl
	says 2 "mewsctl: unknown option '-Z'" mewsctl "${words[@]}" -Z
done
says 2 "mewsctl: unknown option '--jsn'; did you mean '--json'?" mewsctl alerts --jsn
says 2 "mewsctl: option '--since' needs a value" mewsctl alerts --since
says 2 "mewsctl: option '--json' takes no value" mewsctl alerts --json=yes
says 2 "mewsctl: unknown option '-q'" mewsctl status --collector=x -qw
says 2 "mews-collector: --running needs --check" mews-collector --running
says 2 "--limit takes a number or 'all', not 'many'" mewsctl alerts -n many
for p in mews-collector mews-sensor; do
	says 2 "$p: unknown option '--chekc'; did you mean '--check'?" "$p" --chekc
	says 2 "$p: option '-o' needs a value" "$p" -o
	says 2 "Try '$p --help'." "$p" -x
done

# Keys of the configuration, and names.
says 3 "unknown key 'collecter'; did you mean 'collector'?" mews-sensor --check -o collecter=x
says 3 "log.format: 'jason' is not text or json" mews-collector --check -o log.format=jason
says 3 "log.format: 'jason' is not text or json" mews-sensor --check -o log.format=jason -o collector=ipc:///x
says 1 "there is no rule 'Sensitive file raed'; did you mean 'Sensitive file read'?" \
	mewsctl rules describe --rules rules/mews_rules.yaml 'Sensitive file raed'

# A revocation list is recognized, and shown with issuer, expiry and serials.
"$bin/mewsctl" pki init "$dir/pki" --name fleet >/dev/null
says 0 'revoked    0 certificates' mewsctl pki show "$dir/pki/crl.pem"
"$bin/mewsctl" pki issue "$dir/pki" --node web1 >/dev/null
serial=$("$bin/mewsctl" pki show "$dir/pki/node-web1.pem" | awk '$1 == "serial" { print $2 }')
"$bin/mewsctl" pki revoke "$dir/pki" web1 >/dev/null
says 0 'revoked    1 certificate' mewsctl pki show "$dir/pki/crl.pem"
says 0 "           $serial, " mewsctl pki show "$dir/pki/crl.pem"
says 0 'issuer     /' mewsctl pki show "$dir/pki/crl.pem"
says 1 'ca.key is neither a certificate nor a revocation list in PEM form' mewsctl pki show "$dir/pki/ca.key"

[ "$fails" = 0 ] || exit 1
echo "every mistake has its sentence"
