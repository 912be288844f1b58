# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# enroll.sh - the README's lines about enrolment, as they stand but for the name of the node.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
awk '/^## / { here = $0 == "## Enrolment" } here && /^```$/ { code = 0 } here && code { print } here && /^```sh$/ { code = 1 }' \
	"$root/README.md" | sed -e "s/'web-\*'/machine/" -e 's/^install .*/cat "$line" | &/' >"$lab/enrol"
[ "$(wc -l <"$lab/enrol")" -ge 5 ] || fail "the README has no 'Enrolment'"
echo '127.0.0.1 collector.example' >>"$machine/etc/hosts"
not_running() { ! active mews-enroll && ! inside systemctl is-enabled --quiet mews-enroll; }
check "the enroller is not enabled by itself" not_running
inside mewsctl pki init /root/mews-pki --name example.org >/dev/null
check "README: an enroller" inside bash -euc "$(sed -n '/pki token/q;p' "$lab/enrol")"
check "it runs" lab_wait 20 active mews-enroll
own_key() {
	inside stat -c '%U %a' /var/lib/mews-enroll/ca.key | grep -x 'mews-enroll 600' &&
		! as mews-collector mews cat /var/lib/mews-enroll/ca.key && as mews-collector mews cat /var/lib/mews-enroll/trust.pem
}
check "its key is its own: the collector's user cannot read it, but what to trust" own_key
check "hardening of mews-enroll: at most 17 tenths" inside systemd-analyze security --no-pager --threshold=17 mews-enroll.service
# The sensor refuses a container after it has enrolled: the part of the node is all there.
check "README: a token, and a node that enrols with it" inside bash -euc "umask 077; line=/root/line
$(sed -n '/pki token/{s/$/ >"$line"/;p;}' "$lab/enrol")
$(sed -n '/pki token/,$p' "$lab/enrol" | sed 1d | sed 's/restart mews-sensor/& || true/')"
enrolled() { inside grep -c BEGIN /var/lib/mews-sensor/enrolled/node.pem | grep -x 2; }
check "the sensor has its certificate" lab_wait 20 enrolled
owned() { inside stat -c '%U %a' /var/lib/mews-sensor/enrolled/node.pem | grep -x 'mews-sensor 600'; }
check "... for its user only" owned
logged() { inside journalctl -q -u mews-enroll -o cat | grep "enrolled node 'machine'"; }
check "the enroller's journal names it" logged
. "$here/debconf.sh"
inside sh -c 'systemctl disable --now mews-enroll; rm -rf /var/lib/mews-sensor/enrolled /etc/mews/enroll /root/mews-pki /var/lib/mews-enroll/*' >/dev/null 2>&1
