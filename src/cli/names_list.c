/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite names list, lookup: reading names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "names.h"

#define PAGE_NAMES       500
#define WAIT_SECONDS_MAX 1000000

/* The default context knows of the default name server only. */
static pyr_status show_token(const char *endpoint, pyr_error *err)
{
	const char *token = getenv("PYRITE_TOKEN");
	if (!endpoint || !token || !*token)
		return PYR_OK;
	return pyr_context_set_token(NULL, endpoint, token, false, err);
}

bool names_discovers(const char *where)
{
	if (strncmp(where, "pyrs:", 5) == 0)
		where += 5;
	bool is_host = strncmp(where, "discover:", 9) == 0 && where[9] &&
		       !where[9 + strspn(where + 9, "0123456789")];
	return !is_host && (strcmp(where, "discover") == 0 || strncmp(where, "discover:", 9) == 0);
}

/* Such a name server has a name for whoever discovers it. The context lives as long as we do. */
static pyr_status open_discovered(const char *at, const pyr_proxy_options *proxy_options,
	pyrite_names **ret_names, pyr_error *err)
{
	static pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	options.name_server = at;
	pyr_status status = at ? pyr_context_new(&options, &context, err) : PYR_OK;
	return status ? status
		      : pyrite_names__open(
				context, "name:pyrite.nameserver", proxy_options, ret_names, err);
}

pyr_status names_open(const char *at, uint32_t timeout_ms, pyrite_names **ret_names, pyr_error *err)
{
	pyr_proxy_options proxy_options = PYR_PROXY_OPTIONS_INIT;
	char reference[PYR_REFERENCE_MAX];
	const char *where = at ? at : cli_environment("PYRITE_NS");
	bool tls = strncmp(where, "pyrs:", 5) == 0 && strchr(where + 5, ':');
	if (tls)
		where += 5;
	proxy_options.timeout_ms = timeout_ms;
	if (names_discovers(where))
		return open_discovered(at, &proxy_options, ret_names, err);
	snprintf(reference, sizeof reference, "%s:pyrite.nameserver@%s", tls ? "pyrs" : "pyr",
		where);
	pyr_status status = show_token(at ? where : NULL, err);
	return status ? status
		      : pyrite_names__open(NULL, reference, &proxy_options, ret_names, err);
}

static json_t *texts_to_json(char *const *texts, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(texts[i]));
	return array;
}

json_t *names_to_json(const Pyrite__Name *name)
{
	json_t *holders = json_array();
	for (size_t i = 0; i < name->n_holders; i++) {
		const Pyrite__Holder *h = name->holders[i];
		json_t *holder = json_pack("{s:o, s:s, s:I}", "references",
			texts_to_json(h->references, h->n_references), "owner", h->owner, "ttl_ms",
			(json_int_t)h->ttl_ms);
		json_array_append_new(holders, holder);
	}
	return json_pack("{s:s, s:o, s:o, s:I, s:I}", "name", name->name, "holders", holders,
		"tags", texts_to_json(name->tags, name->n_tags), "create_revision",
		(json_int_t)name->create_revision, "mod_revision", (json_int_t)name->mod_revision);
}

void names_print(const Pyrite__Name *name)
{
	size_t lines = 0;
	for (size_t i = 0; i < name->n_holders; i++) {
		for (size_t j = 0; j < name->holders[i]->n_references; j++) {
			printf("%-32s %s", lines ? "" : name->name,
				name->holders[i]->references[j]);
			for (size_t t = 0; t < name->n_tags && !lines; t++)
				printf("%s%s", t ? "," : "  ", name->tags[t]);
			putchar('\n');
			lines++;
		}
	}
	if (!lines)
		printf("%s\n", name->name);
}

void names_store_text(const ProtobufCBinaryData *store_id, char *buf, size_t size)
{
	*buf = '\0';
	for (size_t i = 0; i < store_id->len && 2 * i + 2 < size; i++)
		snprintf(buf + 2 * i, size - 2 * i, "%02x", store_id->data[i]);
}

void names_print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(value);
}

