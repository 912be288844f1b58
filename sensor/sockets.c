/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sockets.h"
#include "common/array.h"
#include "sensor/procfs.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TABLE_MAX (256u << 20) /* limit for one of the kernel's tables */

void
sockets_init(struct sockets *s)
{
	*s = (struct sockets){ 0 };
}

void
sockets_fini(struct sockets *s)
{
	table_fini(&s->table);
	free(s->ns);
	buf_fini(&s->text);
	buf_fini(&s->scratch);
	*s = (struct sockets){ 0 };
}

/* ---- the table ---- */

static uint64_t
hash_of(uint64_t ino)
{
	return ino * 0x9e3779b97f4a7c15ULL >> 20;
}

TABLE_TYPE(socks, struct sock_info, uint64_t, s->ino == 0, s->ino == *k, hash_of(s->ino));

static int
add(struct sockets *s, const struct sock_info *k)
{
	struct sock_info *slot;

	if (k->ino == 0) /* in TIME_WAIT: no process has it open */
		return 0;
	slot = table_put(&socks, &s->table, hash_of(k->ino), &k->ino);
	if (slot == NULL)
		return -ENOMEM;
	*slot = *k;
	return 0;
}

const struct sock_info *
sockets_find(const struct sockets *s, uint64_t ino)
{
	return ino == 0 ? NULL : table_get(&socks, &s->table, hash_of(ino), &ino);
}

struct slice
sockets_path(const struct sockets *s, const struct sock_info *k)
{
	return (struct slice){ s->text.p == NULL ? "" : s->text.p + k->path, k->path_n };
}

/* ---- the kernel's lines ---- */

/* Parse "0100007F:1F90", or 32 digits: words in host byte order, the port as a number. */
static bool
parse_address(const char *t, uint8_t *addr, uint16_t *port)
{
	const char *colon = strchr(t, ':');
	size_t words = colon == NULL ? 0 : (size_t) (colon - t) / 8;

	if (words != 1 && words != 4)
		return false;
	for (size_t i = 0; i < words; i++) {
		char hex[9] = "";
		uint32_t w;

		memcpy(hex, t + 8 * i, 8);
		w = (uint32_t) strtoul(hex, NULL, 16);
		memcpy(addr + 4 * i, &w, 4);
	}
	*port = (uint16_t) strtoul(colon + 1, NULL, 16);
	return true;
}

/* "sl: local remote st queues timer retrnsmt uid timeout inode ..." */
static bool
parse_inet(struct sockets *s, char *line, struct sock_info *k)
{
	char local[64], remote[64];
	unsigned long long ino;

	(void) s;
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's format */
	if (sscanf(line, " %*[^:]: %63s %63s %*s %*s %*s %*s %*s %*s %llu", local, remote, &ino) !=
	    3)
		return false;
	k->ino = ino;
	return parse_address(local, k->local, &k->lport) &&
	       parse_address(remote, k->remote, &k->rport);
}

/* "kernel: refs protocol flags type state inode path" */
static bool
parse_unix(struct sockets *s, char *line, struct sock_info *k)
{
	unsigned long long kernel, ino;
	unsigned type;
	int n = 0;

	/* NOLINTNEXTLINE(cert-err34-c): the kernel's format */
	if (sscanf(line, "%llx: %*s %*s %*s %x %*s %llu%n", &kernel, &type, &ino, &n) != 3)
		return false;
	k->kernel = kernel;
	k->type = (uint16_t) type;
	k->ino = ino;
	line += n;
	line += *line == ' ';
	k->path = (uint32_t) s->text.n;
	k->path_n = (uint32_t) strlen(line);
	buf_add(&s->text, line, k->path_n);
	return true;
}

/* "sk protocol pid groups rmem wmem dump locks drops inode" */
static bool
parse_netlink(struct sockets *s, char *line, struct sock_info *k)
{
	unsigned long long ino;
	unsigned proto;

	(void) s;
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's format */
	if (sscanf(line, "%*s %u %*s %*s %*s %*s %*s %*s %*s %llu", &proto, &ino) != 2)
		return false;
	k->proto = (uint16_t) proto;
	k->ino = ino;
	return true;
}

static const struct net_file {
	const char *path;
	bool (*parse)(struct sockets *s, char *line, struct sock_info *k);
	struct sock_info base;
} net_files[] = {
	{ "net/tcp", parse_inet, { .family = AF_INET, .type = SOCK_STREAM, .proto = IPPROTO_TCP } },
	{ "net/tcp6", parse_inet,
	    { .family = AF_INET6, .type = SOCK_STREAM, .proto = IPPROTO_TCP } },
	{ "net/udp", parse_inet, { .family = AF_INET, .type = SOCK_DGRAM, .proto = IPPROTO_UDP } },
	{ "net/udp6", parse_inet,
	    { .family = AF_INET6, .type = SOCK_DGRAM, .proto = IPPROTO_UDP } },
	{ "net/raw", parse_inet, { .family = AF_INET, .type = SOCK_RAW, .proto = IPPROTO_RAW } },
	{ "net/raw6", parse_inet, { .family = AF_INET6, .type = SOCK_RAW, .proto = IPPROTO_RAW } },
	{ "net/icmp", parse_inet,
	    { .family = AF_INET, .type = SOCK_DGRAM, .proto = IPPROTO_ICMP } },
	{ "net/icmp6", parse_inet,
	    { .family = AF_INET6, .type = SOCK_DGRAM, .proto = IPPROTO_ICMPV6 } },
	{ "net/unix", parse_unix, { .family = AF_UNIX } },
	{ "net/netlink", parse_netlink, { .family = AF_NETLINK, .type = SOCK_RAW } },
};

static int
load_table(struct sockets *s, int procdir, const struct net_file *t)
{
	char *line, *save = NULL;
	int r;

	buf_clear(&s->scratch);
	r = proc_file(procdir, t->path, TABLE_MAX, &s->scratch);
	if (r < 0 || s->scratch.n == 0)
		return r == -ENOENT ? 0 : r;        /* the kernel lacks that protocol */
	line = strtok_r(s->scratch.p, "\n", &save); /* skip the header */
	while (r == 0 && line != NULL && (line = strtok_r(NULL, "\n", &save)) != NULL) {
		struct sock_info k = t->base;

		if (t->parse(s, line, &k))
			r = add(s, &k);
	}
	return r < 0 ? r : buf_ok(&s->text);
}

int
sockets_load(struct sockets *s, int procdir, uint64_t ns, uint64_t *unreadable)
{
	for (size_t i = 0; i < s->nns; i++) {
		if (s->ns[i] == ns)
			return 0;
	}
	if (ARRAY_RESERVE(s->ns, s->nns, 1, s->ns_cap) < 0)
		return -ENOMEM;
	s->ns[s->nns++] = ns;
	for (size_t i = 0; i < ARRAY_SIZE(net_files); i++) {
		int r = load_table(s, procdir, &net_files[i]);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			(*unreadable)++;
	}
	return 0;
}
