# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# debconf.sh - without a network, an installation from a folder, enrolment by the package's question; with the
# enroller of enroll.sh, which sources it.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
# debconf's answer: the question is there, and has no value.
unasked() { inside debconf-communicate mews-sensor <<<'GET mews-sensor/enrolment' | tee /dev/stderr | grep -x '0 *'; }
check "without an answer the package enrols nothing" unasked
inside sh -c 'apt-get -y purge mews-sensor; rm -rf /etc/mews/enroll' >/dev/null 2>&1
inside mewsctl pki revoke /var/lib/mews-enroll machine >/dev/null
token=$(inside mewsctl pki token /var/lib/mews-enroll --nodes machine --for 1h --uses 5)
# Without a network, from a copy of the repository in a folder: what an air gap leaves.
cp -r "$lab/apt" "$machine/srv/mews"
echo "deb [signed-by=/etc/apt/keyrings/mews.asc] file:/srv/mews $suite main" >"$machine/srv/local.list"
local_apt() { inside unshare --net apt-get -o Dir::Etc::SourceList=/srv/local.list -o Dir::Etc::SourceParts=- -o APT::Update::Error-Mode=any "$@"; }
no_network() { ! inside unshare --net wget -qO /dev/null -T 3 -t 1 "$repo/mews.asc"; }
check "without a network" no_network
sed -i 's/^Label: Mews$/Label: Mewz/' "$machine/srv/mews/dists/$suite/InRelease"
tampered() { ! local_apt update >"$lab/refused" 2>&1 && grep -E 'invalid|BADSIG|signature verification failed' "$lab/refused"; }
check "... a changed local index is refused" tampered
sed -i 's/^Label: Mewz$/Label: Mews/' "$machine/srv/mews/dists/$suite/InRelease"
check "... the local repository is accepted" local_apt update
preseeded() {
	inside debconf-set-selections <<<"mews-sensor mews-sensor/enrolment password $token" && local_apt -y install mews-sensor
}
check "... and installs, with a preseeded line and no question" preseeded
check "the package has enrolled the node" lab_wait 20 enrolled
check "... for its user only" owned
only_root() { inside stat -c '%U %a' /etc/mews/enroll | grep -x 'root 600' && [ "$(inside cat /etc/mews/enroll)" = "$token" ]; }
check "the line is root's only" only_root
forgotten() { ! inside grep -rlF "$token" /var/cache/debconf /var/lib/dpkg /var/log && unasked; }
check "debconf has forgotten the line" forgotten
# Asked again, and given a line, an enrolled node stays what it is.
inside rm -f /etc/mews/enroll
again() {
	inside debconf-set-selections <<<"mews-sensor mews-sensor/enrolment password $token" &&
		inside dpkg-reconfigure -f noninteractive mews-sensor && forgotten && enrolled && ! inside test -e /etc/mews/enroll
}
check "an enrolled node takes no other line, and forgets it too" again
rm -rf "$machine/srv/mews" "$machine/srv/local.list"
inside apt-get update >/dev/null 2>&1
