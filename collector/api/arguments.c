/* SPDX-License-Identifier: Apache-2.0 */
/* arguments.c - the arguments of a request, and its refusal. */
#include "collector/api/api_int.h"
#include <errno.h>
#include <stdlib.h>

const char *
request_argument(struct request *q, const char *key)
{
	return MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, key);
}

int
request_number(struct request *q, const char *key, uint64_t usual, uint64_t *ret)
{
	const char *text = request_argument(q, key);
	char *end;

	*ret = usual;
	if (text == NULL)
		return 0;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && text[0] >= '0' && text[0] <= '9' && *ret <= INT64_MAX
		   ? 0
		   : -EINVAL;
}

enum MHD_Result
request_refuse(struct request *q, unsigned status, const char *why)
{
	audit(q, status);
	return reply_error(q->mhd, status, why);
}
