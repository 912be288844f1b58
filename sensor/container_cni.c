/* SPDX-License-Identifier: Apache-2.0 */
/* container_cni.c - what network plugins have answered: kept by the runtime, or by their library.
 */
#include "sensor/container_read.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 4096 /* files that are looked at */

static bool
is_ipv4(struct slice s)
{
	return s.n > 0 && memchr(s.p, ':', s.n) == NULL && memchr(s.p, '.', s.n) != NULL;
}

/* The first IPv4 address of an answer: "ips": [{"address": "10.1.2.3/24"}], since version 0.3. */
static struct slice
first_address(const json_t *answer)
{
	size_t i;
	json_t *ip;

	json_array_foreach(json_object_get(answer, "ips"), i, ip)
	{
		struct slice s = json_text(ip, "address", NULL);
		const char *slash = s.n == 0 ? NULL : memchr(s.p, '/', s.n);

		if (slash != NULL)
			s.n = (size_t) (slash - s.p);
		if (is_ipv4(s))
			return s;
	}
	return (struct slice){ NULL, 0 };
}

void
container_cni_answer(struct container_info *c, const json_t *answer)
{
	bool pod = c->v[EVP_CONTAINER_INFO_pod_sandbox].n > 0;
	struct slice *ip = &c->v[pod ? EVP_CONTAINER_INFO_pod_ip : EVP_CONTAINER_INFO_ip];
	struct slice first = first_address(answer);
	char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);

	if (text != NULL && strlen(text) <= CONTAINER_CNI_MAX)
		c->v[EVP_CONTAINER_INFO_cni] = container_copy(c, slice_str(text));
	if (ip->n == 0 && first.n > 0)
		*ip = first;
	free(text);
}

/* Is it the file NETWORK-ID-INTERFACE of this id? nerdctl puts its namespace before it. */
static bool
is_of(const char *name, struct slice id)
{
	const char *at = memmem(name, strlen(name), id.p, id.n);

	return at != NULL && at > name && at[-1] == '-' && at[id.n] == '-';
}

void
container_cni_kept(struct container_info *c, struct slice id)
{
	static const char *const folders[] = { "var/lib/cni/results", "var/lib/cni/cache/results" };

	for (size_t i = 0; i < ARRAY_SIZE(folders) && c->v[EVP_CONTAINER_INFO_cni].n == 0; i++) {
		int fd = id.n == 0 ? -1 : container_folder(c, folders[i]);
		DIR *dir = fd < 0 ? NULL : fdopendir(fd);
		const struct dirent *e;

		/* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own */
		for (int n = 0; dir != NULL && n < NAMES_MAX && (e = readdir(dir)) != NULL; n++) {
			if (!is_of(e->d_name, id))
				continue;
			container_cni_answer(
			    c, json_object_get(container_doc(c, folders[i], e->d_name), "result"));
			break;
		}
		if (dir != NULL)
			(void) closedir(dir);
		else if (fd >= 0)
			(void) close(fd);
	}
}
