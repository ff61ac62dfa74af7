/* SPDX-License-Identifier: Apache-2.0 */
/* What all commands print alike: errors and progress; and how a signal ends a daemon. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"

int cli_fail(const pyr_error *err)
{
	cli_progress("%s", "");
	fprintf(stderr, "pyrite: %s: %s\n", pyr_status_name(err->status),
		err->message[0] ? err->message : pyr_status_text(err->status));
	if (err->where[0])
		fprintf(stderr, "  at %s\n", err->where);
	return CLI_FAILED;
}

bool cli_shows_progress(void)
{
	return isatty(STDERR_FILENO);
}

void cli_progress(const char *format, ...)
{
	if (!cli_shows_progress())
		return;
	va_list args;
	fputs("\r\033[K", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

static pyr_daemon *volatile stopped_daemon;
static volatile uint32_t stop_grace_ms;

static void on_signal(int number)
{
	(void)number;
	pyr_daemon_stop_from_signal(stopped_daemon, stop_grace_ms);
}

void cli_stop_on_signal(pyr_daemon *daemon, uint32_t grace_ms)
{
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = daemon ? on_signal : SIG_DFL;
	stop_grace_ms = grace_ms;
	if (daemon)
		stopped_daemon = daemon;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}
