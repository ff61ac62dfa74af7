/* SPDX-License-Identifier: Apache-2.0 */
/* A command's options: one table for getopt_long and for --help. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

#define OPTIONS_MAX  24
#define CODE_HELP    256
#define CODE_OPTION0 257 /* and one more for each that follows */

static const char exits_usual[] =
	"0 done, 1 the call failed (the status is on stderr), 2 wrong usage, 130 and 143\n"
	"ended by Ctrl-C and SIGTERM";

static void print_heading(const char *text)
{
	printf("\n%s%s%s\n", cli_style_text(stdout, CLI_BOLD), text,
		cli_style_text(stdout, CLI_PLAIN));
}

/* Prints text with every line indented. */
static void print_indented(const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		printf("  %.*s\n", (int)(end - text), text);
	}
}

static void print_option(const char *name, const char *argument, const char *help)
{
	char left[64];
	snprintf(
		left, sizeof left, "--%s%s%s", name, argument ? " " : "", argument ? argument : "");
	printf("  %-22s %s\n", left, help);
}

static void print_help(const cli_command *command, const cli_option *options)
{
	printf("usage: pyrite %s %s\n\n%s.\n", command->name, command->usage, command->summary);
	if (command->text)
		printf("\n%s\n", command->text);
	print_heading("options");
	for (const cli_option *o = options; o->name; o++)
		print_option(o->name, o->argument, o->help);
	print_option("help", NULL, "print this");
	if (command->examples) {
		print_heading("examples");
		print_indented(command->examples);
	}
	print_heading("exit status");
	print_indented(command->exits ? command->exits : exits_usual);
}

int cli_usage(const cli_command *command, const char *format, ...)
{
	va_list args;
	fprintf(stderr, "pyrite %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nusage: pyrite %s %s\n'pyrite %s --help' says more\n", command->name,
		command->usage, command->name);
	return CLI_USAGE;
}

static bool take_number(const char *text, uint64_t *ret_number)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9')
		return false;
	*ret_number = value;
	return true;
}

static bool take_seconds(const char *text, double *ret_seconds)
{
	char *end;
	errno = 0;
	double value = strtod(text, &end);
	if (errno || end == text || *end || !(value >= 0) || value > 1e9)
		return false;
	*ret_seconds = value;
	return true;
}

static bool add_text(option_texts *texts, const char *text)
{
	const char **grown = realloc(texts->texts, (texts->count + 1) * sizeof *grown);
	if (!grown)
		return false;
	texts->texts = grown;
	texts->texts[texts->count++] = text;
	return true;
}

static bool take(const cli_option *option, const char *argument)
{
	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)option->value = true;
		return true;
	case OPTION_TEXT:
		*(const char **)option->value = argument;
		return true;
	case OPTION_TEXTS:
		return add_text(option->value, argument);
	case OPTION_NUMBER:
		return take_number(argument, option->value);
	case OPTION_SECONDS:
		return take_seconds(argument, option->value);
	}
	return false;
}

static void fill_getopt(const cli_option *options, struct option *ret_table)
{
	size_t count = 0;
	for (; options[count].name && count < OPTIONS_MAX; count++)
		ret_table[count] = (struct option){
			options[count].name,
			options[count].argument ? required_argument : no_argument,
			NULL,
			CODE_OPTION0 + (int)count,
		};
	ret_table[count++] = (struct option){"help", no_argument, NULL, CODE_HELP};
	ret_table[count] = (struct option){NULL, 0, NULL, 0};
}

/* getopt_long has refused what was typed; optopt is the option's code or letter, or 0. */
static int refuse(const cli_command *command, const struct option *table, const char *typed)
{
	if (optopt > 0 && optopt < CODE_HELP)
		return cli_usage(command, "there is no option -%c", optopt);
	if (optopt)
		return cli_usage(command, "%.*s takes no value", (int)strcspn(typed, "="), typed);
	const char *names[OPTIONS_MAX + 1];
	size_t count = 0;
	for (; table[count].name; count++)
		names[count] = table[count].name;
	const char *meant = cli_nearest(typed + strspn(typed, "-"), names, count);
	if (meant)
		return cli_usage(command, "there is no option %s; is it --%s?", typed, meant);
	return cli_usage(command, "there is no option %s", typed);
}

/* The usage names the arguments first: the word at this index, without its dots. */
static int say_missing(const cli_command *command, size_t index)
{
	const char *word = command->usage;
	for (size_t i = 0; i < index; i++) {
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	return cli_usage(command, "%.*s is missing", (int)strcspn(word, " ."), word);
}

int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv,
	char ***ret_arguments, size_t *ret_count)
{
	struct option table[OPTIONS_MAX + 2];
	fill_getopt(options, table);
	opterr = 0;
	optind = 1;
	int code;
	while ((code = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (code == CODE_HELP || code == 'h') {
			print_help(command, options);
			*ret_count = SIZE_MAX;
			return CLI_DONE;
		}
		if (code == ':')
			return cli_usage(command, "%s needs a value", argv[optind - 1]);
		if (code == '?')
			return refuse(command, table, argv[optind - 1]);
		const cli_option *option = &options[code - CODE_OPTION0];
		if (!take(option, optarg))
			return cli_usage(command, "--%s takes %s, not '%s'", option->name,
				option->argument, optarg);
	}
	*ret_arguments = argv + optind;
	*ret_count = (size_t)(argc - optind);
	if (*ret_count < command->arguments_min)
		return say_missing(command, *ret_count);
	if (*ret_count > command->arguments_max)
		return cli_usage(command, "'%s' is one argument too many",
			(*ret_arguments)[command->arguments_max]);
	return CLI_DONE;
}
