#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317 # functions are called by their names
# Executed by ordinary_work.sh on a copy of the machine: each action is a function do_..., run
# by 'work' in this order. 'prepare' installs what they need and what a plain machine already has.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
unset MEWS_BUILD

install() { apt-get install -y -q --no-install-recommends "$@"; }

prepare() {
	apt-get update -q
	install openssh-server rsyslog logrotate cron sudo adduser ca-certificates openssl debconf gcc make \
		libc6-dev git python3 ansible-core podman runc catatonit busybox-static rsync perl
	# podman asks more of the kernel than every machine provides.
	cat >/etc/containers/containers.conf <<-'CONF'
		[containers]
		default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime = "runc"
	CONF
	echo 'APT::Periodic::RandomSleep "0";' >/etc/apt/apt.conf.d/99-no-sleep # for its daily run
	mkdir -p /srv/image/bin
	cp /bin/busybox /srv/image/bin/busybox
	for tool in sh ls cat sleep id adduser; do ln -sf busybox "/srv/image/bin/$tool"; done
	tar -C /srv/image -cf /srv/image.tar .
	mkdir -p /srv/log /run/sshd
}

# Packages are installed and removed; their scripts make users, services, certificates.
do_packages() {
	apt-get update -q
	apt-get -q -s dist-upgrade
	install nginx-light tzdata sysstat needrestart
	apt-get install -y -q --reinstall openssh-server ca-certificates sudo
	dpkg-reconfigure debconf tzdata ca-certificates
	dpkg --verify coreutils || true
	apt-get purge -y -q nginx-light sysstat
	apt-get autoremove -y -q
	apt-get clean
}

# An organisation's own authority is trusted, and no longer.
do_certificates() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=ours -keyout /dev/null -out /tmp/ours.crt
	cp /tmp/ours.crt /usr/local/share/ca-certificates/ours.crt
	update-ca-certificates
	rm /usr/local/share/ca-certificates/ours.crt
	update-ca-certificates --fresh
}

# Users are created in both ways, and get passwords, groups, a cron job and rights.
do_users() {
	adduser --disabled-password --gecos '' alice
	useradd -m -s /bin/bash -G sudo bob
	printf 'alice:secret-1\nbob:secret-2\n' | chpasswd
	usermod -c 'Bob of the shop' bob
	chage -M 90 alice
	passwd -S bob
	gpasswd -a alice users
	echo '0 4 * * * true' | crontab -u alice -
	visudo -c
	pwck -r || true
	getent passwd alice bob
	id alice
}

# in_session USER COMMANDS: log in over SSH with the password, at a terminal, and type.
in_session() {
	printf '%s\nexit\n' "$2" | SSH_ASKPASS=/tmp/askpass SSH_ASKPASS_REQUIRE=force DISPLAY=:0 timeout 60 \
		ssh -tt -p 22022 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no "$1@127.0.0.1"
}

# They log in: su, SSH twice (the first session makes the history file), sudo, a wrong password.
do_logins() {
	su - alice -c 'id; ls -la'
	mkdir -p /run/sshd
	/usr/sbin/sshd -t
	/usr/sbin/sshd -p 22022 -o ListenAddress=127.0.0.1
	# shellcheck disable=SC2016 # for the file
	printf '#!/bin/sh\necho secret-2\n' >/tmp/askpass
	chmod 755 /tmp/askpass
	in_session bob 'ls -la; history; echo secret-2 | sudo -S -p "" id'
	in_session bob 'cat .bash_history; mkdir -m 700 .ssh; ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519; cat .ssh/id_ed25519.pub'
	[ -s /home/bob/.bash_history ]
	in_session alice true || true # with bob's password
	su - bob -c 'echo wrong | sudo -S -p "" id' || true
	passwd -S alice
}

do_chores() {
	ps aux | sed -n 1,5p
	df -h /
	ss -tln || true
	mount | tail -n 3
	find /etc -name '*.conf' -newer /etc/hostname
	grep -r root /etc --include='*.conf' || true
	du -sh /usr/share/doc
	git init -q /srv/repository
	git -C /srv/repository -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
	python3 -c 'import pwd, grp, spwd, socket; pwd.getpwnam("root"); grp.getgrnam("root"); socket.gethostname()'
}

