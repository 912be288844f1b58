/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - pass an answer to libmicrohttpd. */
#include "collector/api/api_int.h"

enum MHD_Result
reply(struct MHD_Connection *c, unsigned status, const char *type, struct buf *body)
{
	struct MHD_Response *res;
	enum MHD_Result r = MHD_NO;

	if (buf_ok(body) < 0) {
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		buf_clear(body);
	}
	/* takes over the body */
	res = MHD_create_response_from_buffer(body->n, body->p, MHD_RESPMEM_MUST_FREE);
	if (res == NULL)
		buf_fini(body);
	*body = (struct buf) BUF_INIT;
	if (res == NULL)
		return MHD_NO;
	if (MHD_add_response_header(res, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    (status != MHD_HTTP_SERVICE_UNAVAILABLE ||
		MHD_add_response_header(res, MHD_HTTP_HEADER_RETRY_AFTER, "1") == MHD_YES) &&
	    (status != MHD_HTTP_UNAUTHORIZED ||
		MHD_add_response_header(res, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer") ==
		    MHD_YES))
		r = MHD_queue_response(c, status, res);
	MHD_destroy_response(res);
	return r;
}

enum MHD_Result
reply_error(struct MHD_Connection *c, unsigned status, const char *why)
{
	struct buf b = BUF_INIT;

	buf_str(&b, "{\"error\":");
	buf_json(&b, slice_str(why));
	buf_str(&b, "}\n");
	return reply(c, status, "application/json", &b);
}
