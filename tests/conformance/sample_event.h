/* SPDX-License-Identifier: Apache-2.0 */
/* sample_event.h - make an event from its printed text, for conform_samples. */
#ifndef MEWS_TESTS_CONFORMANCE_SAMPLE_EVENT_H
#define MEWS_TESTS_CONFORMANCE_SAMPLE_EVENT_H

#include "tests/support/evbuild.h"

/* Fill the current event from " name=raw(resolved) ..."; parameters not in the text are absent. */
void sample_params(struct evb *b, const struct ev_schema *s, const char *text);

#endif
