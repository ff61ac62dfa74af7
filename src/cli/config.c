/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite config */
#include "cli.h"

#include <string.h>

const char *cli_environment(const char *name)
{
	pyr_config_variable v = PYR_CONFIG_VARIABLE_INIT;
	for (size_t i = 0; pyr_config_get(i, &v, NULL) == PYR_OK; i++)
		if (strcmp(v.name, name) == 0)
			return v.value ? v.value : v.initial;
	return "";
}

static const char *shown_value(const pyr_config_variable *v)
{
	return !v->value ? v->initial : v->secret ? "(set)" : v->value;
}

/* What the environment holds is printed without control characters. */
static void print_value(const char *value)
{
	for (; *value; value++)
		putchar((unsigned char)*value < ' ' || *value == 0x7f ? '?' : *value);
}

static void print(const pyr_config_variable *v)
{
	const char *value = shown_value(v);
	printf("%s%s%s=", cli_style_text(stdout, CLI_BOLD), v->name,
		cli_style_text(stdout, CLI_PLAIN));
	print_value(value);
	printf("  (%s)\n    %s; %s\n", v->value ? "environment" : "default", v->help, v->allowed);
}

/* A secret's value is null, set or not; so is one that is not UTF-8, which the check refuses. */
static json_t *to_json(const pyr_config_variable *v)
{
	const char *value = v->value ? v->value : v->initial;
	json_t *text = v->secret ? NULL : json_string(value);
	return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:b}", "name", v->name, "value",
		text ? text : json_null(), "source", v->value ? "environment" : "default",
		"default", v->initial, "allowed", v->allowed, "help", v->help, "secret", v->secret);
}

int cli_config(int argc, char **argv)
{
	static const cli_command command = {
		.name = "config",
		.usage = "[--json]",
		.summary = "Prints the environment variables of Pyrite with their values",
		.text = "Options in a program win over the environment, and the environment over\n"
			"what is built in. A token is never printed.",
		.examples = "pyrite config\n"
			    "PYRITE_TIMEOUT=250ms pyrite config --json | jq .",
		.exits = "0 done, 2 wrong usage, or the environment has an unknown variable or a "
			 "bad value",
	};
	bool json = false;
	const cli_option options[] = {
		{"json", NULL, "print JSON", OPTION_FLAG, &json},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	json_t *all = json_array();
	pyr_config_variable v = PYR_CONFIG_VARIABLE_INIT;
	for (size_t i = 0; pyr_config_get(i, &v, NULL) == PYR_OK; i++) {
		if (json)
			json_array_append_new(all, to_json(&v));
		else
			print(&v);
	}
	if (json)
		cli_print_json(json_incref(all));
	json_decref(all);
	return cli_check_environment();
}
