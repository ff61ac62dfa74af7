/* SPDX-License-Identifier: Apache-2.0 */
/* The program `pyrite`: finds the command and runs it. */
#include <stdio.h>
#include <string.h>
#include "cli.h"

typedef struct entry {
	const char *group; /* NULL: a command of one word */
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} entry;

static const entry entries[] = {
	{NULL, "ns", cli_ns, "run the name server"},
	{"names", "discover", cli_names_discover, "ask the network for name servers"},
	{"names", "list", cli_names_list, "list names by prefix, regex or tags"},
	{"names", "lookup", cli_names_lookup, "show what a name stands for"},
	{"names", "register", cli_names_register, "give a name to a reference"},
	{"names", "remove", cli_names_remove, "remove names"},
	{"names", "tag", cli_names_tag, "change the tags of a name"},
	{"names", "status", cli_names_status, "show how the name server is"},
	{"names", "watch", cli_names_watch, "print every change of names as it happens"},
	{NULL, "describe", cli_describe, "show what a server serves, as .proto text"},
	{NULL, "call", cli_call, "call any method, with JSON there and back"},
	{NULL, "ping", cli_ping, "see whether the daemon behind a reference answers"},
	{NULL, "top", cli_top, "show what a daemon does, live"},
	{NULL, "echo", cli_echo, "run a daemon with an object to try things with"},
	{"bench", "serve", cli_bench_serve, "serve the other side of a measurement"},
	{"bench", "call", cli_bench_call, "measure calls"},
	{NULL, "config", cli_config, "print the environment variables and their values"},
	{NULL, "version", cli_version, "print the version"},
};

#define ENTRY_COUNT (sizeof entries / sizeof entries[0])

/* "names list", or "ping" */
static void full_name(const entry *e, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", e->group ? e->group : "", e->group ? " " : "", e->name);
}

/* The commands of this group; NULL: all. */
static void print_entries(FILE *to, const char *group)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		char name[32];
		if (group && !(entries[i].group && strcmp(entries[i].group, group) == 0))
			continue;
		full_name(&entries[i], name, sizeof name);
		fprintf(to, "  %s%-16s%s %s\n", cli_style_text(to, CLI_BOLD), name,
			cli_style_text(to, CLI_PLAIN), entries[i].summary);
	}
}

static void print_help(FILE *to)
{
	fputs("usage: pyrite COMMAND [ARGUMENT...] [OPTION...]\n\n"
	      "Remote objects for C: names, daemons and calls from the command line.\n\n",
		to);
	print_entries(to, NULL);
	fputs("\n"
	      "'pyrite COMMAND --help' explains a command, with examples. A first try, in two\n"
	      "terminals:\n\n"
	      "  pyrite echo --listen 127.0.0.1:4711\n"
	      "  pyrite ping pyr:echo@127.0.0.1:4711\n\n"
	      "Where a command takes REF, that is a reference as 'pyrite echo' prints it, or a "
	      "name.\n\n"
	      "environment\n"
	      "  PYRITE_NS     HOST:PORT or unix:PATH of the name server (127.0.0.1:9790), with\n"
	      "                pyrs: before it over TLS; or discover[:[GROUP@][ADDRESS:PORT]]\n"
	      "  PYRITE_TOKEN  the token that the name server is shown\n"
	      "  PYRITE_...    'pyrite config' lists them all\n"
	      "  NO_COLOR      if set, no colours on a terminal either\n\n"
	      "exit status\n"
	      "  0 done, 1 the call failed (its gRPC status is on stderr), 2 wrong usage,\n"
	      "  130 and 143 ended by Ctrl-C and SIGTERM; servers then end with 0\n",
		to);
}

static bool is_group(const char *word)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++)
		if (entries[i].group && strcmp(entries[i].group, word) == 0)
			return true;
	return false;
}

static const entry *find(const char *group, const char *name)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		const entry *e = &entries[i];
		bool same_group = group ? e->group && strcmp(e->group, group) == 0 : !e->group;
		if (same_group && strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* The command whose name, or whose word within a group, is nearest to what was typed; or NULL. */
static const entry *find_nearest(const char *group, const char *typed)
{
	const char *words[2 * ENTRY_COUNT];
	const entry *of[2 * ENTRY_COUNT];
	size_t count = 0;
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		const entry *e = &entries[i];
		if (group && !(e->group && strcmp(e->group, group) == 0))
			continue;
		of[count] = e;
		words[count++] = e->name;
		if (e->group && !group) {
			of[count] = e;
			words[count++] = e->group;
		}
	}
	const char *nearest = cli_nearest(typed, words, count);
	for (size_t i = 0; nearest && i < count; i++)
		if (words[i] == nearest)
			return of[i];
	return NULL;
}

static int refuse(const char *group, const char *typed)
{
	const entry *meant = find_nearest(group, typed);
	fprintf(stderr, "pyrite: there is no command '%s%s%s'", group ? group : "",
		group ? " " : "", typed);
	if (meant) {
		char name[32];
		full_name(meant, name, sizeof name);
		fprintf(stderr, "; is it 'pyrite %s'?", name);
	}
	fprintf(stderr, "\n'pyrite%s%s --help' lists the commands\n", group ? " " : "",
		group ? group : "");
	return CLI_USAGE;
}

int cli_check_environment(void)
{
	pyr_error err;
	if (pyr_config_check(&err) == PYR_OK)
		return CLI_DONE;
	cli_fail(&err);
	return CLI_USAGE;
}

/* Help and `config` are for those who have it wrong. */
static bool needs_environment(const entry *e, int argc, char **argv)
{
	return e->run != cli_config && !(argc > 1 && is_help(argv[1]));
}

static int run_entry(const entry *e, int argc, char **argv)
{
	if (needs_environment(e, argc, argv) && cli_check_environment())
		return CLI_USAGE;
	return e->run(argc, argv);
}

static int run_in_group(const char *group, int argc, char **argv)
{
	if (argc == 0)
		fprintf(stderr, "pyrite: '%s' needs another word:\n", group);
	if (argc == 0 || is_help(argv[0])) {
		print_entries(argc ? stdout : stderr, group);
		fprintf(argc ? stdout : stderr, "\n'pyrite %s COMMAND --help' explains one\n",
			group);
		return argc ? CLI_DONE : CLI_USAGE;
	}
	const entry *e = find(group, argv[0]);
	return e ? run_entry(e, argc, argv) : refuse(group, argv[0]);
}

static int run(int argc, char **argv)
{
	if (strcmp(argv[0], "--version") == 0)
		return cli_version(1, argv);
	if (is_group(argv[0]))
		return run_in_group(argv[0], argc - 1, argv + 1);
	const entry *e = find(NULL, argv[0]);
	return e ? run_entry(e, argc, argv) : refuse(NULL, argv[0]);
}

/* "help names list" is "names list --help". */
static int help(int argc, char **argv)
{
	static char option[] = "--help";
	char *words[4] = {NULL};
	int count = 0;
	if (argc == 0) {
		print_help(stdout);
		return CLI_DONE;
	}
	for (; count < argc && count < 2; count++)
		words[count] = argv[count];
	words[count++] = option;
	return run(count, words);
}

/* What could not be written, to a full disk for instance, has not been done. */
static int finish(int result)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return result;
	fprintf(stderr, "pyrite: the output could not be written\n");
	return result == CLI_DONE ? CLI_FAILED : result;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	cli_signals_init();
	if (is_help(argv[1]))
		return finish(help(argc - 2, argv + 2));
	return finish(run(argc - 1, argv + 1));
}
