/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/privilege.h"
#include "common/rights.h"
#include "sensor/kernel_floor.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIDNS_INIT_INO 0xeffffffcu /* of the initial pid namespace, on every kernel */

/* BPF and PERFMON: programs' maps and iterators. DAC_READ_SEARCH: new certificates. */
static const cap_value_t capture_caps[] = { CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH };

/* Other users' /proc entries, their environments and descriptors. */
static const cap_value_t scan_caps[] = { CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE };

static bool
have_cap(cap_value_t v)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t f = CAP_CLEAR;

	if (caps != NULL)
		(void) cap_get_flag(caps, v, CAP_EFFECTIVE, &f);
	(void) cap_free(caps);
	return f == CAP_SET;
}

static int
check_caps(struct diag *d)
{
	static const struct {
		cap_value_t cap;
		const char *name;
	} need[] = {
		{ CAP_BPF, "CAP_BPF" },
		{ CAP_PERFMON, "CAP_PERFMON" },
		{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(need); i++) {
		if (have_cap(need[i].cap) || (i < 2 && have_cap(CAP_SYS_ADMIN)))
			continue;
		diag_set(d, 0, 0,
		    "capturing needs %s, which this process lacks: run as root, or give it "
		    "CAP_BPF, "
		    "CAP_PERFMON, CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE",
		    need[i].name);
		return -EPERM;
	}
	return 0;
}

int
privilege_check(const char *host_root, struct diag *d)
{
	char path[4096];
	struct stat st;
	int r = check_caps(d);

	if (r < 0)
		return r;
	if (stat("/sys/kernel/btf/vmlinux", &st) < 0) {
		diag_set(d, 0, 0,
		    "this kernel has no BTF (/sys/kernel/btf/vmlinux): use one built with "
		    "CONFIG_DEBUG_INFO_BTF, " KERNEL_TESTED " or later");
		return -ENOENT;
	}
	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != PIDNS_INIT_INO) {
		diag_set(d, 0, 0,
		    "this process is not in the machine's initial pid namespace: run it on the "
		    "host, or with hostPID (--pid=host)");
		return -EPERM;
	}
	(void) snprintf(path, sizeof(path), "%s/proc/self/ns/pid", host_root);
	if (stat(path, &st) < 0 || st.st_ino != PIDNS_INIT_INO) {
		diag_set(d, 0, 0,
		    "%s/proc is not the host's /proc: mount the host's and set host_root to where "
		    "it is",
		    strcmp(host_root, "/") == 0 ? "" : host_root);
		return -ENOENT;
	}
	return 0;
}

int
privilege_drop(enum privilege keep, struct diag *d)
{
	int r;

	if (keep == PRIVILEGE_CAPTURE)
		r = rights_keep(capture_caps, ARRAY_SIZE(capture_caps));
	else if (keep == PRIVILEGE_SCAN)
		r = rights_keep(scan_caps, ARRAY_SIZE(scan_caps));
	else
		r = rights_keep(NULL, 0);
	if (r < 0)
		diag_set(d, 0, 0, "cannot give up capabilities: %s", strerrordesc_np(-r));
	return r;
}
