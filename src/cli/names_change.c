/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite names register, remove, tag: changing names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "names.h"

#define NO_REVISION UINT64_MAX

int cli_names_register(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names register",
		.usage = "NAME REF... [--tag T]... [--replace | --replica | --expect REVISION]",
		.summary = "Gives a name to one object, which may have several references",
		.text = "  pyrite names register example.calc pyr:calc@10.0.0.7:4711\n"
			"  pyrite names register farm pyr:w@10.0.0.8:4711 --replica\n\n"
			"Several references are several ways to one object, the preferred one\n"
			"first. Such a registration has no lease: it stays until it is removed.",
		.arguments_min = 2,
		.arguments_max = SIZE_MAX,
	};
	const char *at = NULL;
	option_texts tags = {NULL, 0};
	bool replace = false, replica = false, json = false;
	uint64_t expected = NO_REVISION;
	const cli_option options[] = {
		{"tag", "T", "a tag", OPTION_TEXTS, &tags},
		{"expect", "REVISION", "take it over only if it is at this revision (0: free)",
			OPTION_NUMBER, &expected},
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
	if (expected != NO_REVISION)
		pyrite__register_request__set_expected_revision(&request, expected);
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

/* How many names would go, to ask about; the name server leaves its own alone. */
static pyr_status count_matching(
	pyrite_names *names, const Pyrite__RemoveRequest *what, uint64_t *ret_count, pyr_error *err)
{
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	char *token = NULL;
	request.prefix = what->prefix;
	request.regex = what->regex;
	request.names_only = true;
	*ret_count = 0;
	do {
		Pyrite__ListReply *reply;
		request.page_token = token ? token : "";
		pyr_status status = pyrite_names_list(names, &request, &reply, err);
		free(token);
		if (status)
			return status;
		*ret_count += reply->n_names;
		for (size_t i = 0; i < reply->n_names; i++)
			*ret_count -= strcmp(reply->names[i]->name, "pyrite.nameserver") == 0;
		token = strdup(reply->next_page_token);
		pyrite__list_reply__free_unpacked(reply, NULL);
	} while (token && *token);
	free(token);
	return PYR_OK;
}

static int confirm(pyrite_names *names, const Pyrite__RemoveRequest *what)
{
	pyr_error err;
	uint64_t count;
	if (count_matching(names, what, &count, &err))
		return cli_fail(&err);
	if (count == 0)
		return CLI_DONE; /* there is nothing to be careful of */
	bool regex = *what->regex != 0;
	fprintf(stderr, "Remove %llu name%s that %s '%s'? [y/N] ", (unsigned long long)count,
		count == 1 ? "" : "s",
		regex        ? count == 1 ? "matches" : "match"
		: count == 1 ? "begins with"
			     : "begin with",
		regex ? what->regex : what->prefix);
	char answer[16] = "";
	if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return CLI_DONE;
	fprintf(stderr, "pyrite: nothing was removed\n");
	return CLI_FAILED;
}

static int remove_now(pyrite_names *names, const Pyrite__RemoveRequest *request, bool json)
{
	pyr_error err;
	Pyrite__RemoveReply *reply;
	if (pyrite_names_remove(names, request, &reply, &err))
		return cli_fail(&err);
	if (json)
		names_print_json(json_pack("{s:I, s:I}", "removed", (json_int_t)reply->count,
			"revision", (json_int_t)reply->revision));
	else if (!*request->name)
		printf("%llu removed\n", (unsigned long long)reply->count);
	pyrite__remove_reply__free_unpacked(reply, NULL);
	return CLI_DONE;
}

static int remove_names(const char *at, const Pyrite__RemoveRequest *request, bool ask, bool json)
{
	pyr_error err;
	pyrite_names *names;
	if (names_open(at, *request->name ? 0 : PYR_TIMEOUT_NONE, &names, &err))
		return cli_fail(&err);
	int result = ask ? confirm(names, request) : CLI_DONE;
	if (result == CLI_DONE)
		result = remove_now(names, request, json);
	pyrite_names__close(names);
	return result;
}

int cli_names_remove(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names remove",
		.usage = "NAME [--expect REVISION] | --prefix P | --regex R [--yes] [--json]",
		.summary = "Removes a name, or all that begin with or match something",
		.text = "  pyrite names remove example.calc\n"
			"  pyrite names remove --prefix old. --yes\n\n"
			"Removing by prefix or regex says how many names would go, and asks "
			"first;\n"
			"without a terminal to ask on, it takes --yes.",
		.arguments_max = 1,
	};
	const char *at = NULL, *prefix = "", *regex = "";
	uint64_t expected = NO_REVISION;
	bool yes = false, json = false;
	const cli_option options[] = {
		{"expect", "REVISION", "only if the name is at this revision", OPTION_NUMBER,
			&expected},
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
	if (expected != NO_REVISION && !count)
		return cli_usage(&command, "--expect goes with a NAME");
	if (expected != NO_REVISION)
		pyrite__remove_request__set_expected_revision(&request, expected);
	bool ask = !count && !yes;
	if (ask && !isatty(STDIN_FILENO))
		return cli_usage(&command, "removing many names asks first, and there is no "
					   "terminal to ask on: say --yes");
	return remove_names(at, &request, ask, json);
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
		.usage = "NAME [--set T]... | --none | [--add T]... [--remove T]... [--json]",
		.summary = "Changes the tags of a name and prints those it then has",
		.text = "  pyrite names tag example.calc --add gpu --remove test\n"
			"  pyrite names tag example.calc --set gpu --set big\n\n"
			"Without a change it prints the tags that there are.",
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
