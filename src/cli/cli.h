/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of `pyrite` share: options, output, signals and exit statuses. */
#ifndef PYR_CLI_CLI_H
#define PYR_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <jansson.h>
#include <pyrite/pyrite.h>

enum {
	CLI_DONE = 0,
	CLI_FAILED = 1, /* the call failed; gRPC's code name is on stderr */
	CLI_USAGE = 2,
};

/* Options: options.c */

typedef enum option_kind {
	OPTION_FLAG,    /* bool */
	OPTION_TEXT,    /* const char * */
	OPTION_TEXTS,   /* option_texts; may be given several times */
	OPTION_NUMBER,  /* uint64_t */
	OPTION_SECONDS, /* double */
} option_kind;

typedef struct option_texts {
	const char **texts; /* freed by the command */
	size_t count;
} option_texts;

typedef struct cli_option {
	const char *name;     /* without dashes */
	const char *argument; /* for the help; NULL for a flag */
	const char *help;
	option_kind kind;
	void *value;
} cli_option;

/* One command, "names list", with what --help says about it. */
typedef struct cli_command {
	const char *name;
	const char *usage; /* after the name, arguments first: "NAME [--wait SECONDS]" */
	const char *summary;
	const char *text;                    /* more for --help; may be NULL */
	size_t arguments_min, arguments_max; /* SIZE_MAX: any number */
	const char *examples;                /* for --help, lines; may be NULL */
	const char *exits;                   /* exit statuses, where they are not the usual ones */
} cli_command;

/* The exits of a command that serves until it is told to end. */
#define CLI_EXITS_SERVER                                                                           \
	"0 after Ctrl-C or SIGTERM, which let running calls finish (a second one does\n"           \
	"not), 1 it could not start, 2 wrong usage"

/*
 * Parses argv (argv[0] is the command's last word). options ends with a NULL name; --help is added.
 * On CLI_DONE the arguments that are no options are ret_arguments[0 .. *ret_count - 1], in argv.
 * Any other value is to be returned from main: help was printed (*ret_count is SIZE_MAX and the
 * value CLI_DONE), or the usage was wrong.
 */
int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv,
	char ***ret_arguments, size_t *ret_count);

/* Prints what is wrong with the command line, and where help is; returns CLI_USAGE. */
int cli_usage(const cli_command *command, const char *format, ...) PYR_PRINTF(2, 3);

/* Which of the words was probably meant, or NULL: suggest.c */
const char *cli_nearest(const char *typed, const char *const *words, size_t count);

/* Output: output.c */

/* Prints "pyrite: NOT_FOUND: ..." to stderr; returns CLI_FAILED. */
int cli_fail(const pyr_error *err);

/* Prints a JSON value on a line of its own to stdout, at once, and frees it. */
void cli_print_json(json_t *value);

typedef enum cli_style {
	CLI_PLAIN,
	CLI_BOLD,
	CLI_RED,
} cli_style;

/* What to print to switch a style on; "" unless the stream is a terminal and NO_COLOR is unset. */
const char *cli_style_text(FILE *stream, cli_style style);

/* True when people watch stderr: then what takes long says how far it is. */
bool cli_shows_progress(void);

/* Replaces the last progress line; an empty one removes it. Only if cli_shows_progress(). */
void cli_progress(const char *format, ...) PYR_PRINTF(1, 2);

/* Signals: signals.c */

/* From now on SIGINT and SIGTERM remove the progress line before they end the program. */
void cli_signals_init(void);

/* SIGINT and SIGTERM stop the daemon with this grace; NULL: as cli_signals_init() made it again. */
void cli_stop_on_signal(pyr_daemon *daemon, uint32_t grace_ms);

/*
 * From now on SIGINT and SIGTERM are only noted, for a command that has something to say when it
 * ends early. It has a second for that after the signal, then the program is ended.
 */
void cli_signals_note(void);

/* The signal that was noted, or 0. */
int cli_signal_noted(void);

/* Waits, at most until a signal is noted. */
void cli_pause(double seconds);

/* Prints what is wrong with the variables PYRITE_*, if anything, and returns CLI_USAGE: main.c */
int cli_check_environment(void);

/* What the variable says, or its default: config.c */
const char *cli_environment(const char *name);

#define CLI_URL_MAX 320

/*
 * Serves the daemon's metrics over HTTP if address is not NULL, and writes where; else "":
 * metrics.c
 */
pyr_status cli_serve_metrics(
	pyr_daemon *daemon, const char *address, char url[CLI_URL_MAX], pyr_error *err);

int cli_config(int argc, char **argv);
int cli_ns(int argc, char **argv);
int cli_names_discover(int argc, char **argv);
int cli_names_list(int argc, char **argv);
int cli_names_lookup(int argc, char **argv);
int cli_names_register(int argc, char **argv);
int cli_names_remove(int argc, char **argv);
int cli_names_status(int argc, char **argv);
int cli_names_tag(int argc, char **argv);
int cli_names_watch(int argc, char **argv);
int cli_describe(int argc, char **argv);
int cli_call(int argc, char **argv);
int cli_ping(int argc, char **argv);
int cli_echo(int argc, char **argv);
int cli_bench_serve(int argc, char **argv);
int cli_bench_call(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_version(int argc, char **argv);

#endif
