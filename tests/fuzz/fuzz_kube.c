/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_kube.c - any bytes as an API server's answer: a page of a list, or the lines of a watch.
 * What is taken can be looked up; a page that is refused leaves the version alone. */
#include "collector/kube/kube_int.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(struct kube_store *s)
{
	const struct kube_side *side = kube_enter(s);
	const struct kube_object *pod = kube_pod(side, SLICE("u")), *v[KUBE_SERVICES];
	struct kube_named n;

	if (pod != NULL) {
		for (enum kube_kind k = 0; k < KUBE_KINDS; k++)
			(void) kube_related(side, pod, k, &n);
		(void) kube_workload(side, pod, &n);
		(void) kube_services(side, pod, v);
		if (pod->uid.n == 0 || pod->name.n == 0)
			abort();
	}
	kube_leave(s, side);
}

static void
lines(struct feed *f, struct slice text)
{
	while (text.n > 0 && f->end == END_NONE) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end == NULL ? text.n : (size_t) (end - text.p);

		feed_line(f, (struct slice){ text.p, n }, 1);
		n = end == NULL ? n : n + 1;
		text.p += n;
		text.n -= n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube k = { .memory = 1 << 20 };
	struct feed f = { .kube = &k };

	if (size == 0 || kube_store_new(k.memory, &k.store) < 0)
		return 0;
	f.kind = (enum kube_kind)(data[0] % KUBE_KINDS);
	if (data[0] & 0x80) {
		buf_add(&f.in, data + 1, size - 1);
		(void) snprintf(f.version, sizeof(f.version), "7");
		if (size > 1 && feed_page(&f, 1) == -EBADMSG && strcmp(f.version, "7") != 0)
			abort();
	} else {
		lines(&f, (struct slice){ (const char *) data + 1, size - 1 });
	}
	kube_commit(k.store, 1);
	look(k.store);
	kube_commit(k.store, 2 * KUBE_KEEP_NS);
	look(k.store);
	free(f.more);
	buf_fini(&f.in);
	kube_store_free(k.store);
	return 0;
}