static pyr_status list_page(pyrite_names *names, Pyrite__ListRequest *request, char **token,
	bool json, uint64_t *shown, pyr_error *err)
{
	Pyrite__ListReply *reply;
	request->page_token = *token;
	pyr_status status = pyrite_names_list(names, request, &reply, err);
	if (status)
		return status;
	for (size_t i = 0; i < reply->n_names; i++) {
		if (json)
			names_print_json(names_to_json(reply->names[i]));
		else
			names_print(reply->names[i]);
	}
	*shown += reply->n_names;
	free(*token);
	*token = strdup(reply->next_page_token);
	pyrite__list_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

static int list_all(const char *at, Pyrite__ListRequest *request, bool json)
{
	pyr_error err;
	pyrite_names *names;
	if (names_open(at, 0, &names, &err))
		return cli_fail(&err);
	char *token = strdup("");
	uint64_t shown = 0;
	int result = CLI_DONE;
	do {
		if (list_page(names, request, &token, json, &shown, &err))
			result = cli_fail(&err);
	} while (result == CLI_DONE && token && *token);
	free(token);
	if (!json && result == CLI_DONE && cli_shows_progress())
		fprintf(stderr, "%llu names\n", (unsigned long long)shown);
	pyrite_names__close(names);
	return result;
}

int cli_names_list(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names list",
		.usage = "[--prefix P | --regex R] [--tag T]... [--any-tag T]... [--json]",
		.summary = "Lists names, in byte order",
		.text = "  pyrite names list --prefix example.\n"
			"  pyrite names list --regex 'node[0-9]+' --tag gpu\n\n"
			"A regex is anchored at the start of the name. --json prints one object a "
			"line.",
	};
	const char *at = NULL, *prefix = "", *regex = "";
	option_texts all = {NULL, 0}, any = {NULL, 0};
	bool json = false;
	const cli_option options[] = {
		{"prefix", "P", "names that begin with P", OPTION_TEXT, &prefix},
		{"regex", "R", "names that match R from their start", OPTION_TEXT, &regex},
		{"tag", "T", "names that carry T, and every other --tag", OPTION_TEXTS, &all},
		{"any-tag", "T", "names that carry T or another --any-tag", OPTION_TEXTS, &any},
		{"json", NULL, "print one JSON object a line", OPTION_FLAG, &json},
		NAMES_AT_OPTION(&at),
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result == CLI_DONE && count != SIZE_MAX) {
		Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
		request.prefix = (char *)prefix;
		request.regex = (char *)regex;
		request.tags_all = (char **)all.texts;
		request.n_tags_all = all.count;
		request.tags_any = (char **)any.texts;
		request.n_tags_any = any.count;
		request.page_size = PAGE_NAMES;
		request.with_tags = true;
		result = list_all(at, &request, json);
	}
	free(all.texts);
	free(any.texts);
	return result;
}

int cli_names_lookup(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names lookup",
		.usage = "NAME [--wait SECONDS] [--json]",
		.summary = "Shows what a name stands for",
		.text = "  pyrite names lookup example.calc\n"
			"  pyrite names lookup example.calc --wait 10\n\n"
			"One line a reference, the preferred one first.",
		.arguments_min = 1,
		.arguments_max = 1,
	};
	const char *at = NULL;
	double wait = 0;
	bool json = false;
	const cli_option options[] = {
		{"wait", "SECONDS", "wait so long for a name that is not there yet", OPTION_SECONDS,
			&wait},
		{"json", NULL, "print JSON", OPTION_FLAG, &json},
		NAMES_AT_OPTION(&at),
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	pyr_error err;
	pyrite_names *names;
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = arguments[0];
	request.with_tags = true;
	if (wait > WAIT_SECONDS_MAX)
		return cli_usage(&command, "--wait takes at most %d seconds", WAIT_SECONDS_MAX);
	request.wait_ms = (uint32_t)(wait * 1000);
	if (names_open(at, request.wait_ms + PYR_TIMEOUT_DEFAULT_MS, &names, &err))
		return cli_fail(&err);
	if (wait > 0)
		cli_progress("waiting up to %g s for '%s'", wait, arguments[0]);
	if (pyrite_names_lookup(names, &request, &reply, &err)) {
		result = cli_fail(&err);
	} else {
		cli_progress("%s", "");
		if (json)
			names_print_json(names_to_json(reply->name));
		else
			names_print(reply->name);
		pyrite__lookup_reply__free_unpacked(reply, NULL);
	}
	pyrite_names__close(names);
	return result;
}
