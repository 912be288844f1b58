/* SPDX-License-Identifier: Apache-2.0 */
/* live_procfs.c - values from /proc of a process, to compare with records. */
#include "tests/driver/live_procfs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t
proc_status(pid_t pid, const char *key, unsigned column, int base)
{
	char path[64], line[1024];
	int64_t v = -1;
	FILE *f;

	(void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		size_t n = strlen(key);
		char *p = line + n;

		if (strncmp(line, key, n) != 0 || line[n] != ':')
			continue;
		for (unsigned i = 0; i <= column; i++)
			v = (int64_t) strtoull(p + (i == 0), &p, base);
	}
	if (f != NULL)
		(void) fclose(f);
	return v;
}

int64_t
proc_stat(pid_t pid, unsigned i)
{
	char path[64], line[2048], *p;
	int64_t v = -1;
	FILE *f;

	(void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		abort();
	(void) fclose(f);
	p = strrchr(line, ')') + 3; /* field 3 is a letter */
	for (unsigned k = 3; k < i; k++)
		p = strchr(p, ' ') + 1;
	v = strtoll(p, NULL, 10);
	return v;
}

size_t
read_proc(pid_t pid, const char *name, char *to, size_t size)
{
	char path[64];
	size_t n = 0;
	FILE *f;

	(void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	f = fopen(path, "re");
	if (f != NULL) {
		n = fread(to, 1, size - 1, f);
		(void) fclose(f);
	}
	to[n] = '\0';
	return n;
}

/* Read the path of one controller: from the line that lists it, or of the unified hierarchy. */
static void
cgroup_path(const char *file, const char *name, char *to, size_t size)
{
	const char *unified = strstr(file, "0::");

	for (const char *p = file; *p != '\0'; p = strchr(p, '\n') + 1) {
		const char *list = strchr(p, ':') + 1, *end = strchr(list, ':');
		char names[256];

		(void) snprintf(names, sizeof(names), ",%.*s,", (int) (end - list), list);
		if (strstr(names, name) != NULL) {
			(void) snprintf(to, size, "%.*s", (int) strcspn(end + 1, "\n"), end + 1);
			return;
		}
	}
	(void) snprintf(
	    to, size, "%.*s", unified == NULL ? 0 : (int) strcspn(unified + 3, "\n"), unified + 3);
}

size_t
read_cgroups(pid_t pid, char *to, size_t size)
{
	static const char *const names[] = { "cpuset", "cpu", "cpuacct", "blkio", "memory", "" };
	char file[8192], path[1024], key[32];
	size_t n = 0;

	(void) read_proc(pid, "cgroup", file, sizeof(file));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void) snprintf(key, sizeof(key), ",%s,", names[i]);
		cgroup_path(file, names[i][0] == '\0' ? "none" : key, path, sizeof(path));
		n += (size_t) snprintf(to + n, size - n, "%s=%s", names[i], path) + 1;
	}
	return n;
}
