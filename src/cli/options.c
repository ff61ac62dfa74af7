/* SPDX-License-Identifier: Apache-2.0 */
/* A command's options: one table for getopt_long and for --help. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

#define OPTIONS_MAX 24
#define HELP_CODE   OPTIONS_MAX

static void print_help(const cli_command *command, const cli_option *options)
{
	printf("usage: pyrite %s %s\n\n%s.\n", command->name, command->usage, command->summary);
	if (command->text)
		printf("\n%s\n", command->text);
	printf("\n");
	for (const cli_option *o = options; o->name; o++) {
		char left[64];
		snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument ? " " : "",
			o->argument ? o->argument : "");
		printf("  %-24s %s\n", left, o->help);
	}
	printf("  %-24s %s\n", "--help", "print this");
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
	if (errno || end == text || *end || text[0] == '-')
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
			(int)count,
		};
	ret_table[count++] = (struct option){"help", no_argument, NULL, HELP_CODE};
	ret_table[count] = (struct option){NULL, 0, NULL, 0};
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
		if (code == HELP_CODE || code == 'h') {
			print_help(command, options);
			*ret_count = SIZE_MAX;
			return CLI_DONE;
		}
		if (code == ':')
			return cli_usage(command, "%s needs a value", argv[optind - 1]);
		if (code == '?')
			return cli_usage(command, "there is no option %s", argv[optind - 1]);
		if (!take(&options[code], optarg))
			return cli_usage(command, "--%s takes %s, not '%s'", options[code].name,
				options[code].argument, optarg);
	}
	*ret_arguments = argv + optind;
	*ret_count = (size_t)(argc - optind);
	if (*ret_count < command->arguments_min)
		return cli_usage(command, "something is missing");
	if (*ret_count > command->arguments_max)
		return cli_usage(command, "'%s' is one argument too many",
			(*ret_arguments)[command->arguments_max]);
	return CLI_DONE;
}
