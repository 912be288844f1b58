/* SPDX-License-Identifier: Apache-2.0 */
/* smtp_sink.h - a mail server for tests of outputs: takes every mail, without encryption. */
#ifndef MEWS_TESTS_SUPPORT_SMTP_SINK_H
#define MEWS_TESTS_SUPPORT_SMTP_SINK_H

struct smtp_sink;

/* Listen on a port of loopback, in a thread of its own. A failure ends the test. */
struct smtp_sink *smtp_sink_start(void);
void smtp_sink_stop(struct smtp_sink *s);

/* "smtp://127.0.0.1:PORT"; valid until smtp_sink_stop(). */
const char *smtp_sink_url(const struct smtp_sink *s);

#endif
