/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/smtp_sink.h"
#include "tests/support/test.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct smtp_sink {
	int fd;
	char url[64];
	pthread_t thread;
	_Atomic bool stopping;
};

static const struct {
	const char *verb, *answer;
} answers[] = {
	{ "EHLO", "250-localhost\r\n250 8BITMIME\r\n" },
	{ "MAIL", "250 OK\r\n" },
	{ "RCPT", "250 OK\r\n" },
	{ "DATA", "354 go on\r\n" },
	{ "RSET", "250 OK\r\n" },
	{ "QUIT", "221 bye\r\n" },
};

static void
say(FILE *peer, const char *text)
{
	(void) fputs(text, peer);
	(void) fflush(peer);
}

/* Talk to one client until it goes. */
static void
talk(FILE *in, FILE *out)
{
	char line[2048];
	bool data = false;

	say(out, "220 localhost\r\n");
	while (fgets(line, sizeof(line), in) != NULL) {
		const char *answer = "500 what?\r\n";

		if (data && strcmp(line, ".\r\n") != 0)
			continue;
		if (data) {
			data = false;
			say(out, "250 taken\r\n");
			continue;
		}
		for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
			if (strncasecmp(line, answers[i].verb, strlen(answers[i].verb)) == 0)
				answer = answers[i].answer;
		}
		data = answer[0] == '3';
		say(out, answer);
	}
}

static void *
serve(void *arg)
{
	struct smtp_sink *s = arg;

	while (!s->stopping) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		FILE *in = fd < 0 ? NULL : fdopen(fd, "r"),
		     *out = fd < 0 ? NULL : fdopen(dup(fd), "w");

		if (in != NULL && out != NULL)
			talk(in, out);
		if (in != NULL)
			(void) fclose(in);
		if (out != NULL)
			(void) fclose(out);
	}
	return NULL;
}

struct smtp_sink *
smtp_sink_start(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct smtp_sink *s = calloc(1, sizeof(*s));
	socklen_t n = sizeof(a);

	assert_non_null(s);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(0, bind(s->fd, (struct sockaddr *) &a, sizeof(a)));
	assert_int_equal(0, listen(s->fd, 16));
	assert_int_equal(0, getsockname(s->fd, (struct sockaddr *) &a, &n));
	(void) snprintf(s->url, sizeof(s->url), "smtp://127.0.0.1:%u", ntohs(a.sin_port));
	assert_int_equal(0, pthread_create(&s->thread, NULL, serve, s));
	return s;
}

void
smtp_sink_stop(struct smtp_sink *s)
{
	s->stopping = true;
	(void) shutdown(s->fd, SHUT_RDWR);
	(void) pthread_join(s->thread, NULL);
	(void) close(s->fd);
	free(s);
}

const char *
smtp_sink_url(const struct smtp_sink *s)
{
	return s->url;
}
