/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/message.h"
#include <errno.h>

int
message_pack(const Wire__Request *rq, struct buf *out)
{
	size_t n = wire__request__get_packed_size(rq);

	if (buf_reserve(out, n) < 0)
		return -ENOMEM;
	out->n += wire__request__pack(rq, (uint8_t *) out->p + out->n);
	return 0;
}

int
message_proof(const struct identity *id, const Wire__Challenge *c, const char *node,
    const char *cluster, struct buf *out)
{
	struct slice nonce = { (const char *) c->nonce.data, c->nonce.len };
	struct buf text = BUF_INIT, sig = BUF_INIT;
	Wire__Proof p = WIRE__PROOF__INIT;
	Wire__Request rq = WIRE__REQUEST__INIT;
	int r = wire_proof_text(
	    nonce, slice_str(node), slice_str(cluster), slice_str(c->collector), &text);

	if (r == 0)
		r = identity_sign(id, buf_get(&text), &sig);
	if (r == 0) {
		p.certificate.data = (uint8_t *) id->der.p;
		p.certificate.len = id->der.n;
		p.signature.data = (uint8_t *) sig.p;
		p.signature.len = sig.n;
		rq.body_case = WIRE__REQUEST__BODY_PROOF;
		rq.proof = &p;
		r = message_pack(&rq, out);
	}
	buf_fini(&text);
	buf_fini(&sig);
	return r;
}