# The same again by Ansible: packages, users, files that matter, tasks, commands.
do_ansible() {
	cat >/srv/play.yaml <<-'PLAY'
		- hosts: all
		  gather_facts: true
		  tasks:
		    - apt: {name: rsync, state: present}
		    - user: {name: carol, shell: /bin/bash, groups: sudo, password: "$6$x$y"}
		    - copy: {content: "carol ALL=(ALL) NOPASSWD: /usr/bin/id\n", dest: /etc/sudoers.d/carol, mode: "0440", validate: "visudo -cf %s"}
		    - copy: {content: "[Unit]\nDescription=shop\n", dest: /etc/systemd/system/shop.service}
		    - lineinfile: {path: /etc/ssh/sshd_config, regexp: "^#?MaxAuthTries", line: "MaxAuthTries 4"}
		    - lineinfile: {path: /etc/pam.d/su, regexp: "shop", line: "# shop"}
		    - file: {path: /home/carol/.ssh, state: directory, owner: carol, mode: "0700"}
		    - copy: {content: "ssh-ed25519 AAAA carol\n", dest: /home/carol/.ssh/authorized_keys, owner: carol, mode: "0600"}
		    - cron: {name: shop, minute: "5", job: "true"}
		    - template: {src: /srv/play.yaml, dest: /etc/profile.d/shop.sh}
		    - shell: "id carol && ls /home"
		    - user: {name: carol, state: absent, remove: true}
	PLAY
	ansible-playbook -i localhost, -c local /srv/play.yaml
}

do_compile() {
	mkdir -p /srv/build
	printf '#include <stdio.h>\nint main(void) { return puts("built") < 0; }\n' >/srv/build/main.c
	printf 'all: main\ninstall: main\n\tinstall -m 755 main /usr/local/bin/built\n' >/srv/build/Makefile
	make -C /srv/build all install
	built
}

do_containers() {
	podman import -q /srv/image.tar localhost/image:1
	podman run -d --name service --network none localhost/image:1 /bin/sh -c 'while :; do sleep 1; done'
	podman exec service /bin/sh -c 'id; ls /; cat /proc/self/status' >/dev/null
	podman run --rm --network none localhost/image:1 /bin/ls /
	podman ps
	podman logs service
	podman stop -t 1 service
	podman rm service
	podman rmi localhost/image:1
}

# Services are enabled, disabled, masked and asked about. No systemd runs on the copy, so what needs one fails.
do_services() {
	printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/case.service
	systemctl enable case.service cron.service
	systemctl disable case.service
	systemctl mask case.timer
	systemctl unmask case.timer
	systemctl list-unit-files --no-pager
	systemctl is-enabled cron.service
	systemctl daemon-reload || true
	systemctl restart cron || true
	systemctl status --no-pager cron || true
	journalctl --no-pager -n 5 || true
	rm /etc/systemd/system/case.service
}

# Logs are written, and rotated in all ways that logrotate knows.
do_logs() {
	rsyslogd -n -i /run/rsyslogd.pid &
	local daemon=$!
	until [ -S /dev/log ]; do sleep 0.1; done
	logger -p auth.info 'a line'
	echo line >/srv/log/shop.log
	mkdir -p /var/log/shop
	echo line | tee -a /var/log/shop/{a,b,c}.log
	cat >/etc/logrotate.d/shop <<-'CONF'
		/var/log/shop/a.log {
			rotate 2
			missingok
			copytruncate
		}
		/var/log/shop/b.log {
			rotate 2
			missingok
			compress
			create 0640 root adm
		}
		/var/log/shop/c.log {
			rotate 2
			missingok
			postrotate
				/usr/lib/rsyslog/rsyslog-rotate
				kill -HUP $(cat /run/rsyslogd.pid)
			endscript
		}
	CONF
	logrotate -f /etc/logrotate.conf
	logrotate -f /etc/logrotate.d/shop
	[ -e /var/log/shop/b.log.2.gz ] || [ -e /var/log/shop/b.log.1.gz ]
	kill "$daemon"
	wait "$daemon" || true
}

do_backup() {
	mkdir -p /var/backups/nightly
	tar -czf /var/backups/nightly/etc.tgz -C / etc home
	tar -tzf /var/backups/nightly/etc.tgz >/dev/null
	rsync -a /etc/ /var/backups/nightly/etc/
	rm -r /var/backups/nightly
}

# The daily, weekly and monthly jobs of cron.
do_cron() {
	local period
	for period in hourly daily weekly monthly; do
		run-parts --report "/etc/cron.$period" </dev/null
	done
	cron
	crontab -u alice -l
}

# Users are removed with their files.
do_departures() {
	crontab -u alice -r
	deluser --remove-home alice
	userdel -r bob
	! getent passwd alice bob
}

work() {
	local deed
	for deed in packages certificates users logins chores ansible compile containers services logs backup cron departures; do
		echo "--- $deed" >&2
		"do_$deed" >&2
	done
}

# Not ordinary, and must be detected.
control() { head -c 1 /etc/shadow; }

"$@"
