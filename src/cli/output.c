/* SPDX-License-Identifier: Apache-2.0 */
/* What all commands print alike: errors, JSON, styles and progress. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"

int cli_fail(const pyr_error *err)
{
	cli_progress("%s", "");
	fflush(stdout); /* what was done before it failed comes first */
	fprintf(stderr, "pyrite: %s%s%s: %s\n", cli_style_text(stderr, CLI_RED),
		pyr_status_name(err->status), cli_style_text(stderr, CLI_PLAIN),
		err->message[0] ? err->message : pyr_status_text(err->status));
	if (err->where[0])
		fprintf(stderr, "  at %s\n", err->where);
	return CLI_FAILED;
}

void cli_print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	fflush(stdout);
	json_decref(value);
}

const char *cli_style_text(FILE *stream, cli_style style)
{
	static const char *const texts[] = {
		[CLI_PLAIN] = "\033[0m",
		[CLI_BOLD] = "\033[1m",
		[CLI_RED] = "\033[1;31m",
	};
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	if ((no_color && *no_color) || !term || strcmp(term, "dumb") == 0)
		return "";
	return isatty(fileno(stream)) ? texts[style] : "";
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
