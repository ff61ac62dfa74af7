/* SPDX-License-Identifier: Apache-2.0 */
/* How Ctrl-C and SIGTERM end a command. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "cli.h"

#define NOTED_GRACE_S 1

static volatile sig_atomic_t noted;
static int noted_fd = -1; /* readable once a signal has been noted */

static void handle(int number, void (*handler)(int))
{
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = handler;
	sigaction(number, &action, NULL);
}

/* Ends the program as the signal would have, so that a shell sees 130 or 143. */
static void end_by(int number)
{
	static const char clear_line[] = "\r\033[K";
	if (cli_shows_progress() && write(STDERR_FILENO, clear_line, sizeof clear_line - 1) < 0)
		errno = 0; /* nothing to be done about it */
	handle(number, SIG_DFL);
	raise(number);
}

static void on_time_over(int number)
{
	(void)number;
	end_by(noted);
}

static void note(int number)
{
	int saved = errno;
	if (noted)
		end_by(number);
	noted = number;
	uint64_t one = 1;
	if (write(noted_fd, &one, sizeof one) < 0)
		end_by(number);
	alarm(NOTED_GRACE_S);
	errno = saved;
}

void cli_signals_init(void)
{
	handle(SIGINT, end_by);
	handle(SIGTERM, end_by);
}

void cli_stop_on_signal(pyr_daemon *daemon, uint32_t grace_ms)
{
	/* a daemon's own handlers go when it is freed */
	if (daemon && pyr_daemon_stop_on_signals(daemon, grace_ms, NULL))
		cli_signals_init();
}

void cli_signals_note(void)
{
	noted_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	handle(SIGALRM, on_time_over);
	handle(SIGINT, note);
	handle(SIGTERM, note);
}

int cli_signal_noted(void)
{
	return noted;
}

void cli_pause(double seconds)
{
	struct pollfd wait = {.fd = noted_fd, .events = POLLIN};
	int ms = seconds > 1e6 ? 1000000000 : (int)(seconds * 1000);
	while (!noted && poll(&wait, 1, ms) < 0 && errno == EINTR)
		continue;
}
