/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite names register, remove, tag: changing names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "names.h"

int cli_names_register(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names register",
		.usage = "NAME REF... [--tag T]... [--replace] [--replica]",
		.summary = "Gives a name to one object, which may have several references",
		.text = "  pyrite names register example.calc pyr:calc@10.0.0.7:4711\n\n"
			"Such a registration has no lease: it stays until it is removed.",
		.arguments_min = 2,
		.arguments_max = SIZE_MAX,
	};
	const char *at = NULL;
	option_texts tags = {NULL, 0};
	bool replace = false, replica = false, json = false;
	const cli_option options[] = {
		{"tag", "T", "a tag", OPTION_TEXTS, &tags},
		{"replace", NULL, "take the name over if somebody has it", OPTION_FLAG, &replace},
		{"replica", NULL, "add to those who have the name", OPTION_FLAG, &replica},
		{"json", NULL, "print JSON", OPTION_FLAG, &json},
		NAMES_AT_OPTION(&at),
		{0},
	};
	char **arguments;
	size_t count;
	pyr_error err;
	pyrite_names *names;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		goto out;
	if (names_open(at, 0, &names, &err)) {
		result = cli_fail(&err);
		goto out;
	}
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	request.name = arguments[0];
	request.references = arguments + 1;
	request.n_references = count - 1;
	request.tags = (char **)tags.texts;
	request.n_tags = tags.count;
	request.replace = replace;
	request.replica = replica;
	if (pyrite_names_register(names, &request, &reply, &err)) {
		result = cli_fail(&err);
	} else {
		if (json)
			names_print_json(json_pack("{s:s, s:I}", "name", arguments[0], "revision",
				(json_int_t)reply->revision));
		pyrite__register_reply__free_unpacked(reply, NULL);
	}
	pyrite_names__close(names);
out:
	free(tags.texts);
	return result;
}

static bool confirm(const char *prefix, const char *regex)
{
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "pyrite: removing many names asks first; say --yes instead\n");
		return false;
	}
	fprintf(stderr, "Remove every name that %s '%s'? [y/N] ",
		*regex ? "matches" : "begins with", *regex ? regex : prefix);
	char answer[16] = "";
	return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int remove_names(const char *at, Pyrite__RemoveRequest *request, bool yes, bool json)
{
	pyr_error err;
	pyrite_names *names;
	Pyrite__RemoveReply *reply;
	int result = CLI_DONE;
	if (names_open(at, 0, &names, &err))
		return cli_fail(&err);
	if (!*request->name && !yes && !confirm(request->prefix, request->regex)) {
		result = CLI_USAGE;
	} else if (pyrite_names_remove(names, request, &reply, &err)) {
		result = cli_fail(&err);
	} else {
		if (json)
			names_print_json(json_pack("{s:I}", "removed", (json_int_t)reply->count));
		else if (!*request->name)
			printf("%llu removed\n", (unsigned long long)reply->count);
		pyrite__remove_reply__free_unpacked(reply, NULL);
	}
	pyrite_names__close(names);
	return result;
}

int cli_names_remove(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names remove",
		.usage = "NAME | --prefix P | --regex R [--yes] [--json]",
		.summary = "Removes a name, or all that begin with or match something",
		.text = "Removing by prefix or regex asks first, unless --yes is given.",
		.arguments_max = 1,
	};
	const char *at = NULL, *prefix = "", *regex = "";
	bool yes = false, json = false;
	const cli_option options[] = {
		{"prefix", "P", "every name that begins with P", OPTION_TEXT, &prefix},
		{"regex", "R", "every name that matches R from its start", OPTION_TEXT, &regex},
		{"yes", NULL, "do not ask", OPTION_FLAG, &yes},
		{"json", NULL, "print JSON", OPTION_FLAG, &json},
		NAMES_AT_OPTION(&at),
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	if (count + (*prefix != 0) + (*regex != 0) != 1)
		return cli_usage(&command, "give one of NAME, --prefix and --regex");
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	if (count)
		request.name = arguments[0];
	request.prefix = (char *)prefix;
	request.regex = (char *)regex;
	return remove_names(at, &request, yes, json);
}

static int set_tags(const char *at, Pyrite__SetTagsRequest *request, bool json)
{
	pyr_error err;
	pyrite_names *names;
	Pyrite__SetTagsReply *reply;
	if (names_open(at, 0, &names, &err))
		return cli_fail(&err);
	int result = CLI_DONE;
	if (pyrite_names_set_tags(names, request, &reply, &err)) {
		result = cli_fail(&err);
	} else {
		json_t *tags = json_array();
		for (size_t i = 0; i < reply->n_tags; i++) {
			json_array_append_new(tags, json_string(reply->tags[i]));
			if (!json)
				printf("%s\n", reply->tags[i]);
		}
		if (json)
			names_print_json(
				json_pack("{s:s, s:O}", "name", request->name, "tags", tags));
		json_decref(tags);
		pyrite__set_tags_reply__free_unpacked(reply, NULL);
	}
	pyrite_names__close(names);
	return result;
}

int cli_names_tag(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names tag",
		.usage = "NAME [--set T]... | [--add T]... [--remove T]... [--json]",
		.summary = "Changes the tags of a name and prints those it then has",
		.arguments_min = 1,
		.arguments_max = 1,
	};
	const char *at = NULL;
	option_texts set = {NULL, 0}, add = {NULL, 0}, drop = {NULL, 0};
	bool none = false, json = false;
	const cli_option options[] = {
		{"set", "T", "exactly T and every other --set", OPTION_TEXTS, &set},
		{"none", NULL, "no tags at all", OPTION_FLAG, &none},
		{"add", "T", "T besides those there are", OPTION_TEXTS, &add},
		{"remove", "T", "no longer T", OPTION_TEXTS, &drop},
		{"json", NULL, "print JSON", OPTION_FLAG, &json},
		NAMES_AT_OPTION(&at),
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result == CLI_DONE && count != SIZE_MAX) {
		bool replace = set.count > 0 || none;
		Pyrite__SetTagsRequest request = PYRITE__SET_TAGS_REQUEST__INIT;
		request.name = arguments[0];
		request.replace = replace;
		request.add = (char **)(replace ? set.texts : add.texts);
		request.n_add = replace ? set.count : add.count;
		request.remove = (char **)drop.texts;
		request.n_remove = drop.count;
		if (replace && (add.count || drop.count))
			result = cli_usage(
				&command, "--set and --none go with neither --add nor --remove");
		else
			result = set_tags(at, &request, json);
	}
	free(set.texts);
	free(add.texts);
	free(drop.texts);
	return result;
}
