/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/child.h"
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { R, W };

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void) close(*fd);
	*fd = -1;
}

static void
close_all(int pipes[3][2])
{
	for (size_t i = 0; i < 3; i++) {
		close_fd(&pipes[i][R]);
		close_fd(&pipes[i][W]);
	}
}

/* Say which descriptors it has: 0, 1 and 2. */
static int
describe(posix_spawn_file_actions_t *fa, int pipes[3][2])
{
	int r = posix_spawn_file_actions_adddup2(fa, pipes[0][R], STDIN_FILENO);

	if (r == 0 && pipes[1][W] >= 0)
		r = posix_spawn_file_actions_adddup2(fa, pipes[1][W], STDOUT_FILENO);
	else if (r == 0)
		r = posix_spawn_file_actions_addopen(fa, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(fa, pipes[2][W], STDERR_FILENO);
	return r == 0 ? posix_spawn_file_actions_addclosefrom_np(fa, 3) : r;
}

static int
spawn(char *const argv[], int pipes[3][2], pid_t *ret)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		    lang[] = "LANG=C.UTF-8";
	char *const env[] = { path, lang, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r = posix_spawn_file_actions_init(&fa);

	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r != 0) {
		(void) posix_spawn_file_actions_destroy(&fa);
		return -r;
	}
	sigemptyset(&none);
	sigfillset(&all);
	(void) posix_spawnattr_setsigmask(&attr, &none);
	(void) posix_spawnattr_setsigdefault(&attr, &all);
	(void) posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = describe(&fa, pipes);
	if (r == 0)
		r = posix_spawn(ret, argv[0], &fa, &attr, argv, env);
	(void) posix_spawnattr_destroy(&attr);
	(void) posix_spawn_file_actions_destroy(&fa);
	return -r;
}

static bool
never_block(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

int
child_start(struct child *c, char *const argv[], bool answers)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	bool ok = pipe2(pipes[0], O_CLOEXEC) == 0 && never_block(pipes[0][W]) &&
		  (!answers || (pipe2(pipes[1], O_CLOEXEC) == 0 && never_block(pipes[1][R]))) &&
		  pipe2(pipes[2], O_CLOEXEC) == 0 && never_block(pipes[2][R]);
	int r = ok ? 0 : -errno;
	pid_t pid;

	if (r == 0)
		r = spawn(argv, pipes, &pid);
	if (r < 0) {
		close_all(pipes);
		return r;
	}
	*c = (struct child){ pid, pipes[0][W], pipes[1][R], pipes[2][R], "", false };
	pipes[0][W] = pipes[1][R] = pipes[2][R] = -1;
	close_all(pipes);
	return 0;
}

static void
say(struct child *c, char byte)
{
	size_t n = strlen(c->said);

	if (byte == '\n') {
		c->line_over = true;
		return;
	}
	if (c->line_over)
		n = 0;
	c->line_over = false;
	if (n < sizeof(c->said) - 1)
		c->said[n++] = byte;
	c->said[n] = '\0';
	if ((unsigned char) c->said[n - 1] < ' ' || c->said[n - 1] == 0x7f)
		c->said[n - 1] = ' ';
}

void
child_listen(struct child *c)
{
	enum { ENOUGH = 16 }; /* a program that never stops talking does not stop us */
	char text[4096];
	ssize_t n;

	for (unsigned i = 0; i < ENOUGH && c->err >= 0; i++) {
		n = read(c->err, text, sizeof(text));
		if (n <= 0)
			return;
		for (ssize_t k = 0; k < n; k++)
			say(c, text[k]);
	}
}

static void
forget(struct child *c)
{
	child_listen(c);
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
	c->pid = 0;
}

bool
child_ended(struct child *c, int *status)
{
	if (c->pid == 0 || waitpid(c->pid, status, WNOHANG) != c->pid)
		return false;
	(void) kill(-c->pid, SIGKILL); /* what it started */
	forget(c);
	return true;
}

/* Wait until it has ended. */
static bool
ends_within(struct child *c, int ms)
{
	uint64_t until = clock_mono() + (uint64_t) ms * NS_PER_MS;
	int status;

	while (!child_ended(c, &status)) {
		if (clock_mono() >= until)
			return false;
		(void) poll(NULL, 0, 5);
		child_listen(c);
	}
	return true;
}

void
child_stop(struct child *c, int grace_ms)
{
	enum { TERM_MS = 500 };

	if (c->pid == 0)
		return;
	close_fd(&c->in);
	if (grace_ms > 0 && ends_within(c, grace_ms))
		return;
	(void) kill(-c->pid, SIGTERM);
	if (ends_within(c, TERM_MS))
		return;
	(void) kill(-c->pid, SIGKILL);
	(void) waitpid(c->pid, NULL, 0);
	forget(c);
}
