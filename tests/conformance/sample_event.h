/* SPDX-License-Identifier: Apache-2.0 */
/* sample_event.h - an event from the text that it prints as, for conform_samples. */
#ifndef MEWS_TESTS_CONFORMANCE_SAMPLE_EVENT_H
#define MEWS_TESTS_CONFORMANCE_SAMPLE_EVENT_H

#include "tests/support/evbuild.h"

/* Fill the event that was begun from " name=raw(resolved) ..."; a parameter that is not in the text
 * is absent. */
void sample_params(struct evb *b, const struct ev_schema *s, const char *text);

#endif
